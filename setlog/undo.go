package setlog

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Members that the actions of an undo carry beside those of their type. A log keeps them as it keeps all members.
const (
	undoesMember   = "undoes"   // "WRITER:NUMBER", the entry that is undone
	restoresMember = "restores" // of ARRAY_INSERT: removed elements that it puts back, [[salt,k,count],…], in the order of values
	placesMember   = "places"   // of ARRAY_INSERT and ARRAY_MOVE: slots in whose place its own stand, likewise; of ARRAY_INSERT if they are others than those of restores
)

// EntryID names an entry of a log that did not fork.
type EntryID struct {
	Writer Writer
	Number uint64
}

// ParseEntryID reads what String makes.
func ParseEntryID(s string) (EntryID, error) {
	left, right, _ := strings.Cut(s, ":")
	writer, err := ParseWriter(left)
	number, err2 := strconv.ParseUint(right, 10, 64)
	id := EntryID{writer, number}
	if err != nil || err2 != nil || number == 0 || number > MaxNumber || id.String() != s {
		return EntryID{}, fmt.Errorf("%w: entry %q is not WRITER:NUMBER", ErrName, s)
	}
	return id, nil
}

// String is "WRITER:NUMBER".
func (id EntryID) String() string {
	return id.Writer.String() + ":" + strconv.FormatUint(id.Number, 10)
}

// ID names the entry.
func (e *Entry) ID() EntryID { return EntryID{e.Writer, e.Number} }

// isUndo tells whether a line may be an undo's.
func isUndo(line []byte) bool { return bytes.Contains(line, []byte(`"`+undoesMember+`":`)) }

// Undoes answers the entry that this one undoes, if it says so.
func (e *Entry) Undoes() (EntryID, bool) {
	if !isUndo(e.Line) {
		return EntryID{}, false
	}
	for _, a := range e.Actions {
		if of, ok := a.member(undoesMember); ok && isKind(of, '"') {
			id, err := ParseEntryID(unquote(of))
			return id, err == nil
		}
	}
	return EntryID{}, false
}

// Undoable tells whether the entry holds an action that undo knows: all but CLOSE and unknown types.
func (e *Entry) Undoable() bool {
	return slices.ContainsFunc(e.Actions, func(a Action) bool { return a.ID != "" || a.Type == SetSchema })
}

func (a *Action) member(name string) ([]byte, bool) {
	for m := range members(a.JSON) {
		if string(m.name[1:len(m.name)-1]) == name {
			return m.value, true
		}
	}
	return nil, false
}

// Undos are entries, and those that undo them.
type Undos map[EntryID][]EntryID

// Note takes an entry in if it undoes one, and tells whether it does.
func (u Undos) Note(e Entry) bool {
	of, ok := e.Undoes()
	if ok {
		u[of] = append(u[of], e.ID())
	}
	return ok
}

// Of answers an entry that undoes this one and was not undone in turn.
func (u Undos) Of(id EntryID) (EntryID, bool) { return u.of(id, map[EntryID]bool{}) }

// of leaves out what was seen: a forged log may hold undos in a circle.
func (u Undos) of(id EntryID, seen map[EntryID]bool) (EntryID, bool) {
	seen[id] = true
	for _, by := range u[id] {
		if seen[by] {
			continue
		}
		if _, again := u.of(by, seen); !again {
			return by, true
		}
	}
	return EntryID{}, false
}

// Past is what undoing an entry asks of the log (rule 16): the nodes that the entry names as all entries with lower
// marks made them, and which entries are undos themselves. Its size is that of those nodes, and a little for each undo.
// One goroutine at a time.
type Past struct {
	entry  Entry
	before pastNodes
	undos  Undos
	isUndo map[EntryID]bool
	again  map[runKey]again // by array
	former Schema           // the greatest below the entry
}

// again is what undos put back in one array.
type again struct {
	restored map[slotID]slotID // removed elements, and as which they were put back
	homes    map[slotID]slotID // slots that undos made, and in whose place they stand
}

// pastNodes are the nodes that the entry names.
type pastNodes map[string]*Node

// Node implements State.
func (p pastNodes) Node(id string) (*Node, error) { return p[id], nil }

func (p pastNodes) fold(e Entry) error {
	change, err := Fold(p, e)
	for _, c := range change.Nodes {
		if _, named := p[c.ID]; named {
			p[c.ID] = c.Node
		}
	}
	return err
}

// NewPast begins the past of an entry, which knows no other entry yet.
func NewPast(e Entry) *Past {
	p := &Past{entry: e, before: pastNodes{}, undos: Undos{}, isUndo: map[EntryID]bool{}, again: map[runKey]again{}}
	for _, a := range e.Actions {
		if a.ID != "" {
			p.before[a.ID] = nil
		}
	}
	p.note(e)
	return p
}

// fewIDs is up to how many ids are looked for in a line.
const fewIDs = 8

// Wants tells, without reading the line, whether it may be of an entry that Add needs. It is wrong one way only.
func (p *Past) Wants(line []byte) bool {
	if len(p.before) > fewIDs || isUndo(line) || p.setsSchema() && bytes.Contains(line, []byte(`"`+SetSchema+`"`)) {
		return true
	}
	for id := range p.before {
		if bytes.Contains(line, mention(id)) {
			return true
		}
	}
	return false
}

// mention is what each line has that names a node.
func mention(id string) []byte {
	return appendQuote(append(make([]byte, 0, len(id)+8), `"id":`...), id)
}

// Naming tells of a line, without reading it, whether it may name a node. It is wrong one way only.
func Naming(id string) func(line []byte) bool {
	named := mention(id)
	return func(line []byte) bool { return bytes.Contains(line, named) }
}

func (p *Past) setsSchema() bool { return setsSchema(p.entry.Actions) }

// Add takes an entry of the log in, once. The order does not matter, nor does the undone entry itself.
func (p *Past) Add(e Entry) error {
	if e.ID() == p.entry.ID() {
		return nil
	}
	p.note(e)
	if !e.mark(0).Less(p.entry.mark(0)) {
		return nil
	}
	for i, a := range e.Actions {
		if a.Type == SetSchema {
			p.former = greatest(p.former, Schema{Mark: e.mark(i), JSON: bytes.Clone(a.schema)})
		}
	}
	return p.before.fold(e)
}

func greatest(a, b Schema) Schema {
	if a.Compare(b) < 0 {
		return b
	}
	return a
}

// note takes in what an entry says that is an undo.
func (p *Past) note(e Entry) {
	if !p.undos.Note(e) {
		return
	}
	p.isUndo[e.ID()] = true
	for _, a := range e.Actions {
		p.noteSlots(a)
	}
}

// noteSlots notes what the slots are for that an undo's action made.
func (p *Past) noteSlots(a Action) {
	if a.slots == nil {
		return
	}
	back := p.backIn(runKey{a.ID, strings.Join(a.path, "\x00"), a.slots.floor})
	a.eachOf(restoresMember, func(made, old slotID) { back.restored[old], back.homes[made] = made, old })
	a.eachOf(placesMember, func(made, place slotID) { back.homes[made] = place })
}

func (p *Past) backIn(key runKey) again {
	back, ok := p.again[key]
	if !ok {
		back = again{restored: map[slotID]slotID{}, homes: map[slotID]slotID{}}
		p.again[key] = back
	}
	return back
}

// eachOf goes through the slots that the action made, each with what a member says of it.
func (a *Action) eachOf(name string, do func(made, of slotID)) {
	list, _ := a.member(name)
	spans, _ := readSpans(list)
	next, end := a.slots.first, a.slots.first.plus(uint64(max(len(a.values), 1)))
	for _, s := range spans {
		for of := s.first; of != s.end() && next != end; of, next = of.plus(1), next.plus(1) {
			do(next, of)
		}
	}
}

// UndoneBy answers the entry that undoes this one, unless that was undone in turn.
func (p *Past) UndoneBy() (EntryID, bool) { return p.undos.Of(p.entry.ID()) }
