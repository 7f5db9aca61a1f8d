package setlog

import (
	"bytes"
	"slices"
)

// set answers the vertex after a write below it; the same one when the write is below the floor or not the last.
func (v *vertex) set(path []string, m Mark, value []byte) *vertex {
	if len(path) == 0 {
		return v.overwrite(m, value)
	}
	if v != nil && m.Less(v.mark) {
		return v
	}
	old := v.find(path[0])
	return v.with(path[0], old, old.set(path[1:], m, value))
}

func (v *vertex) overwrite(m Mark, value []byte) *vertex {
	if v == nil {
		return &vertex{mark: m, value: value}
	}
	if c := m.Compare(v.mark); c < 0 || c == 0 && bytes.Compare(value, v.value) <= 0 {
		return v // equal marks: absent (no bytes) first, then by canonical bytes
	}
	after := *v
	after.cut(m)
	after.mark, after.value = m, value
	return &after
}

// increment answers the vertex after a run's total arrived at a path below it.
func (v *vertex) increment(path []string, r run) *vertex {
	if v != nil && r.floor.Less(v.mark) {
		return v
	}
	if len(path) > 0 {
		old := v.find(path[0])
		return v.with(path[0], old, old.increment(path[1:], r))
	}
	var after vertex
	if v != nil {
		after = *v
	}
	runs, changed := withRun(after.runs, r)
	if !changed {
		return v
	}
	after.runs = runs
	return &after
}

// edit answers the vertex after an array action at a path below it.
func (v *vertex) edit(path []string, a Action, m Mark) *vertex {
	if v != nil && a.slots.floor.Less(v.mark) {
		return v
	}
	if len(path) > 0 {
		old := v.find(path[0])
		return v.with(path[0], old, old.edit(path[1:], a, m))
	}
	var after vertex
	if v != nil {
		after = *v
	}
	i, found := slices.BinarySearchFunc(after.arrays, a.slots.floor, compareFloor)
	if !found {
		after.arrays = slices.Insert(slices.Clip(after.arrays), i, newArray(a.slots.floor).folded(a, m))
		return &after
	}
	folded := after.arrays[i].folded(a, m)
	if folded == after.arrays[i] {
		return v
	}
	after.arrays = slices.Clone(after.arrays)
	after.arrays[i] = folded
	return &after
}

func compareFloor(a *array, floor Mark) int { return a.floor.Compare(floor) }

// with answers v with its child old replaced by after; v may be nil.
func (v *vertex) with(name string, old, after *vertex) *vertex {
	if old == after {
		return v
	}
	var copied vertex
	if v != nil {
		copied = *v
	}
	i, found := copied.search(name)
	if found {
		copied.children = slices.Clone(copied.children)
		copied.children[i].vertex = after
	} else {
		copied.children = slices.Insert(slices.Clip(copied.children), i, child{name, after})
	}
	return &copied
}

// above answers what is left of a vertex when its floor rises to m, nil for nothing.
func (v *vertex) above(m Mark) *vertex {
	if v == nil {
		return nil
	}
	after := *v
	if after.mark.Less(m) {
		after.mark, after.value = Mark{}, nil
	}
	after.cut(m)
	if after.empty() {
		return nil
	}
	return &after
}

func (v *vertex) empty() bool {
	return !v.written() && len(v.runs) == 0 && len(v.arrays) == 0 && len(v.children) == 0
}

// cut drops runs, arrays and everything deeper that lies below the floor m.
func (v *vertex) cut(m Mark) {
	if slices.ContainsFunc(v.runs, func(r run) bool { return r.floor.Less(m) }) {
		v.runs = slices.DeleteFunc(slices.Clone(v.runs), func(r run) bool { return r.floor.Less(m) })
	}
	if len(v.arrays) > 0 && v.arrays[0].floor.Less(m) {
		i, _ := slices.BinarySearchFunc(v.arrays, m, compareFloor)
		v.arrays = slices.Clone(v.arrays[i:])
	}
	if len(v.children) == 0 {
		return
	}
	kept := make([]child, 0, len(v.children))
	for _, c := range v.children {
		if left := c.above(m); left != nil {
			kept = append(kept, child{c.name, left})
		}
	}
	v.children = kept
}

// setAll is set for several paths, copying the vertex once.
func (v *vertex) setAll(writes []write, m Mark) *vertex {
	var after vertex
	if v != nil {
		after = *v
	}
	after.children = slices.Grow(slices.Clone(after.children), len(writes))
	for _, w := range writes {
		i, found := after.search(w.path[0])
		if !found {
			after.children = slices.Insert(after.children, i, child{name: w.path[0]})
		}
		after.children[i].vertex = after.children[i].set(w.path[1:], m, w.value)
	}
	return &after
}
