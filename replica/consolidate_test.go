package replica_test

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
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

// TestLargeFilesMoveToPast has files move whose entries do not fit into one, though those of the first nearly fill it.
func TestLargeFilesMoveToPast(t *testing.T) {
	share := faulty.New(memory.New(), faulty.Options{})
	a := newDevice(t, share, false)
	a.collector(share, 1, 1_000_000)
	chance := rand.NewChaCha8([32]byte{})
	large := func(n int) {
		for range n {
			data := make([]byte, 48<<10)
			_, _ = chance.Read(data)
			a.act(fmt.Sprintf(`{"type":"CREATE_NODE","id":"n%d","properties":{"x":%q}}`, a.bucket.Stats().Entries, base64.StdEncoding.EncodeToString(data)))
		}
		rounds(2, a)
	}
	large(20)
	large(3)
	a.now = a.now.Add(time.Hour)
	rounds(20, a)
	if n := inLog(t, share); n > 0 {
		t.Errorf("%d files are in log/", n)
	}
	a.now = a.now.Add(time.Hour)
	rounds(4, a)
	before := share.Requests()
	a.sync()
	if after := share.Requests(); after.Lists-before.Lists != 1 {
		t.Errorf("an idle round made %d listings", after.Lists-before.Lists)
	}
	b := newDevice(t, share, true)
	rounds(4, b)
	agree(t, a, b)
}

// TestMoveThatWasCutOff lets the file in log/ vanish while the one in past/ is not whole.
func TestMoveThatWasCutOff(t *testing.T) {
	share := faulty.New(memory.New(), faulty.Options{})
	a, b := newDevice(t, share, false), newDevice(t, share, true)
	a.witness(share, 1)
	b.witness(share, 2)
	a.create("x")
	rounds(4, a, b)
	var file string
	for _, name := range names(t, share, "log") {
		if !strings.HasPrefix(name, "log/seen.") {
			file = name
		}
	}
	past := strings.Replace(file, "log/", "past/", 1)
	share.Script(faulty.Once{Fault: faulty.Cut, Name: past})
	a.now = a.now.Add(time.Hour)
	for range 4 {
		a.sync()
		if len(names(t, share, "past")) > 0 {
			break
		}
	}
	steal(t, share, file)
	for range 8 {
		a.now, b.now = a.now.Add(25*time.Hour), b.now.Add(25*time.Hour)
		rounds(4, a, b)
	}
	c := newDevice(t, share, true)
	rounds(40, c)
	agree(t, a, b, c)
}

// TestFileThatWaitedAndWent lets a file that waits for others go to past/ with them.
func TestFileThatWaitedAndWent(t *testing.T) {
	for waits := 1; waits <= 4; waits++ {
		t.Run(fmt.Sprint(waits), func(t *testing.T) {
			share := memory.New()
			a, files := threeFiles(t, share)
			a.witness(share, 1)
			rounds(2, a)
			middle := steal(t, share, files[1])
			counted := faulty.New(share, faulty.Options{})
			b := newDevice(t, counted, true)
			b.witness(counted, 2)
			rounds(waits, b)
			put(t, share, files[1], string(middle))
			a.now = a.now.Add(time.Hour)
			rounds(8, a)
			if n := inLog(t, share); n > 0 {
				t.Fatalf("%d files are in log/", n)
			}
			b.now = b.now.Add(time.Hour)
			rounds(16, b, a)
			agree(t, a, b)
			for i := range 3 {
				before := counted.Requests()
				r := b.sync()
				after := counted.Requests()
				if after.Lists-before.Lists != 1 || after.Reads != before.Reads || len(r.Problems) > 0 {
					t.Errorf("idle round %d: requests went from %+v to %+v, problems %+v", i, before, after, r.Problems)
				}
			}
		})
	}
}

// TestBrokenFileThatWent names a broken file no more once a person has removed it.
func TestBrokenFileThatWent(t *testing.T) {
	share := memory.New()
	a, files := threeFiles(t, share)
	name := strings.Replace(files[2], ".3-3.", ".4-4.", 1)
	put(t, share, name, "<html>")
	rounds(2, a)
	a.now = a.now.Add(2 * time.Hour)
	if r := a.sync(); !hasProblem(r, "broken-file") {
		t.Fatalf("problems are %+v", r.Problems)
	}
	steal(t, share, name)
	rounds(5, a)
	if r := a.sync(); len(r.Problems) > 0 || !a.share.IsQuiet("todos") {
		t.Errorf("problems are %+v, quiet %t", r.Problems, a.share.IsQuiet("todos"))
	}
}
