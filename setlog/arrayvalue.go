package setlog

// json answers the array as it is seen over a plain value, nil when no element shows. The array may be
// nil. The answer is shared with others.
func (a *array) json(base []byte) []byte {
	if a == nil {
		if isKind(base, '[') && len(base) > len("[]") {
			return base
		}
		return nil
	}
	s := a.sequence(base)
	defer a.release(s)
	if s.shows() > 0 && s.text == nil {
		s.text = a.write(s)
	}
	return s.text
}

// write writes an array out of which some element shows.
func (a *array) write(s *sequence) []byte {
	r := reader{array: a, values: s.values}
	dst := make([]byte, 1, 64+s.shows()*8)
	dst[0] = '['
	for i := s.after(0); i != 0; i = s.after(i) {
		dst = r.appendLeaf(dst, &s.leaves[i])
	}
	dst[len(dst)-1] = ']'
	return dst
}

// reader reads the values of elements, those of neighbours faster than one by one.
type reader struct {
	array  *array
	values [][]byte // of the plain value
	key    slotID   // of block
	block  *block
	rank   int // of the value that stands at next among those of the block
	next   int
}

// appendLeaf appends what shows in a leaf, each value with a comma behind it.
func (r *reader) appendLeaf(dst []byte, l *leaf) []byte {
	shown := l.shown
	for _, s := range l.spans {
		for k := range s.count {
			if shown&1 == 1 {
				dst = append(append(dst, r.shownAt(s.first.plus(k))...), ',')
			}
			shown >>= 1
		}
	}
	return dst
}

// shownAt is the value of the element that shows at a slot.
func (r *reader) shownAt(id slotID) []byte {
	r.enter(id)
	if r.block != nil && r.block.seats>>(id.k%blockSlots)&1 == 1 {
		id, _ = r.block.seatOf(uint8(id.k % blockSlots))
		r.enter(id)
	}
	at := uint8(id.k % blockSlots)
	if r.block != nil && len(r.block.sets) > 0 {
		if i, ok := find(r.block.sets, at); ok {
			return r.block.sets[i].value
		}
	}
	if id.salt == 0 {
		return r.values[id.k]
	}
	return r.held(at)
}

// enter takes the block of a slot up.
func (r *reader) enter(id slotID) {
	if key := blockKey(id); r.block == nil || key != r.key {
		r.key, r.block = key, r.array.block(id)
		r.rank, r.next = 0, 0
	}
}

// held is the value of a slot that the block holds.
func (r *reader) held(at uint8) []byte {
	b, rank := r.block, r.block.rank(at)
	if rank < r.rank {
		r.rank, r.next = 0, 0
	}
	for ; r.rank < rank; r.rank++ {
		r.next = skipValue(b.values, r.next) + 1
	}
	value := b.values[r.next:skipValue(b.values, r.next)]
	r.rank, r.next = rank+1, r.next+len(value)+1
	return value
}

// element is the value of an element that shows.
func (a *array) element(s *sequence, id slotID) []byte {
	r := reader{array: a, values: s.values}
	return r.shownAt(a.placeOf(id))
}
