package setlog

import (
	"bytes"
	"math/bits"
	"slices"
)

// Merge answers the node that a set of entries gives, from the nodes that any two parts of it give; the parts may
// overlap. It is commutative, associative and idempotent. Either may be nil; the answer shares memory with both.
func Merge(a, b *Node) *Node {
	if a == nil || b == nil {
		if a == nil {
			return b
		}
		return a
	}
	n := &Node{
		created: later(a.created, b.created),
		deleted: later(a.deleted, b.deleted),
		count:   max(a.count, b.count),
		root:    mergeVertices(a.root, b.root),
	}
	if !n.deleted.Less(n.created) {
		n.created = Mark{}
	}
	if a.deleted != b.deleted {
		n.root = n.root.above(n.deleted)
	}
	return n
}

// mergeVertices merges what two parts of the entries hold at one path; either may be nil.
func mergeVertices(a, b *vertex) *vertex {
	switch {
	case a == b || b == nil:
		return a
	case a == nil:
		return b
	}
	if c := a.mark.Compare(b.mark); c < 0 || c == 0 && bytes.Compare(a.value, b.value) < 0 {
		a, b = b, a
	}
	after := *a
	for _, r := range b.runs {
		after.runs, _ = withRun(after.runs, r)
	}
	after.arrays = mergeSorted(a.arrays, b.arrays, func(x, y *array) int { return x.floor.Compare(y.floor) }, mergeArrays)
	after.children = mergeSorted(a.children, b.children,
		func(x, y child) int { return compareKeys(x.name, y.name) },
		func(x, y child) child { return child{x.name, mergeVertices(x.vertex, y.vertex)} })
	if a.mark != b.mark {
		after.cut(a.mark)
	}
	return &after
}

// mergeSorted merges two sorted lists, joining what is equal.
func mergeSorted[T any](a, b []T, compare func(T, T) int, join func(T, T) T) []T {
	if len(b) == 0 {
		return a
	}
	merged := make([]T, 0, len(a)+len(b))
	for len(a) > 0 && len(b) > 0 {
		switch c := compare(a[0], b[0]); {
		case c < 0:
			merged, a = append(merged, a[0]), a[1:]
		case c > 0:
			merged, b = append(merged, b[0]), b[1:]
		default:
			merged, a, b = append(merged, join(a[0], b[0])), a[1:], b[1:]
		}
	}
	return slices.Concat(merged, a, b)
}

// mergeArrays merges what arrived for one array under one floor.
func mergeArrays(a, b *array) *array {
	if a == b {
		return a
	}
	e := edit{array: a.copy()}
	if b.newest > e.newest {
		e.newest, e.changed = b.newest, true
	}
	for it := b.blocks.Iterator(); !it.Done(); {
		key, block, _ := it.Next()
		e.merge(key, block)
	}
	for it := b.tombs.Iterator(); !it.Done(); {
		first, count, _ := it.Next()
		e.remove(span{first, count}, 0)
	}
	if !e.changed {
		return a
	}
	return e.array
}

// dropped stands for the value of a removed element, which is of no use.
var dropped = []byte("0")

// merge takes in what another part of the entries knows of a block.
func (e *edit) merge(key slotID, other *block) {
	b := e.block(slotID{key.salt, key.k * blockSlots}).clone()
	for known := other.known; known != 0; known &= known - 1 {
		e.mergeSlot(b, other, slotID{key.salt, key.k*blockSlots + uint64(bits.TrailingZeros64(known))})
	}
	for _, s := range other.sets {
		e.changed = !e.isGone(b, key, s.at) && b.set(s) || e.changed
	}
	for _, m := range other.moves {
		e.changed = !e.isGone(b, key, m.at) && b.move(m) || e.changed
	}
	e.store(key, b)
}

func (e *edit) mergeSlot(b, other *block, id slotID) {
	at := uint8(id.k % blockSlots)
	removed := other.removed>>at&1 == 1
	s := slot{id: id, anchor: other.anchor(id)}
	element, isSeat := other.seatOf(at)
	switch {
	case isSeat:
		s.element = element
	case removed:
		s.value = dropped
	default:
		s.value = other.value(at)
	}
	if removed && b.known>>at&1 == 1 {
		e.changed = b.remove(at) || e.changed
	} else if removed {
		e.changed = b.drop(at) || e.changed
	}
	e.put(b, s, removed)
}

// isGone tells whether a slot of a block that is being changed is removed.
func (e *edit) isGone(b *block, key slotID, at uint8) bool {
	if b.known>>at&1 == 1 {
		return b.removed>>at&1 == 1
	}
	_, ok := e.tomb(slotID{key.salt, key.k*blockSlots + uint64(at)})
	return ok
}
