package brokers

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// NATS is a NATS server.
func NATS(t testing.TB) *Broker {
	t.Helper()
	port := freePort(t)
	address := "127.0.0.1:" + port
	return &Broker{
		Name: "NATS", Channel: "nats://" + address + "/share", address: address,
		line: []string{tool(t, "nats-server"), "-a", "127.0.0.1", "-p", port},
		raw:  func(t testing.TB) func() time.Duration { return rawNATS(t, address) },
	}
}

func rawNATS(t testing.TB, address string) func() time.Duration {
	t.Helper()
	var ends [2]*nats.Conn
	for i := range ends {
		c, err := nats.Connect("nats://" + address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		ends[i] = c
	}
	got, err := ends[1].SubscribeSync("raw")
	if err != nil {
		t.Fatal(err)
	}
	if err := ends[1].Flush(); err != nil {
		t.Fatal(err)
	}
	payload := make([]byte, rawSize)
	return func() time.Duration {
		began := time.Now()
		if err := ends[0].Publish("raw", payload); err != nil {
			t.Fatal(err)
		}
		if _, err := got.NextMsg(patience); err != nil {
			t.Fatal(err)
		}
		return time.Since(began)
	}
}
