package localstore

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
)

// moves are changes of the order's keys that are stored after the nodes they belong to, sorted. While an index is taken in, a flush
// has a great many nodes whose keys lie close together: beside nodes in the order of ids, each transaction would
// write all pages of these keys again. Until all are stored, the flush's nodes are in memory for who reads in the
// order, and the file says that it lags: whoever opens it then makes the order anew.
type moves struct {
	begun  int // orders, when they were noted
	list   []keyMove
	sorted bool
	next   int
}

type keyMove struct {
	key []byte
	in  bool // else out
	at  int  // place among the moves
}

// maxKeys is how many keys a transaction stores.
const maxKeys = 16 * maxFlushNodes

// add notes that a node's key changes; nil stands for none.
func (m *moves) add(before, after []byte) {
	if before != nil {
		m.list = append(m.list, keyMove{before, false, len(m.list)})
	}
	if after != nil {
		m.list = append(m.list, keyMove{after, true, len(m.list)})
	}
	m.rewind()
}

// keepTo drops what was noted of an order that is gone: the new one is made of what is stored.
func (m *moves) keepTo(begun int) {
	if m != nil && m.begun != begun {
		*m = moves{begun: begun}
	}
}

// rewind begins again with the storing.
func (m *moves) rewind() { m.sorted, m.next = false, 0 }

// store gives an order the keys that come next, and tells whether they were the last. Of moves of one key the last
// one counts.
func (m *moves) store(o *ordering) bool {
	if m == nil {
		return true
	}
	if !m.sorted {
		slices.SortFunc(m.list, func(a, b keyMove) int { return cmp.Or(bytes.Compare(a.key, b.key), cmp.Compare(a.at, b.at)) })
		m.sorted = true
	}
	for n := 0; n < maxKeys && m.next < len(m.list); m.next++ {
		move := m.list[m.next]
		if m.next+1 < len(m.list) && bytes.Equal(move.key, m.list[m.next+1].key) {
			continue
		}
		if move.in {
			o.in = append(o.in, move.key)
		} else {
			o.out = append(o.out, move.key)
		}
		n++
	}
	return m.next == len(m.list)
}

// setLagging notes whether nodes are stored whose keys are not.
func (o *ordering) setLagging(lags bool) error {
	var err error
	switch {
	case lags == o.lags():
		return nil
	case lags:
		err = o.meta.Put([]byte(metaLagging), []byte{1})
	default:
		err = o.meta.Delete([]byte(metaLagging))
	}
	if err != nil {
		return fmt.Errorf("store order: %w", err)
	}
	return nil
}

func (o *ordering) lags() bool { return o.meta.Get([]byte(metaLagging)) != nil }
