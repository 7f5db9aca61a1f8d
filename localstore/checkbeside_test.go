package localstore

import (
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestCheckBesideARefusedCommit: a check that shares the batch of an entry whose commit fails lets go of the file.
func TestCheckBesideARefusedCommit(t *testing.T) {
	committing, release := make(chan struct{}), make(chan struct{})
	var commits atomic.Int64
	o := testOptions(1)
	o.CommitFault = func(written bool) error {
		if written {
			return nil
		}
		switch commits.Add(1) {
		case 1:
			close(committing)
			<-release
		case 2:
			return writeError(errDisk)
		}
		return nil
	}
	b, err := Create(filepath.Join(t.TempDir(), "b.db"), "b", nil, o)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	beside := func(do func() error) {
		all.Go(func() { _ = do() })
		time.Sleep(20 * time.Millisecond) // so that they come in turn
	}
	beside(func() error { return appendOne(t, b, `{"type":"CREATE_NODE","id":"a"}`) })
	<-committing
	beside(b.Check)
	beside(func() error { return appendOne(t, b, `{"type":"CREATE_NODE","id":"b"}`) })
	close(release)
	all.Wait()
	closed := make(chan error, 1)
	go func() { closed <- b.Close() }()
	inTime(t, closed, "the close")
}

// TestCheckBesideARefusedFlush: what comes after the moment of a check is not seen by it, also where a flush that was on its way fails.
func TestCheckBesideARefusedFlush(t *testing.T) {
	var fails atomic.Bool
	flushing, release := make(chan struct{}), make(chan struct{})
	o := testOptions(1)
	o.flushFault = func() error {
		if !fails.CompareAndSwap(true, false) {
			return nil
		}
		close(flushing)
		<-release
		return errDisk
	}
	b := create(t, "b", nil, o)
	putNode(t, b, "a", 1)
	fails.Store(true)
	flushed, taken, c := make(chan error, 1), make(chan error, 1), &check{b: b}
	go func() { flushed <- b.Flush(t.Context()) }()
	<-flushing
	go func() { taken <- c.snapshot() }()
	time.Sleep(20 * time.Millisecond)
	close(release)
	wantError(t, <-flushed, errDisk)
	if err := <-taken; err != nil {
		t.Fatal(err)
	}
	defer endRead(c.tx)
	putNode(t, b, "b", 1)
	var ids []string
	if err := c.look(func(id string, _ []byte) error { ids = append(ids, id); return nil }); err != nil || len(ids) != 1 {
		t.Errorf("sees %v: %v", ids, err)
	}
}
