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
		if set := l.moving(element); set != nil {
			if err := l.emit(ArrayMove, l.id, l.path, set); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *listUndo) moving(element slotID) map[string][]byte {
	now := l.now()
	defer now.release()
	current, target := l.current(now, element), l.was.placeOf(element)
	if !now.attached(target) || now.placeOf(current) == target {
		return nil
	}
	// even to where it shows: of what is removed or moved, some stands between both places
	return map[string][]byte{
		"index": number(now.index(current)), "to": number(l.rank(now, target, current)), placesMember: places([]slotID{target}),
	}
}

// insertAgain inserts the removed elements where they stood, neighbours in one action.
func (l *listUndo) insertAgain() error {
	for rest := l.removed; len(rest) > 0; {
		n, index := l.together(rest)
		if n == 0 {
			l.leave(l.id, l.path, elementGone)
			return nil
		}
		if err := l.emit(ArrayInsert, l.id, l.path, l.insertion(rest[:n], index)); err != nil {
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

// together answers how many of the elements stood side by side, as the array shows now, and at what index.
func (l *listUndo) together(elements []slotID) (n, index int) {
	now := l.now()
	defer now.release()
	for ; n < len(elements); n++ {
		at := l.was.placeOf(elements[n])
		if !now.attached(at) {
			break
		}
		i := l.rank(now, at, elements[n])
		if n > 0 && i != index {
			break
		}
		index = i
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
