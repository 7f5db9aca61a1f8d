package notify_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/notify"
	"github.com/setlogger/setlogger/remote/remotetest/brokers"
)

const (
	deviceA = "0123456789abcdef0123456789abcdef"
	deviceB = "fedcba9876543210fedcba9876543210"
)

// channelTime bounds what a service may take for a message.
const channelTime = 30 * time.Second

func open(t *testing.T, address, device string) remote.Channel {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), channelTime)
	defer cancel()
	c, err := notify.Open(ctx, address, device)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// openError answers why a channel does not open.
func openError(t *testing.T, address string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), channelTime)
	defer cancel()
	_, err := notify.Open(ctx, address, deviceA)
	return err
}

func receive(t *testing.T, c remote.Channel) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), channelTime)
	defer cancel()
	m, err := c.Receive(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return string(m)
}

// noticed waits until a channel that nothing comes through any more says so.
func noticed(t *testing.T, c remote.Channel, what string, within time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	began := time.Now()
	if _, err := c.Receive(ctx); !errors.Is(err, remote.ErrUnreachable) {
		t.Errorf("%s: %v", what, err)
	}
	t.Logf("%s: it is noticed after %v", what, time.Since(began).Round(time.Second))
}

// testChannel tries what a channel promises of a service: each device gets each message, those of others and its own; none is
// over the limit; and once the service is stopped, the channel says so.
func testChannel(t *testing.T, address string, most int, stop func()) {
	t.Helper()
	a, b := open(t, address, deviceA), open(t, address, deviceB)
	var want []string
	for i := range 20 {
		m := fmt.Sprintf("%d\x00%s", i, strings.Repeat("\xff", 100*i)) // any bytes
		want = append(want, m)
		if err := a.Send(t.Context(), []byte(m)); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(want)
	for name, c := range map[string]remote.Channel{"the sender": a, "the other": b} {
		var got []string
		for range want {
			got = append(got, receive(t, c))
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s received %q", name, got)
		}
	}
	if err := a.Send(t.Context(), make([]byte, most+1)); !errors.Is(err, remote.ErrTooLarge) {
		t.Errorf("a message over the limit: %v", err)
	}
	large := bytes.Repeat([]byte("x"), most/2)
	if err := b.Send(t.Context(), large); err != nil || receive(t, a) != string(large) {
		t.Errorf("a large message: %v", err)
	}
	logRoundTrip(t, a, b)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := a.Receive(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a wait that was ended: %v", err)
	}
	if stop != nil {
		stop()
		if err := untilError(b); !errors.Is(err, remote.ErrUnreachable) {
			t.Errorf("the service was stopped: %v", err)
		}
		if _, err := notify.Open(t.Context(), address, deviceA); !errors.Is(err, remote.ErrUnreachable) {
			t.Errorf("the service was stopped: %v", err)
		}
	}
	for _, c := range []remote.Channel{a, b} {
		if err := c.Close(); err != nil && stop == nil {
			t.Error(err)
		}
	}
}

// testFrozen: a service that hangs, with its connections open, holds up nobody who lets go of a channel.
func testFrozen(t *testing.T, b *brokers.Broker) {
	t.Helper()
	c := open(t, b.Channel, deviceA)
	b.Freeze(t)
	defer b.Thaw(t)
	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	_ = c.Send(ctx, []byte("m")) // some only take it
	_ = c.Close()                // it may say that the service does not answer
	t.Logf("it lets go after %v", time.Since(began).Round(time.Millisecond))
	if took := time.Since(began); took > 8*time.Second {
		t.Errorf("it lets go after %v", took)
	}
}

// untilError receives what was under way, and answers the error after it.
func untilError(c remote.Channel) error {
	ctx, cancel := context.WithTimeout(context.Background(), channelTime)
	defer cancel()
	for {
		if _, err := c.Receive(ctx); err != nil {
			return err
		}
	}
}

// logRoundTrip says how long a message takes to the other and one back.
func logRoundTrip(t *testing.T, a, b remote.Channel) {
	t.Helper()
	var took []time.Duration
	for i := range 30 {
		m := fmt.Sprint("round trip ", i)
		began := time.Now()
		for _, c := range []remote.Channel{a, b} {
			if err := c.Send(t.Context(), []byte(m)); err != nil {
				t.Fatal(err)
			}
			other := b
			if c == b {
				other = a
			}
			for receive(t, other) != m { // its own, and those of before, lie between
			}
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	t.Logf("a round trip takes %v, median, and %v at most", took[len(took)/2], took[len(took)-1])
}

// areAddresses checks addresses, and how each is shown.
func areAddresses(t *testing.T, all map[string]string) {
	t.Helper()
	for address, masked := range all {
		if err := notify.Check(address); err != nil {
			t.Errorf("%s: %v", address, err)
		}
		if got := notify.Mask(address); got != masked {
			t.Errorf("%s is shown as %s", address, got)
		}
	}
}

func TestAddresses(t *testing.T) {
	areAddresses(t, map[string]string{
		"nats://host:4222/subject":            "nats://host:4222/subject",
		"nats://ada:sec%40ret@host/a.b-c_1":   "nats://***@host/a.b-c_1",
		"tls://token@host:4222/subject":       "tls://***@host:4222/subject",
		"amqp://ada:s@host/exchange?vhost=v":  "amqp://***@host/exchange?vhost=v",
		"nats://ada:s@host/subject?creds=/f@": "nats://***@host/subject?creds=/f@",
	})
	for _, address := range []string{
		"", "subject", "nats://", "nats://host", "nats:///subject", "nats://host/a/b", "nats://host/a.*", "nats://host/>", "ftp://host/x", "nats://u:p%zz@host/x",
		"gcppubsub://my-project", "gcppubsub://My/share", "gcppubsub://my-project/ab", "gcppubsub://my-project/1ab", "gcppubsub://my-project/googles", "gcppubsub://u@my-project/share",
		"gcppubsub://my-project/share?x=y", "gcppubsub://projects/my-project/topics/share", "awssnssqs://eu-central-1", "awssnssqs://europe/share", "awssnssqs://eu-central-1/a.b", "awssnssqs://eu-central-1/share.fifo",
		"awssnssqs://u@eu-central-1/share", "awssns:///arn:aws:sns:eu-central-1:1:share", "kafka://host", "kafka://host/a/b", "kafka:///topic", "kafka://host,/topic", "kafka://ada@host/topic",
		"kafka://host/topic?sasl=oauth", "kafka://host/topic?x=y", "kafka://host/" + strings.Repeat("a", 250),
		"awssnssqs://eu-central-1/" + strings.Repeat("a", 257), "gcppubsub://my-project/" + strings.Repeat("a", 256),
		"azuresb://topic", "azuresb:///topic", "azuresb://my.servicebus.windows.net", "azuresb://key:s@my.servicebus.windows.net/topic", "azuresb://my.servicebus.windows.net/topic?x=y",
	} {
		err := notify.Check(address)
		var e *notify.AddressError
		if !errors.As(err, &e) || e.Hint() == "" {
			t.Errorf("%q: %v", address, err)
		}
		if err != nil && strings.Contains(err.Error(), "p%zz") {
			t.Errorf("the error repeats the login: %v", err)
		}
	}
}
