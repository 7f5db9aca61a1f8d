package localstore

import (
	"bytes"
	"cmp"
	"maps"
	"slices"
)

// lateMoves are changes of the orders' keys that are stored after the nodes they belong to, sorted. While an index is taken in, a flush
// has a great many nodes whose keys lie close together: beside nodes in the order of ids, each transaction would
// write all pages of these keys again. Until all are stored, the flush's nodes are in memory for who reads in an
// order, and the file says that it lags: whoever opens it then makes the order anew.
type lateMoves map[string]*moves

// moves are those of one order.
type moves struct {
	making uint64 // of the order, when they were noted
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

// attach lets the orders note their moves here. What was noted of one that is gone or begun anew is dropped: it is made
// of what is stored.
func (late lateMoves) attach(s *orders) {
	if late == nil {
		return
	}
	stored := map[string]bool{}
	for _, o := range s.all {
		name := o.String()
		stored[name] = true
		if m := late[name]; m == nil || m.making != o.making {
			late[name] = &moves{making: o.making}
		}
		o.later = late[name]
	}
	maps.DeleteFunc(late, func(name string, _ *moves) bool { return !stored[name] })
}

// store gives each order the keys that come next, and tells whether they were the last.
func (late lateMoves) store(s *orders) bool {
	if late == nil {
		return true
	}
	last := true
	for _, o := range s.all {
		last = late[o.String()].store(o) && last
	}
	return last
}

// rewind begins again with the storing.
func (late lateMoves) rewind() {
	for _, m := range late {
		m.rewind()
	}
}

func (m *moves) rewind() { m.sorted, m.next = false, 0 }

// store gives an order the keys that come next, and tells whether they were the last. Of moves of one key the last
// one counts.
func (m *moves) store(o *ordering) bool {
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
