package setlog

import (
	"bytes"
	"math/bits"
	"slices"
)

// sequence takes the array's order over a plain value; release gives it back.
func (a *array) sequence(base []byte) *sequence {
	if !isKind(base, '[') {
		base = nil
	}
	if s := a.order.Swap(nil); s != nil && bytes.Equal(s.base, base) {
		return s
	}
	return a.layout(base)
}

func (a *array) release(s *sequence) { a.order.Store(s) }

// layout works the order out from all that is known: O(n) steps for n slots, and a sort of those that do not chain.
func (a *array) layout(base []byte) *sequence {
	l := layout{sequence: &sequence{base: base, sites: make(map[slotID]*site, a.blocks.Len())}, array: a}
	if isKind(base, '[') {
		l.values = slices.Collect(elements(base))
	}
	l.forest = newForest((a.known+len(l.values))/leafFill + 1)
	l.survey()
	l.traverse()
	l.plant()
	if l.total < a.known+len(l.values) {
		l.awaitAll()
	}
	return l.sequence
}

// layout is an order while it is laid out.
type layout struct {
	*sequence
	array *array
	heads []hung
	plots map[slotID]*plot
	key   slotID // of here
	here  *plot
	stack []visit
}

// hung is a slot that does not chain.
type hung struct {
	anchor
	id slotID
}

// plot is a block with what the traversal asks of it.
type plot struct {
	*site
	known, chained, shown uint64
	forks                 uint64 // slots with right children that do not chain
}

// visit is a subtree that is still to be traversed, without the left side if that is done.
type visit struct {
	id       slotID
	leftDone bool
}

// survey collects heads and, for each block, what shows at its slots if they are attached.
func (l *layout) survey() {
	n := l.array.blocks.Len()
	l.plots = make(map[slotID]*plot, n+len(l.values)/blockSlots)
	sites, plots := make([]site, n), make([]plot, n)
	i := 0
	for it := l.array.blocks.Iterator(); !it.Done(); i++ {
		key, b, _ := it.Next()
		l.sites[key], plots[i].site = &sites[i], &sites[i]
		l.plots[key] = &plots[i]
		plots[i].known, plots[i].chained, plots[i].shown = b.known, b.chained, l.shown(key, b)
		for _, h := range b.heads {
			l.heads = append(l.heads, hung{h.anchor, slotID{key.salt, key.k*blockSlots + uint64(h.at)}})
		}
	}
	l.surveyBase()
	slices.SortFunc(l.heads, compareHung)
	for _, h := range l.heads {
		if at := l.plots[blockKey(h.parent)]; at != nil && h.side == atLeft {
			at.lefts |= 1 << (h.parent.k % blockSlots)
		} else if at != nil && h.side == atRight {
			at.forks |= 1 << (h.parent.k % blockSlots)
		}
	}
}

func compareHung(a, b hung) int {
	if c := compareAnchors(a.anchor, b.anchor); c != 0 {
		return c
	}
	return compareSlots(a.id, b.id)
}

// shown are the slots of a block at which an element shows if they are attached.
func (l *layout) shown(key slotID, b *block) uint64 {
	shown := b.holding()
	for _, m := range b.moves {
		if m.to != (slotID{key.salt, key.k*blockSlots + uint64(m.at)}) {
			shown &^= 1 << m.at
		}
	}
	for _, s := range b.seated {
		id := slotID{key.salt, key.k*blockSlots + uint64(s.at)}
		if _, ok := l.array.shownAt(id, l.baseLen()); ok {
			shown |= 1 << s.at
		}
	}
	return shown
}

// surveyBase adds the slots of the plain value, which stand in no block.
func (l *layout) surveyBase() {
	for first := uint64(0); first < l.baseLen(); first += blockSlots {
		key := slotID{0, first / blockSlots}
		at, touched := l.plots[key], true
		if at == nil {
			touched = l.array.tombs.Len() > 0
			at = &plot{site: l.site(slotID{0, first})}
			l.plots[key] = at
		}
		at.known = ^uint64(0) >> (blockSlots - min(blockSlots, l.baseLen()-first))
		if at.chained, at.shown = at.known, at.known; !touched {
			continue
		}
		at.shown = 0
		for set := at.known; set != 0; set &= set - 1 {
			id := slotID{0, first + uint64(bits.TrailingZeros64(set))}
			if _, ok := l.array.shownAt(id, l.baseLen()); ok {
				at.shown |= set & -set
			}
		}
	}
	if len(l.values) > 0 {
		l.plots[slotID{}].chained &^= 1
		l.heads = append(l.heads, hung{})
	}
}

// traverse lays all attached slots out in order.
func (l *layout) traverse() {
	l.push(anchor{})
	for len(l.stack) > 0 {
		last := len(l.stack) - 1
		v := l.stack[last]
		l.stack = l.stack[:last]
		for next := true; next; v.id, v.leftDone = v.id.plus(1), false {
			v.id, next = l.visit(v)
		}
	}
}

// push puts the slots that hang from an anchor and do not chain on the stack, the first on top.
func (l *layout) push(from anchor) {
	bottom := len(l.stack)
	i, _ := slices.BinarySearchFunc(l.heads, from, func(h hung, from anchor) int { return compareAnchors(h.anchor, from) })
	for ; i < len(l.heads) && l.heads[i].anchor == from; i++ {
		l.stack = append(l.stack, visit{id: l.heads[i].id})
	}
	slices.Reverse(l.stack[bottom:])
}

// visit lays out a slot with its left side and what chains to it, up to the first slot that has more to it. It answers
// the last slot, and whether the next of its run is all of its right side; else the stack has what comes next.
func (l *layout) visit(v visit) (last slotID, goesOn bool) {
	at, offset := l.plot(v.id), v.id.k%blockSlots
	if !v.leftDone && at.lefts>>offset&1 == 1 {
		l.stack = append(l.stack, visit{v.id, true})
		l.push(anchor{v.id, atLeft})
		return v.id, false
	}
	n := at.straight(offset)
	l.place(at, span{v.id, n}, at.shown>>offset)
	at.rights |= (1<<(n-1) - 1) << offset
	last, offset = v.id.plus(n-1), offset+n-1
	chains, forks := l.chains(at, last.plus(1)), at.forks>>offset&1 == 1
	if chains || forks {
		at.rights |= 1 << offset
	}
	if forks {
		l.pushRight(last, chains)
	}
	return last, chains && !forks
}

// straight is how many slots from an offset on stand one behind the other in the order, as far as the plot knows.
func (p *plot) straight(offset uint64) uint64 {
	breaks := (p.lefts | ^p.chained) >> offset >> 1 // a slot that has a left side or does not chain is not in it
	forks := p.forks >> offset                      // one with more on its right side is the last
	return 1 + uint64(min(bits.TrailingZeros64(breaks), bits.TrailingZeros64(forks), int(blockSlots-1-offset)))
}

// pushRight puts the right children of a slot on the stack, the first on top; one may chain to it.
func (l *layout) pushRight(id slotID, chains bool) {
	bottom, next := len(l.stack), id.plus(1)
	l.push(anchor{id, atRight})
	if !chains {
		return
	}
	i := len(l.stack)
	for ; i > bottom && compareSlots(l.stack[i-1].id, next) < 0; i-- {
	}
	l.stack = slices.Insert(l.stack, i, visit{id: next})
}

func (l *layout) plot(id slotID) *plot {
	if key := blockKey(id); l.here == nil || key != l.key {
		l.key, l.here = key, l.plots[key]
	}
	return l.here
}

// chains tells whether a slot is the right child of the one before it, which is of the plot.
func (l *layout) chains(at *plot, id slotID) bool {
	if id.k%blockSlots == 0 {
		if at = l.plots[blockKey(id)]; at == nil {
			return false
		}
	}
	return at.chained>>(id.k%blockSlots)&1 == 1
}

// place puts slots of a plot at the end of the order; the bits of shown tell what shows at them.
func (l *layout) place(at *plot, slots span, shown uint64) {
	l.total += int(slots.count)
	for slots.count > 0 {
		i := int32(len(l.leaves) - 1)
		if i == 0 || l.leaves[i].n == leafFill {
			i = l.add()
		}
		leaf := &l.leaves[i]
		part := span{slots.first, min(slots.count, uint64(leafFill-leaf.n))}
		leaf.shown |= shown & (1<<part.count - 1) << leaf.n
		leaf.push(part)
		for k := range part.count {
			at.leaves[part.first.k%blockSlots+k] = i
		}
		slots, shown = span{part.end(), slots.count - part.count}, shown>>part.count
	}
}

// awaitAll notes what the slots wait for that are not attached.
func (l *layout) awaitAll() {
	for key, at := range l.plots {
		for known := at.known; known != 0; known &= known - 1 {
			i := uint64(bits.TrailingZeros64(known))
			if at.leaves[i] == 0 && key.salt != 0 {
				id := slotID{key.salt, key.k*blockSlots + i}
				l.await(l.array.block(id).anchor(id).parent)
			}
		}
	}
}
