package setlog

import (
	"bytes"
	"slices"
	"strconv"
)

func number(n int) []byte { return strconv.AppendInt(nil, int64(n), 10) }

// judge keeps of the elements those that are as the entry left them.
func (l *listUndo) judge() {
	now := l.now()
	defer now.release()
	l.set = slices.DeleteFunc(l.set, func(element slotID) bool { return l.leaves(l.changed(now, element, true, false)) })
	l.moved = slices.DeleteFunc(l.moved, func(element slotID) bool { return l.leaves(l.changed(now, element, false, true)) })
	l.inserted = slices.DeleteFunc(l.inserted, func(element slotID) bool {
		if !now.shows(l.current(now, element)) {
			return true // somebody removed it
		}
		return l.leaves(l.changed(now, element, true, true))
	})
}

// leaves leaves the array's part alone if there is a reason.
func (l *listUndo) leaves(reason string) bool {
	if reason != "" {
		l.leave(l.id, l.path, reason)
	}
	return reason != ""
}

// changed is the reason why an element is not as the entry left it, empty when it is.
func (l *listUndo) changed(now view, element slotID, value, place bool) string {
	current := l.current(now, element)
	switch {
	case !now.shows(current):
		return elementGone
	case value && !l.keepsValue(now, element, current):
		return elementChanged
	case place && !l.keepsPlace(now, element, current):
		return elementMoved
	}
	return ""
}

func (l *listUndo) setBack() error {
	for _, element := range l.set {
		if set := l.setting(element); set != nil {
			if err := l.emit(ArraySet, l.id, l.path, set); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *listUndo) setting(element slotID) map[string][]byte {
	now := l.now()
	defer now.release()
	current, was := l.current(now, element), l.was.value(element)
	if bytes.Equal(now.value(current), was) {
		return nil
	}
	return map[string][]byte{"index": number(now.index(current)), "value": was}
}

func (l *listUndo) moveBack() error {
	for _, element := range l.moved {
		target := l.was.placeOf(element)
		if set := l.moving(element, target); set != nil {
			if err := l.emitBehind(ArrayMove, l.id, l.path, set, &target); err != nil {
				return err
			}
		}
	}
	return nil
}

// moving is nil where nothing is to be moved. Even to the index at which it shows an element is moved: of what is
// removed or moved, some may stand between both places.
func (l *listUndo) moving(element, target slotID) map[string][]byte {
	now := l.now()
	defer now.release()
	current := l.current(now, element)
	if !now.attached(target) || now.placeOf(current) == target {
		return nil
	}
	from, to := now.index(current), now.s.index(target)
	if from < to {
		to--
	}
	return map[string][]byte{"index": number(from), "to": number(to), placesMember: places([]slotID{target})}
}

// insertAgain inserts the removed elements right behind where they stood, neighbours in one action: an index alone would
// let them slip in front of others that stood before them and are put back later.
func (l *listUndo) insertAgain() error {
	for rest := l.removed; len(rest) > 0; {
		n, index := l.together(rest)
		if n == 0 {
			l.leave(l.id, l.path, elementGone)
			return nil
		}
		last := l.was.placeOf(rest[n-1])
		if err := l.emitBehind(ArrayInsert, l.id, l.path, l.insertion(rest[:n], index), &last); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}

func (l *listUndo) insertion(elements []slotID, index int) map[string][]byte {
	values, at := []byte{'['}, make([]slotID, 0, len(elements))
	for i, element := range elements {
		if i > 0 {
			values = append(values, ',')
		}
		values = append(values, l.was.value(element)...)
		at = append(at, l.was.placeOf(element))
	}
	set := map[string][]byte{"index": number(index), "values": append(values, ']'), restoresMember: places(elements)}
	if !slices.Equal(at, elements) {
		set[placesMember] = places(at)
	}
	return set
}

// together answers how many of the elements stood side by side, with no slot between them, and at what index.
func (l *listUndo) together(elements []slotID) (n, index int) {
	now := l.now()
	defer now.release()
	before := slotID{}
	for ; n < len(elements); n++ {
		at := l.was.placeOf(elements[n])
		if !now.attached(at) || n > 0 && now.s.following(before, false) != at {
			break
		}
		if n == 0 {
			index = now.s.index(at)
		}
		before = at
	}
	return n, index
}

// remove removes the elements that the entry inserted, the last first.
func (l *listUndo) remove() error {
	indexes := l.removable()
	for last := len(indexes); last > 0; {
		first := last - 1
		for first > 0 && indexes[first-1] == indexes[first]-1 {
			first--
		}
		err := l.emit(ArrayRemove, l.id, l.path, map[string][]byte{"index": number(indexes[first]), "count": number(last - first)})
		if err != nil {
			return err
		}
		last = first
	}
	return nil
}

// removable are the indexes of what the entry inserted.
func (l *listUndo) removable() []int {
	now := l.now()
	defer now.release()
	var indexes []int
	for _, element := range l.inserted {
		indexes = append(indexes, now.index(l.current(now, element)))
	}
	slices.Sort(indexes)
	return indexes
}
