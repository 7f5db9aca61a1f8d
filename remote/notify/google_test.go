//go:build !slim || channels

package notify_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/notify"
	"github.com/setlogger/setlogger/remote/remotetest/brokers"
)

func TestGoogle(t *testing.T) {
	b := brokers.Google(t)
	b.Start(t)
	testChannel(t, b.Channel, 1<<20, b.Kill)
	if os.Getenv("SETLOGGER_SOAK") != "" {
		b.Start(t)
		hearsOverEndsOfStreams(t, b.Channel)
		losesItsTopic(t, b)
		noticesSilence(t, b)
	}
}

// TestGoogleLeavesNothing opens channels, has one of them die, and looks what stands at the service.
func TestGoogleLeavesNothing(t *testing.T) {
	b := brokers.Google(t)
	b.Start(t)
	want := func(when string, devices ...string) {
		t.Helper()
		var names []string
		for _, d := range devices {
			names = append(names, "projects/setlogger-test/subscriptions/setlogger-"+d)
		}
		if got := brokers.GoogleSubscriptions(t, b); !slices.Equal(got, names) {
			t.Errorf("%s, there is %q", when, got)
		}
	}
	a, _ := open(t, b.Channel, deviceA), open(t, b.Channel, deviceB)
	want("with two devices", deviceA, deviceB)
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	want("after one left", deviceB)
	sender := open(t, b.Channel, deviceA)
	if err := sender.Send(t.Context(), []byte("kept for the one that died")); err != nil {
		t.Fatal(err)
	}
	again := open(t, b.Channel, deviceB)
	want("after the one that died is back", deviceA, deviceB)
	if err := sender.Send(t.Context(), []byte("new")); err != nil || receive(t, again) != "new" {
		t.Errorf("it hears what was kept for it: %v", err)
	}
	if err := notify.TearDown(t.Context(), b.Channel, deviceA, false); err != nil {
		t.Error(err)
	}
	want("after a device was taken away", deviceB)
	for range 2 { // again is no error
		if err := notify.TearDown(t.Context(), b.Channel, deviceA, true); err != nil {
			t.Error(err)
		}
	}
	if _, err := notify.Open(t.Context(), b.Channel, deviceA); !errors.Is(err, remote.ErrNoTopic) {
		t.Errorf("the topic is gone: %v", err)
	}
	if err := sender.Send(t.Context(), []byte("x")); !errors.Is(err, remote.ErrNoTopic) {
		t.Errorf("the topic is gone: %v", err)
	}
	for range 2 {
		if err := notify.SetUp(t.Context(), b.Channel); err != nil {
			t.Error(err)
		}
	}
	if err := open(t, b.Channel, deviceA).Close(); err != nil {
		t.Error(err)
	}
}

// TestGoogleWantsALogin has none to find: neither a file nor a machine of Google's.
func TestGoogleWantsALogin(t *testing.T) {
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", filepath.Join(t.TempDir(), "none.json"))
	_, err := notify.Open(t.Context(), "gcppubsub://setlogger-test/share", deviceA)
	var hinted interface{ Hint() string }
	if !errors.Is(err, remote.ErrDenied) || !errors.As(err, &hinted) || hinted.Hint() == "" {
		t.Errorf("no login: %v", err)
	}
}

// hearsOverEndsOfStreams sends until the fake has ended a stream twice, and misses nothing.
func hearsOverEndsOfStreams(t *testing.T, address string) {
	t.Helper()
	c := open(t, address, deviceA)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for i := range 300 {
		<-tick.C
		if err := c.Send(t.Context(), []byte(fmt.Sprint(i))); err != nil || receive(t, c) != fmt.Sprint(i) {
			t.Fatalf("message %d: %v", i, err)
		}
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// losesItsTopic: who sends nothing while somebody removes the topic, and makes it anew, has a subscription that nothing comes to.
func losesItsTopic(t *testing.T, b *brokers.Broker) {
	t.Helper()
	c := open(t, b.Channel, deviceA)
	brokers.GoogleMakesAnew(t, b)
	noticed(t, c, "its topic was made anew", time.Minute)
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// noticesSilence stops the process of the service, which keeps its connections.
func noticesSilence(t *testing.T, b *brokers.Broker) {
	t.Helper()
	c := open(t, b.Channel, deviceA)
	b.Freeze(t)
	noticed(t, c, "a service that is silent", 10*time.Minute)
}

func TestAddressesOfGoogle(t *testing.T) {
	longest := "gcppubsub://my-project/" + strings.Repeat("a", 255)
	areAddresses(t, map[string]string{"gcppubsub://my-project/share.a-b_1": "gcppubsub://my-project/share.a-b_1", "gcppubsub://my-project/abc": "gcppubsub://my-project/abc", longest: longest})
}
