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
	into := map[string]*[]byte{
		`"buried"`: &buried, `"floor"`: &floor, `"gone"`: &gone, `"jumps"`: &jumps, `"lengths"`: &lengths, `"moves"`: &moves, `"newest"`: &newest,
		`"parents"`: &parents, `"places"`: &places, `"salts"`: &salts, `"sets"`: &sets, `"values"`: &values,
	}
	for m := range r.object(data) {
		if at := into[string(m.name)]; at != nil {
			*at = m.value
		}
	}
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
