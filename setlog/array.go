package setlog

import (
	"bytes"
	"sync/atomic"

	"github.com/benbjohnson/immutable"
)

// array is what arrived for the array at one path under one floor: a set of facts about slots, whose order follows from
// them (docs/format.md, Arrays). Its facts never change once it is handed out.
type array struct {
	floor  Mark
	newest Stamp                                // of the actions that arrived
	known  int                                  // slots that arrived
	blocks *immutable.SortedMap[slotID, *block] // by salt and k/blockSlots
	tombs  *immutable.SortedMap[slotID, uint64] // removed ids that have no known slot: first to count, apart from each other
	order  atomic.Pointer[sequence]             // of the array, if it was worked out; whoever takes it owns it
}

type slotOrder struct{}

// Compare implements immutable.Comparer.
func (slotOrder) Compare(a, b slotID) int { return compareSlots(a, b) }

func newArray(floor Mark) *array {
	return &array{
		floor:  floor,
		blocks: immutable.NewSortedMap[slotID, *block](slotOrder{}),
		tombs:  immutable.NewSortedMap[slotID, uint64](slotOrder{}),
	}
}

// next is a version of the array that may be changed until it is handed out. It takes the order along.
func (a *array) next() *array {
	n := a.copy()
	n.order.Store(a.order.Swap(nil))
	return n
}

// copy is a version of the array that may be changed until it is handed out, without the order.
func (a *array) copy() *array {
	return &array{floor: a.floor, newest: a.newest, known: a.known, blocks: a.blocks, tombs: a.tombs}
}

func blockKey(id slotID) slotID { return slotID{id.salt, id.k / blockSlots} }

func (a *array) block(id slotID) *block {
	b, _ := a.blocks.Get(blockKey(id))
	return b
}

func (a *array) store(key slotID, b *block) {
	if b.empty() {
		a.blocks = a.blocks.Delete(key)
		return
	}
	a.blocks = a.blocks.Set(key, b)
}

// folded answers the array after an action at its mark; the same one if that says nothing new.
func (a *array) folded(action Action, m Mark) *array {
	s, e := action.slots, edit{array: a.next()}
	if m.Stamp > e.newest {
		e.newest, e.changed = m.Stamp, true
	}
	order := e.order.Load()
	switch action.Type {
	case ArrayInsert:
		e.insert(s.first, s.anchor, action.values)
		order = order.grown(&e, s.first, uint64(len(action.values)), s.anchor)
	case ArrayRemove:
		for _, removed := range s.spans {
			e.remove(removed, order.baseLen())
		}
	case ArraySet:
		e.set(s.element, set{mark: m, value: bytes.Clone(action.values[0])})
	case ArrayMove:
		e.place(s.first, s.anchor, s.element)
		e.move(s.element, move{mark: m, to: s.first})
		order = order.grown(&e, s.first, 1, s.anchor)
	}
	if !e.changed {
		a.order.Store(order)
		return a
	}
	if order != nil {
		order.text = nil
		order.refresh(e.array, e.stale)
	}
	e.order.Store(order)
	return e.array
}

// edit is an array while it changes.
type edit struct {
	*array
	changed bool
	arrived int      // slots that were not known before
	clashed bool     // a slot was known before with other content
	stale   []slotID // slots at which another element may show now, or none
}

// insert takes in slots that chain from first, with their values.
func (e *edit) insert(first slotID, hangs anchor, values [][]byte) {
	for i := 0; i < len(values); {
		id := first.plus(uint64(i))
		key, b, put := blockKey(id), e.block(id).clone(), false
		for ; i < len(values) && blockKey(id) == key; i++ {
			put = e.put(b, slot{id: id, anchor: hangs, value: values[i]}, false) || put
			id = id.plus(1)
			hangs = id.before()
		}
		if put {
			e.store(key, b)
		}
	}
}

// put takes a slot in to its block, which the caller stores if anything changed; removed tells that its element is.
func (e *edit) put(b *block, s slot, removed bool) bool {
	at := s.id.k % blockSlots
	isKnown := b.known>>at&1 == 1
	buried := !isKnown && e.unbury(s.id)
	if !b.put(s, removed || buried) {
		return false
	}
	e.changed = true
	if isKnown {
		e.clashed = true
	} else {
		e.known++
		e.arrived++
	}
	e.stale = append(e.stale, s.id, b.placeOf(s.id))
	return true
}

// unbury tells whether an id was removed before it is known, and takes it out of the tombs.
func (e *edit) unbury(id slotID) bool {
	t, ok := e.tomb(id)
	if !ok {
		return false
	}
	e.tombs = e.tombs.Delete(t.first)
	if before := id.k - t.first.k; before > 0 {
		e.tombs = e.tombs.Set(t.first, before)
	}
	if behind := t.first.k + t.count - id.k - 1; behind > 0 {
		e.tombs = e.tombs.Set(id.plus(1), behind)
	}
	return true
}

// remove removes the elements of a span, known or not; base is how many slots of salt 0 the order has.
func (e *edit) remove(s span, base uint64) {
	next, end := s.first, s.first.k+s.count // next: the first id that is still to be done
	it := e.blocks.Iterator()
	for it.Seek(blockKey(s.first)); ; {
		key, b, ok := it.Next()
		if !ok || key.salt != s.first.salt || key.k*blockSlots >= end {
			break
		}
		next = e.removeKnown(key, b, next, end, base)
	}
	e.bury(next, end, base)
}

// removeKnown removes what a block knows of the ids from next to end, and buries the unknown ones before those. It
// answers the id that is next.
func (e *edit) removeKnown(key slotID, old *block, next slotID, end, base uint64) slotID {
	b, changed := old.clone(), false
	for k := max(next.k, key.k*blockSlots); k < min(end, (key.k+1)*blockSlots); k++ {
		id, at := slotID{key.salt, k}, uint8(k%blockSlots)
		place := b.placeOf(id)
		if b.known>>at&1 == 0 {
			changed = b.drop(at) || changed
			e.stale = append(e.stale, place)
			continue
		}
		e.bury(next, k, base)
		next = id.plus(1)
		if b.remove(at) {
			changed = true
			e.stale = append(e.stale, id, place)
		}
	}
	if changed {
		e.changed = true
		e.store(key, b)
	}
	return next
}

// bury notes the unknown ids from first to end as removed, joining what touches.
func (e *edit) bury(first slotID, end, base uint64) {
	if first.k >= end {
		return
	}
	around, ok := e.tomb(first)
	if ok && around.first.k+around.count >= end {
		return
	}
	e.changed = true
	if first.salt == 0 {
		for k := first.k; k < min(end, base); k++ {
			e.stale = append(e.stale, slotID{0, k})
		}
	}
	if !ok && first.k > 0 {
		around, ok = e.tomb(slotID{first.salt, first.k - 1})
	}
	if ok {
		first = around.first
	}
	e.tombs = e.tombs.Set(first, e.swallow(first, end)-first.k)
}

// swallow takes away the tombs that begin between first and end, and answers where the last of them or end is.
func (e *edit) swallow(first slotID, end uint64) uint64 {
	for {
		it := e.tombs.Iterator()
		it.Seek(first)
		id, count, ok := it.Next()
		if !ok || id.salt != first.salt || id.k > end {
			return end
		}
		end = max(end, id.k+count)
		e.tombs = e.tombs.Delete(id)
	}
}

// set writes an element's value register.
func (e *edit) set(element slotID, s set) {
	if e.isRemoved(element) {
		return
	}
	b := e.block(element).clone()
	if s.at = uint8(element.k % blockSlots); b.set(s) {
		e.changed = true
		e.store(blockKey(element), b)
	}
}

// place takes in a slot that is a place for an element.
func (e *edit) place(id slotID, hangs anchor, element slotID) {
	b := e.block(id).clone()
	if e.put(b, slot{id: id, anchor: hangs, element: element}, false) {
		e.store(blockKey(id), b)
	}
}

// move writes an element's place register.
func (e *edit) move(element slotID, m move) {
	if e.isRemoved(element) {
		return
	}
	b := e.block(element).clone()
	before := b.placeOf(element)
	if m.at = uint8(element.k % blockSlots); b.move(m) {
		e.changed = true
		e.stale = append(e.stale, before, m.to)
		e.store(blockKey(element), b)
	}
}

// tomb finds the removed ids around one.
func (a *array) tomb(id slotID) (span, bool) {
	it := a.tombs.Iterator()
	if it.Seek(id); it.Done() {
		it.Last()
	}
	for range 2 {
		first, count, ok := it.Prev()
		if ok && first.salt == id.salt && first.k <= id.k {
			return span{first, count}, id.k < first.k+count
		}
	}
	return span{}, false
}

// isRemoved tells whether an element was removed.
func (a *array) isRemoved(id slotID) bool {
	at := id.k % blockSlots
	if b := a.block(id); b != nil && b.known>>at&1 == 1 {
		return b.removed>>at&1 == 1
	}
	_, ok := a.tomb(id)
	return ok
}

// placeOf is the slot where an element stands if that is attached: the last move's, else its own.
func (a *array) placeOf(element slotID) slotID { return a.block(element).placeOf(element) }

// shownAt answers the element that shows at a slot, if that is attached; base is how many slots of salt 0 there are.
func (a *array) shownAt(id slotID, base uint64) (slotID, bool) {
	element := id
	if b := a.block(id); b != nil {
		if of, ok := b.seatOf(uint8(id.k % blockSlots)); ok {
			element = of
		}
	}
	return element, a.inserted(element, base) && !a.isRemoved(element) && a.placeOf(element) == id
}

// inserted tells whether an element has a slot of its own.
func (a *array) inserted(element slotID, base uint64) bool {
	if element.salt == 0 {
		return element.k < base
	}
	b, at := a.block(element), element.k%blockSlots
	return b != nil && b.known>>at&1 == 1 && b.seats>>at&1 == 0
}

// size is about how many bytes the array takes in memory.
func (a *array) size() int {
	size := 256 + a.tombs.Len()*64
	for it := a.blocks.Iterator(); !it.Done(); {
		_, b, _ := it.Next()
		size += 48 + b.size()
	}
	return size
}
