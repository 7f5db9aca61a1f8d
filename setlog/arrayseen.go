package setlog

import "bytes"

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
					if end == next || end >= len(seen) || !p.show(s, id, extent{uint32(next), uint32(end)}) {
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
