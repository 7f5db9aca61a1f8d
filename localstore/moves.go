package localstore

import (
	"bytes"
	"cmp"
	"maps"
	"slices"

	"github.com/setlogger/setlogger/setlog"
)

// lateMoves are changes of the orders' keys that are stored after the nodes they belong to, sorted. While an index is taken in, a flush
// has a great many nodes whose keys lie close together: beside nodes in the order of ids, each transaction would
// write all pages of these keys again. Until all are stored, the flush's nodes are in memory for who reads in an
// order, and the file says that it lags: whoever opens it then makes the order anew.
type lateMoves map[string]*moves

// moves are those of one order.
type moves struct {
	order  setlog.Order
	making uint64 // of the order, when they were noted
	list   []keyMove
	ins    map[string]int // by id, where the list puts a node in; nil: no flush of these nodes has failed
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

// add notes that a node's key changes; nil stands for none. A node that was noted before a failure takes no other place
// any more.
func (m *moves) add(id string, before, after []byte) {
	if i, noted := m.ins[id]; noted {
		m.list[i].in = m.list[i].in && bytes.Equal(m.list[i].key, after)
	} else if bytes.Equal(before, after) {
		return
	}
	if before != nil {
		m.list = append(m.list, keyMove{before, false, len(m.list)})
	}
	if after != nil {
		m.list = append(m.list, keyMove{after, true, len(m.list)})
		if m.ins != nil {
			m.ins[id] = len(m.list) - 1
		}
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
			late[name] = &moves{order: o.Order, making: o.making}
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

// again prepares for the nodes to be flushed once more after a failure.
func (late lateMoves) again() {
	for _, m := range late {
		m.again()
	}
}

// rewind begins again with the storing.
func (m *moves) rewind() { m.sorted, m.next = false, 0 }

// again keeps of each key what was noted last, and which node is put in there: its transaction may or may not be stored.
func (m *moves) again() {
	m.sort()
	last := m.list[:0]
	for i, move := range m.list {
		if i+1 == len(m.list) || !bytes.Equal(move.key, m.list[i+1].key) {
			last = append(last, move)
		}
	}
	clear(m.list[len(last):])
	m.list, m.ins = last, map[string]int{}
	for i := range m.list {
		m.list[i].at = i
		if id, err := m.order.ID(m.list[i].key); err == nil && m.list[i].in {
			m.ins[id] = i
		}
	}
	m.rewind()
}

func (m *moves) sort() {
	slices.SortFunc(m.list, func(a, b keyMove) int { return cmp.Or(bytes.Compare(a.key, b.key), cmp.Compare(a.at, b.at)) })
}

// store gives an order the keys that come next, and tells whether they were the last. Of moves of one key the last
// one counts.
func (m *moves) store(o *ordering) bool {
	if !m.sorted {
		m.sort()
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
