package setlog

import (
	"encoding/binary"
	"math/bits"

	"github.com/benbjohnson/immutable"
)

// The binary form of an array, as part of a vertex (AppendBinary):
//
//	array = floor newest:8 [length (slot count)…] [length block…]
//	block = slot(salt, k/64) known:8 chained:8 removed:8 seats:8 head… element… [length value,value…]
//	        [length (at mark [length value])…] [length (at mark slot)…]      last sets, last moves
//	head  = side slot      of each known slot that does not chain; no slot at the root
//	slot  = salt:8 k
func (a *array) appendBinary(dst []byte, marks *marks) []byte {
	dst = binary.AppendUvarint(dst, marks.index(a.floor))
	dst = binary.BigEndian.AppendUint64(dst, uint64(a.newest))
	dst = binary.AppendUvarint(dst, uint64(a.tombs.Len()))
	for it := a.tombs.Iterator(); !it.Done(); {
		first, count, _ := it.Next()
		dst = binary.AppendUvarint(first.appendBinary(dst), count)
	}
	dst = binary.AppendUvarint(dst, uint64(a.blocks.Len()))
	for it := a.blocks.Iterator(); !it.Done(); {
		key, b, _ := it.Next()
		dst = b.appendBinary(key.appendBinary(dst), marks)
	}
	return dst
}

func (id slotID) appendBinary(dst []byte) []byte {
	return binary.AppendUvarint(binary.BigEndian.AppendUint64(dst, uint64(id.salt)), id.k)
}

func (b *block) appendBinary(dst []byte, marks *marks) []byte {
	for _, set := range []uint64{b.known, b.chained, b.removed, b.seats} {
		dst = binary.BigEndian.AppendUint64(dst, set)
	}
	for _, h := range b.heads {
		if dst = append(dst, byte(h.anchor.side)); h.anchor.side != atRoot {
			dst = h.anchor.parent.appendBinary(dst)
		}
	}
	for _, s := range b.seated {
		dst = s.element.appendBinary(dst)
	}
	dst = appendBytes(dst, b.values)
	dst = binary.AppendUvarint(dst, uint64(len(b.sets)))
	for _, s := range b.sets {
		dst = appendBytes(binary.AppendUvarint(append(dst, s.at), marks.index(s.mark)), s.value)
	}
	dst = binary.AppendUvarint(dst, uint64(len(b.moves)))
	for _, m := range b.moves {
		dst = m.to.appendBinary(binary.AppendUvarint(append(dst, m.at), marks.index(m.mark)))
	}
	return dst
}

func (a *array) collect(marks *marks) {
	marks.add(a.floor)
	for it := a.blocks.Iterator(); !it.Done(); {
		_, b, _ := it.Next()
		for _, s := range b.sets {
			marks.add(s.mark)
		}
		for _, m := range b.moves {
			marks.add(m.mark)
		}
	}
}

func (d *decoder) slot() slotID { return slotID{Salt(d.fixed()), d.uvarint()} }

func (d *decoder) array() *array {
	a := newArray(d.mark())
	a.newest = Stamp(d.fixed())
	tombs := immutable.NewSortedMapBuilder[slotID, uint64](slotOrder{})
	for range d.length(10) {
		first := d.slot()
		tombs.Set(first, d.uvarint())
	}
	a.tombs = tombs.Map()
	blocks := immutable.NewSortedMapBuilder[slotID, *block](slotOrder{})
	for range d.length(40) {
		key := d.slot()
		b := d.block()
		a.known += bits.OnesCount64(b.known)
		blocks.Set(key, b)
	}
	a.blocks = blocks.Map()
	return a
}

func (d *decoder) block() *block {
	b := &block{known: d.fixed(), chained: d.fixed(), removed: d.fixed(), seats: d.fixed()}
	if (b.chained|b.removed|b.seats)&^b.known != 0 {
		d.fail()
		return &block{}
	}
	for heads := b.known &^ b.chained; heads != 0; heads &= heads - 1 {
		h := head{at: uint8(bits.TrailingZeros64(heads))}
		if h.anchor.side = side(d.take(1)[0]); h.anchor.side != atRoot {
			h.anchor.parent = d.slot()
		}
		b.heads = append(b.heads, h)
	}
	for seats := b.seats; seats != 0; seats &= seats - 1 {
		b.seated = append(b.seated, seat{uint8(bits.TrailingZeros64(seats)), d.slot()})
	}
	b.values = d.bytes()
	for range d.length(3) {
		b.sets = append(b.sets, set{d.at(), d.mark(), d.bytes()})
	}
	for range d.length(10) {
		b.moves = append(b.moves, move{d.at(), d.mark(), d.slot()})
	}
	return b
}

// at is a slot's place in its block.
func (d *decoder) at() uint8 {
	at := d.take(1)[0]
	if at >= blockSlots {
		d.fail()
	}
	return at % blockSlots
}

func (d *decoder) bytes() []byte { return []byte(d.take(d.length(1))) }
