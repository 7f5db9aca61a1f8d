package notify_test

import (
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/notify"
)

// startNATS starts a NATS server in this process, on a port of its own or one that is given, and answers its address and its end.
func startNATS(t *testing.T, change func(o *server.Options)) (address string, stop func()) {
	t.Helper()
	o := &server.Options{Host: "127.0.0.1", Port: server.RANDOM_PORT, NoLog: true, NoSigs: true, MaxPayload: 64 << 10}
	if change != nil {
		change(o)
	}
	s, err := server.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	stop = func() { s.Shutdown(); s.WaitForShutdown() }
	t.Cleanup(stop)
	if !s.ReadyForConnections(10 * time.Second) {
		t.Fatal("NATS does not start")
	}
	return s.Addr().String(), stop
}

func TestNATS(t *testing.T) {
	address, stop := startNATS(t, nil)
	testChannel(t, "nats://"+address+"/share", 64<<10, stop)
}

func TestNATSWantsALogin(t *testing.T) {
	address, _ := startNATS(t, func(o *server.Options) { o.Username, o.Password = "ada", "secret" })
	if _, err := notify.Open(t.Context(), "nats://ada:wrong@"+address+"/share", deviceA); !errors.Is(err, remote.ErrDenied) {
		t.Errorf("a wrong password: %v", err)
	}
	c, err := notify.Open(t.Context(), "nats://ada:secret@"+address+"/share", deviceA)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// TestNATSForbids: what a login may not do ends the channel, by that name.
func TestNATSForbids(t *testing.T) {
	address, _ := startNATS(t, func(o *server.Options) {
		for name, may := range map[string]*server.Permissions{
			"reader": {Publish: &server.SubjectPermission{Deny: []string{">"}}}, "writer": {Subscribe: &server.SubjectPermission{Deny: []string{">"}}},
		} {
			o.Users = append(o.Users, &server.User{Username: name, Password: "secret", Permissions: may})
		}
	})
	if _, err := notify.Open(t.Context(), "nats://writer:secret@"+address+"/share", deviceA); !errors.Is(err, remote.ErrDenied) {
		t.Errorf("a login that may not subscribe: %v", err)
	}
	c := open(t, "nats://reader:secret@"+address+"/share", deviceA)
	defer func() { _ = c.Close() }() // the server has closed it
	if err := c.Send(t.Context(), []byte("m")); err != nil {
		t.Fatal(err)
	}
	if err := untilError(c); !errors.Is(err, remote.ErrDenied) {
		t.Errorf("a login that may not publish: %v", err)
	}
}
