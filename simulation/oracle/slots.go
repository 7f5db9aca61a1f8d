package oracle

// slotID names a slot, and the element that was inserted there.
type slotID struct {
	salt uint64
	k    int64
}

// where says of which slot another is a child.
type where struct {
	root   bool // parent is the root
	parent slotID
	left   bool
}

// insert is what an ARRAY_INSERT says.
type insert struct {
	node   string
	path   []string
	floor  mark
	first  slotID
	where  where
	values []raw
}

// span is one span of an ARRAY_REMOVE.
type span struct {
	node  string
	path  []string
	floor mark
	first slotID
	count int64
}

// set is what an ARRAY_SET says.
type set struct {
	node    string
	path    []string
	floor   mark
	element slotID
	mark    mark
	value   raw
}

// move is what an ARRAY_MOVE says.
type move struct {
	node    string
	path    []string
	floor   mark
	element slotID
	mark    mark
	first   slotID
	where   where
}

// readSlots reads what all actions on arrays have: a path, and slots under a floor below the action's own mark.
func readSlots(m mark, a object) (path []string, slots object, floor mark, ok bool) {
	path, isPath := readPath(a)
	slots, isObject := readObject(a["slots"])
	floor, isFloor := readFloor(slots)
	return path, slots, floor, isPath && isObject && isFloor && floor.compare(m) < 0
}

func (e *Entry) readArrayInsert(m mark, node string, a object) bool {
	path, slots, floor, ok := readSlots(m, a)
	values, isValues := readValues(a)
	first, isFirst := readFirst(slots, int64(len(values)))
	at, isAt := readWhere(slots)
	e.inserts = append(e.inserts, insert{node, path, floor, first, at, values})
	return ok && isValues && isFirst && isAt
}

// readValues reads the inserted values: those of the member values, or of value if that is an array, else value alone.
func readValues(a object) ([]raw, bool) {
	if a.has("values") {
		values, ok := readArray(a["values"])
		ok = ok && !a.has("value")
		return values, ok && len(values) > 0
	}
	if values, ok := readArray(a["value"]); ok {
		return values, len(values) > 0
	}
	return []raw{a["value"]}, a.has("value")
}

func (e *Entry) readArrayRemove(m mark, node string, a object) bool {
	path, slots, floor, ok := readSlots(m, a)
	spans, isArray := readArray(slots["spans"])
	for _, value := range spans {
		parts, fine := readArray(value)
		if !fine || len(parts) != 3 {
			return false
		}
		first, isSlot := readSlot(parts[0], parts[1])
		count, isCount := readWhole(parts[2], 1, most)
		if !isSlot || !isCount || first.k+count > most {
			return false
		}
		e.removes = append(e.removes, span{node, path, floor, first, count})
	}
	return ok && isArray && len(spans) > 0
}

func (e *Entry) readArraySet(m mark, node string, a object) bool {
	path, slots, floor, ok := readSlots(m, a)
	element, isElement := readPair(slots["element"])
	e.sets = append(e.sets, set{node, path, floor, element, m, a["value"]})
	return ok && isElement && a.has("value")
}

func (e *Entry) readArrayMove(m mark, node string, a object) bool {
	path, slots, floor, ok := readSlots(m, a)
	element, isElement := readPair(slots["element"])
	first, isFirst := readFirst(slots, 1)
	at, isAt := readWhere(slots)
	e.moves = append(e.moves, move{node, path, floor, element, m, first, at})
	return ok && isElement && isFirst && isAt
}

// readFirst reads the first of n new slots.
func readFirst(slots object, n int64) (slotID, bool) {
	first, ok := readPair(slots["first"])
	return first, ok && first.salt > 0 && first.k+n <= most
}

func readWhere(slots object) (where, bool) {
	left := string(slots["side"]) == `"left"`
	if slots.has("side") && !left {
		return where{}, false
	}
	if !slots.has("parent") {
		return where{root: true}, !left
	}
	parent, ok := readPair(slots["parent"])
	return where{parent: parent, left: left}, ok
}

func readPair(value raw) (slotID, bool) {
	parts, ok := readArray(value)
	if !ok || len(parts) != 2 {
		return slotID{}, false
	}
	return readSlot(parts[0], parts[1])
}

func readSlot(salt, k raw) (slotID, bool) {
	text, isText := readString(salt)
	s, isSalt := readSalt(text)
	n, ok := readWhole(k, 0, most-1)
	return slotID{s, n}, isText && isSalt && ok
}
