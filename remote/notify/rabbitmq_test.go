package notify_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/notify"
	"github.com/setlogger/setlogger/remote/remotetest/brokers"
)

func TestRabbitMQ(t *testing.T) {
	b := brokers.RabbitMQ(t)
	b.Start(t)
	wrong := strings.Replace(b.Channel, "guest:guest@", "guest:wrong@", 1)
	if _, err := notify.Open(t.Context(), wrong, deviceA); !errors.Is(err, remote.ErrDenied) {
		t.Errorf("a wrong password: %v", err)
	}
	for range 2 { // again is no error
		if err := notify.SetUp(t.Context(), b.Channel); err != nil {
			t.Error(err)
		}
	}
	for range 2 {
		if err := notify.TearDown(t.Context(), b.Channel, deviceA, true); err != nil {
			t.Error(err)
		}
	}
	if err := brokers.RabbitMQLacks(b); err != nil {
		t.Errorf("the exchange was removed: %v", err)
	}
	testExchangeRemoved(t, b.Channel)
	testFrozen(t, b)
	testChannel(t, b.Channel, 1<<20, b.Kill)
}

// testExchangeRemoved: a channel whose exchange somebody removes ends with the next message, and an opened one has it again.
func testExchangeRemoved(t *testing.T, address string) {
	t.Helper()
	c := open(t, address, deviceA)
	if err := notify.TearDown(t.Context(), address, deviceB, true); err != nil {
		t.Fatal(err)
	}
	if err := c.Send(t.Context(), []byte("m")); err != nil {
		t.Fatal(err)
	}
	if err := untilError(c); !errors.Is(err, remote.ErrUnreachable) || !strings.Contains(err.Error(), "NOT_FOUND") {
		t.Errorf("the exchange was removed: %v", err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}
