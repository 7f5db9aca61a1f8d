package setlog

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
)

// slotID names a slot of an array: the salt of the entry that began its run, and its number in the run. Slots of salt 0
// are those of the array that the plain value is.
type slotID struct {
	salt Salt
	k    uint64
}

func compareSlots(a, b slotID) int {
	return cmp.Or(cmp.Compare(a.salt, b.salt), cmp.Compare(a.k, b.k))
}

func (id slotID) plus(n uint64) slotID { return slotID{id.salt, id.k + n} }

// side is on which side of its parent a slot hangs.
type side uint8

const (
	atRoot side = iota // a right child of the root, which is no slot
	atLeft
	atRight
)

// anchor is where a slot hangs.
type anchor struct {
	parent slotID // zero for the root
	side   side
}

// compareAnchors orders by parent, the root first, then side.
func compareAnchors(a, b anchor) int {
	if (a.side == atRoot) != (b.side == atRoot) {
		return cmp.Compare(a.side, b.side)
	}
	return cmp.Or(compareSlots(a.parent, b.parent), cmp.Compare(a.side, b.side))
}

// before is the anchor of a slot that chains to the one before it in its run.
func (id slotID) before() anchor { return anchor{slotID{id.salt, id.k - 1}, atRight} }

// span is count slots of one run, one behind the other.
type span struct {
	first slotID
	count uint64
}

// slots is what an array action in a log says by element (docs/format.md, Arrays).
type slots struct {
	floor   Mark   // of the array
	first   slotID // ARRAY_INSERT, ARRAY_MOVE: the first new slot
	anchor  anchor // where it hangs
	element slotID // ARRAY_SET, ARRAY_MOVE
	spans   []span // ARRAY_REMOVE
}

const slotsMember = "slots"

// append writes the member "slots" of an action.
func (s *slots) append(dst []byte, kind string) []byte {
	start := len(dst) + 1
	dst = append(dst, '{')
	name := func(name string) {
		if len(dst) > start {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '"'), name...), `":`...)
	}
	if kind == ArraySet || kind == ArrayMove {
		name("element")
		dst = s.element.append(dst)
	}
	makes := kind == ArrayInsert || kind == ArrayMove
	if makes {
		name("first")
		dst = s.first.append(dst)
	}
	if s.floor != (Mark{}) {
		name("floor")
		dst = s.floor.append(dst)
	}
	if makes && s.anchor.side != atRoot {
		name("parent")
		dst = s.anchor.parent.append(dst)
		if s.anchor.side == atLeft {
			name("side")
			dst = append(dst, `"left"`...)
		}
	}
	if kind == ArrayRemove {
		name("spans")
		dst = appendSpans(dst, s.spans)
	}
	return append(dst, '}')
}

func (id slotID) append(dst []byte) []byte {
	dst = append(append(append(dst, `["`...), id.salt.String()...), `",`...)
	return append(strconv.AppendUint(dst, id.k, 10), ']')
}

func appendSpans(dst []byte, spans []span) []byte {
	dst = append(dst, '[')
	for i, s := range spans {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = s.first.append(dst)
		dst = append(strconv.AppendUint(append(dst[:len(dst)-1], ','), s.count, 10), ']')
	}
	return append(dst, ']')
}

// readSlots reads what append wrote; n is how many slots the action makes.
func readSlots(object []byte, kind string, n int) (*slots, error) {
	if !isKind(object, '{') {
		return nil, errSlots(kind)
	}
	r := slotsReader{kind: kind}
	for m := range members(object) {
		if !r.take(m) {
			return nil, errSlots(kind)
		}
	}
	if !r.complete(kind, uint64(n)) {
		return nil, errSlots(kind)
	}
	return &r.slots, nil
}

func errSlots(kind string) error { return invalid("the slots of "+kind+" are malformed", "") }

// slotsReader collects the members of slots that the kind of action has.
type slotsReader struct {
	slots
	kind                                  string
	hasFirst, hasParent, hasElement, left bool
}

func (r *slotsReader) take(m member) bool {
	ok := true
	makes, names := r.kind == ArrayInsert || r.kind == ArrayMove, r.kind == ArraySet || r.kind == ArrayMove
	switch name := string(m.name); {
	case name == `"element"` && names:
		r.element, ok = readSlot(m.value)
		r.hasElement = true
	case name == `"first"` && makes:
		r.first, ok = readSlot(m.value)
		r.hasFirst = true
	case name == `"floor"`:
		var err error
		r.floor, err = readMark(m.value)
		ok = err == nil
	case name == `"parent"` && makes:
		r.anchor.parent, ok = readSlot(m.value)
		r.hasParent = true
	case name == `"side"` && makes:
		r.left = true
		ok = string(m.value) == `"left"`
	case name == `"spans"` && r.kind == ArrayRemove:
		r.spans, ok = readSpans(m.value)
	}
	return ok
}

// complete tells whether all that the kind of action needs is there, and settles the side.
func (r *slotsReader) complete(kind string, n uint64) bool {
	switch {
	case r.left && !r.hasParent:
		return false
	case r.left:
		r.anchor.side = atLeft
	case r.hasParent:
		r.anchor.side = atRight
	}
	makes := r.hasFirst && r.first.salt != 0 && r.first.k+n <= MaxNumber
	switch kind {
	case ArrayInsert:
		return makes
	case ArrayMove:
		return makes && r.hasElement
	case ArraySet:
		return r.hasElement
	}
	return len(r.spans) > 0
}

func readSlot(array []byte) (slotID, bool) {
	s, ok := readSpan(array, 2)
	return s.first, ok
}

func readSpans(array []byte) ([]span, bool) {
	if !isKind(array, '[') {
		return nil, false
	}
	var spans []span
	for element := range elements(array) {
		s, ok := readSpan(element, 3)
		if !ok || s.count < 1 || s.first.k+s.count > MaxNumber {
			return nil, false
		}
		spans = append(spans, s)
	}
	return spans, true
}

// readSpan reads [salt,k] or [salt,k,count].
func readSpan(array []byte, fields int) (span, bool) {
	var s span
	if !isKind(array, '[') {
		return s, false
	}
	i := 0
	for element := range elements(array) {
		ok := false
		switch i {
		case 0:
			var err error
			s.first.salt, err = readText(element, ParseSalt)
			ok = err == nil
		case 1:
			s.first.k, ok = readCount(element)
			ok = ok && s.first.k < MaxNumber
		case 2:
			s.count, ok = readCount(element)
		}
		if !ok {
			return s, false
		}
		i++
	}
	return s, i == fields
}

func readCount(value []byte) (uint64, bool) {
	n, ok := parseInteger(value)
	return uint64(n), ok && n >= 0
}

// indexes are the members by which a caller names elements.
type indexes struct {
	index, to, count uint64
	behind           *slotID // of an undo: the slot behind which to insert or move to, rather than at an index
}

// readArray reads an array action, of a caller or of a log.
func (a *Action) readArray(f *fields) error {
	path, err := f.readPath(a.Type)
	if err != nil {
		return err
	}
	a.path = path
	if a.Type == ArrayInsert || a.Type == ArraySet {
		if err := a.readValues(f); err != nil {
			return err
		}
	}
	if f.slots != nil {
		a.slots, err = readSlots(f.slots, a.Type, max(len(a.values), 1))
		return err
	}
	return a.readIndexes(f)
}

func (a *Action) readValues(f *fields) error {
	switch {
	case a.Type == ArraySet && f.value != nil:
		a.values = [][]byte{f.value}
	case a.Type == ArraySet:
		return invalid("ARRAY_SET needs a value", `"value":"x"`)
	case f.values != nil && f.value != nil:
		return invalid("ARRAY_INSERT has either values or value", `"values":["x","y"]`)
	case isKind(f.values, '['):
		a.values = slices.Collect(elements(f.values))
	case f.values != nil:
		return invalid("values of ARRAY_INSERT is an array", `"values":["x","y"]`)
	case isKind(f.value, '['):
		a.values = slices.Collect(elements(f.value))
	case f.value != nil:
		a.values = [][]byte{f.value}
	}
	if len(a.values) == 0 {
		return invalid("ARRAY_INSERT needs at least one value", `"values":["x","y"]`)
	}
	return nil
}

func (a *Action) readIndexes(f *fields) error {
	a.indexes = indexes{count: 1}
	for _, n := range []struct {
		name   string
		value  []byte
		into   *uint64
		wanted bool
	}{
		{"index", f.index, &a.indexes.index, true},
		{"to", f.to, &a.indexes.to, a.Type == ArrayMove},
		{"count", f.count, &a.indexes.count, false},
	} {
		if n.value == nil && !n.wanted {
			continue
		}
		var ok bool
		if *n.into, ok = readCount(n.value); !ok {
			return invalid(fmt.Sprintf("%s of %s is an integer from 0", n.name, a.Type), `"`+n.name+`":0`)
		}
	}
	if a.indexes.count == 0 {
		return invalid("count of ARRAY_REMOVE is an integer from 1", `"count":1`)
	}
	return nil
}
