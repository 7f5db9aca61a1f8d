package localstore

import (
	"bytes"
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/setlogger/setlogger/setlog"
)

// Item is a node with its id.
type Item struct {
	ID   string
	Node *setlog.Node
}

// Node answers the node of an id, alive or not, nil when nothing was ever written to it.
func (b *Bucket) Node(id string) (*setlog.Node, error) {
	b.mu.RLock()
	n, ok := b.lookup(id)
	b.mu.RUnlock()
	if ok {
		return n, nil
	}
	tx, err := b.begin() // after that look: what a flush takes out of memory is stored
	if err != nil {
		return nil, err
	}
	defer endRead(tx)
	err = guard(b.path, func() error {
		n, _, err = b.readNode(tx.Bucket([]byte(bucketNodes)).Cursor(), id)
		return err
	})
	return n, err
}

// reading is stored nodes as of a transaction, under overlays. No transaction begins under the lock: it waits for a map that
// grows, that for all who read, and they may wait for the lock.
type reading struct {
	b               *Bucket
	tx              *bolt.Tx
	overlay, frozen *overlay // as the transaction began
}

func (b *Bucket) beginReading() (reading, error) {
	b.mu.RLock()
	r := reading{b: b, overlay: b.overlay, frozen: b.frozen}
	b.mu.RUnlock()
	var err error
	r.tx, err = b.begin()
	return r, err
}

// moved tells whether a flush began or ended since, so that nodes may be in neither of them; the caller holds the lock.
func (r *reading) moved() bool { return r.b.overlay != r.overlay || r.b.frozen != r.frozen }

// lookup looks for a node in memory; the caller holds the lock, or is the composer.
func (b *Bucket) lookup(id string) (*setlog.Node, bool) {
	n, ok := b.overlay.nodes[id]
	if !ok && b.frozen != nil {
		n, ok = b.frozen.nodes[id]
	}
	if !ok {
		return nil, false
	}
	return n.get(), true
}

// isHeld tells whether lookup finds a node.
func (b *Bucket) isHeld(id string) bool {
	_, ok := b.overlay.nodes[id]
	if !ok && b.frozen != nil {
		_, ok = b.frozen.nodes[id]
	}
	return ok
}

// readNode reads a stored node, nil for none, and answers how many bytes it takes there.
func (b *Bucket) readNode(c *bolt.Cursor, id string) (n *setlog.Node, size int, err error) {
	if id == "" || len(id) > setlog.MaxID {
		return nil, 0, nil // there can be none
	}
	err = guard(b.path, func() error {
		k, v := c.Seek([]byte(id))
		if string(k) != id {
			return nil
		}
		size = len(v)
		var err error
		if n, err = setlog.DecodeNode(v); err != nil {
			return corrupt(b.path, err)
		}
		return nil
	})
	return n, size, err
}

// begin begins a read transaction.
func (b *Bucket) begin() (*bolt.Tx, error) {
	tx, err := b.db.Begin(false)
	if err != nil {
		return nil, fmt.Errorf("read: %w", stopped(err))
	}
	return tx, nil
}

// stopped says what it means that a file is not open any more.
func stopped(err error) error {
	if errors.Is(err, bolterrors.ErrDatabaseNotOpen) {
		return ErrStopped
	}
	return err
}

func endRead(tx *bolt.Tx) {
	_ = tx.Rollback() // fails only when it was ended before
}

// Nodes answers up to limit nodes that are alive, in the byte order of their ids: those after one id that begin with
// prefix. Fewer than limit mean that there are no more.
func (b *Bucket) Nodes(after, prefix string, limit int) ([]Item, error) {
	var items []Item
	from := max(after, prefix)
	for len(items) < limit {
		page, more, err := b.page(from, prefix, after, limit-len(items))
		if err != nil {
			return nil, err
		}
		items = append(items, page...)
		if more == "" {
			break
		}
		from = more
	}
	return items, nil
}

// overlayPage is how many ids of the overlay are looked at in one step.
const overlayPage = 256

// page answers up to limit living nodes at or after an id but not equal to after, and the id to go on from, empty at
// the end. The read transaction ends with it.
func (b *Bucket) page(from, prefix, after string, limit int) (items []Item, more string, err error) {
	w, err := b.startWalk(from)
	if err != nil {
		return nil, "", err
	}
	defer endRead(w.tx)
	err = guard(b.path, func() error {
		w.seek(from)
		for range overlayPage {
			id, n, err := w.next()
			switch {
			case err != nil:
				return corrupt(b.path, err)
			case id == "" || len(id) < len(prefix) || id[:len(prefix)] != prefix:
				more = ""
				return nil
			}
			more = id + "\x00"
			if id != after && n.Alive() {
				items = append(items, Item{id, n})
				if len(items) == limit {
					return nil
				}
			}
		}
		return nil
	})
	return items, more, err
}

// walk merges overlay, frozen overlay and stored nodes in the order of ids, as of one moment.
type walk struct {
	tx     *bolt.Tx
	cursor *bolt.Cursor
	key    []byte
	value  []byte
	layers [2]layer // newest first
}

// layer is a stretch of an overlay, copied out while it could not change.
type layer struct {
	ids   []string
	nodes []*setlog.Node
}

func (b *Bucket) startWalk(from string) (*walk, error) {
	for {
		r, err := b.beginReading()
		if err != nil {
			return nil, err
		}
		if w := r.walk(from); w != nil {
			return w, nil
		}
		endRead(r.tx)
	}
}

// walk is nil when a flush came between.
func (r *reading) walk(from string) *walk {
	r.b.mu.Lock()
	defer r.b.mu.Unlock()
	if r.moved() {
		return nil
	}
	w := &walk{tx: r.tx}
	r.overlay.sort()
	w.layers[0] = r.overlay.stretch(from)
	if r.frozen != nil {
		r.frozen.sort()
		w.layers[1] = r.frozen.stretch(from)
	}
	return w
}

func (o *overlay) stretch(from string) layer {
	l := layer{ids: o.from(from, overlayPage)}
	for _, id := range l.ids {
		l.nodes = append(l.nodes, o.nodes[id].get())
	}
	return l
}

func (w *walk) seek(from string) {
	w.cursor = w.tx.Bucket([]byte(bucketNodes)).Cursor()
	w.key, w.value = w.cursor.Seek([]byte(from))
}

// next answers the next node, an empty id at the end. It may be called overlayPage times.
func (w *walk) next() (string, *setlog.Node, error) {
	id := string(w.key)
	for _, l := range w.layers {
		if len(l.ids) > 0 && (id == "" || l.ids[0] < id) {
			id = l.ids[0]
		}
	}
	var n *setlog.Node
	for i := range w.layers {
		l := &w.layers[i]
		if len(l.ids) == 0 || l.ids[0] != id {
			continue
		}
		if n == nil {
			n = l.nodes[0]
		}
		l.ids, l.nodes = l.ids[1:], l.nodes[1:]
	}
	if id == "" || !bytes.Equal(w.key, []byte(id)) {
		return id, n, nil
	}
	var err error
	if n == nil {
		n, err = setlog.DecodeNode(w.value)
	}
	w.key, w.value = w.cursor.Next()
	return id, n, err
}
