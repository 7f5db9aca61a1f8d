package localstore

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	bolt "go.etcd.io/bbolt"

	"github.com/setlogger/setlogger/setlog"
)

// Check reads the whole bucket and compares everything with everything: bbolt's pages, each line, each chain, heads,
// arrivals, segments, and the state with one folded anew from the log. It holds that in memory. Appends that must
// grow the file's map wait for it, and all do while bbolt checks its tree. It answers all that it finds.
func (b *Bucket) Check() error {
	c := &check{b: b}
	if err := c.snapshot(); err != nil {
		return err
	}
	err := guard(b.path, func() error {
		defer endRead(c.tx)
		for _, look := range []func() error{c.pages, c.keys, c.loadAll, c.base, c.arrivals, c.branches, c.counts, c.segments, c.nodes, c.orders} {
			if c.found(look()); len(c.errs) > 0 {
				break // what follows builds on it
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(c.errs) == 0 {
		c.found(b.db.write(c.tree))
	}
	if len(c.errs) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s: %w", ErrCorrupt, b.path, errors.Join(c.errs...))
}

// check is one check of a bucket, as of one moment.
type check struct {
	b      *Bucket
	tx     *bolt.Tx
	ledger *ledger // as published
	layers []*overlay
	cursor uint64
	stored *ledger // as stored
	errs   []error
	state  packed // what the log folds to; on what reads see, where entries came by an index
	alive  int    // nodes of it, as the log counts them
}

func (c *check) found(err error) {
	if err != nil && len(c.errs) < 20 {
		c.errs = append(c.errs, err)
	}
}

func (c *check) failf(format string, args ...any) { c.found(fmt.Errorf(format, args...)) }

// snapshot takes file and memory as of a moment at which nothing waits to be committed.
func (c *check) snapshot() error {
	_, err := c.b.do(context.Background(), 1, func(p *batch, _ int) error {
		if !p.empty() || p.under != nil {
			return errDrain
		}
		b := c.b
		c.end()
		p.c.endReads() // a second one beside it could wait for a writer that waits for the first
		var err error
		if c.tx, err = b.db.Begin(false); err != nil {
			return fmt.Errorf("check: %w", err)
		}
		c.ledger, c.cursor = b.ledger, b.cursor
		c.layers = []*overlay{{nodes: maps.Clone(b.overlay.nodes)}}
		if b.frozen != nil { // a flush that fails makes it the overlay again
			c.layers = append(c.layers, &overlay{nodes: maps.Clone(b.frozen.nodes)})
		}
		return nil
	})
	if err != nil {
		c.end()
	}
	return err
}

// end lets go of a snapshot that is taken again, or comes to nothing since entries of others in its batch were not committed.
func (c *check) end() {
	if c.tx != nil {
		endRead(c.tx)
		c.tx = nil
	}
}

// keys checks that each key is found where it is looked for.
func (c *check) keys() error {
	return c.tx.ForEach(func(name []byte, b *bolt.Bucket) error {
		seek := b.Cursor()
		return b.ForEach(func(k, v []byte) error {
			if found, value := seek.Seek(k); !bytes.Equal(found, k) || !bytes.Equal(value, v) {
				return fmt.Errorf("key %x of %s is out of its place: %w", k, name, errRecord)
			}
			return nil
		})
	})
}

func (c *check) pages() error { return checkPages(c.b.path, c.tx) }

// tree is bbolt's own check. It comes last, since it runs in a goroutine where a fault of a damaged page would end the
// process; such pages were met before. It looks at what is free too, so nobody else may write.
func (c *check) tree() error {
	tx, err := c.b.db.Begin(true)
	if err != nil {
		return fmt.Errorf("check: %w", err)
	}
	defer endRead(tx)
	for err := range tx.Check() {
		c.found(err)
	}
	return nil
}

func (c *check) loadAll() error {
	var err error
	if c.stored, err = loadLedger(c.tx); err != nil {
		return err
	}
	if c.stored.stateRecord != c.ledger.stateRecord || c.stored.writer != c.ledger.writer || len(c.stored.branches) != len(c.ledger.branches) {
		c.failf("the file has %+v, memory %+v", c.stored.stateRecord, c.ledger.stateRecord)
		return nil
	}
	for i, br := range c.stored.branches {
		if *br != *c.ledger.branches[i] {
			c.failf("branch %d: the file has %+v, memory %+v", br.id, br, c.ledger.branches[i])
		}
	}
	cursor, err := loadCursor(c.tx)
	if cursor > c.stored.offset {
		c.failf("the cursor %d is beyond the log's end %d", cursor, c.stored.offset)
	}
	for writer, seed := range c.stored.keys {
		if setlog.WriterOf(publicKey(seed)) != writer {
			c.failf("the key of writer %v is of another", writer)
		}
	}
	if _, ok := c.stored.keys[c.stored.writer]; !ok {
		c.failf("the current writer %v has no key", c.stored.writer)
	}
	return err
}

// base is what the log is folded on: nothing, or where entries came by an index, what reads see.
func (c *check) base() error {
	c.state = packed{}
	if len(c.stored.adopted) == 0 {
		return nil
	}
	return c.look(func(id string, stored []byte) error {
		n, err := setlog.DecodeNode(stored)
		if err != nil {
			return err
		}
		if n.Alive() {
			c.alive++
		}
		c.state.put(id, n)
		return nil
	})
}

// look visits the nodes that reads see, each once.
func (c *check) look(visit func(id string, stored []byte) error) error {
	inMemory := map[string]held{}
	for _, layer := range slices.Backward(c.layers) {
		maps.Copy(inMemory, layer.nodes)
	}
	var room []byte
	for id, n := range inMemory {
		room = n.appendBinary(room[:0])
		if err := visit(id, room); err != nil {
			return err
		}
	}
	return c.tx.Bucket([]byte(bucketNodes)).ForEach(func(k, v []byte) error {
		if _, newer := inMemory[string(k)]; newer {
			return nil
		}
		return visit(string(k), v)
	})
}

// nodes checks that what reads see is what the log folds to, byte for byte.
func (c *check) nodes() error {
	var room []byte
	count := 0
	err := c.look(func(id string, stored []byte) error {
		want, ok := c.state[id]
		if !ok {
			c.failf("node %q is in no entry", id)
			return nil
		}
		count++
		if room = want.appendBinary(room[:0]); bytes.Equal(stored, room) {
			return nil
		}
		got, err := setlog.DecodeNode(stored) // it may be written in another way
		if err == nil && !bytes.Equal(got.AppendBinary(nil), room) {
			c.failf("node %q is not what the log folds to: %s, not %s", id, got.Value(), want.get().Value())
		}
		return err
	})
	if err != nil || count == len(c.state) {
		return err
	}
	return c.missing()
}

// missing names the nodes that the log makes and reads don't see.
func (c *check) missing() error {
	seen := map[string]bool{}
	err := c.look(func(id string, _ []byte) error { seen[id] = true; return nil })
	for id, want := range c.state {
		if !seen[id] {
			c.failf("node %q is not there, and the log makes it: %s", id, want.get().Value())
		}
	}
	return err
}

// orders checks that each stored order has the keys of the stored nodes, and no others.
func (c *check) orders() error {
	stored := loadOrders(c.tx)
	for _, name := range stored.broken {
		c.failf("the record of the order %s can't be read", name)
	}
	for _, o := range stored.all {
		if err := c.order(o); err != nil {
			return err
		}
	}
	return nil
}

func (c *check) order(o *ordering) error {
	if o.lags {
		return nil // the nodes that miss a key are in memory
	}
	count := 0
	err := c.tx.Bucket([]byte(bucketNodes)).ForEach(func(k, v []byte) error {
		if !o.has(string(k)) {
			return nil
		}
		key, err := o.StoredKey(string(k), v)
		if err != nil || key == nil {
			return err
		}
		count++
		if found, _ := o.keys.Cursor().Seek(key); !bytes.Equal(found, key) {
			c.failf("node %q is not where it stands in the order %s", k, o.Order)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if surplus := o.keys.Stats().KeyN - count; surplus != 0 && len(c.errs) == 0 {
		c.failf("the order %s has %d keys of no stored node", o.Order, surplus)
	}
	return nil
}
