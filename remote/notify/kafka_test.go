//go:build !slim || channels

package notify_test

import (
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/notify"
	"github.com/setlogger/setlogger/remote/remotetest/brokers"
)

func TestKafka(t *testing.T) {
	b := brokers.Kafka(t)
	b.Start(t)
	testFrozen(t, b)
	testChannel(t, b.Channel, 512<<10, b.Kill)
	if os.Getenv("SETLOGGER_SOAK") != "" {
		b.Start(t)
		noticesSilence(t, b)
	}
}

// TestKafkaLeavesNothing opens channels, has one of them die, and looks what stands at the service.
func TestKafkaLeavesNothing(t *testing.T) {
	b := brokers.Kafka(t)
	b.Start(t)
	want := func(when, keeps string, topics ...string) {
		t.Helper()
		got, groups, kept := brokers.KafkaState(t, b)
		if !slices.Equal(got, topics) || len(groups) > 0 || kept != keeps {
			t.Errorf("%s, there are topics %q, groups %q, and messages are kept for %s ms", when, got, groups, kept)
		}
	}
	sender := open(t, b.Channel, deviceA)
	open(t, b.Channel, deviceB) // it dies
	if err := sender.Send(t.Context(), []byte("for the one that died")); err != nil {
		t.Fatal(err)
	}
	again := open(t, b.Channel, deviceB)
	if err := sender.Send(t.Context(), []byte("new")); err != nil || receive(t, again) != "new" {
		t.Errorf("it hears what was sent while it was away: %v", err)
	}
	if err := notify.TearDown(t.Context(), b.Channel, deviceB, false); err != nil {
		t.Error(err)
	}
	want("after a device was taken away", "604800000", "raw", "share")
	for range 2 { // again is no error
		if err := notify.TearDown(t.Context(), b.Channel, deviceA, true); err != nil {
			t.Error(err)
		}
	}
	want("after all was taken away", "", "raw")
	if _, err := notify.Open(t.Context(), b.Channel, deviceA); !errors.Is(err, remote.ErrNoTopic) {
		t.Errorf("the topic is gone: %v", err)
	}
	if err := sender.Send(t.Context(), []byte("x")); !errors.Is(err, remote.ErrNoTopic) {
		t.Errorf("the topic is gone: %v", err)
	}
	if err := untilError(again); !errors.Is(err, remote.ErrNoTopic) {
		t.Errorf("the topic is gone: %v", err)
	}
	for range 2 {
		if err := notify.SetUp(t.Context(), b.Channel); err != nil {
			t.Error(err)
		}
	}
	want("after it was made again", "600000", "raw", "share")
	if err := open(t, b.Channel, deviceA).Close(); err != nil {
		t.Error(err)
	}
}

func TestKafkaWantsALogin(t *testing.T) {
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		t.Run(mechanism, func(t *testing.T) {
			b := brokers.KafkaWithLogins(t, mechanism)
			b.Start(t)
			as := func(login string) string {
				return strings.Replace(b.Channel, "://", "://"+login+"@", 1) + "?sasl=" + strings.ToLower(mechanism)
			}
			ada := open(t, as("ada:secret"), deviceA)
			if err := ada.Send(t.Context(), []byte("hello")); err != nil || receive(t, ada) != "hello" {
				t.Errorf("the right login: %v", err)
			}
			wrong, none := openError(t, as("ada:wrong")), openError(t, b.Channel)
			if mechanism == "PLAIN" && !errors.Is(wrong, remote.ErrDenied) { // of the others the fake ends the connection, as where there is no login
				t.Errorf("a wrong password: %v", wrong)
			}
			if !errors.Is(none, remote.ErrUnreachable) || !strings.Contains(remote.Hint(none), "login") {
				t.Errorf("no login: %v; %s", none, remote.Hint(none))
			}
			guest := open(t, as("guest:secret"), deviceB)
			if err := guest.Send(t.Context(), []byte("x")); !errors.Is(err, remote.ErrDenied) {
				t.Errorf("a login that may read alone sends: %v", err)
			}
			if err := notify.SetUp(t.Context(), as("guest:secret")); err != nil {
				t.Errorf("a login that may not make the topic, which is there: %v", err)
			}
			if err := notify.TearDown(t.Context(), as("guest:secret"), deviceB, true); !errors.Is(err, remote.ErrDenied) {
				t.Errorf("a login that may not remove the topic: %v", err)
			}
			if err := ada.Send(t.Context(), make([]byte, 100<<10)); !errors.Is(err, remote.ErrTooLarge) {
				t.Errorf("a message over what the server takes: %v", err)
			}
		})
	}
}

// TestKafkaByTLS has a server whose certificate nobody knows.
func TestKafkaByTLS(t *testing.T) {
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	err := openError(t, "kafkas://"+s.Listener.Addr().String()+"/share")
	if !errors.Is(err, remote.ErrUnreachable) || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("a certificate that nobody knows: %v", err)
	}
}

// TestKafkaBySecondServer names a server first that is down.
func TestKafkaBySecondServer(t *testing.T) {
	b := brokers.Kafka(t)
	b.Start(t)
	began := time.Now()
	if err := open(t, strings.Replace(b.Channel, "://", "://127.0.0.1:1,", 1), deviceA).Close(); err != nil {
		t.Error(err)
	}
	t.Logf("it is open after %v", time.Since(began).Round(time.Millisecond))
}

func TestKafkaAddresses(t *testing.T) {
	areAddresses(t, map[string]string{
		"kafka://host/share.a-b_1":            "kafka://host/share.a-b_1",
		"kafka://ada:s@h:9092,h2:9093/share":  "kafka://***@h:9092,h2:9093/share",
		"kafkas://a:s@h/t?sasl=scram-sha-256": "kafkas://***@h/t?sasl=scram-sha-256",
	})
}
