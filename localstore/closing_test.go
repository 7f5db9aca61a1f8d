package localstore

import (
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestCloseBesideAppends: who goes on to append while the bucket is closed is refused, and holds nothing up; what was acknowledged
// is there.
func TestCloseBesideAppends(t *testing.T) {
	var asking atomic.Int64
	var acknowledged atomic.Uint64
	var given atomic.Bool
	o := testOptions(1)
	o.CommitFault = func(written bool) error {
		for !written && asking.Load() == 1 && !given.Load() { // the other one asks again meanwhile
			time.Sleep(100 * time.Microsecond)
		}
		time.Sleep(time.Millisecond)
		return nil
	}
	b, err := Create(filepath.Join(t.TempDir(), "b.db"), "b", nil, o)
	if err != nil {
		t.Fatal(err)
	}
	putNode(t, b, "a", 1)
	var appending sync.WaitGroup
	for range 2 {
		appending.Go(func() {
			defer given.Store(true)
			for !given.Load() {
				asking.Add(1)
				err := appendOne(t, b, `{"type":"INCREMENT","id":"a","property":"n"}`)
				asking.Add(-1)
				if errors.Is(err, ErrStopped) {
					return
				}
				if err != nil {
					t.Error(err)
				}
				acknowledged.Add(1)
			}
		})
	}
	time.Sleep(20 * time.Millisecond)
	closed := make(chan error, 1)
	go func() { closed <- b.Close() }()
	select {
	case err = <-closed:
	case <-time.After(10 * time.Second):
		given.Store(true)
		t.Error("the close waits for ever")
		err = <-closed
	}
	given.Store(true)
	appending.Wait()
	if err != nil {
		t.Error(err)
	}
	if s := open(t, b.path, testOptions(2)).Stats(); s.Entries != 1+acknowledged.Load() {
		t.Errorf("%d entries, %d acknowledged", s.Entries, acknowledged.Load())
	}
}

// TestReadsOfAClosedStore fail with ErrStopped, as writes do.
func TestReadsOfAClosedStore(t *testing.T) {
	b := create(t, "b", nil, testOptions(1))
	putNode(t, b, "a", 1)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	_, node := b.Node("none")
	_, nodes := b.Nodes("", "", 1)
	_, ids := b.IDs("", 1)
	_, _, ordered := b.Ordered(b.Order(), nil, nil, 1)
	_, log := b.Log(0, 1)
	_, segments := b.Segments()
	for i, err := range []error{node, nodes, ids, ordered, log, segments} {
		if !errors.Is(err, ErrStopped) {
			t.Errorf("%d: %v", i, err)
		}
	}
}
