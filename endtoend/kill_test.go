package endtoend

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	connections = 64 // each with single appends
	leastAcked  = 50 // acknowledged between two kills
	bulkLines   = 100
	lifeKills   = 50 // kills of one data folder; then its remote is judged, and a new one begins
)

// TestKillUnderLoad kills the daemon with SIGKILL under load, again and again, and looks for every acknowledged entry:
// after each restart through the API, and at the end of each life on the remote.
func TestKillUnderLoad(t *testing.T) {
	kills := setting(t, "SETLOGGER_KILLS", 1000)
	if soak() {
		kills = setting(t, "SETLOGGER_KILLS", 10_000)
	}
	seed := uint64(setting(t, "SETLOGGER_SEED", int(time.Now().UnixNano()&0xffffff)))
	t.Logf("seed %d", seed)
	s := &slaughter{chance: rand.New(rand.NewPCG(seed, 1)), phases: map[string]int{}}
	start := time.Now()
	for s.kills < kills && !t.Failed() {
		s.life(t, min(lifeKills, kills-s.kills))
	}
	s.phases["start and replay"] = s.startKills
	for _, phase := range slices.Sorted(maps.Keys(s.phases)) {
		t.Logf("kills during %-34s %6d", phase, s.phases[phase])
	}
	t.Logf("kills under load %d, kills while starting %d, acknowledged entries %d, unanswered requests %d, lost %d (%v)",
		s.kills, s.startKills, s.acked, s.unanswered, s.lost, time.Since(start).Round(time.Second))
}

// slaughter counts over all lives.
type slaughter struct {
	chance     *rand.Rand
	phases     map[string]int
	kills      int
	startKills int
	acked      int
	unanswered int
	lost       int
}

// life is one data folder through many kills.
func (s *slaughter) life(t *testing.T, kills int) {
	share := filepath.Join(t.TempDir(), "share")
	if err := os.Mkdir(share, 0o755); err != nil {
		t.Fatal(err)
	}
	d := newStarted(t, "k", share)
	d.run(t, "bucket", "create", "b", "--remote", "share")
	acked := map[entryID]string{} // to a node that the entry makes
	offset := ""
	for round := range kills {
		fresh := s.round(t, d, round, share)
		if round%10 == 9 {
			s.killWhileStarting(t, d)
		}
		d.start(t)
		var entries []logEntry
		entries, offset = d.log(t, "b", offset)
		s.judge(t, "the log", fresh, present(entries))
		maps.Copy(acked, fresh)
		if t.Failed() {
			return
		}
	}
	agree(t, "b", d)
	entries, _ := d.log(t, "b", "")
	s.judge(t, "the whole log", acked, present(entries))
	s.judge(t, "the remote", acked, entriesOn(t, share))
	d.run(t, "verify")
	d.stop(t)
	s.acked += len(acked)
}

// killWhileStarting kills a daemon that has not answered yet, or just so.
func (s *slaughter) killWhileStarting(t *testing.T, d *device) {
	d.launch(t)
	time.Sleep(time.Duration(s.chance.IntN(60)) * time.Millisecond) // the chance is the point, nothing is waited for
	d.kill(t)
	s.startKills++
}

// judge looks for each acknowledged entry and for the node it makes.
func (s *slaughter) judge(t *testing.T, where string, acked map[entryID]string, there map[entryID][]string) {
	t.Helper()
	for id, node := range acked {
		if !slices.Contains(there[id], node) {
			s.lost++
			t.Errorf("LOST: entry %s:%d (node %s) was acknowledged and is not in %s", id.Writer, id.Number, node, where)
		}
		if s.lost > 20 {
			t.Fatal("and more")
		}
	}
}

func present(entries []logEntry) map[entryID][]string {
	there := make(map[entryID][]string, len(entries))
	for _, e := range entries {
		ids := []string{}
		for _, action := range e.Entry.Actions {
			ids = append(ids, action.ID)
		}
		there[entryID{e.Writer, e.Entry.Number}] = ids
	}
	return there
}

// round loads the daemon until enough is acknowledged, kills it with requests under way, and answers what it
// acknowledged. A kill that no request was waiting for does not count.
func (s *slaughter) round(t *testing.T, d *device, round int, share string) map[entryID]string {
	t.Helper()
	l := &load{device: d, acked: map[entryID]string{}, enough: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	begun, leftover := time.Now(), newest(t, share).partial
	for c := range connections {
		l.running.Go(func() { l.singles(ctx, fmt.Sprintf("%d-%d", round, c)) })
	}
	l.running.Go(func() { l.bulk(ctx, fmt.Sprintf("%d-bulk", round)) })
	select {
	case <-l.enough:
	case <-time.After(startTime):
		t.Fatalf("not %d acknowledgements in %v; the daemon printed:\n%s", leastAcked, startTime, d.printed())
	}
	time.Sleep(time.Duration(s.chance.IntN(80)) * time.Millisecond) // the moment of the kill is left to chance
	before := newest(t, share)
	waiting := l.waiting.Load()
	d.kill(t)
	after := newest(t, share)
	before.partial = leftover
	s.phases[phaseOf(before, after, time.Since(begun))]++
	cancel()
	l.running.Wait()
	if waiting > 0 && l.unanswered.Load() > 0 {
		s.kills++
	}
	s.unanswered += int(l.unanswered.Load())
	return l.acked
}

// load is many clients of one daemon.
type load struct {
	device     *device
	running    sync.WaitGroup
	waiting    atomic.Int64 // requests sent and not answered
	unanswered atomic.Int64 // requests that the kill broke
	enough     chan struct{}

	mu    sync.Mutex
	acked map[entryID]string
}

// singles appends one action after the other until it fails.
func (l *load) singles(ctx context.Context, name string) {
	for i := 0; ; i++ {
		node := fmt.Sprintf("%s-%d", name, i)
		l.waiting.Add(1)
		id, err := l.device.appendOne(ctx, "b", fmt.Sprintf(`{"type":"CREATE_NODE","id":%q,"properties":{"n":%d}}`, node, i))
		l.waiting.Add(-1)
		if err != nil {
			l.unanswered.Add(1)
			return
		}
		l.ack(id, node)
	}
}

// bulk appends many actions a request until it fails. Of each acknowledged request the last line is looked for: those
// before it have lower numbers of the same writer, and the chain that verify checks has no gap.
func (l *load) bulk(ctx context.Context, name string) {
	for i := 0; ; i++ {
		var lines bytes.Buffer
		for j := range bulkLines {
			fmt.Fprintf(&lines, `{"type":"CREATE_NODE","id":"%s-%d-%d","properties":{}}`+"\n", name, i, j)
		}
		l.waiting.Add(1)
		answer, err := l.device.appendLines(ctx, "b", lines.Bytes())
		l.waiting.Add(-1)
		if err != nil {
			l.unanswered.Add(1)
			return
		}
		if answer.Committed == bulkLines {
			l.ack(entryID{answer.Writer, answer.Last}, fmt.Sprintf("%s-%d-%d", name, i, bulkLines-1))
		}
	}
}

func (l *load) ack(id entryID, node string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.acked[id] = node
	if len(l.acked) == leastAcked {
		close(l.enough)
	}
}

// remoteActivity is what the share showed at a moment.
type remoteActivity struct {
	whole   int
	partial map[string]bool // files that have not their name yet; kills leave some behind
	written time.Time       // when the newest file was
}

func newest(t *testing.T, share string) remoteActivity {
	t.Helper()
	a := remoteActivity{partial: map[string]bool{}}
	for _, file := range filesBelow(t, share) {
		if strings.HasSuffix(file, ".gz") || strings.HasSuffix(file, ".json") {
			a.whole++
		} else {
			a.partial[file] = true
		}
		if info, err := os.Stat(file); err == nil && info.ModTime().After(a.written) {
			a.written = info.ModTime()
		}
	}
	return a
}

// phaseOf names what the daemon was seen doing when the kill came, beside appending.
func phaseOf(before, after remoteActivity, age time.Duration) string {
	for file := range after.partial {
		if !before.partial[file] {
			return "append + push, file half written"
		}
	}
	switch {
	case after.whole > before.whole:
		return "append + push, file just done"
	case time.Since(after.written) < 50*time.Millisecond:
		return "append + push, within 50 ms"
	case age < 50*time.Millisecond:
		return "append, first 50 ms"
	}
	return "append"
}

func setting(t testing.TB, name string, otherwise int) int {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	value, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return value
}
