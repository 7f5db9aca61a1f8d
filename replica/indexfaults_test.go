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
	"github.com/setlogger/setlogger/replica"
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

// TestIndexTakenInHalfway lets a device begin to take an index in and be cut off; then what it lacked comes by the log.
func TestIndexTakenInHalfway(t *testing.T) {
	share := memory.New()
	a := newDevice(t, share, false)
	a.collector(share, 1, 10)
	a.create("first")
	rounds(2, a)
	cut := &refusing{Storage: share}
	b := newDevice(t, cut, true)
	b.collector(cut, 2, 1_000_000)
	rounds(2, b)
	for i := range 30 {
		a.create(fmt.Sprint(i))
	}
	rounds(4, a)
	log := map[string]string{}
	for _, name := range names(t, share, "log") {
		if !strings.HasPrefix(name, "log/seen.") {
			log[name] = string(steal(t, share, name))
		}
	}
	a.now = a.now.Add(11 * time.Minute)
	rounds(1, a) // it says that it has more
	cut.read = func(name string) error {
		if strings.HasPrefix(name, "chunk/") {
			return remote.ErrUnreachable
		}
		return nil
	}
	for range 4 {
		_, _ = b.trySync()
	}
	if !b.bucket.Joining() {
		t.Fatal("it took nothing in")
	}
	cut.read = nil
	for name, data := range log {
		put(t, share, name, data)
	}
	for range 10 {
		b.now = b.now.Add(25 * time.Hour)
		rounds(1, b, a)
	}
	agree(t, a, b)
	if b.bucket.Joining() {
		t.Error("it takes an index in for ever")
	}
	backup := replica.NewShare(replica.Options{Storage: memory.New(), Remote: "backup"})
	if _, err := backup.Backup(t.Context(), b.bucket); err != nil {
		t.Error(err)
	}
}

// TestChunksOfUnreadIndexes keeps what an index may name that can't be read: one of a newer version, or one that is not all there yet.
func TestChunksOfUnreadIndexes(t *testing.T) {
	for name, change := range map[string]func(text string) (named, put string){
		"newer": func(text string) (string, string) {
			text = strings.Replace(text, `"min_reader":1`, `"min_reader":9`, 1)
			return text, text
		},
		"on its way": func(text string) (string, string) { return text, "" },
	} {
		t.Run(name, func(t *testing.T) { chunksOfAnUnreadIndex(t, change) })
	}
}

func chunksOfAnUnreadIndex(t *testing.T, change func(text string) (named, put string)) {
	t.Helper()
	share := memory.New()
	a, b := newDevice(t, share, false), newDevice(t, share, true)
	a.collector(share, 1, 10)
	for i := range 30 {
		a.create(fmt.Sprint(i))
	}
	rounds(4, a, b)
	index := names(t, share, "index")[0]
	chunk := names(t, share, "chunk")[0]
	named, text := change(string(steal(t, share, index)))
	parsed, _ := setlog.ParseIndexName(strings.TrimPrefix(index, "index/"))
	parsed.Hash = setlog.HashOf([]byte(named))
	put(t, share, "index/"+parsed.String(), text)
	b.collector(share, 2, 10)
	days(14, 0, b)
	if _, err := share.Read(t.Context(), chunk); err != nil {
		t.Errorf("the chunk of that index: %v", err)
	}
	if r := b.sync(); !hasProblem(r, "update-needed") && !hasProblem(r, "broken-file") {
		t.Errorf("problems are %+v", r.Problems)
	}
}

// TestAppendBesideALook has a log grow while it is compared with the indexes: it is indexed all the same once it has grown.
func TestAppendBesideALook(t *testing.T) {
	share := memory.New()
	beside := &refusing{Storage: share}
	a := newDevice(t, beside, false)
	a.collector(beside, 1, 10)
	a.create("x")
	rounds(4, a)
	a.now = a.now.Add(time.Hour)
	rounds(6, a) // it is in past/ now
	a.now = a.now.Add(24 * time.Hour)
	more := 0
	beside.list = func(folder string) {
		if folder == "chunk" {
			a.create(fmt.Sprint("more", more))
			more++
		}
	}
	rounds(2, a)
	beside.list = nil
	if more == 0 {
		t.Fatal("nothing was compared")
	}
	for i := range 30 {
		a.create(fmt.Sprint(i))
	}
	rounds(4, a)
	if len(names(t, share, "index")) == 0 {
		t.Error("no index is written")
	}
}
