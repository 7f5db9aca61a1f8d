package setlog

import (
	"fmt"
	"maps"
	"strings"
)

// runGap is how many milliseconds may lie between the stamps of two inserts or moves of one run. A copy of a program's
// memory that goes on beside the original gives the same ids for that long at most.
const runGap = 1000

// Runs is a writer's memory of which ids its next slots in each array of a bucket have, so that what is typed in one go
// is one run. It lasts as long as the program; one goroutine at a time. The zero Runs works.
type Runs struct{ latest map[runKey]nextSlot }

// runKey names an array.
type runKey struct {
	node, path string
	floor      Mark
}

// nextSlot is the id behind the last one of a run, and when that was made.
type nextSlot struct {
	slotID
	stamp Stamp
}

// manyRuns is how many runs are remembered before those that ended are forgotten.
const manyRuns = 1024

// commit takes over what an entry made.
func (r *Runs) commit(made map[runKey]nextSlot, now Stamp) {
	if r == nil || len(made) == 0 {
		return
	}
	if r.latest == nil {
		r.latest = make(map[runKey]nextSlot)
	}
	maps.Copy(r.latest, made)
	if len(r.latest) > manyRuns {
		maps.DeleteFunc(r.latest, func(_ runKey, n nextSlot) bool { return !n.goesOn(now) })
	}
}

// goesOn tells whether a slot made at a stamp still belongs to the run.
func (n nextSlot) goesOn(now Stamp) bool {
	return n.stamp.Time().UnixMilli()+runGap >= now.Time().UnixMilli()
}

// resolveArray says by element what an array action says by index.
func (c *composer) resolveArray(a Action, p place) (Action, error) {
	if err := a.checkArray(p); err != nil {
		return a, err
	}
	for _, value := range a.values {
		if len(a.path)+1+depth(value) >= MaxDepth {
			return a, invalid("the node would be nested deeper than 63", "flatten the value")
		}
	}
	array := p.array(p.floor)
	if array == nil {
		array = newArray(p.floor)
	}
	s := array.sequence(p.inherits)
	defer array.release(s)
	if err := a.checkIndexes(s.shows()); err != nil {
		return a, err
	}
	a.slots = &slots{floor: p.floor}
	switch a.Type {
	case ArrayInsert:
		a.slots.anchor = s.place(a.indexes, int(a.indexes.index))
		a.slots.first = c.newSlots(a, uint64(len(a.values)))
	case ArrayRemove:
		a.slots.spans = array.elementsAt(s, int(a.indexes.index), int(a.indexes.count))
	case ArraySet:
		a.slots.element = array.elementAt(s, int(a.indexes.index))
	case ArrayMove:
		a.slots.element = array.elementAt(s, int(a.indexes.index))
		a.slots.anchor = s.place(a.indexes, a.indexes.target())
		a.slots.first = c.newSlots(a, 1)
	}
	a.JSON = withMembers(a.JSON, map[string][]byte{slotsMember: a.slots.append(nil, a.Type)})
	return a, nil
}

// checkArray refuses a path at which something else than an array is seen.
func (a *Action) checkArray(p place) error {
	if p.showsArray() {
		return nil
	}
	if seen := p.visible(); seen != nil && !isKind(seen, '[') {
		return invalid(fmt.Sprintf("%s needs an array or nothing, not %.40s", a.Type, seen), "SET_PROPERTY replaces the value")
	}
	return nil
}

// showsArray tells, without writing it out, whether an array is seen of which an element shows.
func (p place) showsArray() bool {
	array := p.array(p.floor)
	if array == nil || len(p.children) > 0 || isKind(p.inherits, '{') {
		return false
	}
	s := array.sequence(p.inherits)
	defer array.release(s)
	return s.shows() > 0
}

// target is the index, in the list with the element that moves, in front of which it moves.
func (i indexes) target() int {
	if i.to > i.index {
		return int(i.to) + 1
	}
	return int(i.to)
}

// checkIndexes refuses what lies outside of an array of n elements.
func (a *Action) checkIndexes(n int) error {
	i, last := a.indexes, uint64(max(n-1, 0))
	switch {
	case a.Type == ArrayInsert && i.index <= uint64(n):
		return nil
	case a.Type == ArrayInsert:
		last = uint64(n)
	case n == 0:
		return invalid(a.Type+" needs an element, and the array has none", "ARRAY_INSERT puts one in")
	case i.index <= last && i.to <= last && i.count <= uint64(n)-i.index:
		return nil
	case i.index <= last && i.to > last:
		return invalid(fmt.Sprintf("to is %d in an array of %d", i.to, n), fmt.Sprintf("to goes from 0 to %d", last))
	case i.index <= last:
		return invalid(fmt.Sprintf("index %d and count %d reach beyond an array of %d", i.index, i.count, n), fmt.Sprintf(`"count":%d at most`, uint64(n)-i.index))
	}
	return invalid(fmt.Sprintf("index is %d in an array of %d", i.index, n), fmt.Sprintf("index goes from 0 to %d", last))
}

// place is where new slots hang that are to show at an index, or to stand behind a slot.
func (s *sequence) place(i indexes, index int) anchor {
	if i.behind != nil && s.leafOf(*i.behind) != 0 {
		return s.behind(*i.behind, false)
	}
	return s.inFrontOf(index)
}

// inFrontOf is where new slots hang that are to show at an index.
func (s *sequence) inFrontOf(index int) anchor {
	if index == 0 {
		return s.behind(slotID{}, true)
	}
	return s.behind(s.at(index-1), false)
}

// elementAt is the element that shows at an index.
func (a *array) elementAt(s *sequence, index int) slotID {
	element, _ := a.shownAt(s.at(index), s.baseLen())
	return element
}

// elementsAt are count elements from an index, neighbours of one run in one span.
func (a *array) elementsAt(s *sequence, index, count int) []span {
	var spans []span
	for i := range count {
		element := a.elementAt(s, index+i)
		if last := len(spans) - 1; last >= 0 && spans[last].end() == element {
			spans[last].count++
		} else {
			spans = append(spans, span{element, 1})
		}
	}
	return spans
}

// newSlots are the next n ids of the writer's run in the array, or of a new run.
func (c *composer) newSlots(a Action, n uint64) slotID {
	key := runKey{a.ID, strings.Join(a.path, "\x00"), a.slots.floor}
	next, ok := c.made[key]
	if !ok && c.runs != nil {
		next, ok = c.runs.latest[key]
	}
	if !ok || !next.goesOn(c.entry.Stamp) {
		next.slotID = slotID{salt: c.entry.Salt}
	}
	first := next.slotID
	if c.made == nil {
		c.made = make(map[runKey]nextSlot)
	}
	c.made[key] = nextSlot{first.plus(n), c.entry.Stamp}
	return first
}
