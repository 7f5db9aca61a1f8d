//go:build !slim || channels

package notify_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/notify"
	"github.com/setlogger/setlogger/remote/remotetest/brokers"
)

func TestAWS(t *testing.T) {
	b := brokers.AWS(t)
	b.Start(t)
	t.Run("leaves nothing", func(t *testing.T) { leavesNothingAtAWS(t, b.Channel) })
	if err := notify.SetUp(t.Context(), b.Channel); err != nil {
		t.Fatal(err)
	}
	if os.Getenv("SETLOGGER_SOAK") != "" {
		losesItsSubscription(t, b)
	}
	testChannel(t, b.Channel, 192<<10, b.Kill)
}

// losesItsSubscription: who sends nothing while somebody removes the topic, and makes it anew, has a queue that nothing comes to.
func losesItsSubscription(t *testing.T, b *brokers.Broker) {
	t.Helper()
	c := open(t, b.Channel, deviceA)
	brokers.AWSMakesAnew(t)
	noticed(t, c, "its topic was made anew", 100*time.Second)
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// leavesNothingAtAWS opens channels, has one of them die, and looks what stands at the service.
func leavesNothingAtAWS(t *testing.T, address string) {
	want := func(when string, devices ...string) {
		t.Helper()
		queues, endpoints := brokers.AWSQueues(t)
		if len(queues) != len(devices) || len(endpoints) != len(devices) {
			t.Errorf("%s, there are queues %q, subscribed %q", when, queues, endpoints)
		}
		for _, d := range devices {
			ofDevice := func(name string) bool {
				return strings.Contains(name, "setlogger-") && strings.Contains(name, "-"+d+"-")
			}
			if !slices.ContainsFunc(queues, ofDevice) || !slices.ContainsFunc(endpoints, ofDevice) {
				t.Errorf("%s, there is nothing of %s: queues %q, subscribed %q", when, d, queues, endpoints)
			}
		}
	}
	a, _ := open(t, address, deviceA), open(t, address, deviceB)
	want("with two devices", deviceA, deviceB)
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	want("after one left", deviceB)
	open(t, address, deviceB)
	want("after the one that died is back", deviceB)
	open(t, address, deviceA)
	if err := notify.TearDown(t.Context(), address, deviceA, false); err != nil {
		t.Error(err)
	}
	want("after a device was taken away", deviceB)
	for range 2 { // again is no error
		if err := notify.TearDown(t.Context(), address, deviceA, true); err != nil {
			t.Error(err)
		}
	}
	if _, err := notify.Open(t.Context(), address, deviceA); !errors.Is(err, remote.ErrNoTopic) {
		t.Errorf("the topic is gone: %v", err)
	}
	for range 2 {
		if err := notify.SetUp(t.Context(), address); err != nil {
			t.Error(err)
		}
	}
	want("after it was made again")
}

// TestAWSWantsALogin has none to find: neither a file nor a machine of AWS's.
func TestAWSWantsALogin(t *testing.T) {
	brokers.AWS(t) // for its environment
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	_, err := notify.Open(t.Context(), "awssnssqs://eu-central-1/share", deviceA)
	var hinted interface{ Hint() string }
	if !errors.Is(err, remote.ErrDenied) || !errors.As(err, &hinted) || hinted.Hint() == "" {
		t.Errorf("no login: %v", err)
	}
}

func TestAddressesOfAWS(t *testing.T) {
	longest := "awssnssqs://eu-central-1/" + strings.Repeat("a", 256)
	areAddresses(t, map[string]string{"awssnssqs://us-gov-west-1/share-a_1": "awssnssqs://us-gov-west-1/share-a_1", longest: longest})
}
