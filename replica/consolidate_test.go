package replica_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/faulty"
	"github.com/setlogger/setlogger/remote/memory"
)

// inLog counts the segments in log/.
func inLog(t *testing.T, share remote.Storage) int {
	t.Helper()
	n := 0
	for _, name := range names(t, share, "log") {
		if !strings.HasPrefix(name, "log/seen.") {
			n++
		}
	}
	return n
}

// bursts lets a device append and sync n times.
func bursts(d *device, from, n int) {
	for i := range n {
		d.create(fmt.Sprintf("n%03d", from+i))
		d.sync()
	}
}

func TestFreshFilesMoveToPast(t *testing.T) {
	share := memory.New()
	a, b := newDevice(t, share, false), newDevice(t, share, true)
	a.witness(share, 1)
	b.witness(share, 2)
	bursts(a, 0, 10)
	rounds(2, b, a)
	bursts(a, 10, 30)
	rounds(8, b, a)
	if n := inLog(t, share); n >= 16 {
		t.Errorf("%d files are in log/", n)
	}
	a.now = a.now.Add(time.Hour)
	rounds(8, a, b)
	if n, past := inLog(t, share), len(names(t, share, "past")); n > 0 || past == 0 {
		t.Errorf("idle, %d files are in log/, %d in past/", n, past)
	}
	if seen := len(names(t, share, "log")); seen > 2 {
		t.Errorf("%d seen files", seen)
	}
	c := newDevice(t, share, true)
	rounds(5, c)
	agree(t, a, b, c)
	uploads := 0
	for range 8 {
		uploads += a.sync().Uploaded + b.sync().Uploaded + c.sync().Uploaded
	}
	if uploads > 0 || inLog(t, share) > 0 {
		t.Errorf("%d files were uploaded with nothing new, %d are in log/", uploads, inLog(t, share))
	}
}

// TestMovedFilesAreNotReadAgain counts the reads of a device that holds all files when their writer joins them.
func TestMovedFilesAreNotReadAgain(t *testing.T) {
	share := faulty.New(memory.New(), faulty.Options{})
	a, b := newDevice(t, share, false), newDevice(t, share, true)
	a.witness(share, 1)
	bursts(a, 0, 12)
	rounds(2, b, a)
	a.now, b.now = a.now.Add(time.Hour), b.now.Add(time.Hour)
	rounds(8, a)
	if n := inLog(t, share); n > 0 {
		t.Fatalf("%d files are in log/", n)
	}
	before := share.Requests().Reads
	rounds(6, b)
	if reads := share.Requests().Reads - before; reads > 3 { // the joined file, and what a says it has seen
		t.Errorf("%d reads", reads)
	}
	agree(t, a, b)
}

// TestAwayWhileFilesMove lets a device that was away find by the seen files that there is more.
func TestAwayWhileFilesMove(t *testing.T) {
	share := memory.New()
	a, b := newDevice(t, share, false), newDevice(t, share, true)
	a.witness(share, 1)
	bursts(a, 0, 3)
	rounds(2, b)
	b.create("mine")
	bursts(a, 3, 40)
	a.now = a.now.Add(time.Hour)
	rounds(8, a)
	if n := inLog(t, share); n > 0 {
		t.Errorf("%d files are in log/", n)
	}
	rounds(4, b, a)
	agree(t, a, b)
	b.expect("n042", `{"n":0}`)
	a.expect("mine", `{"n":0}`)
}

// TestIdleAfterMove counts the requests of a round once all has moved.
func TestIdleAfterMove(t *testing.T) {
	share := faulty.New(memory.New(), faulty.Options{})
	a, b := newDevice(t, share, false), newDevice(t, share, true)
	a.witness(share, 1)
	b.witness(share, 2)
	bursts(a, 0, 40)
	a.now, b.now = a.now.Add(time.Hour), b.now.Add(time.Hour)
	rounds(12, a, b)
	for i := range 10 {
		a.now, b.now = a.now.Add(time.Hour), b.now.Add(time.Hour)
		before := share.Requests()
		rounds(1, a, b)
		after := share.Requests()
		if after.Lists-before.Lists != 2 || after.Reads != before.Reads || after.Writes != before.Writes || after.Removes != before.Removes {
			t.Errorf("idle round %d: requests went from %+v to %+v", i, before, after)
		}
	}
}

// TestMoveWithStepsLost loses each write once on the way to past/.
func TestMoveWithStepsLost(t *testing.T) {
	for _, fault := range []faulty.Fault{faulty.Cut, faulty.WrittenZeros, faulty.LostAnswer, faulty.BrokenUpload, faulty.Lag} {
		t.Run(fault.String(), func(t *testing.T) {
			share := faulty.New(memory.New(), faulty.Options{Seed: 7, Chance: map[faulty.Fault]float64{fault: 0.3}})
			a, b := newDevice(t, share, false), newDevice(t, share, true)
			a.witness(share, 1)
			for i := range 60 {
				a.create(fmt.Sprint(i))
				_, _ = a.trySync()
				a.now = a.now.Add(time.Minute)
			}
			share.Heal()
			rounds(20, a)
			a.now = a.now.Add(time.Hour)
			rounds(8, a)
			rounds(12, b)
			agree(t, a, b)
			if n := inLog(t, share); n > 0 {
				t.Errorf("%d files are in log/", n)
			}
		})
	}
}

// TestRestoredBackupAfterMove lets a device go on from an old copy of its file, when all it lacks has moved.
func TestRestoredBackupAfterMove(t *testing.T) {
	share := memory.New()
	a, b := newDevice(t, share, false), newDevice(t, share, true)
	a.witness(share, 1)
	b.witness(share, 2)
	bursts(a, 0, 2)
	restored := a.clone(share)
	bursts(a, 2, 30)
	a.now = a.now.Add(time.Hour)
	rounds(10, a, b)
	restored.create("after")
	rounds(6, restored, b)
	agree(t, b, restored)
	b.expect("after", `{"n":0}`)
}
