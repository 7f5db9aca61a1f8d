package replica_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/faulty"
	"github.com/setlogger/setlogger/remote/memory"
)

// steal takes a file away and answers its content.
func steal(t *testing.T, share remote.Storage, name string) []byte {
	t.Helper()
	data, err := share.Read(context.Background(), name)
	if err == nil {
		err = share.Remove(context.Background(), name)
	}
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// threeFiles is a share with three segments of one writer, in order.
func threeFiles(t *testing.T, share remote.Storage) (*device, []string) {
	t.Helper()
	a := newDevice(t, share, false)
	for i := range 3 {
		a.create(fmt.Sprint(i))
		a.sync()
	}
	a.sync()
	files := names(t, share, "log")
	if len(files) != 3 {
		t.Fatalf("files are %v", files)
	}
	byFirst := make([]string, 3)
	for _, name := range files {
		for i := range byFirst {
			if strings.Contains(name, fmt.Sprintf(".%d-%d.", i+1, i+1)) {
				byFirst[i] = name
			}
		}
	}
	return a, byFirst
}

func TestGapWaitsAndIsNamed(t *testing.T) {
	share := memory.New()
	_, files := threeFiles(t, share)
	middle := steal(t, share, files[1])
	b := newDevice(t, share, true)
	for i := range 4 {
		if r := b.sync(); hasProblem(r, "entries-missing") != (i >= 2) {
			t.Errorf("round %d has problems %+v", i+1, r.Problems)
		}
	}
	b.expect("0", `{"n":0}`)
	b.expect("2", ``)
	put(t, share, files[1], string(middle))
	if r := b.sync(); len(r.Problems) > 0 {
		t.Errorf("problems are %+v", r.Problems)
	}
	b.expect("1", `{"n":0}`)
	b.expect("2", `{"n":0}`)
}

// TestGapIsReadEverLessOften: a file that waits for another is not read anew in each round.
func TestGapIsReadEverLessOften(t *testing.T) {
	share := faulty.New(memory.New(), faulty.Options{})
	_, files := threeFiles(t, share)
	middle := steal(t, share, files[1])
	b := newDevice(t, share, true)
	rounds(40, b)
	before := share.Requests().Reads
	rounds(64, b)
	if reads := share.Requests().Reads - before; reads > 4 {
		t.Errorf("64 rounds read %d files", reads)
	}
	put(t, share, files[1], string(middle))
	rounds(1, b)
	b.expect("2", `{"n":0}`)
}

func TestGapIsFoundInThePast(t *testing.T) {
	share := memory.New()
	a, files := threeFiles(t, share)
	put(t, share, strings.Replace(files[0], "log/", "past/", 1), string(steal(t, share, files[0])))
	b := newDevice(t, share, true)
	for range 3 {
		b.sync()
	}
	agree(t, a, b)
}

func TestBrokenFilesAreNeverFolded(t *testing.T) {
	for name, breaks := range map[string]func(data []byte) []byte{
		"HTML":      func([]byte) []byte { return []byte("<html>please log in</html>") },
		"zeros":     func(data []byte) []byte { return make([]byte, len(data)) },
		"truncated": func(data []byte) []byte { return data[:len(data)/2] },
		"empty":     func([]byte) []byte { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			share := faulty.New(memory.New(), faulty.Options{})
			a, files := threeFiles(t, share)
			good := steal(t, share, files[0])
			put(t, share, files[0], string(breaks(good)))
			b := newDevice(t, share, true)
			for range 20 {
				if r := b.sync(); hasProblem(r, "broken-file") {
					t.Errorf("reported at once: %+v", r.Problems)
				}
			}
			reads := share.Requests().Reads
			b.now = b.now.Add(time.Hour)
			if r := b.sync(); !hasProblem(r, "broken-file") {
				t.Errorf("not reported after an hour: %+v", r.Problems)
			}
			if again := share.Requests().Reads - reads; again > 3 {
				t.Errorf("a broken file costs %d reads in a round", again)
			}
			b.expect("0", ``)
			put(t, share, files[0], string(good))
			for range 40 {
				b.sync()
			}
			agree(t, a, b)
		})
	}
}

func TestFileUnderAnotherNameIsBroken(t *testing.T) {
	share := memory.New()
	_, files := threeFiles(t, share)
	data := steal(t, share, files[2])
	put(t, share, strings.Replace(files[2], ".3-3.", ".4-4.", 1), string(data))
	b := newDevice(t, share, true)
	b.sync()
	b.expect("2", ``)
}

func TestLostFilesAreSentAgain(t *testing.T) {
	share := memory.New()
	a, files := threeFiles(t, share)
	b := newDevice(t, share, true)
	rounds(2, a, b)
	steal(t, share, files[1])
	for range 4 {
		b.sync() // the writer is away: whoever holds the file brings it back
	}
	if left := names(t, share, "log"); len(left) != 3 {
		t.Fatalf("files are %v", left)
	}
	c := newDevice(t, share, true)
	c.sync()
	agree(t, a, b, c)
}

func TestListingThatLagsSendsNothing(t *testing.T) {
	share := faulty.New(memory.New(), faulty.Options{})
	a, files := threeFiles(t, share)
	before := share.Requests().Writes
	base := strings.TrimPrefix(files[0], "log/")
	share.Set(faulty.Options{Seed: 1, Chance: map[faulty.Fault]float64{faulty.Omit: 1}, Omitted: 1})
	for range 10 {
		if _, err := a.trySync(); err != nil {
			t.Fatal(err)
		}
	}
	if writes := share.Requests().Writes - before; writes > 0 {
		t.Errorf("%d writes for %s", writes, base)
	}
}

func TestAnswersThatAreLost(t *testing.T) {
	for _, fault := range []faulty.Fault{faulty.LostAnswer, faulty.KeptBody, faulty.BrokenUpload, faulty.Cut, faulty.WrittenZeros, faulty.Full, faulty.Busy} {
		t.Run(fault.String(), func(t *testing.T) {
			share := faulty.New(memory.New(), faulty.Options{})
			a := newDevice(t, share, false)
			rounds(1, a)
			a.create("x")
			share.Set(faulty.Options{Chance: map[faulty.Fault]float64{fault: 1}})
			_, err := a.trySync()
			if lies := fault == faulty.Cut || fault == faulty.WrittenZeros; (err == nil) != lies {
				t.Errorf("error is %v", err)
			}
			share.Heal()
			rounds(3, a)
			b := newDevice(t, share, true)
			rounds(3, b)
			agree(t, a, b)
			if files := names(t, share, "log"); len(files) != 1 {
				t.Errorf("files are %v", files)
			}
		})
	}
}

// clone copies a device's store, as a backup or a cloned machine does.
func (d *device) clone(storage remote.Storage) *device {
	d.t.Helper()
	data, err := os.ReadFile(d.path)
	if err != nil {
		d.t.Fatal(err)
	}
	c := &device{t: d.t, path: filepath.Join(d.t.TempDir(), "todos.db"), now: d.now, acknowledged: map[string]bool{}}
	if err := os.WriteFile(c.path, data, 0o600); err != nil {
		d.t.Fatal(err)
	}
	b, err := localstore.Open(c.path, c.options())
	if err != nil {
		d.t.Fatal(err)
	}
	c.hold(b)
	c.visit(storage, d.share.ID())
	return c
}

func TestClonesBothGoOn(t *testing.T) {
	share := memory.New()
	a := newDevice(t, share, false)
	a.create("x")
	rounds(2, a)
	b := a.clone(share)
	a.act(`{"type":"SET_PROPERTY","id":"x","properties":{"a":1}}`)
	b.act(`{"type":"SET_PROPERTY","id":"x","properties":{"b":2}}`)
	c := newDevice(t, share, true)
	rounds(3, a, b, c)
	for _, d := range []*device{a, b, c} {
		d.expect("x", `{"a":1,"b":2,"n":0}`)
	}
	agree(t, a, b, c)
	if a.bucket.Stats().Writer == b.bucket.Stats().Writer {
		t.Error("both still write with one key")
	}
}

func TestUnsentEntriesOfACloneArriveOnce(t *testing.T) {
	share := memory.New()
	a := newDevice(t, share, false)
	rounds(1, a)
	a.create("x") // acknowledged, not sent
	b := a.clone(share)
	a.act(`{"type":"INCREMENT","id":"x","property":"n"}`)
	b.act(`{"type":"INCREMENT","id":"x","property":"n"}`)
	rounds(3, a, b)
	a.expect("x", `{"n":2}`)
	agree(t, a, b)
}

func TestSecondBirthAsks(t *testing.T) {
	share := memory.New()
	a, b := newDevice(t, share, false), newDevice(t, share, false)
	a.create("x")
	b.create("y")
	rounds(2, a, b)
	for _, d := range []*device{a, b} {
		if r := d.sync(); !hasProblem(r, "second-birth") || len(d.share.OtherBirths("todos")) != 1 {
			t.Fatalf("problems are %+v", r.Problems)
		}
	}
	a.expect("y", ``)
	for _, d := range []*device{a, b} {
		if err := d.bucket.AcceptBirths(context.Background(), d.share.OtherBirths("todos")...); err != nil {
			t.Fatal(err)
		}
	}
	rounds(2, a, b)
	a.expect("y", `{"n":0}`)
	agree(t, a, b)
	if r := a.sync(); len(r.Problems) > 0 {
		t.Errorf("problems are %+v", r.Problems)
	}
}

func TestJoinedDeviceMayWriteBeforeItsFirstRound(t *testing.T) {
	share := memory.New()
	a, b := newDevice(t, share, false), newDevice(t, share, true)
	a.create("x")
	b.create("y")
	rounds(2, a, b)
	a.expect("y", `{"n":0}`)
	agree(t, a, b)
	c := newDevice(t, memory.New(), true) // a bucket that nobody else has
	c.create("z")
	rounds(2, c)
	if len(c.bucket.Births()) != 1 {
		t.Errorf("births are %v", c.bucket.Births())
	}
}

func TestManyFiles(t *testing.T) {
	share := memory.New()
	a, b := newDevice(t, share, false), newDevice(t, share, true)
	a.create("first")
	rounds(1, a, b)
	pairs := unlessShort(120, 40)
	for i := range pairs {
		a.create(fmt.Sprint("a", i))
		a.sync()
		b.create(fmt.Sprint("b", i))
		b.sync()
	}
	c := newDevice(t, share, true)
	c.sync()
	rounds(2, a, b, c)
	agree(t, a, b, c)
	if n := c.bucket.Stats().Nodes; n != uint64(2*pairs+1) {
		t.Errorf("%d nodes", n)
	}
}

// TestFaultyHistories lets three devices write and sync over a remote that does everything wrong, then heals it.
func TestFaultyHistories(t *testing.T) {
	met := map[faulty.Fault]int{}
	for seed := range uint64(unlessShort(60, 12)) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { maps.Copy(met, faultyHistory(t, seed, met)) })
	}
	for _, fault := range faulty.Faults() {
		t.Logf("%s: %d times", fault, met[fault])
	}
}

func faultyHistory(t *testing.T, seed uint64, before map[faulty.Fault]int) map[faulty.Fault]int {
	rng := rand.New(rand.NewPCG(seed, 0))
	share := faulty.New(memory.New(), faulty.Options{})
	devices := []*device{newDevice(t, share, false), newDevice(t, share, true), newDevice(t, share, true)}
	rounds(1, devices...)
	devices[0].create("shared")
	rounds(2, devices...)
	chances := map[faulty.Fault]float64{}
	for _, fault := range faulty.Faults() {
		chances[fault] = rng.Float64() * 0.15
	}
	share.Set(faulty.Options{Seed: seed, Chance: chances, Omitted: 0.3, LagCalls: 4})
	for i := range 40 {
		d := devices[rng.IntN(3)]
		switch rng.IntN(4) {
		case 0:
			d.create(fmt.Sprint("n", i))
		case 1:
			d.act(`{"type":"INCREMENT","id":"shared","property":"n"}`)
		default:
			if _, err := d.trySync(); errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
		}
	}
	share.Heal()
	rounds(34, devices...) // a file that was broken often is tried every 32 rounds
	agree(t, devices...)
	acknowledged := map[string]bool{}
	for _, d := range devices {
		maps.Copy(acknowledged, d.acknowledged)
	}
	for i, d := range devices {
		held := d.held()
		for entry := range acknowledged {
			if !held[entry] {
				t.Errorf("device %d lacks the acknowledged entry %s", i, entry)
			}
		}
	}
	for _, d := range devices[1:] {
		if d.bucket.Stats().Entries != devices[0].bucket.Stats().Entries {
			t.Errorf("devices hold %d and %d entries", devices[0].bucket.Stats().Entries, d.bucket.Stats().Entries)
		}
	}
	sum := maps.Clone(before)
	for fault, n := range share.Counts() {
		sum[fault] += n
	}
	return sum
}
