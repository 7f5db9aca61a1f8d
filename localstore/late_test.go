package localstore

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/setlogger/setlogger/setlog"
)

const year = 365 * 24 * time.Hour

// lateNodes is how many nodes a bucket has that late entries arrive in: as many as SETLOGGER_NODES says, 1,000,000 for
// figure S12 of the project, else 20,000, or 4,000 under -short.
func lateNodes(t testing.TB) int {
	t.Helper()
	said, ok := os.LookupEnv("SETLOGGER_NODES")
	if !ok {
		return unlessShort(20_000, 4000)
	}
	n, err := strconv.Atoi(said)
	if err != nil || n < 200 {
		t.Fatalf("SETLOGGER_NODES=%s is not a number from 200", said)
	}
	return n
}

// TestLate: entries that were stamped a year ago lose where something was written since, show where nothing was, and
// cost about what fresh ones cost, which is printed and never judged.
func TestLate(t *testing.T) {
	rounds := unlessShort(100, 25)
	for _, synced := range []bool{false, true} {
		t.Run(map[bool]string{true: "synced", false: "nosync"}[synced], func(t *testing.T) {
			nodes := lateNodes(t)
			l := newLate(t, nodes, 2*rounds)
			bucket := l.open(t, !synced)
			t.Logf("%d nodes, overridden: %v", nodes, l.compare(t, bucket, "rank", 1, rounds))
			l.wantSeen(t, bucket, "rank", 0, rounds)
			t.Logf("%d nodes, shows: %v", nodes, l.compare(t, bucket, "note", 1, rounds))
			l.wantSeen(t, bucket, "note", rounds, rounds)
		})
	}
}

// wantSeen checks how many of the edited nodes show what each of the two devices wrote.
func (l *late) wantSeen(t *testing.T, b *Bucket, property string, away, fresh int) {
	t.Helper()
	seen := map[string]int{}
	for _, id := range l.ids {
		n, err := b.Node(id)
		if err != nil {
			t.Fatal(err)
		}
		var value map[string]any
		if err := json.Unmarshal(n.Value(), &value); err != nil {
			t.Fatal(err)
		}
		by, _, _ := strings.Cut(fmt.Sprint(value[property]), " ")
		seen[by]++
	}
	if seen["away"] != away || seen["fresh"] != fresh {
		t.Errorf("%s: %d nodes show what was written a year ago, %d what is fresh; want %d and %d", property, seen["away"], seen["fresh"], away, fresh)
	}
}

// BenchmarkLate is figure S12 of the project, where SETLOGGER_NODES is 1000000: an entry stamped a year ago, folded into
// a bucket of so many nodes, with a fresh one beside it.
func BenchmarkLate(b *testing.B) {
	nodes := lateNodes(b)
	l := newLate(b, nodes, max(200, nodes/50))
	for _, synced := range []bool{true, false} {
		b.Run(map[bool]string{true: "synced", false: "nosync"}[synced], func(b *testing.B) {
			bucket := l.open(b, !synced)
			for _, kind := range []struct {
				name, property string
				entries        int
			}{
				{"overridden", "rank", 1},
				{"shows", "note", 1},
				{"1000 overridden and flush", "rank", 1000},
				{"1000 shown and flush", "memo", 1000}, // what is overridden leaves less to flush
			} {
				b.Run(kind.name, func(b *testing.B) {
					var sum comparison
					for b.Loop() {
						sum.add(l.compare(b, bucket, kind.property, kind.entries, max(1, 100/kind.entries)))
					}
					b.ReportMetric(0, "ns/op") // of a hundred folds, and of composing them
					b.ReportMetric(median(sum.late)/float64(kind.entries), "late-ns/entry")
					b.ReportMetric(median(sum.fresh)/float64(kind.entries), "fresh-ns/entry")
					b.ReportMetric(median(sum.late)/median(sum.fresh), "ratio")
					b.ReportMetric(float64(sum.lateCPU)/float64(sum.freshCPU), "cpu-ratio")
				})
			}
		})
	}
}

// late is a bucket whose nodes were made two years ago, some of them edited since, and two devices elsewhere: one that
// has been away for a year, and one that is up to date.
type late struct {
	path        string
	now         time.Time
	clock       atomic.Int64 // of the bucket's device, in milliseconds
	ids         []string     // of the nodes edited since
	old         snapshot     // what those were
	away, fresh *stranger
	next        int // of ids
	turn        int // who folds first changes by turns
}

func newLate(t testing.TB, nodes, edited int) *late {
	l := &late{path: filepath.Join(t.TempDir(), "late.db"), now: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC), old: snapshot{}}
	l.clock.Store(l.now.Add(-2 * year).UnixMilli())
	bucket, err := Create(l.path, "bench", nil, l.options(true))
	if err != nil {
		t.Fatal(err)
	}
	bulkAppend(t, bucket, nodes, newNode, inOrder)
	for i := range edited {
		id := fmt.Sprintf("node-%012d", i*(nodes/edited))
		l.ids = append(l.ids, id)
		if l.old[id], err = bucket.Node(id); err != nil {
			t.Fatal(err)
		}
	}
	l.clock.Store(l.now.UnixMilli())
	bulkAppend(t, bucket, edited, update, func(i uint64) uint64 { return i * uint64(nodes/edited) })
	if err := bucket.Close(); err != nil {
		t.Fatal(err)
	}
	l.away, l.fresh = newStranger(1, l.now.Add(-year)), newStranger(2, l.now.Add(time.Minute))
	return l
}

func (l *late) options(noSync bool) Options {
	return Options{
		Now: func() time.Time { return time.UnixMilli(l.clock.Load()) }, NoSync: noSync, IdleFlush: time.Hour,
		machine: "m",
	}
}

// open opens the bucket, which is checked and closed when the test ends.
func (l *late) open(t testing.TB, noSync bool) *Bucket { return open(t, l.path, l.options(noSync)) }

// comparison is how long folds took, and their CPU time in all.
type comparison struct {
	late, fresh       []time.Duration
	lateCPU, freshCPU time.Duration
}

func (c *comparison) add(o comparison) {
	c.late, c.fresh = append(c.late, o.late...), append(c.fresh, o.fresh...)
	c.lateCPU, c.freshCPU = c.lateCPU+o.lateCPU, c.freshCPU+o.freshCPU
}

func (c comparison) String() string {
	late, fresh := median(c.late), median(c.fresh)
	return fmt.Sprintf("a late fold takes %.0f µs, a fresh one %.0f µs, ratio %.2f", late/1e3, fresh/1e3, late/fresh)
}

func median(d []time.Duration) float64 {
	slices.Sort(d)
	return float64(d[len(d)/2])
}

// compare folds segments of so many entries, late and fresh ones in turn. Those of more than one entry are flushed.
func (l *late) compare(t testing.TB, b *Bucket, property string, entries, rounds int) comparison {
	var c comparison
	for range rounds {
		l.turn++
		late := l.away.segment(t, b, l.old, l.bodies("away", property, entries))
		fresh := l.fresh.segment(t, b, b, l.bodies("fresh", property, entries))
		for _, first := range []bool{l.turn%2 == 0, l.turn%2 == 1} {
			if first {
				took, cpu := timedFold(t, b, late, entries > 1)
				c.late, c.lateCPU = append(c.late, took), c.lateCPU+cpu
			} else {
				took, cpu := timedFold(t, b, fresh, entries > 1)
				c.fresh, c.freshCPU = append(c.fresh, took), c.freshCPU+cpu
			}
		}
	}
	return c
}

// bodies are actions, each on the next of the edited nodes.
func (l *late) bodies(value, property string, n int) []string {
	bodies := make([]string, n)
	for i := range bodies {
		bodies[i] = fmt.Sprintf(`{"type":"SET_PROPERTY","id":%q,"property":%q,"value":"%s %d"}`, l.ids[l.next%len(l.ids)], property, value, l.next)
		l.next++
	}
	return bodies
}

func timedFold(t testing.TB, b *Bucket, in Incoming, flush bool) (took, cpu time.Duration) {
	used, start := cpuTime(), time.Now()
	folded, err := b.FoldAll(t.Context(), in)
	if err == nil && flush {
		err = b.Flush(t.Context())
	}
	took, cpu = time.Since(start), cpuTime()-used
	if err != nil || folded[0].Entries != len(in.Segment.Lines) {
		t.Fatal(folded, err)
	}
	return took, cpu
}

// snapshot is a state that somebody saw once.
type snapshot map[string]*setlog.Node

func (s snapshot) Node(id string) (*setlog.Node, error) { return s[id], nil }

// stranger is a device elsewhere that writes to a bucket by what it knows of it, and seals what it writes.
type stranger struct {
	key   ed25519.PrivateKey
	draft setlog.Draft
	chain setlog.Chain
}

func newStranger(seed byte, now time.Time) *stranger {
	key := ed25519.NewKeyFromSeed(slices.Repeat([]byte{seed}, ed25519.SeedSize))
	writer := setlog.WriterOf(public(key))
	return &stranger{key: key, draft: setlog.Draft{Writer: writer, Now: now, Clock: &setlog.Clock{}}, chain: setlog.FirstChain("bench", writer)}
}

func public(key ed25519.PrivateKey) ed25519.PublicKey {
	return ed25519.PublicKey(key[ed25519.SeedSize:])
}

// segment is one entry for each body.
func (s *stranger) segment(t testing.TB, b *Bucket, known setlog.State, bodies []string) Incoming {
	t.Helper()
	h := setlog.Header{Bucket: b.Name(), Births: b.Births(), Writer: s.draft.Writer, Key: public(s.key), First: s.draft.Number + 1, Previous: s.chain}
	var lines [][]byte
	for _, body := range bodies {
		s.draft.Number++
		s.draft.Salt = setlog.Salt(s.draft.Number)
		e, _, err := setlog.Compose(known, s.draft, actions(t, "%s", body))
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, e.Line)
		s.chain = s.chain.Next(e.Line)
	}
	name, data, err := setlog.EncodeSegment(h, lines, s.key)
	if err != nil {
		t.Fatal(err)
	}
	return decoded(t, name.String(), data)
}
