package localstore

import (
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/setlogger/setlogger/setlog"
)

// smallMap is a bucket whose map must grow with the next large entry.
func smallMap(t *testing.T, o Options) *Bucket {
	t.Helper()
	o.firstMap = 1
	b, err := Create(filepath.Join(t.TempDir(), "b.db"), "b", nil, o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

const largeNode = `{"type":"CREATE_NODE","id":"large","properties":{"text":"`

func appendLarge(t *testing.T, b *Bucket) error {
	return appendOne(t, b, largeNode+strings.Repeat("x", 900<<10)+`"}}`)
}

// TestGrowthBesideReads: a map that grows waits for all who read, and who begins to read meanwhile waits for it. Nobody of these may
// hold what another one of them needs.
func TestGrowthBesideReads(t *testing.T) {
	for name, read := range map[string]func(b *Bucket) error{
		"node":    func(b *Bucket) error { _, err := b.Node("a"); return err },
		"nodes":   func(b *Bucket) error { _, err := b.Nodes("", "", 10); return err },
		"ids":     func(b *Bucket) error { _, err := b.IDs("", 10); return err },
		"ordered": func(b *Bucket) error { _, _, err := b.Ordered(b.Order(), nil, nil, 10); return err },
	} {
		t.Run(name, func(t *testing.T) {
			b := smallMap(t, testOptions(1))
			putNode(t, b, "a", 1)
			if err := b.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			var all sync.WaitGroup
			beside := func(do func(b *Bucket) error) {
				all.Go(func() {
					if err := do(b); err != nil {
						t.Error(err)
					}
				})
				time.Sleep(20 * time.Millisecond) // so that they come in turn
			}
			b.lining.Lock() // as another page in the order does
			beside(func(b *Bucket) error { _, _, err := b.Ordered(b.Order(), nil, nil, 10); return err })
			beside(func(b *Bucket) error { return appendLarge(t, b) })
			beside(read)
			b.lining.Unlock()
			inTime(t, ended(&all), "a page, an append that grows the map, or another read")
			if err := errors.Join(b.Check(), b.Close()); err != nil {
				t.Error(err)
			}
		})
	}
}

func ended(all *sync.WaitGroup) <-chan struct{} {
	done := make(chan struct{})
	go func() { all.Wait(); close(done) }()
	return done
}

// holdCommit has the next commit after held is set wait, before it is written, for the release.
func holdCommit(o *Options, held *atomic.Bool) (committing <-chan struct{}, release chan<- struct{}) {
	began, ended := make(chan struct{}), make(chan struct{})
	o.CommitFault = func(written bool) error {
		if !written && held.CompareAndSwap(true, false) {
			close(began)
			<-ended
		}
		return nil
	}
	return began, ended
}

// TestGrowthBesideAdopt: what an index covers is looked up in the transaction that the composer has already.
func TestGrowthBesideAdopt(t *testing.T) {
	queued := make(chan struct{})
	var held atomic.Bool
	o := testOptions(1)
	committing, release := holdCommit(&o, &held)
	b := smallMap(t, o)
	putNode(t, b, "a", 1)
	var all sync.WaitGroup
	beside := func(step func(p *batch, i int) error) {
		all.Go(func() {
			if _, err := b.do(t.Context(), 1, step); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(20 * time.Millisecond)
	}
	held.Store(true)
	all.Go(func() {
		if err := appendLarge(t, b); err != nil {
			t.Error(err)
		}
	})
	<-committing
	beside(func(*batch, int) error { <-queued; return nil })
	beside(func(p *batch, _ int) error { // an item that reads, in the same burst
		_, err := p.c.reads()
		close(release)
		time.Sleep(50 * time.Millisecond)
		return err
	})
	beside(func(p *batch, _ int) error { return p.adopt(Adopted{Name: "index"}) })
	close(queued)
	inTime(t, ended(&all), "the taking in of an index, or a commit that grows the map")
	if err := errors.Join(b.Check(), b.Close()); err != nil {
		t.Error(err)
	}
}

// TestKnowsBesideAppends: heads are looked up by a ledger that is no newer than the transaction.
func TestKnowsBesideAppends(t *testing.T) {
	b := create(t, "b", nil, testOptions(1))
	putNode(t, b, "a", 1)
	var asking sync.WaitGroup
	var done atomic.Bool
	for range 2 {
		asking.Go(func() {
			for !done.Load() {
				s := b.Stats()
				if _, err := b.Knows(setlog.Head{Writer: s.Writer, Number: s.Head + 5}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	requests := make([]Request, 10)
	for i := range requests {
		requests[i].Actions = actions(t, `{"type":"INCREMENT","id":"a","property":"n"}`)
	}
	for range unlessShort(300, 100) {
		if _, err := b.Append(t.Context(), requests...); err != nil {
			t.Fatal(err)
		}
	}
	done.Store(true)
	asking.Wait()
}
