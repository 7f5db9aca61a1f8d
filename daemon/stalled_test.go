package daemon

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/setlogger/setlogger/api"
)

// flood appends more to bucket todos than a connection holds, and returns how many nodes that made.
func (s *served) flood(t *testing.T) int {
	t.Helper()
	text := strings.Repeat("x", 8<<10)
	const n = 1500 // 12 MB
	var lines strings.Builder
	for i := range n {
		fmt.Fprintf(&lines, `{"type":"CREATE_NODE","id":"%d","properties":{"text":%q}}`+"\n", i, text)
	}
	if got := s.call(t, "POST", "/v1/buckets/todos/actions", lines.String(), http.Header{"Content-Type": {api.LinesType}}); got.status != 200 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	return n
}

// TestStalledReader: one that does not read slows no writer and no other reader, and takes no memory for what it misses.
func TestStalledReader(t *testing.T) {
	s := serveOptions(t, Options{Data: filepath.Join(t.TempDir(), "data"), Write: time.Hour}) // however slow the machine is
	s.bucket(t, "todos")
	stalled, healthy := s.listen(t), s.listen(t)
	for _, e := range []*ear{stalled, healthy} {
		e.say(api.Subscription{Subscribe: "todos"})
	}
	healthy.until("the begin", func() bool { return true })
	n := s.flood(t)
	healthy.until("all", func() bool { return len(healthy.nodes) == n })
	stalled.until("all, once it reads", func() bool { return len(stalled.nodes) == n })
}

// TestStalledReaderAmongBeats: a sign of life that can't be sent, as a message is on its way to a reader who takes its time,
// ends nothing. The library waits 5 seconds with it.
func TestStalledReaderAmongBeats(t *testing.T) {
	s := serveOptions(t, Options{Data: filepath.Join(t.TempDir(), "data"), Write: time.Hour, Beat: time.Second})
	s.bucket(t, "todos")
	n := s.flood(t)
	stalled := s.listen(t)
	stalled.say(api.Subscription{Subscribe: "todos"})
	<-time.After(7 * time.Second)
	stalled.until("all, once it reads", func() bool { return len(stalled.nodes) == n })
}

// TestStalledReaderIsCutOff: one that takes nothing for as long as it may is let go.
func TestStalledReaderIsCutOff(t *testing.T) {
	s := serveOptions(t, Options{Data: filepath.Join(t.TempDir(), "data"), Write: 100 * time.Millisecond})
	s.bucket(t, "todos")
	s.flood(t)
	stalled := s.listen(t)
	stalled.say(api.Subscription{Subscribe: "todos"})
	for deadline := time.Now().Add(time.Minute); s.metrics(t)["setlogger_streams_cut_off_total"] == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it is not let go")
		}
	}
	for {
		if _, err := stalled.hear(); err != nil {
			return
		}
	}
}

// TestStalledReaderAtTheStop: one that takes nothing, not even the farewell, does not hold the stop up.
func TestStalledReaderAtTheStop(t *testing.T) {
	var log bytes.Buffer
	s := serveOptions(t, Options{Data: filepath.Join(t.TempDir(), "data"), Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelWarn}))})
	s.bucket(t, "todos")
	n := s.flood(t)
	stalled, healthy := s.listen(t), s.listen(t)
	for _, e := range []*ear{stalled, healthy} {
		e.say(api.Subscription{Subscribe: "todos"})
	}
	healthy.until("all, by when the other's connection is full", func() bool { return len(healthy.nodes) == n })
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if log.Len() > 0 {
		t.Errorf("it warned: %s", log.String())
	}
}
