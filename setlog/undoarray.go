package setlog

import (
	"bytes"
	"slices"
	"strings"
)

// elements puts back what the entry did to elements of an array that still stands under its floor.
func (u *undoer) elements(id string, path []string, edits []Action) error {
	key := runKey{id, strings.Join(path, "\x00"), edits[0].slots.floor}
	l := &listUndo{undoer: u, again: u.backIn(key), id: id, path: path}
	l.was, l.left = viewOf(u.before[id].at(path)), viewOf(u.after[id].at(path))
	defer l.was.release()
	defer l.left.release()
	l.sort(edits)
	l.judge()
	for _, step := range []func() error{l.setBack, l.moveBack, l.insertAgain, l.remove} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// listUndo is the undoing of an entry's actions on one array.
type listUndo struct {
	*undoer
	again
	id        string
	path      []string
	was, left view // before the entry, and right after it

	inserted, removed, set, moved []slotID // elements, each once, and those of the first two in no other list
}

// view is an array with its order.
type view struct {
	*array
	s *sequence
}

// viewOf takes the array of a place, to be released.
func viewOf(p place) view {
	a := p.array(p.floor)
	if a == nil {
		a = newArray(p.floor)
	}
	return view{array: a, s: a.sequence(p.inherits)}
}

func (v view) release() { v.array.release(v.s) }

// shows tells whether an element shows.
func (v view) shows(element slotID) bool {
	at := v.placeOf(element)
	shown, ok := v.shownAt(at, v.s.baseLen())
	return ok && shown == element && v.attached(at)
}

// index is that of an element that shows.
func (v view) index(element slotID) int { return v.s.index(v.placeOf(element)) }

// value is that of an element that shows.
func (v view) value(element slotID) []byte { return v.element(v.s, element) }

// attached tells whether a slot is in the order.
func (v view) attached(slot slotID) bool { return v.s.leafOf(slot) != 0 }

// sort notes what the entry did to each element, all in all.
func (l *listUndo) sort(edits []Action) {
	inserted, removed := map[slotID]bool{}, map[slotID]bool{}
	for _, a := range edits {
		switch a.Type {
		case ArrayInsert:
			for i := range a.values {
				inserted[a.slots.first.plus(uint64(i))] = true
			}
		case ArrayRemove:
			for _, s := range a.slots.spans {
				for i := range s.count {
					removed[s.first.plus(i)] = true
				}
			}
		}
	}
	for element := range inserted {
		if !removed[element] && l.left.shows(element) {
			l.inserted = append(l.inserted, element)
		}
	}
	for element := range removed {
		if !inserted[element] && l.was.shows(element) {
			l.removed = append(l.removed, element)
		}
	}
	slices.SortFunc(l.inserted, compareSlots)
	slices.SortFunc(l.removed, func(a, b slotID) int { return l.was.index(a) - l.was.index(b) })
	for _, a := range edits {
		if a.slots == nil || inserted[a.slots.element] || removed[a.slots.element] || !l.was.shows(a.slots.element) {
			continue
		}
		switch {
		case a.Type == ArraySet && !slices.Contains(l.set, a.slots.element):
			l.set = append(l.set, a.slots.element)
		case a.Type == ArrayMove && !slices.Contains(l.moved, a.slots.element):
			l.moved = append(l.moved, a.slots.element)
		}
	}
}

// now is the array as the actions so far make it, to be released.
func (l *listUndo) now() view { return viewOf(l.undoer.now(l.id).at(l.path)) }

// current is the element as which an undo put one back, if it was removed, else itself.
func (l *listUndo) current(now view, element slotID) slotID {
	for range l.restored { // no longer than the longest line; a forged one may be a circle
		again, ok := l.restored[element]
		if !ok || !now.isRemoved(element) {
			break
		}
		element = again
	}
	return element
}

// keepsValue tells whether an element has the value that the entry left it, by nobody's write since.
func (l *listUndo) keepsValue(now view, element, current slotID) bool {
	if b := now.block(current); b != nil {
		if i, ok := find(b.sets, uint8(current.k%blockSlots)); ok && !l.mine(b.sets[i].mark) {
			return false
		}
	}
	return bytes.Equal(now.value(current), l.left.value(element))
}

// keepsPlace tells whether an element stands where the entry left it, by nobody's move since: there, or in its place.
func (l *listUndo) keepsPlace(now view, element, current slotID) bool {
	if b := now.block(current); b != nil {
		if i, ok := find(b.moves, uint8(current.k%blockSlots)); ok && !l.mine(b.moves[i].mark) {
			return false
		}
	}
	slot, left := now.placeOf(current), l.left.placeOf(element)
	for range l.homes { // as in current
		place, ok := l.homes[slot]
		if slot == left || !ok {
			break
		}
		slot = place
	}
	return slot == left
}

// places is the member that tells in whose place new slots stand.
func places(slots []slotID) []byte {
	var spans []span
	for _, id := range slots {
		if last := len(spans) - 1; last >= 0 && spans[last].end() == id {
			spans[last].count++
		} else {
			spans = append(spans, span{id, 1})
		}
	}
	return appendSpans(nil, spans)
}
