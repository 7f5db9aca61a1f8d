package oracle

import (
	"bytes"
	"cmp"
	"slices"
)

// array is what actions on arrays say of one path.
type array struct {
	inserts []insert
	removes []span
	sets    []set
	moves   []move
}

// slot is a place in the tree: of the element inserted there, or for one moved there.
type slot struct {
	id      slotID
	where   where
	value   raw    // nil: a place for element
	element slotID // the own id if there is a value
}

func (s slotID) compare(o slotID) int {
	return cmp.Or(cmp.Compare(s.salt, o.salt), cmp.Compare(s.k, o.k))
}

// under keeps what was said under one floor.
func (a array) under(floor mark) array {
	var kept array
	for _, i := range a.inserts {
		if i.floor == floor {
			kept.inserts = append(kept.inserts, i)
		}
	}
	for _, s := range a.removes {
		if s.floor == floor {
			kept.removes = append(kept.removes, s)
		}
	}
	for _, s := range a.sets {
		if s.floor == floor {
			kept.sets = append(kept.sets, s)
		}
	}
	for _, m := range a.moves {
		if m.floor == floor {
			kept.moves = append(kept.moves, m)
		}
	}
	return kept
}

// elements returns the values that show, in their order; plain is the value the array began with, if it is one.
func (a array) elements(plain raw) []raw {
	base, _ := readArray(plain)
	slots := a.slots(base)
	return a.walk(slots, childrenOf(slots), where{root: true})
}

// slots returns all slots; of two with one id the greater.
func (a array) slots(base []raw) map[slotID]slot {
	slots := map[slotID]slot{}
	put := func(s slot) {
		if old, ok := slots[s.id]; !ok || s.compare(old) > 0 {
			slots[s.id] = s
		}
	}
	chain := func(first slotID, at where, values []raw) {
		for i, value := range values {
			id := slotID{first.salt, first.k + int64(i)}
			put(slot{id: id, where: at, value: value, element: id})
			at = where{parent: id}
		}
	}
	chain(slotID{}, where{root: true}, base)
	for _, i := range a.inserts {
		chain(i.first, i.where, i.values)
	}
	for _, m := range a.moves {
		put(slot{id: m.first, where: m.where, element: m.element})
	}
	return slots
}

// compare orders two slots of one id: by parent, side, kind, and what they hold.
func (s slot) compare(o slot) int {
	return cmp.Or(
		compareBool(!s.where.root, !o.where.root),
		s.where.parent.compare(o.where.parent),
		compareBool(!s.where.left, !o.where.left),
		compareBool(s.value == nil, o.value == nil),
		bytes.Compare(s.value, o.value),
		s.element.compare(o.element),
	)
}

// compareBool orders false before true.
func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// childrenOf sorts the slots by where they hang, those of one side of one parent by id.
func childrenOf(slots map[slotID]slot) map[where][]slot {
	children := map[where][]slot{}
	for _, s := range slots {
		children[s.where] = append(children[s.where], s)
	}
	for _, side := range children {
		slices.SortFunc(side, func(s, o slot) int { return s.id.compare(o.id) })
	}
	return children
}

// walk returns what shows at the slots that hang at one side of a parent, and below them.
func (a array) walk(slots map[slotID]slot, children map[where][]slot, at where) []raw {
	var seen []raw
	for _, s := range children[at] {
		seen = append(seen, a.walk(slots, children, where{parent: s.id, left: true})...)
		if inserted := slots[s.element]; inserted.value != nil && !a.removed(s.element) && a.placeOf(s.element) == s.id {
			seen = append(seen, a.valueOf(inserted))
		}
		seen = append(seen, a.walk(slots, children, where{parent: s.id})...)
	}
	return seen
}

func (a array) removed(element slotID) bool {
	for _, s := range a.removes {
		if s.first.salt == element.salt && s.first.k <= element.k && element.k < s.first.k+s.count {
			return true
		}
	}
	return false
}

// placeOf returns the slot that the last move of an element names, its own if none does.
func (a array) placeOf(element slotID) slotID {
	place, top := element, mark{}
	for _, m := range a.moves {
		if m.element != element {
			continue
		}
		if order := m.mark.compare(top); order > 0 || order == 0 && m.first.compare(place) > 0 {
			place, top = m.first, m.mark
		}
	}
	return place
}

// valueOf returns the value that the last set of an element gave it, its first one if none did.
func (a array) valueOf(inserted slot) raw {
	value, top := inserted.value, mark{}
	for _, s := range a.sets {
		if s.element != inserted.id {
			continue
		}
		if order := s.mark.compare(top); order > 0 || order == 0 && bytes.Compare(s.value, value) > 0 {
			value, top = s.value, s.mark
		}
	}
	return value
}
