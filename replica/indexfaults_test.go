package replica_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/faulty"
	"github.com/setlogger/setlogger/remote/memory"
	"github.com/setlogger/setlogger/setlog"
)

// TestIndexesUnderFaults lets three devices write, index and remove while every call may fail in any way; once it heals
// they agree, and so does a newcomer.
func TestIndexesUnderFaults(t *testing.T) {
	for seed := range uint64(unlessShort(4, 1)) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			chance := map[faulty.Fault]float64{}
			for _, f := range faulty.Faults() {
				chance[f] = 0.01
			}
			share := faulty.New(memory.New(), faulty.Options{})
			a, b, c := newDevice(t, share, false), newDevice(t, share, true), newDevice(t, share, true)
			a.forgetful()
			for i, d := range []*device{a, b, c} {
				d.collector(share, byte(i+1), 20)
			}
			rounds(3, a, b, c)
			share.Set(faulty.Options{Seed: seed, Chance: chance})
			for day := range unlessShort(60, 24) {
				for _, d := range []*device{a, b, c} {
					for i := range 6 {
						d.act(fmt.Sprintf(`{"type":"CREATE_NODE","id":"n%d","properties":{"by":%d,"day":%d}}`, (day+i)%20, i, day))
					}
					for range 4 {
						d.now = d.now.Add(6 * time.Hour)
						_, _ = d.trySync()
					}
				}
			}
			share.Heal()
			for range 12 {
				for _, d := range []*device{a, b, c} {
					d.now = d.now.Add(time.Hour)
					d.sync()
				}
			}
			agree(t, a, b, c)
			n := newDevice(t, share, true)
			rounds(8, n)
			agree(t, a, n)
		})
	}
}

// TestIndexOnAnotherShare carries a bucket that came by indexes to a share that has nothing of it.
func TestIndexOnAnotherShare(t *testing.T) {
	first, second := memory.New(), memory.New()
	a := indexer(t, first, 10)
	for i := range 30 {
		a.create(fmt.Sprint(i))
	}
	rounds(2, a)
	forget(t, first, "log")
	b := newDevice(t, first, true)
	rounds(2, b)
	agree(t, a, b)
	b.visit(second, "")
	b.create("more")
	b.share.Compact("todos")
	rounds(2, b)
	c := newDevice(t, second, true)
	rounds(3, c)
	agree(t, b, c)
	c.expect("7", `{"n":0}`)
}

// TestSpoiledIndexes puts what is no index where one is looked for: it counts for nothing, and is named.
func TestSpoiledIndexes(t *testing.T) {
	share := memory.New()
	a := indexer(t, share, 10)
	for i := range 30 {
		a.create(fmt.Sprint(i))
	}
	rounds(2, a)
	name := names(t, share, "index")[0]
	put(t, share, name, "<html>")
	put(t, share, strings.Replace(name, ".json", ".txt", 1), "a note")
	b := newDevice(t, share, true)
	rounds(3, b)
	agree(t, a, b)
}

// TestIndexThatClaimsTooMuch lets a stranger claim all entries in an index that holds nothing: nothing is removed for it.
func TestIndexThatClaimsTooMuch(t *testing.T) {
	share := memory.New()
	a, b := newDevice(t, share, false), newDevice(t, share, true)
	a.forgetful()
	a.collector(share, 1, 20)
	b.collector(share, 2, 20)
	rounds(3, a, b)
	days(3, 0, a, b)
	for i := range 3 {
		a.lie(share, i)
	}
	days(unlessShort(40, 12), 3, a, b)
	agree(t, a, b)
	c := newDevice(t, share, true)
	rounds(8, c)
	agree(t, a, b, c)
}

// lie puts an index there that claims all that a device has, and holds nothing.
func (d *device) lie(share remote.Storage, level int) {
	d.t.Helper()
	coverage, err := d.bucket.Coverage()
	if err != nil {
		d.t.Fatal(err)
	}
	lie := setlog.Index{
		ID: strings.Repeat(fmt.Sprint(level), 32), Bucket: "todos", Births: d.bucket.Births(), Coverage: coverage,
		Order: []string{"-created", "id"}, Level: level,
	}
	name, data, err := lie.Encode(ed25519.NewKeyFromSeed([]byte(strings.Repeat(fmt.Sprint(level), 32))))
	if err == nil {
		err = share.Write(context.Background(), "index/"+name.String(), data)
	}
	if err != nil {
		d.t.Fatal(err)
	}
}

// TestOwnIndexThatTookALieIn lets a device index what it has of a lie alone; when the entries come after all, it finds that its
// own index lacks them, though their writer is gone by then.
func TestOwnIndexThatTookALieIn(t *testing.T) {
	share := memory.New()
	a, b := newDevice(t, share, false), newDevice(t, share, true)
	a.forgetful()
	a.collector(share, 1, 20)
	b.collector(share, 2, 20)
	rounds(3, a, b)
	a.create("late")
	a.lie(share, 0)
	rounds(1, b)
	b.create("own")
	b.share.Compact("todos")
	rounds(2, b)
	rounds(3, a)
	days(5, 0, b)
	forget(t, share, "log")
	forget(t, share, "past")
	c := newDevice(t, share, true)
	rounds(8, c)
	c.expect("late", `{"n":0}`)
}
