package replica_test

import (
	"context"
	"fmt"
	"math/bits"
	"os"
	"strings"
	"testing"

	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/disk"
	"github.com/setlogger/setlogger/remote/faulty"
	"github.com/setlogger/setlogger/remote/memory"
	"github.com/setlogger/setlogger/setlog"
)

// forget removes all files of a folder: what is left must do.
func forget(t *testing.T, share remote.Storage, folder string) {
	t.Helper()
	for _, name := range names(t, share, folder) {
		if err := share.Remove(context.Background(), name); err != nil {
			t.Fatal(err)
		}
	}
}

// indexer is a device that made a bucket, and indexes after few entries.
func indexer(t *testing.T, share remote.Storage, entries int) *device {
	t.Helper()
	a := newDevice(t, share, false)
	a.limit(share, entries)
	return a
}

func TestNewcomerJoinsByIndexes(t *testing.T) {
	share := memory.New()
	a := indexer(t, share, 10)
	for i := range 95 {
		a.create(fmt.Sprintf("n%02d", i))
		if i%4 == 3 {
			a.act(fmt.Sprintf(`{"type":"INCREMENT","id":"n%02d","property":"n","by":3}`, max(1, i-1)), fmt.Sprintf(`{"type":"DELETE_NODE","id":"n%02d"}`, i))
		}
		rounds(1, a)
	}
	forget(t, share, "past")
	for _, name := range names(t, share, "log") {
		segment, ok := setlog.ParseSegmentName(strings.TrimPrefix(name, "log/"))
		if !ok || segment.First < 130 { // the last entries
			if err := share.Remove(context.Background(), name); err != nil {
				t.Fatal(err)
			}
		}
	}
	b := newDevice(t, share, true)
	rounds(3, b)
	agree(t, a, b)
	if b.bucket.Stats().Entries > 14 || b.bucket.Stats().Forks > 0 {
		t.Errorf("the newcomer replayed %d entries, heads %v", b.bucket.Stats().Entries, b.bucket.Heads())
	}
	b.create("mine")
	rounds(2, b, a)
	agree(t, a, b)
}

// TestStreamIsIndexedWhenItRests has a log grow by more than a thousand entries between two rounds, which is past its limit:
// it is indexed by the first round that finds it at rest, or once it is past 32 times its limit.
func TestStreamIsIndexedWhenItRests(t *testing.T) {
	const limit, grown = 100, 1500
	for _, test := range []struct {
		name     string
		streamed []int // indexes written by each round of a stream
		rest     int   // by the one after it
	}{
		{"short", []int{0, 0}, 1},
		{"long", []int{0, 0, 1, 0}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := indexer(t, memory.New(), limit)
			a.sync() // before it nobody knows how the log grows
			for i, want := range test.streamed {
				a.createMany(i*grown, grown)
				if r := a.sync(); r.Indexed != want {
					t.Errorf("round %d of the stream wrote %d indexes, not %d", i, r.Indexed, want)
				}
			}
			if r := a.sync(); r.Indexed != test.rest {
				t.Errorf("the round after the stream wrote %d indexes, not %d", r.Indexed, test.rest)
			}
			if r := a.sync(); r.Indexed != 0 {
				t.Errorf("the one after it wrote %d more", r.Indexed)
			}
		})
	}
}

// TestIndexesStayFew has a bucket grow to 2,560 nodes, or as many as SETLOGGER_NODES says, by an index for each 10 new ones, or each 1,000
// of more than 10,000, and counts what stands and how often nodes were written again.
func TestIndexesStayFew(t *testing.T) {
	largest, step := unlessShort(2560, 320), 10
	if os.Getenv("SETLOGGER_NODES") != "" {
		largest = manyNodes(t)
	}
	var share remote.Storage = memory.New()
	if largest > 10_000 {
		step, share = 1000, disk.New(t.TempDir())
	}
	a := indexer(t, share, step)
	for n := step; n <= largest; n += step {
		a.createMany(n-step, step)
		a.sync()
		if n/step&(n/step-1) != 0 && n != largest {
			continue
		}
		live, nodes := standing(t, share)
		t.Logf("%7d nodes: %d indexes stand, each node was written %.1f times", n, live, float64(nodes)/float64(n))
		if most := 2 + bits.Len(uint(n/step)); live > most || nodes > n*most*2 {
			t.Errorf("that is too much for %d nodes", n)
		}
	}
}

// standing counts the indexes that none replaces, and the nodes in all that were written.
func standing(t *testing.T, share remote.Storage) (live, nodes int) {
	t.Helper()
	replaced, all := map[setlog.Hash]bool{}, map[setlog.Hash]bool{}
	for _, name := range names(t, share, "index") {
		data, err := share.Read(context.Background(), name)
		if err != nil {
			t.Fatal(err)
		}
		index, err := setlog.DecodeIndex(data)
		if err != nil {
			t.Fatal(err)
		}
		nodes += index.Nodes()
		all[setlog.HashOf(data)] = true
		for _, hash := range index.Merges {
			replaced[hash] = true
		}
	}
	return len(all) - len(replaced), nodes
}

// TestTwoCompactors lets two devices index the same entries at once; both indexes count, and the next one joins them.
func TestTwoCompactors(t *testing.T) {
	share := memory.New()
	a := newDevice(t, share, false)
	b := newDevice(t, share, true)
	for i := range 30 {
		a.create(fmt.Sprint(i))
	}
	rounds(2, a, b)
	hidden := faulty.New(share, faulty.Options{Chance: map[faulty.Fault]float64{faulty.Lag: 1}, LagCalls: 1000})
	a.limit(hidden, 10)
	b.limit(hidden, 10)
	_, _ = a.trySync() // it can't read back what lags
	hidden.Heal()
	a.limit(share, 10)
	b.limit(share, 10)
	rounds(1, a, b)
	c := newDevice(t, share, true)
	rounds(2, c)
	agree(t, a, b, c)
}

// TestBrokenChunk lets a newcomer go around an index that is not whole.
func TestBrokenChunk(t *testing.T) {
	share := memory.New()
	a := indexer(t, share, 10)
	for i := range 30 {
		a.create(fmt.Sprint(i))
	}
	rounds(2, a)
	chunk := names(t, share, "chunk")[0]
	put(t, share, chunk, "<html>")
	b := newDevice(t, share, true)
	rounds(3, b)
	agree(t, a, b)
	if b.bucket.Stats().Entries != 30 {
		t.Errorf("%d entries", b.bucket.Stats().Entries)
	}
	forget(t, share, "log")
	c := newDevice(t, share, true)
	rounds(3, c)
	if c.bucket.Stats().Nodes > 0 || c.bucket.Stats().Writers > 0 {
		t.Errorf("an index that is not whole counts: %+v", c.bucket.Stats())
	}
	b.limit(share, 10) // sees that its chunk is not what it says only when it reads it; c tells a person
}
