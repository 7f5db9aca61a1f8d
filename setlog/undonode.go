package setlog

import (
	"bytes"
	"errors"
	"maps"
	"slices"
)

// Undo is what undoes an entry.
type Undo struct {
	Actions []Action // for one new entry, as a caller would send them; none when nothing is to be put back
	Left    []Left   // what is not put back
}

// Left is a part of an entry that undo leaves alone.
type Left struct {
	ID     string   // of the node; empty for the schema
	Path   []string // none: the whole node
	Reason string
}

// Undo answers what undoes the entry in a state that has it, where schema is in force: the values that the entry changed as they were before it, a
// deleted node as it was, a created one deleted, counters lowered by what it added, inserted elements removed, removed
// ones inserted again, others set or moved back. What is no more as the entry left it is left alone. A register counts as
// the entry's where it shows what the entry left, and the last write is the entry's, an undo's, or one that was undone.
func (p *Past) Undo(now State, schema Schema) (Undo, error) {
	after := maps.Clone(p.before)
	if err := after.fold(p.entry); err != nil {
		return Undo{}, err
	}
	// its mark is above all others, and nothing of it is kept but what it says by index
	top := &Entry{Stamp: ^Stamp(0), Salt: ^Salt(0)}
	past := *p // it may be asked again
	past.again = make(map[runKey]again, len(p.again))
	for key, back := range p.again {
		past.again[key] = again{maps.Clone(back.restored), maps.Clone(back.homes)}
	}
	u := undoer{Past: &past, after: after, trial: composer{patch: patch{state: now}, entry: top}}
	if p.setsSchema() {
		if err := u.schemaBack(schema); err != nil {
			return Undo{}, err
		}
	}
	var done []string
	for _, a := range p.entry.Actions {
		if a.ID == "" || slices.Contains(done, a.ID) {
			continue
		}
		done = append(done, a.ID)
		if err := u.node(a.ID); err != nil {
			return Undo{}, err
		}
	}
	return u.result, nil
}

// undoer makes the actions one by one, each for the state that those before it make.
type undoer struct {
	*Past
	after  pastNodes // before, with the entry
	trial  composer
	result Undo
}

// emit adds an action, unless the state refuses it.
func (u *undoer) emit(kind, id string, path []string, set map[string][]byte) error {
	return u.emitBehind(kind, id, path, set, nil)
}

// emitBehind is emit for an array action that inserts or moves to right behind a slot.
func (u *undoer) emitBehind(kind, id string, path []string, set map[string][]byte, slot *slotID) error {
	set["type"] = appendQuote(nil, kind)
	set[undoesMember] = appendQuote(nil, u.entry.ID().String())
	if id != "" {
		set["id"] = appendQuote(nil, id)
	}
	if path != nil {
		set["path"] = appendPath(nil, path)
	}
	a, err := newAction(appendObject(nil, set))
	if err != nil {
		return u.refused(id, path, err)
	}
	a.indexes.behind = slot
	position := len(u.result.Actions)
	resolved, err := u.trial.resolve(a, position)
	if err != nil {
		return u.refused(id, path, err)
	}
	u.result.Actions = append(u.result.Actions, a)
	u.noteSlots(resolved)
	return u.trial.apply(resolved, u.trial.entry.mark(position))
}

// refused leaves alone what the state refuses to have back.
func (u *undoer) refused(id string, path []string, err error) error {
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		u.leave(id, path, refusal.Reason)
		return nil
	}
	return err
}

func appendPath(dst []byte, path []string) []byte {
	dst = append(dst, '[')
	for i, step := range path {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendQuote(dst, step)
	}
	return append(dst, ']')
}

func (u *undoer) leave(id string, path []string, reason string) {
	same := func(l Left) bool { return l.ID == id && l.Reason == reason && slices.Equal(l.Path, path) }
	if !slices.ContainsFunc(u.result.Left, same) {
		u.result.Left = append(u.result.Left, Left{id, path, reason})
	}
}

// The reasons that are not the state's refusals.
const (
	changedSince    = "it was changed since"
	goneSince       = "the node was deleted since"
	againSince      = "the node was made again since"
	deletedSince    = "the node was deleted once more since"
	elementGone     = "the element was removed since"
	elementChanged  = "the element was changed since"
	elementMoved    = "the element was moved since"
	arrayReplaced   = "the array was replaced since"
	counterReplaced = "the counter was set since"
	schemaSetSince  = "the schema was set since"
)

// mine tells whether a mark is of the entry, of an undo, or of an entry that was undone.
func (u *undoer) mine(m Mark) bool {
	id := EntryID{m.Writer, m.Number}
	if id == u.entry.ID() || u.isUndo[id] {
		return true
	}
	_, undone := u.undos.Of(id)
	return undone
}

// only tells whether all marks at and below a vertex are mine. Those of slots are not kept; what shows tells of them.
func (v *vertex) only(mine func(Mark) bool) bool {
	if v == nil {
		return true
	}
	if v.written() && !mine(v.mark) {
		return false
	}
	for _, r := range v.runs {
		if !mine(Mark{Writer: r.writer, Number: r.number}) {
			return false
		}
	}
	return !slices.ContainsFunc(v.children, func(c child) bool { return !c.only(mine) })
}

// keeps tells whether a path is as the entry left it, by nobody's write since.
func (u *undoer) keeps(id string, path []string, is place) bool {
	return u.mine(is.floor) && is.only(u.mine) && bytes.Equal(is.visible(), u.after[id].at(path).visible())
}

// schemaBack puts back the schema as it was.
func (u *undoer) schemaBack(now Schema) error {
	var left Schema
	for i, a := range u.entry.Actions {
		if a.Type == SetSchema {
			left = Schema{u.entry.mark(i), a.schema}
		}
	}
	switch {
	case bytes.Equal(u.former.JSON, left.JSON):
		return nil
	case !u.mine(now.Mark) || !bytes.Equal(now.JSON, left.JSON):
		u.leave("", nil, schemaSetSince)
		return nil
	}
	return u.emit(SetSchema, "", nil, map[string][]byte{"schema": u.former.text()})
}

// node puts one node back.
func (u *undoer) node(id string) error {
	i, err := u.trial.node(id)
	if err != nil {
		return err
	}
	is, was, left := u.trial.change.Nodes[i].Node, u.before[id], u.after[id]
	switch {
	case was.Alive() && left.Alive():
		if !is.Alive() {
			u.leave(id, nil, goneSince)
			return nil
		}
		return u.paths(id, was.deleted != left.deleted)
	case left.Alive():
		return u.uncreate(id, is)
	case was.Alive():
		return u.revive(id, is)
	}
	return nil // it showed nothing of the node
}

// uncreate deletes a node that the entry made, unless something in it is not the entry's.
func (u *undoer) uncreate(id string, is *Node) error {
	switch {
	case !is.Alive():
		return nil
	case !u.mine(is.created) || !is.root.only(u.mine) || !bytes.Equal(is.Value(), u.after[id].Value()):
		u.leave(id, nil, changedSince)
		return nil
	}
	return u.emit(DeleteNode, id, nil, map[string][]byte{})
}

// revive makes a node that the entry deleted as it was.
func (u *undoer) revive(id string, is *Node) error {
	switch {
	case is.Alive():
		u.leave(id, nil, againSince)
		return nil
	case !u.mine(is.deleted):
		u.leave(id, nil, deletedSince)
		return nil
	}
	n := u.before[id]
	var deeper []write
	properties := n.root.parts(nil, n.deleted, []byte("{}"), &deeper)
	return u.emitAll(CreateNode, id, nil, map[string][]byte{"properties": properties}, deeper)
}
