package localstore

import (
	"errors"
	"time"

	bolt "go.etcd.io/bbolt"
)

// publish makes a committed batch visible and wakes who waits.
func (b *Bucket) publish(done *batch) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, id := range done.changed {
		b.overlay.put(id, done.nodes[id])
	}
	b.overlay.bytes += inMemory(done.bytes+done.loaded) + done.absorbed
	b.ledger = done.ledger
	b.wake()
}

// wake tells who waits that there is more to see; the caller holds the lock.
func (b *Bucket) wake() {
	close(b.changed)
	b.changed = make(chan struct{})
}

// Changed answers a channel that is closed when the next batch is published.
func (b *Bucket) Changed() <-chan struct{} {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.changed
}

func (b *Bucket) commitJob(p *batch) func() error {
	return func() error {
		if p.idle() {
			return nil
		}
		b.announce(p)
		if err := b.fault(false); err != nil {
			return err
		}
		began := time.Now()
		if err := b.update(p.commit); err != nil {
			return err
		}
		if b.o.Committed != nil {
			b.o.Committed(Commit{Own: p.own, Actions: p.actions, Entries: p.entries, Bytes: p.bytes, Took: time.Since(began)})
		}
		return b.fault(true)
	}
}

// announce tells what the batch is to write, if somebody listens.
func (b *Bucket) announce(p *batch) {
	if b.o.Committing == nil {
		return
	}
	if u := p.upcoming(); u != nil {
		b.o.Committing(b.name, u)
	}
}

func (b *Bucket) fault(written bool) error {
	if b.o.CommitFault == nil {
		return nil
	}
	return writeError(b.o.CommitFault(written))
}

// update is one durable transaction. Only the writer and load call it.
func (b *Bucket) update(do func(tx *bolt.Tx, a *arena) error) error {
	b.arena.reset()
	return writeError(b.db.write(func() error {
		return b.db.Update(func(tx *bolt.Tx) error {
			// growing in steps of an eighth spares an fsync a commit without making small buckets large
			b.db.AllocSize = min(max(int(tx.Size()/8), 256<<10), 16<<20)
			return do(tx, &b.arena)
		})
	}))
}

// view is one short read transaction.
func (b *Bucket) view(do func(tx *bolt.Tx) error) error {
	return stopped(guard(b.path, func() error { return b.db.View(do) }))
}

// wrap names the file in the error of a bad record.
func (b *Bucket) wrap(err error) error {
	if errors.Is(err, errRecord) {
		return corrupt(b.path, err)
	}
	return err
}
