package setlog

import (
	"bytes"
	"slices"
	"strconv"
)

// paths puts back what the entry changed in a node that lived before it and after it. Replaced means that it deleted and
// made the node, so that every property is its own.
func (u *undoer) paths(id string, replaced bool) error {
	written := u.written(id)
	if replaced {
		written = u.properties(id)
	}
	for _, path := range written {
		if err := u.valueBack(id, path, changedSince); err != nil {
			return err
		}
	}
	var done [][]string
	for _, a := range u.entry.Actions {
		if a.ID != id || a.path == nil || covered(written, a.path) || has(done, a.path) {
			continue
		}
		done = append(done, a.path)
		if err := u.pathBack(id, a.path); err != nil {
			return err
		}
	}
	return nil
}

// written are the paths that the entry writes, without those below others.
func (u *undoer) written(id string) [][]string {
	var all, top [][]string
	for _, a := range u.entry.Actions {
		if a.ID == id {
			for _, w := range a.writes {
				all = append(all, w.path)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b []string) int { return len(a) - len(b) })
	for _, path := range all {
		if !covered(top, path) {
			top = append(top, path)
		}
	}
	return top
}

// properties are those of the node before or after the entry.
func (u *undoer) properties(id string) [][]string {
	names := map[string][]byte{}
	for _, value := range [][]byte{u.before[id].Value(), u.after[id].Value()} {
		for m := range members(value) {
			names[unquote(m.name)] = nil
		}
	}
	var paths [][]string
	for _, name := range sortedKeys(names) {
		paths = append(paths, []string{name})
	}
	return paths
}

// covered tells whether one of the paths is the path or a prefix of it.
func covered(paths [][]string, path []string) bool {
	return slices.ContainsFunc(paths, func(p []string) bool { return len(p) <= len(path) && slices.Equal(p, path[:len(p)]) })
}

func has(paths [][]string, path []string) bool {
	return slices.ContainsFunc(paths, func(p []string) bool { return slices.Equal(p, path) })
}

// valueBack puts back the value at a path as a whole.
func (u *undoer) valueBack(id string, path []string, otherwise string) error {
	var deeper, deeperAfter []write
	was, after := u.before[id].at(path), u.after[id].at(path)
	value, valueAfter := was.parts(path, was.floor, was.inherits, &deeper), after.parts(path, after.floor, after.inherits, &deeperAfter)
	switch {
	case bytes.Equal(value, valueAfter) && slices.EqualFunc(deeper, deeperAfter, write.equal):
		return nil
	case !u.keeps(id, path, u.now(id).at(path)):
		u.leave(id, path, otherwise)
		return nil
	}
	if value == nil {
		return u.emitAll(RemoveProperty, id, path, map[string][]byte{}, deeper)
	}
	return u.emitAll(SetProperty, id, path, map[string][]byte{"value": value}, deeper)
}

func (w write) equal(o write) bool {
	return slices.Equal(w.path, o.path) && bytes.Equal(w.value, o.value)
}

// emitAll adds an action, and sets what stands deeper.
func (u *undoer) emitAll(kind, id string, path []string, set map[string][]byte, deeper []write) error {
	if err := u.emit(kind, id, path, set); err != nil {
		return err
	}
	for _, w := range deeper {
		if err := u.emit(SetProperty, id, w.path, map[string][]byte{"value": w.value}); err != nil {
			return err
		}
	}
	return nil
}

// parts takes what is seen at a vertex apart: the value to write at its path, nil for none, and the writes to add below
// it so that an object that nobody wrote is again there only as long as its members are.
func (v *vertex) parts(path []string, floor Mark, inherited []byte, deeper *[]write) []byte {
	if v == nil {
		return inherited
	}
	above, base := floor, inherited
	if v.written() {
		base, floor = v.value, v.mark
	}
	if len(v.children) == 0 || v.object(floor, base) == nil {
		return v.seen(above, inherited)
	}
	if isKind(base, '{') {
		all := map[string][]byte{}
		for m := range members(base) {
			all[unquote(m.name)] = m.value
		}
		for _, c := range v.children {
			all[c.name] = c.parts(below(path, c.name), floor, all[c.name], deeper)
		}
		return appendObject(nil, all)
	}
	for _, c := range v.children {
		var under []write
		at := below(path, c.name)
		if value := c.parts(at, floor, nil, &under); value != nil {
			*deeper = append(*deeper, write{at, value})
		}
		*deeper = append(*deeper, under...)
	}
	flat := *v
	flat.children = nil
	return flat.seen(above, inherited)
}

func below(path []string, name string) []string { return append(slices.Clip(path), name) }

// now is a node as the actions so far make it.
func (u *undoer) now(id string) *Node {
	i := slices.IndexFunc(u.trial.change.Nodes, func(c Changed) bool { return c.ID == id })
	return u.trial.change.Nodes[i].Node
}

// pathBack puts back a path whose counter or array the entry changed.
func (u *undoer) pathBack(id string, path []string) error {
	was := u.before[id].at(path)
	// equal elements may have changed places
	if left := u.after[id].at(path).visible(); !isKind(left, '[') && bytes.Equal(was.visible(), left) {
		return nil
	}
	var floor Mark
	by, edits := int64(0), []Action(nil)
	for _, a := range u.entry.Actions {
		if a.ID != id || a.path == nil || !slices.Equal(a.path, path) {
			continue
		}
		if a.Type == Increment {
			by, floor = by+a.by, a.run.floor
		} else {
			edits, floor = append(edits, a), a.slots.floor
		}
	}
	stays := u.now(id).at(path).floor == floor
	switch {
	case was.floor != floor:
		return nil // a write that it did not know of had hidden what it did
	case edits != nil && stays:
		return u.elements(id, path, edits)
	case edits != nil:
		return u.valueBack(id, path, arrayReplaced)
	case !stays && !u.keeps(id, path, u.now(id).at(path)):
		u.leave(id, path, counterReplaced)
		return nil
	case by == 0:
		return nil
	}
	return u.emit(Increment, id, path, map[string][]byte{"by": strconv.AppendInt(nil, -by, 10)})
}
