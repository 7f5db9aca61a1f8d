package setlog

import (
	"bytes"
	"cmp"
	"math/bits"
	"slices"
)

// blockSlots is how many neighbouring slots of a run a block holds; bit i of its sets stands for slot 64·key.k + i.
const blockSlots = 64

// block is what is known of the slots [64·key.k, 64·key.k+63] of one run. It never changes once an array holds it.
type block struct {
	known   uint64 // slots that arrived
	chained uint64 // of the known: right children of the slot before
	removed uint64 // of the known: removed elements
	seats   uint64 // of the known: places for moved elements
	values  []byte // of the known, neither removed nor seats: canonical JSON, joined with commas
	heads   []head // of the known that are not chained
	seated  []seat // of the seats
	sets    []set  // last ARRAY_SET of elements that are not removed; they may be unknown yet
	moves   []move // last ARRAY_MOVE of elements that are not removed; they may be unknown yet
}

// head is where a slot hangs that does not chain.
type head struct {
	at     uint8
	anchor anchor
}

// seat is the element that a slot is a place for.
type seat struct {
	at      uint8
	element slotID
}

// set is an element's value register.
type set struct {
	at    uint8
	mark  Mark
	value []byte
}

// move is an element's place register.
type move struct {
	at   uint8
	mark Mark
	to   slotID
}

func (h head) offset() uint8 { return h.at }
func (s seat) offset() uint8 { return s.at }
func (s set) offset() uint8  { return s.at }
func (m move) offset() uint8 { return m.at }

// find answers the index of the record of a slot in records sorted by slot, and whether there is one.
func find[R interface{ offset() uint8 }](records []R, at uint8) (int, bool) {
	return slices.BinarySearchFunc(records, at, func(r R, at uint8) int { return cmp.Compare(r.offset(), at) })
}

// without takes away the record of a slot.
func without[R interface{ offset() uint8 }](records []R, at uint8) []R {
	if i, ok := find(records, at); ok {
		return slices.Delete(records, i, i+1)
	}
	return records
}

// with puts a record in its place.
func with[R interface{ offset() uint8 }](records []R, r R) []R {
	i, ok := find(records, r.offset())
	if ok {
		records[i] = r
		return records
	}
	return slices.Insert(records, i, r)
}

// clone answers a copy that may be changed.
func (b *block) clone() *block {
	if b == nil {
		return &block{}
	}
	c := *b
	c.values = append(make([]byte, 0, len(b.values)+8), b.values...)
	c.heads, c.seated = slices.Clone(b.heads), slices.Clone(b.seated)
	c.sets, c.moves = slices.Clone(b.sets), slices.Clone(b.moves)
	return &c
}

func (b *block) empty() bool { return b.known == 0 && len(b.sets) == 0 && len(b.moves) == 0 }

// holding are the slots whose values stand in values.
func (b *block) holding() uint64 { return b.known &^ b.removed &^ b.seats }

// anchor is where a known slot of this id hangs.
func (b *block) anchor(id slotID) anchor {
	at := uint8(id.k % blockSlots)
	if b.chained>>at&1 == 1 {
		return id.before()
	}
	i, _ := find(b.heads, at)
	return b.heads[i].anchor
}

// seatOf answers the element a slot is a place for, if it is one.
func (b *block) seatOf(at uint8) (slotID, bool) {
	if i, ok := find(b.seated, at); ok {
		return b.seated[i].element, true
	}
	return slotID{}, false
}

// rank counts the values that stand in front of that of a slot.
func (b *block) rank(at uint8) int { return bits.OnesCount64(b.holding() & (1<<at - 1)) }

// position is where the value of a slot stands, or would stand, in values.
func (b *block) position(at uint8) int {
	p := 0
	for n := b.rank(at); n > 0 && p < len(b.values); n-- {
		p = skipValue(b.values, p) + 1
	}
	return min(p, len(b.values)) // the last value has no comma behind it
}

// value is what an element was inserted with; it must be held.
func (b *block) value(at uint8) []byte {
	p := b.position(at)
	return b.values[p:skipValue(b.values, p)]
}

// placeOf is the slot that an element's place register names, its own where there is none.
func (b *block) placeOf(element slotID) slotID {
	if b != nil {
		if i, ok := find(b.moves, uint8(element.k%blockSlots)); ok {
			return b.moves[i].to
		}
	}
	return element
}

// slot is a slot that arrives: an element's own, or a place for one.
type slot struct {
	id      slotID
	anchor  anchor
	value   []byte // nil for a place
	element slotID // of a place
}

// put takes a slot in. Of two of one id the greater counts (docs/format.md). It answers whether anything changed.
func (b *block) put(s slot, removed bool) bool {
	at := uint8(s.id.k % blockSlots)
	bit := uint64(1) << at
	if b.known&bit != 0 {
		if b.compare(s, at) <= 0 {
			return false
		}
		removed = b.removed&bit != 0
		b.forget(at)
	}
	b.known |= bit
	if s.anchor == s.id.before() {
		b.chained |= bit
	} else {
		b.heads = with(b.heads, head{at, s.anchor})
	}
	if s.value == nil {
		b.seats |= bit
		b.seated = with(b.seated, seat{at, s.element})
	}
	if removed {
		b.removed |= bit
	} else if s.value != nil {
		b.hold(at, s.value)
	}
	return true
}

// compare orders a slot that arrives against the one of its id that is known: by anchor, kind, content.
func (b *block) compare(s slot, at uint8) int {
	bit := uint64(1) << at
	if c := compareAnchors(s.anchor, b.anchor(s.id)); c != 0 {
		return c
	}
	element, isSeat := b.seatOf(at)
	switch {
	case s.value == nil && !isSeat:
		return 1
	case s.value != nil && isSeat:
		return -1
	case isSeat:
		return compareSlots(s.element, element)
	case b.removed&bit != 0:
		return 0 // the value of a removed element is of no use
	}
	return bytes.Compare(s.value, b.value(at))
}

// forget takes a known slot out, all but its registers.
func (b *block) forget(at uint8) {
	bit := uint64(1) << at
	b.release(at)
	b.known, b.chained, b.removed, b.seats = b.known&^bit, b.chained&^bit, b.removed&^bit, b.seats&^bit
	b.heads, b.seated = without(b.heads, at), without(b.seated, at)
}

// hold puts the value of a slot among the values.
func (b *block) hold(at uint8, value []byte) {
	p := b.position(at)
	switch {
	case len(b.values) == 0:
		b.values = append(b.values, value...)
	case p == len(b.values):
		b.values = append(append(b.values, ','), value...)
	default:
		b.values = slices.Insert(b.values, p, append(slices.Clip(value), ',')...)
	}
}

// release takes the value of a slot away, if it is held.
func (b *block) release(at uint8) {
	if b.holding()>>at&1 == 0 {
		return
	}
	p := b.position(at)
	end := skipValue(b.values, p)
	switch {
	case end < len(b.values):
		end++
	case p > 0:
		p--
	}
	b.values = slices.Delete(b.values, p, end)
}

// remove marks a known element as removed, and drops what is of no use then. It answers whether anything changed.
func (b *block) remove(at uint8) bool {
	if b.removed>>at&1 == 1 {
		return false
	}
	b.release(at)
	b.removed |= 1 << at
	b.drop(at)
	return true
}

// drop forgets the registers of a removed element, if there are any.
func (b *block) drop(at uint8) bool {
	before := len(b.sets) + len(b.moves)
	b.sets, b.moves = without(b.sets, at), without(b.moves, at)
	return len(b.sets)+len(b.moves) < before
}

// set writes an element's value register.
func (b *block) set(s set) bool {
	if i, ok := find(b.sets, s.at); ok {
		if c := cmp.Or(s.mark.Compare(b.sets[i].mark), bytes.Compare(s.value, b.sets[i].value)); c <= 0 {
			return false
		}
	}
	b.sets = with(b.sets, s)
	return true
}

// move writes an element's place register.
func (b *block) move(m move) bool {
	if i, ok := find(b.moves, m.at); ok {
		if c := cmp.Or(m.mark.Compare(b.moves[i].mark), compareSlots(m.to, b.moves[i].to)); c <= 0 {
			return false
		}
	}
	b.moves = with(b.moves, m)
	return true
}

// size is about how many bytes the block takes in memory.
func (b *block) size() int {
	size := 176 + len(b.values) + len(b.heads)*40 + len(b.seated)*24 + len(b.sets)*80 + len(b.moves)*72
	for _, s := range b.sets {
		size += len(s.value)
	}
	return size
}
