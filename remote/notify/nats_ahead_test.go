package notify

import (
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// TestNATSAhead has somebody send faster than messages are taken: they fill no more memory than they may.
func TestNATSAhead(t *testing.T) {
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true})
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	defer func() { s.Shutdown(); s.WaitForShutdown() }()
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("NATS does not start")
	}
	opened, err := Open(t.Context(), "nats://"+s.Addr().String()+"/share", "")
	if err != nil {
		t.Fatal(err)
	}
	c, _ := opened.(*channel)
	large := make([]byte, c.most)
	for range 100 {
		if err := c.Send(t.Context(), large); err != nil {
			t.Fatal(err)
		}
	}
	own, _ := c.subscription.(*subject)
	if err := own.connection.FlushTimeout(time.Minute); err != nil { // all came, or were lost
		t.Fatal(err)
	}
	messages, size, err := own.coming.Pending()
	if err != nil || size < natsBytes/2 || size > natsBytes {
		t.Errorf("%d MiB wait, %v", size>>20, err)
	}
	for range messages {
		if m, err := c.Receive(t.Context()); err != nil || len(m) != len(large) {
			t.Fatalf("%d bytes, %v", len(m), err)
		}
	}
	if err := c.Send(t.Context(), []byte("after")); err != nil {
		t.Fatal(err)
	}
	if m, err := c.Receive(t.Context()); err != nil || string(m) != "after" {
		t.Errorf("after some were lost: %q, %v", m, err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}
