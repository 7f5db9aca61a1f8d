package setlog

import "slices"

// arrayDelta writes an array of a node's line.
type arrayDelta struct {
	*deltaWriter
	array   *array
	visible *sequence // its order, if it is what is seen at its path
	salts   []Salt

	pieces pieces
	last   slotID // known slot that was looked at last
	gone   []uint64
	isGone bool // what the last count of gone counts
}

// pieces are the known slots in columns.
type pieces struct {
	lengths []uint64
	jumps   []jump
	parents []parent
}

// jump tells where a piece begins that does not begin behind the one before.
type jump struct {
	piece int
	to    slotID
}

// parent is where the first slot of a piece hangs.
type parent struct {
	id slotID
	anchor
}

func (d *arrayDelta) write() {
	d.survey()
	d.dst = append(d.dst, '{')
	d.listBuried()
	d.mark("floor", d.array.floor)
	listed(d, "gone", d.gone, d.uint)
	listed(d, "jumps", d.pieces.jumps, func(j jump) { d.numbers(uint64(j.piece), d.salt(j.to), j.to.k) })
	listed(d, "lengths", d.pieces.lengths, d.uint)
	d.listMoves()
	d.name("newest")
	d.dst = append(d.array.newest.append(append(d.dst, '"')), '"')
	listed(d, "parents", d.pieces.parents, d.parent)
	d.listPlaces()
	listed(d, "salts", d.salts, func(s Salt) { d.dst = append(append(append(d.dst, '"'), s.String()...), '"') })
	d.listSets()
	d.listValues()
	d.dst = append(d.dst, '}')
}

// listed writes a member that is a list, unless that is empty.
func listed[T any](d *arrayDelta, name string, items []T, write func(T)) {
	if len(items) > 0 {
		d.name(name)
		list(d.deltaWriter, items, write)
	}
}

func (d *arrayDelta) salt(id slotID) uint64 {
	i, _ := slices.BinarySearch(d.salts, id.salt)
	return uint64(i)
}

func (d *arrayDelta) numbers(numbers ...uint64) { list(d.deltaWriter, numbers, d.uint) }

// survey cuts the known slots into pieces, and counts those that are removed.
func (d *arrayDelta) survey() {
	d.gone = []uint64{0}
	for it := d.array.blocks.Iterator(); !it.Done(); {
		key, b, _ := it.Next()
		for at := range bitsOf(b.known) {
			id := slotID{key.salt, key.k*blockSlots + uint64(at)}
			d.cut(b, id)
			if removed := b.removed>>at&1 == 1; removed != d.isGone {
				d.gone, d.isGone = append(d.gone, 0), removed
			}
			d.gone[len(d.gone)-1]++
		}
	}
	if !d.isGone {
		d.gone = d.gone[:len(d.gone)-1]
	}
}

// cut adds a known slot to the last piece, or begins one.
func (d *arrayDelta) cut(b *block, id slotID) {
	p, follows := &d.pieces, len(d.pieces.lengths) > 0 && d.last.plus(1) == id
	chained := b.chained>>(id.k%blockSlots)&1 == 1
	d.last = id
	if follows && chained {
		p.lengths[len(p.lengths)-1]++
		return
	}
	if !follows {
		p.jumps = append(p.jumps, jump{len(p.lengths), id})
	}
	p.lengths = append(p.lengths, 1)
	p.parents = append(p.parents, parent{id, b.anchor(id)})
}

func (d *arrayDelta) parent(p parent) {
	to := p.parent
	switch {
	case p.side == atRoot:
		d.dst = append(d.dst, '0')
	case p.anchor == p.id.before():
		d.dst = append(d.dst, "null"...)
	case to.salt == p.id.salt && to.k < p.id.k:
		if p.side == atLeft {
			d.dst = append(d.dst, '-')
		}
		d.uint(p.id.k - to.k)
	case p.side == atLeft:
		d.numbers(d.salt(to), to.k, 1)
	default:
		d.numbers(d.salt(to), to.k, 0)
	}
}

func (d *arrayDelta) listBuried() {
	var buried []span
	for it := d.array.tombs.Iterator(); !it.Done(); {
		first, count, _ := it.Next()
		buried = append(buried, span{first, count})
	}
	listed(d, "buried", buried, func(s span) { d.numbers(d.salt(s.first), s.first.k, s.count) })
}

// record is something said of a slot, with its block.
type record[T any] struct {
	id    slotID
	block *block
	said  T
}

// records collects what is said of the slots of all blocks.
func records[T interface{ offset() uint8 }](a *array, of func(*block) []T) []record[T] {
	var all []record[T]
	for it := a.blocks.Iterator(); !it.Done(); {
		key, b, _ := it.Next()
		for _, r := range of(b) {
			all = append(all, record[T]{slotID{key.salt, key.k*blockSlots + uint64(r.offset())}, b, r})
		}
	}
	return all
}

func (d *arrayDelta) listMoves() {
	moves := records(d.array, func(b *block) []move { return b.moves })
	listed(d, "moves", moves, func(r record[move]) {
		d.numbers(d.salt(r.id), r.id.k, d.marks.index(r.said.mark), d.salt(r.said.to), r.said.to.k)
	})
}

func (d *arrayDelta) listPlaces() {
	places := records(d.array, func(b *block) []seat { return b.seated })
	listed(d, "places", places, func(r record[seat]) {
		d.numbers(d.salt(r.id), r.id.k, d.salt(r.said.element), r.said.element.k)
	})
}

func (d *arrayDelta) listSets() {
	sets := records(d.array, func(b *block) []set { return b.sets })
	listed(d, "sets", sets, func(r record[set]) {
		d.numbers(d.salt(r.id), r.id.k, d.marks.index(r.said.mark))
		if !d.array.isVisible(d.visible, r.id) {
			d.dst = append(append(append(d.dst[:len(d.dst)-1], ','), r.said.value...), ']')
		}
	})
}

func (d *arrayDelta) listValues() {
	var values [][]byte
	for it := d.array.blocks.Iterator(); !it.Done(); {
		key, b, _ := it.Next()
		held := elementsOf(b)
		for at := range bitsOf(b.holding()) {
			value := held[0]
			held = held[1:]
			id := slotID{key.salt, key.k*blockSlots + uint64(at)}
			if _, ok := find(b.sets, at); ok || !d.array.isVisible(d.visible, id) {
				values = append(values, value)
			}
		}
	}
	listed(d, "values", values, func(value []byte) { d.dst = append(d.dst, value...) })
}

// elementsOf are the values that a block holds.
func elementsOf(b *block) [][]byte {
	values := make([][]byte, 0, blockSlots)
	for i := 0; i < len(b.values); i++ {
		end := skipValue(b.values, i)
		values = append(values, b.values[i:end])
		i = end
	}
	return values
}

// isVisible tells whether an element shows in an order; there is none where nothing of the array is seen.
func (a *array) isVisible(s *sequence, element slotID) bool {
	if s == nil {
		return false
	}
	place := a.placeOf(element)
	if s.leafOf(place) == 0 {
		return false
	}
	shown, ok := a.shownAt(place, s.baseLen())
	return ok && shown == element
}
