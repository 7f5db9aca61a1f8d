package setlog

import (
	"bytes"
	"fmt"
	"maps"
	"slices"

	"github.com/benbjohnson/immutable"
)

// maxSlots is how many slots a line may list.
const maxSlots = 1 << 24

// arrayReader reads an array of a node's line.
type arrayReader struct {
	*deltaReader
	array  *array
	salts  []Salt
	blocks map[slotID]*block
	sorted []slotID // keys of blocks, as long as there are as many
	joined []byte   // values of a block while they are joined
}

// array reads an array under a path where seen is visible; in is what it takes from above.
func (r *deltaReader) array(data, seen []byte, in inside) *array {
	var buried, floor, gone, jumps, lengths, moves, newest, parents, places, salts, sets, values []byte
	r.object(data, map[string]*[]byte{
		"buried": &buried, "floor": &floor, "gone": &gone, "jumps": &jumps, "lengths": &lengths, "moves": &moves, "newest": &newest,
		"parents": &parents, "places": &places, "salts": &salts, "sets": &sets, "values": &values,
	})
	a := arrayReader{deltaReader: r, array: newArray(r.mark(floor)), blocks: make(map[slotID]*block, len(lengths)/8)}
	var err error
	if a.array.newest, err = readText(newest, ParseStamp); err != nil || a.array.floor.Less(in.floor) {
		r.fail("an array is malformed")
	}
	a.readSalts(salts)
	a.readPieces(lengths, jumps, parents)
	a.readGone(gone)
	a.readPlaces(places)
	a.readBuried(buried)
	a.readSets(sets)
	a.readMoves(moves)
	if r.failed == "" {
		a.store()
		a.readValues(values, seen, in)
	}
	return a.array
}

func (r *arrayReader) readSalts(data []byte) {
	for _, item := range r.list(data) {
		salt, err := readText(item, ParseSalt)
		if err != nil || len(r.salts) > 0 && salt <= r.salts[len(r.salts)-1] {
			r.fail("salts of an array are malformed or not in order")
		}
		r.salts = append(r.salts, salt)
	}
}

// numbers reads a list of so many numbers.
func (r *arrayReader) numbers(data []byte, n int) []uint64 {
	numbers := r.uints(data)
	if len(numbers) != n {
		r.fail(fmt.Sprintf("an array's list of %d has %d", n, len(numbers)))
		return make([]uint64, n)
	}
	return numbers
}

// slot is the one that two numbers name.
func (r *arrayReader) slot(numbers []uint64) slotID {
	if numbers[0] >= uint64(len(r.salts)) || numbers[1] >= MaxNumber {
		r.fail("a slot is out of range")
		return slotID{}
	}
	return slotID{r.salts[numbers[0]], numbers[1]}
}

func (r *arrayReader) block(id slotID) *block {
	key := blockKey(id)
	b := r.blocks[key]
	if b == nil {
		b = &block{}
		r.blocks[key] = b
	}
	return b
}

// readPieces reads the known slots, without what they hold.
func (r *arrayReader) readPieces(lengths, jumps, parents []byte) {
	counts, starts, hangs := r.uints(lengths), r.list(jumps), r.list(parents)
	if len(counts) != len(hangs) {
		r.fail("an array has as many lengths as parents")
		return
	}
	next := slotID{}
	for i, count := range counts {
		if len(starts) > 0 {
			if n := r.numbers(starts[0], 3); n[0] == uint64(i) {
				to := r.slot(n[1:])
				if compareSlots(to, next) < 0 {
					r.fail("pieces are not in order")
				}
				next, starts = to, starts[1:]
			}
		}
		r.slots += count
		if count < 1 || next.salt == 0 || r.slots > maxSlots || next.k+count > MaxNumber || r.failed != "" {
			r.fail("a piece is malformed")
			return
		}
		r.piece(next, count, r.parent(next, hangs[i]))
		next = next.plus(count)
	}
	if len(starts) > 0 {
		r.fail("jumps are not in order")
	}
}

// piece makes slots that chain from first known.
func (r *arrayReader) piece(first slotID, count uint64, hangs anchor) {
	at := uint8(first.k % blockSlots)
	b := r.block(first)
	if hangs == first.before() {
		b.chained |= 1 << at
	} else {
		b.heads = append(b.heads, head{at, hangs})
	}
	b.known |= 1 << at
	for id := first.plus(1); id.k < first.k+count; id.k++ {
		if id.k%blockSlots == 0 {
			b = r.block(id)
		}
		b.known |= 1 << (id.k % blockSlots)
		b.chained |= 1 << (id.k % blockSlots)
	}
	r.array.known += int(count)
}

func (r *arrayReader) parent(id slotID, data []byte) anchor {
	if isKind(data, '[') {
		n := r.numbers(data, 3)
		if n[2] == 1 {
			return anchor{r.slot(n), atLeft}
		}
		return anchor{r.slot(n), atRight}
	}
	if string(data) == "null" {
		return id.before()
	}
	n, ok := parseInteger(data)
	before := uint64(max(n, -n))
	switch {
	case !ok || before > id.k:
		r.fail("a parent is malformed")
		return anchor{}
	case n == 0:
		return anchor{}
	case n < 0:
		return anchor{slotID{id.salt, id.k - before}, atLeft}
	}
	return anchor{slotID{id.salt, id.k - before}, atRight}
}

// keys are the blocks' keys in order.
func (r *arrayReader) keys() []slotID {
	if len(r.sorted) != len(r.blocks) {
		r.sorted = slices.SortedFunc(maps.Keys(r.blocks), compareSlots)
	}
	return r.sorted
}

// readGone marks what is removed of the known slots.
func (r *arrayReader) readGone(data []byte) {
	counts := r.uints(data)
	if len(counts) == 0 {
		return
	}
	left, isGone := counts[0], false
	for _, key := range r.keys() {
		b := r.blocks[key]
		for at := range bitsOf(b.known) {
			for left == 0 && len(counts) > 1 {
				counts, isGone = counts[1:], !isGone
				left = counts[0]
			}
			if left > 0 && isGone {
				b.removed |= 1 << at
			}
			left -= min(left, 1)
		}
	}
	if left > 0 || len(counts) > 1 {
		r.fail("more slots are removed than there are")
	}
}

func (r *arrayReader) readPlaces(data []byte) {
	for _, item := range r.list(data) {
		n := r.numbers(item, 4)
		id, element := r.slot(n), r.slot(n[2:])
		b, at := r.block(id), uint8(id.k%blockSlots)
		if b.known>>at&1 == 0 || len(b.seated) > 0 && b.seated[len(b.seated)-1].at >= at {
			r.fail("a place is no slot, or not in order")
			return
		}
		b.seats |= 1 << at
		b.seated = append(b.seated, seat{at, element})
	}
}

func (r *arrayReader) readBuried(data []byte) {
	tombs := immutable.NewSortedMapBuilder[slotID, uint64](slotOrder{})
	end := slotID{}
	for i, item := range r.list(data) {
		n := r.numbers(item, 3)
		first := r.slot(n)
		if n[2] < 1 || first.k+n[2] > MaxNumber || i > 0 && compareSlots(first, end) <= 0 {
			r.fail("buried elements are malformed or not in order")
			return
		}
		end = first.plus(n[2])
		tombs.Set(first, n[2])
	}
	r.array.tombs = tombs.Map()
}

func (r *arrayReader) readSets(data []byte) {
	for _, item := range r.list(data) {
		fields := r.list(item)
		if len(fields) != 3 && len(fields) != 4 {
			r.fail("a set is malformed")
			return
		}
		id := r.slot([]uint64{r.uint(fields[0]), r.uint(fields[1])})
		b, s := r.block(id), set{at: uint8(id.k % blockSlots), mark: r.mark(fields[2])}
		if len(fields) == 4 {
			s.value = bytes.Clone(fields[3])
		}
		if b.removed>>s.at&1 == 1 || len(b.sets) > 0 && b.sets[len(b.sets)-1].at >= s.at || !r.array.floor.Less(s.mark) {
			r.fail("a set is of a removed element, not in order or below its floor")
		}
		b.sets = append(b.sets, s)
	}
}

func (r *arrayReader) readMoves(data []byte) {
	for _, item := range r.list(data) {
		n := r.numbers(item, 5)
		id := r.slot(n)
		b, m := r.block(id), move{at: uint8(id.k % blockSlots), mark: r.markAt(n[2]), to: r.slot(n[3:])}
		if b.removed>>m.at&1 == 1 || len(b.moves) > 0 && b.moves[len(b.moves)-1].at >= m.at || !r.array.floor.Less(m.mark) {
			r.fail("a move is of a removed element, not in order or below its floor")
		}
		b.moves = append(b.moves, m)
	}
}

func (r *arrayReader) store() {
	blocks := immutable.NewSortedMapBuilder[slotID, *block](slotOrder{})
	for _, key := range r.keys() {
		blocks.Set(key, r.blocks[key])
	}
	r.array.blocks = blocks.Map()
}

// extent is where a value stands in what is seen; none where it ends at 0.
type extent struct{ start, end uint32 }

// seenBlocks are blocks with the values that are seen of their elements.
type seenBlocks struct {
	blocks map[slotID]*block
	seen   []byte
	shown  map[slotID]*[blockSlots]extent
	key    slotID // of what was looked up last
	block  *block
	values *[blockSlots]extent
}

// readValues gives the elements their values: those that are said, and those that are seen in the order of the array.
func (r *arrayReader) readValues(data, seen []byte, in inside) {
	p := seenBlocks{blocks: r.blocks, seen: seen, shown: make(map[slotID]*[blockSlots]extent, len(r.blocks))}
	if r.array.floor == in.floor && isKind(seen, '[') {
		s := r.array.layout(in.base)
		if s.shows() > 0 && !p.take(s) {
			r.fail("an array is not seen as its parts give it")
		}
		r.array.release(s)
	}
	said := r.list(data)
	for _, key := range r.keys() {
		said = r.fill(r.blocks[key], p.of(key), said)
	}
	if len(said) > 0 {
		r.fail("an array has more values than elements")
	}
}

// take gives the elements of an order what is seen, and answers whether these are as many, and those of the plain value
// as they are there.
func (p *seenBlocks) take(s *sequence) bool {
	seen, next := p.seen, 1
	for i := s.after(0); i != 0; i = s.after(i) {
		l := &s.leaves[i]
		shown := l.shown
		for _, piece := range l.spans {
			for id := piece.first; id != piece.end(); id.k++ {
				if shown&1 == 1 {
					end := skipValue(seen, next)
					if end >= len(seen) || !p.show(s, id, extent{uint32(next), uint32(end)}) {
						return false
					}
					next = end + 1
				}
				shown >>= 1
			}
		}
	}
	s.text = bytes.Clone(seen)
	return next == len(seen)
}

// show gives the element that is seen at a slot its value: the one it was set to, else the one it was inserted with. One
// of the plain value must have that.
func (p *seenBlocks) show(s *sequence, id slotID, value extent) bool {
	p.enter(id)
	if p.block != nil && p.block.seats>>(id.k%blockSlots)&1 == 1 {
		id, _ = p.block.seatOf(uint8(id.k % blockSlots))
		p.enter(id)
	}
	at := uint8(id.k % blockSlots)
	if p.block != nil && len(p.block.sets) > 0 {
		if i, ok := find(p.block.sets, at); ok {
			p.block.sets[i].value = bytes.Clone(p.seen[value.start:value.end])
			return true
		}
	}
	if id.salt == 0 {
		return bytes.Equal(s.values[id.k], p.seen[value.start:value.end])
	}
	p.values[at] = value
	return true
}

// enter takes the block of a slot up.
func (p *seenBlocks) enter(id slotID) {
	key := blockKey(id)
	if key == p.key && p.values != nil {
		return
	}
	p.key, p.block, p.values = key, p.blocks[key], p.shown[key]
	if p.values == nil {
		p.values = new([blockSlots]extent)
		p.shown[key] = p.values
	}
}

// of answers the values that are seen of a block's elements, nil where one is not.
func (p *seenBlocks) of(key slotID) func(at uint8) []byte {
	shown := p.shown[key]
	return func(at uint8) []byte {
		if shown == nil || shown[at].end == 0 {
			return nil
		}
		return p.seen[shown[at].start:shown[at].end]
	}
}

// fill joins the values that a block holds, and answers the said ones that are left.
func (r *arrayReader) fill(b *block, shown func(at uint8) []byte, said [][]byte) [][]byte {
	values := r.joined[:0]
	for at := range bitsOf(b.holding()) {
		value := shown(at)
		if value == nil {
			if len(said) == 0 {
				r.fail("an array has fewer values than elements")
				return nil
			}
			value, said = said[0], said[1:]
		}
		if len(values) > 0 {
			values = append(values, ',')
		}
		values = append(values, value...)
	}
	b.values, r.joined = bytes.Clone(values), values
	for _, s := range b.sets {
		if s.value == nil {
			r.fail("a set has no value")
		}
	}
	return said
}
