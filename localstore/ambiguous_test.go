package localstore

import (
	"sync/atomic"
	"testing"
	"time"
)

// ambiguousOptions are those of a store whose commits are written, and answered with an error while it is broken.
func ambiguousOptions() (o Options, broken *atomic.Bool) {
	o, broken = testOptions(1), &atomic.Bool{}
	o.CommitFault = func(written bool) error {
		if written && broken.Load() {
			return writeError(errDisk)
		}
		return nil
	}
	return o, broken
}

// TestWaitForWhatAFailedCommitWrote: an entry that is there although its commit failed wakes who waits for it, as any other does.
func TestWaitForWhatAFailedCommitWrote(t *testing.T) {
	o, broken := ambiguousOptions()
	b := create(t, "b", nil, o)
	putNode(t, b, "a", 1)
	changed, woken := b.Changed(), make(chan error, 1)
	go func() { woken <- b.Wait(t.Context(), 1) }()
	broken.Store(true)
	wantError(t, appendOne(t, b, `{"type":"CREATE_NODE","id":"b"}`), ErrCommit)
	broken.Store(false)
	if entries, err := b.Log(1, 10); err != nil || len(entries) != 1 {
		t.Fatal(entries, err)
	}
	inTime(t, changed, "who asked whether anything changed")
	if err := <-woken; err != nil {
		t.Error(err)
	}
}

// inTime fails where something never ends.
func inTime[T any](t *testing.T, done <-chan T, what string) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatalf("%s waits for ever", what)
	}
}

// TestAnsweredWhenItIsKnown: who is told that a commit failed sees, from then on, whether it is there all the same.
func TestAnsweredWhenItIsKnown(t *testing.T) {
	o, broken := ambiguousOptions()
	o.reloadFault = func() error { time.Sleep(20 * time.Millisecond); return nil }
	b := create(t, "b", nil, o)
	broken.Store(true)
	wantError(t, appendOne(t, b, `{"type":"CREATE_NODE","id":"a"}`), ErrCommit)
	broken.Store(false)
	wantNode(t, b, "a", `{}`)
}
