package replica_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/memory"
	"github.com/setlogger/setlogger/replica"
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
