//go:build !slim || channels

package notify_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/notify"
	"github.com/setlogger/setlogger/remote/remotetest/brokers"
)

func TestAzure(t *testing.T) {
	b := brokers.Azure(t)
	b.Start(t)
	testChannel(t, b.Channel, 192<<10, b.Kill)
	if os.Getenv("SETLOGGER_SOAK") != "" {
		b.Start(t)
		noticesSilence(t, b)
	}
}

// TestAzureLeavesNothing opens channels, has one of them die, and looks what stands at the service.
func TestAzureLeavesNothing(t *testing.T) {
	b := brokers.Azure(t)
	b.Start(t)
	want := func(when string, devices ...string) {
		t.Helper()
		var all []string
		for _, d := range devices {
			all = append(all, "setlogger-"+d+" PT1M PT1H")
		}
		got := brokers.AzureSubscriptions(t, b)
		slices.Sort(got)
		if !slices.Equal(got, all) {
			t.Errorf("%s, there is %q", when, got)
		}
	}
	a, _ := open(t, b.Channel, deviceA), open(t, b.Channel, deviceB) // the second dies
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
	if err := untilError(sender); !errors.Is(err, remote.ErrUnreachable) || errors.Is(err, remote.ErrNoTopic) {
		t.Errorf("its subscription is gone: %v", err)
	}
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

// TestAzureEndsIdleLinks has the service end all links, time and again, and misses nothing.
func TestAzureEndsIdleLinks(t *testing.T) {
	b := brokers.Azure(t)
	b.Start(t)
	ends := []remote.Channel{open(t, b.Channel, deviceA), open(t, b.Channel, deviceB)}
	for i := range 10 {
		if i > 0 {
			brokers.AzureEndsLinks(t, b)
		}
		m := fmt.Sprint("message ", i)
		if err := ends[i%2].Send(t.Context(), []byte(m)); err != nil {
			t.Fatal(err)
		}
		for _, c := range ends {
			if got := receive(t, c); got != m {
				t.Errorf("it received %q in place of %q", got, m)
			}
		}
	}
	for _, c := range ends {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestAzureWantsALogin(t *testing.T) {
	b := brokers.Azure(t)
	b.Start(t)
	channel := open(t, b.Channel, deviceA)
	for name, change := range map[string]func(){
		"a wrong key":              func() { brokers.AzureLogin(t, b, "all", "wrong") },
		"a login that may receive": func() { brokers.AzureLogin(t, b, "listen", "secret") },
		"no login":                 func() { t.Setenv("SERVICEBUS_CONNECTION_STRING", "") },
		"a login to another": func() {
			t.Setenv("SERVICEBUS_CONNECTION_STRING", "Endpoint=sb://other.servicebus.windows.net/;SharedAccessKeyName=a;SharedAccessKey=s")
		},
		"no connection string": func() { t.Setenv("SERVICEBUS_CONNECTION_STRING", "secret") },
	} {
		change()
		for verb, err := range map[string]error{
			"open": openError(t, b.Channel), "set up": notify.SetUp(t.Context(), b.Channel), "tear down": notify.TearDown(t.Context(), b.Channel, deviceA, true),
		} {
			if !errors.Is(err, remote.ErrDenied) || remote.Hint(err) == "" || strings.Contains(err.Error(), "secret") {
				t.Errorf("%s: %s: %v", name, verb, err)
			}
		}
	}
	if err := channel.Close(); err != nil {
		t.Error(err)
	}
}

func TestAzureIsAway(t *testing.T) {
	b := brokers.Azure(t) // for its environment
	if err := openError(t, b.Channel); !errors.Is(err, remote.ErrUnreachable) {
		t.Errorf("nothing listens there: %v", err)
	}
}

func TestAzureAddresses(t *testing.T) {
	areAddresses(t, map[string]string{
		"azuresb://my.servicebus.windows.net/share.a-b_1": "azuresb://my.servicebus.windows.net/share.a-b_1",
	})
}
