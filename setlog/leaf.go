package setlog

import (
	"math/bits"
	"slices"
)

// leafSlots is how many slots a leaf holds at most, and leafFill how many when an order is laid out: room for some more.
const (
	leafSlots = 64
	leafFill  = 48
)

// leaf is a piece of an array's order, and a vertex of the treap of all pieces. Leaves are named by their index, 0 is none.
type leaf struct {
	spans           []span
	n               int    // slots in spans
	shown           uint64 // bit i: an element shows at the i-th slot
	left, right, up int32
	priority        uint32
	slots, shows    int // of the leaf and those below it
}

// forest holds the leaves of one order.
type forest struct {
	leaves []leaf // the first is none
	root   int32
	seed   uint32
}

func newForest(leaves int) forest { return forest{leaves: make([]leaf, 1, leaves+1), seed: 1} }

// add makes a leaf that stands nowhere yet.
func (f *forest) add() int32 {
	f.seed ^= f.seed << 13
	f.seed ^= f.seed >> 17
	f.seed ^= f.seed << 5
	f.leaves = append(f.leaves, leaf{priority: f.seed})
	return int32(len(f.leaves) - 1)
}

// plant makes the treap of leaves that stand in order from index 1.
func (f *forest) plant() {
	last := int32(0) // the right edge of what is planted
	for i := int32(1); i < int32(len(f.leaves)); i++ {
		below := int32(0)
		for last != 0 && f.leaves[last].priority < f.leaves[i].priority {
			f.sum(last)
			last, below = f.leaves[last].up, last
		}
		f.hang(i, &f.leaves[i].left, below)
		if f.leaves[i].up = last; last == 0 {
			f.root = i
		} else {
			f.leaves[last].right = i
		}
		last = i
	}
	for ; last != 0; last = f.leaves[last].up {
		f.sum(last)
	}
}

func (f *forest) hang(parent int32, at *int32, child int32) {
	if *at = child; child != 0 {
		f.leaves[child].up = parent
	}
}

func (f *forest) sum(i int32) {
	l := &f.leaves[i]
	l.slots = l.n + f.leaves[l.left].slots + f.leaves[l.right].slots
	l.shows = bits.OnesCount64(l.shown) + f.leaves[l.left].shows + f.leaves[l.right].shows
}

// sumUp brings the sums up to date after a leaf changed.
func (f *forest) sumUp(i int32) {
	for ; i != 0; i = f.leaves[i].up {
		f.sum(i)
	}
}

// insertAfter puts a new leaf behind another, or as the first of all behind none.
func (f *forest) insertAfter(i, added int32) {
	switch {
	case f.root == 0:
		f.root = added
	case i != 0 && f.leaves[i].right == 0:
		f.hang(i, &f.leaves[i].right, added)
	default:
		next := f.after(i)
		f.hang(next, &f.leaves[next].left, added)
	}
	for up := f.leaves[added].up; up != 0 && f.leaves[up].priority < f.leaves[added].priority; up = f.leaves[added].up {
		f.rotate(added, up)
	}
	f.sumUp(added)
}

// rotate lifts a leaf above its parent.
func (f *forest) rotate(i, up int32) {
	l, u := &f.leaves[i], &f.leaves[up]
	above := u.up
	if u.left == i {
		f.hang(up, &u.left, l.right)
		f.hang(i, &l.right, up)
	} else {
		f.hang(up, &u.right, l.left)
		f.hang(i, &l.left, up)
	}
	switch l.up = above; {
	case above == 0:
		f.root = i
	case f.leaves[above].left == up:
		f.leaves[above].left = i
	default:
		f.leaves[above].right = i
	}
	f.sum(up)
}

// after is the leaf behind one in the order, the first behind none.
func (f *forest) after(i int32) int32 {
	next := f.root
	if i != 0 {
		if next = f.leaves[i].right; next == 0 {
			for next = f.leaves[i].up; next != 0 && f.leaves[next].right == i; next = f.leaves[next].up {
				i = next
			}
			return next
		}
	}
	for next != 0 && f.leaves[next].left != 0 {
		next = f.leaves[next].left
	}
	return next
}

// at is the leaf in which the shown element of an index stands, and its index among the shown ones there.
func (f *forest) at(index int) (int32, int) {
	for i := f.root; i != 0; {
		l := &f.leaves[i]
		before := f.leaves[l.left].shows
		here := bits.OnesCount64(l.shown)
		switch {
		case index < before:
			i = l.left
		case index < before+here:
			return i, index - before
		default:
			index -= before + here
			i = l.right
		}
	}
	return 0, 0
}

// before counts the shown elements in front of a leaf.
func (f *forest) before(i int32) int {
	n := f.leaves[f.leaves[i].left].shows
	for up := f.leaves[i].up; up != 0; i, up = up, f.leaves[up].up {
		if l := &f.leaves[up]; l.right == i {
			n += f.leaves[l.left].shows + bits.OnesCount64(l.shown)
		}
	}
	return n
}

// offset is the place of a slot in the leaf.
func (l *leaf) offset(id slotID) int {
	n := 0
	for _, s := range l.spans {
		if s.has(id) {
			return n + int(id.k-s.first.k)
		}
		n += int(s.count)
	}
	return n
}

// slot is the one at an offset.
func (l *leaf) slot(offset int) slotID {
	for _, s := range l.spans {
		if offset < int(s.count) {
			return s.first.plus(uint64(offset))
		}
		offset -= int(s.count)
	}
	return slotID{}
}

// nth is the offset of the n-th shown element.
func (l *leaf) nth(n int) int {
	shown := l.shown
	for ; n > 0; n-- {
		shown &= shown - 1
	}
	return bits.TrailingZeros64(shown)
}

// push adds slots at the end.
func (l *leaf) push(s span) {
	if last := len(l.spans) - 1; last >= 0 && l.spans[last].end() == s.first {
		l.spans[last].count += s.count
	} else {
		l.spans = append(l.spans, s)
	}
	l.n += int(s.count)
}

// splice puts slots in at an offset; they must fit.
func (l *leaf) splice(offset int, s span) {
	l.shown = l.shown&(1<<offset-1) | l.shown>>offset<<(offset+int(s.count))
	l.n += int(s.count)
	i, left := 0, uint64(offset)
	for ; left > 0 && left >= l.spans[i].count; i++ {
		left -= l.spans[i].count
	}
	switch {
	case left > 0:
		rest := span{l.spans[i].first.plus(left), l.spans[i].count - left}
		l.spans[i].count = left
		l.spans = slices.Insert(l.spans, i+1, s, rest)
	case i > 0 && l.spans[i-1].end() == s.first:
		l.spans[i-1].count += s.count
	default:
		l.spans = slices.Insert(l.spans, i, s)
	}
}

// cut takes away what stands from an offset on.
func (l *leaf) cut(offset int) (spans []span, shown uint64) {
	shown = l.shown >> offset
	l.shown &= 1<<offset - 1
	old := l.spans
	l.spans, l.n = old[:0:0], 0
	for i, s := range old {
		if left := offset - l.n; left < int(s.count) {
			tail := append([]span{{s.first.plus(uint64(left)), s.count - uint64(left)}}, old[i+1:]...)
			if left > 0 {
				l.push(span{s.first, uint64(left)})
			}
			return tail, shown
		}
		l.push(s)
	}
	return nil, shown
}

func (s span) has(id slotID) bool {
	return id.salt == s.first.salt && id.k >= s.first.k && id.k-s.first.k < s.count
}

func (s span) end() slotID { return s.first.plus(s.count) }
