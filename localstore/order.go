package localstore

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	bolt "go.etcd.io/bbolt"

	"github.com/setlogger/setlogger/setlog"
)

// ordering is the stored order of the nodes, as of a transaction: the keys of all stored nodes that are alive, while it
// is being made of those up to an id.
type ordering struct {
	setlog.Order
	whole bool
	upTo  string // id
	keys  *bolt.Bucket
	meta  *bolt.Bucket
	out   [][]byte // keys to be taken out
	in    [][]byte // keys to be put in
	later *moves   // takes what move notes in place of these; nil: not now
}

// maxReorder is how many nodes a transaction takes into a new order: each may touch a page of its own.
const maxReorder = 4 * maxFlushNodes

// loadOrdering reads the order's record: its names and, while it is being made, a line break and an id. Without a record
// that can be read it is an order of no node.
func loadOrdering(tx *bolt.Tx) *ordering {
	o := &ordering{keys: tx.Bucket([]byte(bucketOrder)), meta: tx.Bucket([]byte(bucketMeta))}
	text, upTo, making := strings.Cut(string(o.meta.Get([]byte(metaOrder))), "\n")
	var names []string
	if json.Unmarshal([]byte(text), &names) != nil {
		return o
	}
	if order, err := setlog.ParseOrder(names); err == nil {
		o.Order, o.whole, o.upTo = order, !making, upTo
	}
	return o
}

// begin drops what is stored, for another order.
func (o *ordering) begin(tx *bolt.Tx, order setlog.Order) error {
	err := tx.DeleteBucket([]byte(bucketOrder))
	if err != nil {
		return fmt.Errorf("drop the order: %w", err)
	}
	o.Order, o.whole, o.upTo = order, false, ""
	if err := o.setLagging(false); err != nil {
		return err
	}
	if o.keys, err = tx.CreateBucket([]byte(bucketOrder)); err != nil {
		return fmt.Errorf("make the order: %w", err)
	}
	return nil
}

// has tells whether the key of a node is stored, if it is alive.
func (o *ordering) has(id string) bool { return o.whole || id <= o.upTo }

// move notes that a node takes the place of one that is stored, nil for none.
func (o *ordering) move(id string, stored []byte, n held) error {
	var before []byte
	if stored != nil {
		var err error
		if before, err = o.StoredKey(id, stored); err != nil {
			return fmt.Errorf("node %q: %w: %w", id, err, errRecord)
		}
	}
	after, err := n.key(o.Order, id)
	if err != nil || bytes.Equal(before, after) {
		return err
	}
	if o.later != nil {
		o.later.add(before, after)
		return nil
	}
	if before != nil {
		o.out = append(o.out, before)
	}
	if after != nil {
		o.in = append(o.in, after)
	}
	return nil
}

// extend takes in the stored nodes that come next by id, and is whole when there are no more.
func (o *ordering) extend(nodes *bolt.Bucket) error {
	c, size := nodes.Cursor(), 0
	k, v := c.Seek([]byte(o.upTo + "\x00"))
	for ; k != nil && len(o.in) < maxReorder && size < maxFlushBytes; k, v = c.Next() {
		key, err := o.StoredKey(string(k), v)
		if err != nil {
			return fmt.Errorf("node %q: %w: %w", k, err, errRecord)
		}
		if key != nil {
			o.in = append(o.in, key)
		}
		size += len(v)
		o.upTo = string(k)
	}
	o.whole = k == nil
	return nil
}

// save stores what was noted. Keys are put in order: where the newest come first, each goes to the head of the tree.
func (o *ordering) save() error {
	o.keys.FillPercent = 0.9
	slices.SortFunc(o.out, bytes.Compare)
	for _, key := range o.out {
		if err := o.keys.Delete(key); err != nil {
			return fmt.Errorf("store order: %w", err)
		}
	}
	slices.SortFunc(o.in, bytes.Compare)
	for _, key := range o.in {
		if err := o.keys.Put(key, nil); err != nil {
			return fmt.Errorf("store order: %w", err)
		}
	}
	return nil
}

// record is what loadOrdering reads.
func (o *ordering) record() []byte {
	if o.whole {
		return []byte(o.String())
	}
	return []byte(o.String() + "\n" + o.upTo)
}

// reorder makes the stored order anew after the bucket's has changed, some nodes a transaction. Until it is whole,
// pages are found by looking at all nodes.
type reorder struct {
	b     *Bucket
	order setlog.Order
	whole bool
}

// job is the next transaction.
func (r *reorder) job() error {
	begins := false
	err := r.b.update(func(tx *bolt.Tx, _ *arena) error {
		o := loadOrdering(tx)
		if begins = o.String() != r.order.String(); begins {
			if err := o.begin(tx, r.order); err != nil {
				return err
			}
		}
		var err error
		if !o.whole {
			err = o.extend(tx.Bucket([]byte(bucketNodes)))
		}
		r.whole = o.whole
		return errors.Join(r.b.wrap(err), o.save(), o.meta.Put([]byte(metaOrder), o.record()))
	})
	if err == nil && begins {
		r.b.begun++
	}
	return err
}

// amend begins the stored order anew if the process that wrote it ended while it lagged behind the nodes.
func (b *Bucket) amend() error {
	lags := false
	if err := b.view(func(tx *bolt.Tx) error { lags = loadOrdering(tx).lags(); return nil }); err != nil || !lags {
		return err
	}
	return b.update(func(tx *bolt.Tx, _ *arena) error {
		o := loadOrdering(tx)
		if err := o.begin(tx, o.Order); err != nil {
			return err
		}
		return o.meta.Put([]byte(metaOrder), o.record())
	})
}

// startReorder begins to make the stored order anew, unless it is the bucket's.
func (c *composer) startReorder() {
	order := c.b.orderOf(c.b.ledger.schema)
	if c.ordered == order.String() {
		return
	}
	c.ordered = order.String()
	c.reordering = &reorder{b: c.b, order: order}
}

// settleReorder goes on after one transaction of it, or gives it up until later.
func (c *composer) settleReorder(r *reorder, err error) {
	if r != c.reordering || err == nil && !r.whole {
		return
	}
	c.reordering = nil
	if err != nil {
		c.ordered = ""
		c.b.o.Logger.Error("the nodes can't be put in order", "bucket", c.b.name, "error", err)
		c.idle.Reset(c.b.o.IdleFlush)
	}
}
