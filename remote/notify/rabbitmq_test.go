package notify_test

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

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
	if os.Getenv("SETLOGGER_SOAK") != "" {
		testExchangeMadeAnew(t, b.Channel)
		testExchangeMissed(t, b.Channel)
	}
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

// testExchangeMadeAnew: who sends nothing while somebody removes the exchange and makes it again hears of it again after a while.
func testExchangeMadeAnew(t *testing.T, address string) {
	t.Helper()
	deaf := open(t, address, deviceA)
	if err := errors.Join(notify.TearDown(t.Context(), address, deviceB, true), notify.SetUp(t.Context(), address)); err != nil {
		t.Fatal(err)
	}
	other := open(t, address, deviceB)
	heard := make(chan error, 1)
	go func() {
		_, err := deaf.Receive(t.Context())
		heard <- err
	}()
	tick, began := time.NewTicker(time.Second), time.Now()
	defer tick.Stop()
	for waits := true; waits; {
		if err := other.Send(t.Context(), []byte("m")); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-heard:
			waits = false
			if err != nil {
				t.Errorf("the exchange was made anew: %v", err)
			}
		case <-tick.C:
			if time.Since(began) > time.Minute {
				t.Fatal("it hears nothing any more")
			}
		}
	}
	t.Logf("it hears again after %v", time.Since(began).Round(time.Second))
	if err := errors.Join(deaf.Close(), other.Close()); err != nil {
		t.Error(err)
	}
}

// testExchangeMissed: a channel that sends nothing ends, too, when its exchange was removed.
func testExchangeMissed(t *testing.T, address string) {
	t.Helper()
	c := open(t, address, deviceA)
	if err := notify.TearDown(t.Context(), address, deviceB, true); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if _, err := c.Receive(t.Context()); !errors.Is(err, remote.ErrUnreachable) || !strings.Contains(err.Error(), "NOT_FOUND") {
		t.Errorf("the exchange was removed: %v", err)
	}
	t.Logf("that the exchange is gone is noticed after %v", time.Since(began).Round(time.Second))
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}
