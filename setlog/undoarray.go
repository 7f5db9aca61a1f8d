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
	s           *sequence
	stand, home []int // sorted: where the elements stand that undos put back, and the places they stand for
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

// showsAt tells whether an element shows at an attached slot.
func (v view) showsAt(slot slotID) bool {
	_, ok := v.shownAt(slot, v.s.baseLen())
	return ok
}

// index is that of an element that shows.
func (v view) index(element slotID) int { return v.s.index(v.placeOf(element)) }

// value is that of an element that shows.
func (v view) value(element slotID) []byte { return v.element(v.s, element) }

// attached tells whether a slot is in the order.
func (v view) attached(slot slotID) bool { return v.s.leafOf(slot) != 0 }

// position counts all slots in front of an attached one.
func (v view) position(slot slotID) int {
	i := v.s.leafOf(slot)
	leaves := v.s.leaves
	n := leaves[i].offset(slot) + leaves[leaves[i].left].slots
	for up := leaves[i].up; up != 0; i, up = up, leaves[up].up {
		if leaves[up].right == i {
			n += leaves[leaves[up].left].slots + leaves[up].n
		}
	}
	return n
}

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
func (l *listUndo) now() view {
	now := viewOf(l.undoer.now(l.id).at(l.path))
	for made := range l.homes {
		if now.attached(made) && now.showsAt(made) {
			now.stand = append(now.stand, now.position(made))
			now.home = append(now.home, now.position(l.home(now, made)))
		}
	}
	slices.Sort(now.stand)
	slices.Sort(now.home)
	return now
}

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

// keepsPlace tells whether an element stands where the entry left it, by nobody's move since.
func (l *listUndo) keepsPlace(now view, element, current slotID) bool {
	if b := now.block(current); b != nil {
		if i, ok := find(b.moves, uint8(current.k%blockSlots)); ok && !l.mine(b.moves[i].mark) {
			return false
		}
	}
	left := l.left.placeOf(element)
	return now.placeOf(current) == left || now.attached(left) && l.rank(now, left, current) == now.index(current)
}

// home is the slot in whose place one stands, itself if an undo did not make it.
func (l *listUndo) home(now view, slot slotID) slotID {
	for range l.homes {
		place, ok := l.homes[slot]
		if !ok || !now.attached(place) {
			break
		}
		slot = place
	}
	return slot
}

// rank is the index at which an element has to be to stand where an attached slot is. What undos put back counts as
// standing in its old place: an index alone would let it slip behind others that are put back later. The element itself,
// if it shows, does not count.
func (l *listUndo) rank(now view, slot, element slotID) int {
	slot = l.home(now, slot)
	at := now.position(slot)
	n := now.s.index(slot) - lower(now.stand, at) + lower(now.home, at)
	if now.shows(element) && now.position(l.home(now, now.placeOf(element))) < at {
		n--
	}
	return n
}

// lower counts the numbers below one in a sorted list.
func lower(list []int, than int) int {
	i, _ := slices.BinarySearch(list, than)
	return i
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
