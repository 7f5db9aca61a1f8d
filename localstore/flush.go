package localstore

import (
	"context"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
)

// flush moves a frozen overlay into the stored nodes, some a transaction, and then the cursor. Nodes that are stored
// ahead of the cursor do no harm: folding their entries again changes nothing.
type flush struct {
	b      *Bucket
	frozen *overlay
	nodes  []change  // sorted by id; nil until the writer has done that
	next   int       // of them to store
	end    int       // after the job that was given last
	moves  lateMoves // of the orders' keys, to be stored after all nodes; nil: beside each node
	whole  bool      // all of it is stored, and the cursor
	cursor uint64
	done   []chan error
}

// change is a node to be stored.
type change struct {
	id string
	held
}

// Flush stores all that was appended before it as nodes, so that the next open has nothing to fold.
func (b *Bucket) Flush(ctx context.Context) error {
	done := make(chan error, 1)
	select {
	case b.flushes <- done:
	case <-ctx.Done():
		return ctx.Err()
	case <-b.c.stopped:
		return ErrStopped
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// startFlush freezes the overlay, unless a flush is on its way: then the next one begins when it ended.
func (c *composer) startFlush() {
	if c.flushing != nil {
		return
	}
	b := c.b
	if b.cursor == b.ledger.offset && len(b.overlay.nodes) == 0 {
		c.answerFlush(nil, c.forced)
		c.forced = nil
		return
	}
	b.mu.Lock()
	b.frozen, b.overlay = b.overlay, newOverlay()
	c.flushing = &flush{b: b, frozen: b.frozen, cursor: b.ledger.offset, done: c.forced, moves: c.moves}
	if c.moves == nil && b.joining.Load() && len(b.frozen.nodes) > maxFlushNodes {
		c.flushing.moves = lateMoves{}
	}
	b.mu.Unlock()
	c.forced, c.tail = nil, 0
}

// job is the next transaction of the flush.
func (f *flush) job() error {
	if f.nodes == nil {
		f.nodes = f.frozen.changes()
	}
	return f.b.update(func(tx *bolt.Tx, a *arena) error {
		stored := loadOrders(tx)
		f.moves.attach(stored)
		keyed := f.moves == nil
		if f.next < len(f.nodes) {
			if err := f.store(tx, a, stored); err != nil {
				return err
			}
		} else {
			keyed = f.moves.store(stored)
		}
		for _, o := range stored.all {
			o.lags = !keyed
		}
		f.whole = keyed && f.end == len(f.nodes)
		if err := errors.Join(stored.save(), f.b.flushFails()); err != nil || !f.whole {
			return err
		}
		return tx.Bucket([]byte(bucketMeta)).Put([]byte(metaCursor), uint64Key(f.cursor))
	})
}

// flushFails is what a test lets a flush meet, once all of a transaction is written.
func (b *Bucket) flushFails() error {
	if b.o.flushFault == nil {
		return nil
	}
	return b.o.flushFault()
}

// store stores the nodes that come next.
func (f *flush) store(tx *bolt.Tx, a *arena, stored *orders) error {
	nodes := tx.Bucket([]byte(bucketNodes))
	nodes.FillPercent = 0.8
	size := 0
	for f.end = f.next; f.end < len(f.nodes) && f.end < f.next+f.b.roomy(maxFlushNodes) && size < f.b.roomy(maxFlushBytes); f.end++ {
		n := f.nodes[f.end]
		id := []byte(n.id)
		value := a.take(n.appendBinary)
		size += len(value)
		if err := stored.move(n.id, nodes.Get(id), n.held); err != nil {
			return f.b.wrap(err)
		}
		if err := nodes.Put(id, value); err != nil {
			return fmt.Errorf("store node: %w", err)
		}
	}
	return nil
}

// roomy is a bound on what one transaction stores, larger while an index is being taken in: its nodes come in any order,
// and nobody waits for a flush of them.
func (b *Bucket) roomy(bound int) int {
	if b.joining.Load() {
		return 8 * bound
	}
	return bound
}

// overlayBytes is a bound on what is in memory, larger while an index is being taken in: each flush of its nodes writes all
// pages of the tree again, while those that fit are written once, when all of them can be read already.
func (b *Bucket) overlayBytes() int {
	if b.joining.Load() {
		return max(b.o.JoinBytes, b.o.OverlayBytes)
	}
	return b.o.OverlayBytes
}

// besideBytes is a bound on what comes into memory while it is being flushed.
func (b *Bucket) besideBytes() int { return max(b.overlayBytes()/4, b.o.OverlayBytes) }

// settleFlush goes on with the flush after one of its transactions, or gives it up until later.
func (c *composer) settleFlush(err error) {
	f, b := c.flushing, c.b
	c.flushErr = err
	f.next = f.end
	if err == nil && !f.whole {
		return
	}
	c.flushing, c.moves = nil, nil
	if err != nil && f.moves != nil {
		c.moves = f.moves // of nodes that are stored
		c.moves.again()
	}
	b.mu.Lock()
	if err != nil {
		b.overlay = b.overlay.under(b.frozen)
	} else {
		b.cursor = f.cursor
	}
	b.frozen = nil
	b.mu.Unlock()
	if err != nil {
		b.o.Logger.Error("flush failed", "bucket", b.name, "error", err)
		c.idle.Reset(b.o.IdleFlush)
	}
	c.answerFlush(err, f.done)
	if len(c.forced) > 0 {
		c.startFlush()
	}
	c.relax()
}

func (c *composer) answerFlush(err error, waiters []chan error) {
	for _, done := range waiters {
		done <- err
	}
}

// overfull tells to compose no more until the flush made room.
func (c *composer) overfull() bool {
	return c.flushing != nil && c.b.overlay.bytes >= c.b.besideBytes()
}

// stuck tells why nothing more may be composed: what is stored is not known, or memory is full and can't be flushed.
func (c *composer) stuck() error {
	if c.unsure != nil {
		return c.unsure
	}
	if c.flushErr != nil && c.flushing == nil && c.b.overlay.bytes >= c.b.overlayBytes()+3*c.b.o.OverlayBytes {
		return c.flushErr
	}
	return nil
}
