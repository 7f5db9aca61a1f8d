package replica_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/memory"
	"github.com/setlogger/setlogger/replica"
	"github.com/setlogger/setlogger/setlog"
)

// collector lets a device index after some entries, and remove what is needless a week later.
func (d *device) collector(storage remote.Storage, seed byte, entries int) {
	d.configure(storage, func(o *replica.Options) { o.Key, o.LogLimit = deviceKey(seed), entries })
}

// forgetful sets the bucket to keep no history on the remote.
func (d *device) forgetful() {
	d.act(`{"type":"SET_SCHEMA","schema":{"x-setlogger":{"keepHistory":"none"}}}`)
}

// files counts those of a share.
func files(t *testing.T, share remote.Storage) (n int, size int) {
	t.Helper()
	for _, folder := range []string{"log", "past", "index", "chunk"} {
		for object, err := range share.List(context.Background(), folder) {
			if err != nil {
				t.Fatal(err)
			}
			n++
			size += int(object.Size)
		}
	}
	return n, size
}

// days lets devices live: each day some edits of few nodes, and some rounds.
func days(n, from int, devices ...*device) {
	for day := range n {
		for _, d := range devices {
			for i := range 8 {
				d.act(fmt.Sprintf(`{"type":"CREATE_NODE","id":"n%d","properties":{"by":%d,"day":%d}}`, (from+day+i)%24, i, from+day))
			}
		}
		for range 4 {
			for _, d := range devices {
				d.now = d.now.Add(6 * time.Hour)
				d.sync()
			}
		}
	}
}

func TestShareStaysBounded(t *testing.T) {
	share := memory.New()
	a, b := newDevice(t, share, false), newDevice(t, share, true)
	a.forgetful()
	a.collector(share, 1, 20)
	b.collector(share, 2, 20)
	rounds(3, a, b)
	most := 0
	for week := range unlessShort(20, 7) {
		days(7, 7*week, a, b)
		n, size := files(t, share)
		t.Logf("week %2d: %3d files, %6d bytes, %d indexes", week, n, size, len(names(t, share, "index")))
		if week < 5 {
			most = max(most, size)
		} else if size > 2*most {
			t.Fatalf("%d bytes after week %d, %d in the first", size, week, most)
		}
	}
	agree(t, a, b)
	c := newDevice(t, share, true)
	rounds(6, c)
	agree(t, a, b, c)
}

// TestAwayForFiftyIndexes brings a device back with edits of its own, after all that it had on the remote was replaced.
func TestAwayForFiftyIndexes(t *testing.T) {
	share := memory.New()
	a, b, away := newDevice(t, share, false), newDevice(t, share, true), newDevice(t, share, true)
	a.forgetful()
	a.create("old")
	a.collector(share, 1, 10)
	b.collector(share, 2, 10)
	away.collector(share, 3, 10)
	rounds(4, a, b, away)
	away.act(`{"type":"SET_PROPERTY","id":"old","properties":{"mine":1}}`, `{"type":"CREATE_NODE","id":"new"}`)
	indexed := 0
	for day := 0; indexed < 50; day++ {
		days(1, day, a, b)
		indexed = written(a) + written(b)
		if day > 1000 {
			t.Fatal("no indexes are written")
		}
	}
	rounds(6, away, a, b)
	agree(t, a, b, away)
	for _, d := range []*device{a, b, away} {
		d.expect("old", `{"mine":1,"n":0}`)
		d.expect("new", `{}`)
	}
}

// written counts the indexes that a device wrote or took in.
func written(d *device) int {
	d.t.Helper()
	names, err := d.bucket.Absorbed()
	if err != nil {
		d.t.Fatal(err)
	}
	return len(names)
}

// TestUptimeThatWasSetBack lets a device find a file needless, and then count its uptime anew, as it does without its daemon.db: the file
// goes a week later all the same.
func TestUptimeThatWasSetBack(t *testing.T) {
	share := memory.New()
	a := newDevice(t, share, false)
	a.create("x")
	a.collector(share, 1, 10)
	rounds(2, a)
	a.now = a.now.Add(400 * 24 * time.Hour)
	a.share.Compact("todos")
	rounds(2, a)
	orphan := "chunk/" + setlog.ChunkName{Bucket: a.bucket.ID(), Hash: setlog.HashOf([]byte("orphan"))}.String()
	put(t, share, orphan, "orphan")
	for range 2 {
		a.now = a.now.Add(25 * time.Hour)
		rounds(2, a)
	}
	a.collector(share, 1, 10)
	for range 12 {
		a.now = a.now.Add(25 * time.Hour)
		rounds(2, a)
	}
	if _, err := share.Read(t.Context(), orphan); err == nil {
		t.Error("it is still there")
	}
}

// TestSeenFileOnAnotherShare leaves what this device says on one share alone when that stands where another one was.
func TestSeenFileOnAnotherShare(t *testing.T) {
	x, y := memory.New(), memory.New()
	place := &refusing{Storage: x}
	a, c := newDevice(t, place, false), newDevice(t, y, false)
	a.witness(place, 1)
	c.witness(y, 1)
	c.create("y")
	rounds(3, c)
	for i := range 4 {
		a.create(fmt.Sprint(i))
		a.now = a.now.Add(11 * time.Minute)
		rounds(4, a)
		a.now = a.now.Add(time.Hour)
		rounds(8, a)
	}
	if inLog(t, x) > 0 {
		t.Fatal("the log is not empty")
	}
	before := names(t, y, "log")
	place.Storage = y
	for range 3 {
		_, _ = a.trySync()
	}
	if after := names(t, y, "log"); len(after) < len(before) {
		t.Errorf("of %v are left %v", before, after)
	}
}
