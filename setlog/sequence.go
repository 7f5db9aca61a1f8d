package setlog

import "math/bits"

// sequence is the order of an array's attached slots: index to slot and back in O(log n) steps. It belongs to whoever
// took it from its array, and changes with the array as long as what arrives stands in one clear place; else it is laid
// out anew (layout) when it is next needed.
type sequence struct {
	forest
	base    []byte // the plain value below the array; nil when that is none
	values  [][]byte
	sites   map[slotID]*site // by salt and k/blockSlots
	total   int              // slots
	text    []byte           // the array as it is seen, if that was written out since it changed last
	awaited map[slotID]bool  // parents of the slots that are not attached
}

// site is where the slots of a block stand.
type site struct {
	leaves        [blockSlots]int32 // 0: not attached
	lefts, rights uint64            // slots that have such children
}

func (s *sequence) baseLen() uint64 {
	if s == nil {
		return 0
	}
	return uint64(len(s.values))
}

// shows counts the elements that show.
func (s *sequence) shows() int { return s.leaves[s.root].shows }

// leafOf is the leaf of an attached slot, 0 for others.
func (s *sequence) leafOf(id slotID) int32 {
	if site := s.sites[blockKey(id)]; site != nil {
		return site.leaves[id.k%blockSlots]
	}
	return 0
}

// at is the slot at which the element of an index shows.
func (s *sequence) at(index int) slotID {
	i, n := s.forest.at(index)
	l := &s.leaves[i]
	return l.slot(l.nth(n))
}

// index counts the elements that show in front of an attached slot.
func (s *sequence) index(id slotID) int {
	i := s.leafOf(id)
	l := &s.leaves[i]
	return s.before(i) + bits.OnesCount64(l.shown&(1<<l.offset(id)-1))
}

// following is the slot behind an attached one in the order; it must not be the last. The first one follows none.
func (s *sequence) following(id slotID, first bool) slotID {
	i := int32(0)
	if !first {
		i = s.leafOf(id)
		if l := &s.leaves[i]; l.offset(id)+1 < l.n {
			return l.slot(l.offset(id) + 1)
		}
	}
	return s.leaves[s.after(i)].slot(0)
}

// hasRight tells whether an attached slot has right children.
func (s *sequence) hasRight(id slotID) bool {
	return s.sites[blockKey(id)].rights>>(id.k%blockSlots)&1 == 1
}

// behind is where new slots hang that are to stand right behind an attached slot, or in front of all.
func (s *sequence) behind(id slotID, front bool) anchor {
	switch {
	case front && s.total == 0:
		return anchor{}
	case !front && !s.hasRight(id):
		return anchor{id, atRight}
	}
	return anchor{s.following(id, front), atLeft}
}

// grown answers the order with n new slots that chain from first, which hangs where it is told; nil when it must be laid
// out anew.
func (s *sequence) grown(e *edit, first slotID, n uint64, hangs anchor) *sequence {
	switch {
	case s == nil || e.arrived == 0 && !e.clashed:
		return s
	case e.clashed || uint64(e.arrived) < n || s.isAwaited(first, n):
		return nil
	}
	if hangs.side == atRoot {
		if s.total > 0 {
			return nil
		}
		s.insert(0, 0, span{first, n})
		return s
	}
	i := s.leafOf(hangs.parent)
	if i == 0 {
		s.await(hangs.parent)
		return s
	}
	at, bit := s.sites[blockKey(hangs.parent)], uint64(1)<<(hangs.parent.k%blockSlots)
	offset := s.leaves[i].offset(hangs.parent)
	switch {
	case hangs.side == atRight && at.rights&bit == 0:
		at.rights |= bit
		s.insert(i, offset+1, span{first, n})
	case hangs.side == atLeft && at.lefts&bit == 0:
		at.lefts |= bit
		s.insert(i, offset, span{first, n})
	default:
		return nil
	}
	return s
}

func (s *sequence) isAwaited(first slotID, n uint64) bool {
	for id := first; len(s.awaited) > 0 && id.k < first.k+n; id = id.plus(1) {
		if s.awaited[id] {
			return true
		}
	}
	return false
}

func (s *sequence) await(parent slotID) {
	if s.awaited == nil {
		s.awaited = make(map[slotID]bool)
	}
	s.awaited[parent] = true
}

// insert puts slots that chain at an offset of a leaf, or into an empty order.
func (s *sequence) insert(i int32, offset int, added span) {
	s.total += int(added.count)
	s.chain(added)
	if i != 0 {
		if s.leaves[i].n+int(added.count) > leafSlots && offset < s.leaves[i].n {
			tail, shown := s.leaves[i].cut(offset)
			s.insertLeaf(i, tail, shown)
		}
		added = s.splice(i, offset, added)
	}
	for added.count > 0 {
		part := span{added.first, min(leafFill, added.count)}
		i = s.insertLeaf(i, []span{part}, 0)
		added = span{part.end(), added.count - part.count}
	}
}

// splice puts as many slots in at an offset of a leaf as it has room for, and answers those that are left.
func (s *sequence) splice(i int32, offset int, added span) span {
	l := &s.leaves[i]
	part := span{added.first, min(uint64(leafSlots-l.n), added.count)}
	if part.count == 0 {
		return added
	}
	l.splice(offset, part)
	s.locate(i, part)
	s.sumUp(i)
	return span{part.end(), added.count - part.count}
}

// insertLeaf makes a leaf of slots behind another and answers it.
func (s *sequence) insertLeaf(i int32, spans []span, shown uint64) int32 {
	added := s.add()
	for _, p := range spans {
		s.leaves[added].push(p)
		s.locate(added, p)
	}
	s.leaves[added].shown = shown
	s.insertAfter(i, added)
	s.sumUp(i)
	return added
}

// locate notes the leaf of slots.
func (s *sequence) locate(i int32, p span) {
	for id := p.first; id != p.end(); {
		at := s.site(id)
		for end := min(p.end().k, (id.k/blockSlots+1)*blockSlots); id.k < end; id.k++ {
			at.leaves[id.k%blockSlots] = i
		}
	}
}

// refresh brings up to date what shows at slots.
func (s *sequence) refresh(a *array, stale []slotID) {
	for _, id := range stale {
		i := s.leafOf(id)
		if i == 0 {
			continue
		}
		l := &s.leaves[i]
		bit := uint64(1) << l.offset(id)
		if _, shown := a.shownAt(id, s.baseLen()); shown != (l.shown&bit != 0) {
			l.shown ^= bit
			s.sumUp(i)
		}
	}
}

// chain notes that each slot but the last has the next as its right child.
func (s *sequence) chain(added span) {
	for id, n := added.first, added.count-1; n > 0; id, n = id.plus(1), n-1 {
		s.site(id).rights |= 1 << (id.k % blockSlots)
	}
}

func (s *sequence) site(id slotID) *site {
	key := blockKey(id)
	if s.sites[key] == nil {
		s.sites[key] = &site{}
	}
	return s.sites[key]
}
