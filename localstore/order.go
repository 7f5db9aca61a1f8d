package localstore

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"

	"github.com/setlogger/setlogger/setlog"
)

// ordering is a stored order of the nodes, as of a transaction: the keys of all stored nodes that are alive, while it is
// being made of those up to an id.
type ordering struct {
	setlog.Order
	orderRecord
	home  *bolt.Bucket // of keys and record
	keys  *bolt.Bucket // key → nothing: the key has the id
	out   [][]byte     // keys to be taken out
	in    [][]byte     // keys to be put in
	later *moves       // takes what move notes in place of these; nil: not now
}

// orderRecord is how far an order is.
type orderRecord struct {
	whole  bool
	lags   bool   // nodes are stored whose keys are not
	making uint64 // number of its making: another one when it was begun anew
	taken  uint64 // nodes that its making looked at
	upTo   string // id, while it is being made
}

func (r orderRecord) encode() []byte {
	flags := byte(0)
	if r.whole {
		flags |= 1
	}
	if r.lags {
		flags |= 2
	}
	dst := binary.BigEndian.AppendUint64([]byte{flags}, r.making)
	return append(binary.BigEndian.AppendUint64(dst, r.taken), r.upTo...)
}

func decodeOrderRecord(v []byte) (orderRecord, bool) {
	if len(v) < 17 || v[0] > 3 {
		return orderRecord{}, false
	}
	return orderRecord{v[0]&1 != 0, v[0]&2 != 0, binary.BigEndian.Uint64(v[1:]), binary.BigEndian.Uint64(v[9:]), string(v[17:])}, true
}

// The keys in an order's own bucket.
const (
	orderKeys = "keys"
	orderInfo = "record"
)

// maxReorder is how many nodes a transaction takes into a new order: each may touch a page of its own.
const maxReorder = 4 * maxFlushNodes

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
	if err != nil {
		return err
	}
	if o.later != nil {
		o.later.add(id, before, after)
		return nil
	}
	if bytes.Equal(before, after) {
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
		o.taken++
		o.upTo = string(k)
	}
	if o.whole = k == nil; o.whole {
		o.upTo = ""
	}
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
	return o.saveRecord()
}

func (o *ordering) saveRecord() error {
	record := o.encode()
	if bytes.Equal(record, o.home.Get([]byte(orderInfo))) {
		return nil
	}
	if err := o.home.Put([]byte(orderInfo), record); err != nil {
		return fmt.Errorf("store order: %w", err)
	}
	return nil
}
