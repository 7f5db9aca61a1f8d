package localstore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/setlogger/setlogger/setlog"
)

var errDisk = fmt.Errorf("write: %w", syscall.EIO)

// TestRefusedCommit: callers hear of it, nothing of it is seen, and the bucket goes on.
func TestRefusedCommit(t *testing.T) {
	for _, written := range []bool{false, true} {
		t.Run(fmt.Sprintf("written %v", written), func(t *testing.T) {
			var broken atomic.Bool
			o := testOptions(1)
			o.CommitFault = func(w bool) error {
				if w == written && broken.CompareAndSwap(true, false) {
					return writeError(errDisk)
				}
				return nil
			}
			b := create(t, "b", nil, o)
			putNode(t, b, "a", 1)
			broken.Store(true)
			r, err := b.Append(t.Context(), Request{Actions: actions(t, `{"type":"CREATE_NODE","id":"b"}`)})
			wantError(t, err, ErrCommit)
			if len(r) != 0 {
				t.Error(r)
			}
			// when only the last fsync was refused the entry is there, unacknowledged
			want := uint64(1)
			if written {
				want = 2
			}
			if s := b.Stats(); s.Entries != want || s.Nodes != want {
				t.Errorf("%+v", s)
			}
			if r := putNode(t, b, "c", 1); r.Number != want+1 {
				t.Errorf("%+v", r)
			}
			if err := b.Check(); err != nil {
				t.Error(err)
			}
			b = reopen(t, b)
			if s := b.Stats(); s.Entries != want+1 {
				t.Errorf("%+v", s)
			}
		})
	}
}

// TestRefusalIsJudgedByWhatIsCommitted: who is refused because of an entry that is being committed is not told before it is there,
// and not at all when it comes to nothing.
func TestRefusalIsJudgedByWhatIsCommitted(t *testing.T) {
	for _, fails := range []bool{false, true} {
		t.Run(fmt.Sprintf("commit fails %v", fails), func(t *testing.T) {
			committing, release, composing := make(chan struct{}), make(chan error), make(chan struct{})
			var held atomic.Bool
			o := testOptions(1)
			now := o.Now
			o.Now = func() time.Time {
				if held.Load() {
					composing <- struct{}{}
				}
				return now()
			}
			o.CommitFault = func(written bool) error {
				if !written && held.CompareAndSwap(true, false) {
					close(committing)
					return <-release
				}
				return nil
			}
			b := create(t, "b", nil, o)
			putNode(t, b, "a", 1)
			removal, edit := make(chan error, 1), make(chan error, 1)
			held.Store(true)
			go func() { removal <- appendOne(t, b, `{"type":"DELETE_NODE","id":"a"}`) }()
			<-composing
			<-committing
			held.Store(true)
			go func() { edit <- appendOne(t, b, `{"type":"SET_PROPERTY","id":"a","properties":{"n":2}}`) }()
			<-composing
			held.Store(false)
			if fails {
				release <- writeError(errDisk)
				wantError(t, <-removal, ErrCommit)
				if err := <-edit; err != nil {
					t.Errorf("refused because of a removal that never was: %v", err)
				}
			} else {
				release <- nil
				var refusal *setlog.Refusal
				if err := <-edit; !errors.As(err, &refusal) || refusal.Kind != setlog.NotAlive {
					t.Errorf("got %v", err)
				}
				if err := <-removal; err != nil {
					t.Error(err)
				}
			}
			if err := b.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}

func appendOne(t *testing.T, b *Bucket, action string) error {
	_, err := b.Append(t.Context(), Request{Actions: actions(t, "%s", action)})
	return err
}

// TestRefusedCommitsUnderLoad: what is acknowledged is there, also for those composed on top of a failed batch.
func TestRefusedCommitsUnderLoad(t *testing.T) {
	var n atomic.Uint64
	o := testOptions(1)
	o.CommitFault = func(written bool) error {
		if i := n.Add(1); i%7 == 0 || i%11 == 0 {
			return writeError(errDisk)
		}
		return nil
	}
	b := create(t, "b", nil, o)
	var all sync.WaitGroup
	acknowledged := make([][]string, 8)
	for w := range acknowledged {
		requests := make([]Request, 150)
		for i := range requests {
			requests[i].Actions = actions(t, `{"type":"CREATE_NODE","id":"n%d-%d"}`, w, i)
		}
		all.Go(func() {
			for i := 0; i < len(requests); i += 3 {
				receipts, err := b.Append(t.Context(), requests[i:i+3]...)
				if err != nil && !errors.Is(err, ErrCommit) {
					t.Error(err)
				}
				for j := range receipts {
					acknowledged[w] = append(acknowledged[w], requests[i+j].Actions[0].ID)
				}
			}
		})
	}
	all.Wait()
	total := 0
	b = reopen(t, b)
	for _, ids := range acknowledged {
		total += len(ids)
		for _, id := range ids {
			if n, err := b.Node(id); err != nil || !n.Alive() {
				t.Errorf("%s was acknowledged and is gone: %v", id, err)
			}
		}
	}
	if total == 0 || total == 8*150 {
		t.Errorf("%d acknowledged: no failure was met", total)
	}
}

// TestUnknownOutcome: as long as it is not known what a failed commit left, nothing is appended.
func TestUnknownOutcome(t *testing.T) {
	var commits, reloads atomic.Int64
	o := testOptions(1)
	o.CommitFault = func(written bool) error {
		if written && commits.Add(1) == 2 {
			return writeError(errDisk)
		}
		return nil
	}
	o.reloadFault = func() error {
		if reloads.Add(1) <= 2 {
			return errDisk
		}
		return nil
	}
	b := create(t, "b", nil, o)
	putNode(t, b, "a", 1)
	for _, want := range []error{ErrCommit, errDisk} {
		_, err := b.Append(t.Context(), Request{Actions: actions(t, `{"type":"CREATE_NODE","id":"b"}`)})
		wantError(t, err, want)
	}
	if r := putNode(t, b, "c", 1); r.Number != 3 {
		t.Errorf("%+v", r)
	}
}

func TestWriteErrors(t *testing.T) {
	for _, full := range []error{syscall.ENOSPC, errQuota, &os.PathError{Err: errTooBig}, errors.New("file resize error: " + errNoSpace.Error())} {
		wantError(t, writeError(full), ErrFull)
	}
	wantError(t, writeError(errDisk), ErrCommit)
	wantError(t, writeError(errors.New("else")), ErrCommit)
	if writeError(nil) != nil {
		t.Error("an error of nothing")
	}
}

// TestGuard: a panic of bbolt is an error of this bucket.
func TestGuard(t *testing.T) {
	err := guard("x.db", func() error { panic("page 7 already freed") })
	wantError(t, err, ErrCorrupt)
	if !strings.Contains(err.Error(), "x.db") {
		t.Error(err)
	}
}

// TestFullDisk fills a small file system, and takes up again when there is room.
func TestFullDisk(t *testing.T) {
	dir := smallDisk(t, 2<<20)
	o := testOptions(1)
	o.NoSync = false
	o.OverlayBytes = 64 << 10
	b, err := Create(filepath.Join(dir, "b.db"), "b", nil, o)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	}()
	acknowledged := 0
	for range 100000 {
		requests := make([]Request, 20)
		for i := range requests {
			requests[i].Actions = actions(t, `{"type":"CREATE_NODE","id":"n%d","properties":{"text":%q}}`, acknowledged+i, strings.Repeat("x", 100))
		}
		receipts, err2 := b.Append(t.Context(), requests...)
		acknowledged += len(receipts)
		if err = err2; err != nil {
			break
		}
	}
	wantError(t, err, ErrFull)
	if err := b.Check(); err != nil {
		t.Fatal(err)
	}
	if s := b.Stats(); s.Entries != uint64(acknowledged) {
		t.Errorf("%+v, %d acknowledged", s, acknowledged)
	}
	b2 := crash(t, b, testOptions(2)) // a copy, where there is room
	if s := b2.Stats(); s.Entries != uint64(acknowledged) {
		t.Errorf("%+v, %d acknowledged", s, acknowledged)
	}
	putNode(t, b2, "after", 1)
	if err := growDisk(dir, 16<<20); err != nil {
		t.Fatal(err)
	}
	putNode(t, b, "after", 1)
	if err := b.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	if err := b.Check(); err != nil {
		t.Error(err)
	}
}

// TestRefusedFlush: nodes stay in memory, are read from there, and reach the file later.
func TestRefusedFlush(t *testing.T) {
	b := create(t, "b", nil, testOptions(1))
	putNode(t, b, "a", 1)
	wantError(t, b.failFlush(t), errDisk)
	putNode(t, b, "b", 2)
	wantNode(t, b, "a", `{"n":1}`)
	if b.cursorNow() != 0 {
		t.Error("the cursor moved")
	}
	if err := b.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b.cursorNow() != 2 || len(b.overlay.nodes) != 0 {
		t.Error(b.cursorNow(), len(b.overlay.nodes))
	}
	if err := b.Flush(t.Context()); err != nil {
		t.Error("nothing to flush:", err)
	}
}

// failFlush runs the steps of a flush whose write fails, in the composer's place.
func (b *Bucket) failFlush(t *testing.T) error {
	t.Helper()
	_, err := b.do(t.Context(), 1, func(p *batch, _ int) error {
		done := make(chan error, 1)
		p.c.forced = append(p.c.forced, done)
		p.c.startFlush()
		p.c.settleFlush(errDisk)
		return <-done
	})
	return err
}

func (b *Bucket) cursorNow() uint64 {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.cursor
}

// TestMemoryIsBounded: when nothing can be flushed, appends are refused before memory runs out.
func TestMemoryIsBounded(t *testing.T) {
	o := testOptions(1)
	o.OverlayBytes = 1
	b := create(t, "b", nil, o)
	wantError(t, func() error {
		_, err := b.do(t.Context(), 1, func(p *batch, _ int) error {
			p.c.flushErr = errDisk
			return nil
		})
		return err
	}(), nil)
	putNode(t, b, "a", 1)
	_, err := b.Append(t.Context(), Request{Actions: actions(t, `{"type":"CREATE_NODE","id":"b"}`)})
	wantError(t, err, errDisk)
	if err := b.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	putNode(t, b, "b", 1)
}

// TestCrashAnywhere copies the file while it is written; the copy holds all that was acknowledged by then.
func TestCrashAnywhere(t *testing.T) {
	o := testOptions(1)
	o.OverlayBytes = 4 << 10 // flushes come between
	b := create(t, "b", nil, o)
	for i := range 40 {
		for j := range 10 {
			putNode(t, b, fmt.Sprintf("n%d", (i*j)%50), i)
		}
		if i%8 == 0 {
			sealed(t, b)
		}
		c := snapshotOf(t, b)
		if s := c.Stats(); s.Entries != b.Stats().Entries {
			t.Fatalf("%+v", s)
		}
		sameState(t, b, c)
	}
}

// snapshotOf opens a copy of the file as of the last commit, without what is only in memory.
func snapshotOf(t *testing.T, b *Bucket) *Bucket {
	t.Helper()
	path := filepath.Join(t.TempDir(), "snapshot.db")
	if err := copyTo(b, path); err != nil {
		t.Fatal(err)
	}
	return open(t, path, testOptions(77))
}
