package oracle

// readAction adds what the action at a mark says, and tells whether it is well-formed.
func (e *Entry) readAction(m mark, value raw) bool {
	a, isObject := readObject(value)
	kind, isText := readString(a["type"])
	if !isObject || !isText {
		return false
	}
	switch kind {
	case "SET_SCHEMA":
		e.schemas = append(e.schemas, schema{m, a["schema"]})
		return a["schema"].Kind() == '{' || a["schema"].Kind() == 'n'
	case "CLOSE":
		e.closed = true
		return true
	}
	read := readerOf(kind)
	if read == nil {
		return true
	}
	node, isText := readString(a["id"])
	if !isText || node == "" || len(node) > 512 {
		return false
	}
	e.mention(node)
	return read(e, m, node, a)
}

// readerOf returns what reads an action on a node of a type; nil for types that are not known.
func readerOf(kind string) func(*Entry, mark, string, object) bool {
	switch kind {
	case "CREATE_NODE":
		return (*Entry).readCreate
	case "DELETE_NODE":
		return (*Entry).readDelete
	case "SET_PROPERTY":
		return (*Entry).readSet
	case "REMOVE_PROPERTY":
		return (*Entry).readRemove
	case "INCREMENT":
		return (*Entry).readIncrement
	case "ARRAY_INSERT":
		return (*Entry).readArrayInsert
	case "ARRAY_REMOVE":
		return (*Entry).readArrayRemove
	case "ARRAY_SET":
		return (*Entry).readArraySet
	case "ARRAY_MOVE":
		return (*Entry).readArrayMove
	}
	return nil
}

func (e *Entry) readCreate(m mark, node string, a object) bool {
	e.creates = append(e.creates, event{node, m})
	switch string(a["revive"]) {
	case "true":
		before := m
		before.stamp--
		e.deletes = append(e.deletes, event{node, before})
	case "", "false":
	default:
		return false
	}
	return !a.has("properties") || e.readProperties(m, node, a["properties"])
}

func (e *Entry) readDelete(m mark, node string, _ object) bool {
	e.deletes = append(e.deletes, event{node, m})
	return true
}

func (e *Entry) readSet(m mark, node string, a object) bool {
	if a.has("properties") {
		return !a.has("path") && !a.has("property") && !a.has("value") && e.readProperties(m, node, a["properties"])
	}
	path, ok := readPath(a)
	e.writes = append(e.writes, write{node, path, m, a["value"]})
	return ok && a.has("value")
}

func (e *Entry) readProperties(m mark, node string, value raw) bool {
	properties, ok := readObject(value)
	for name, v := range properties {
		e.writes = append(e.writes, write{node, []string{name}, m, v})
	}
	return ok && !properties.has("id")
}

func (e *Entry) readRemove(m mark, node string, a object) bool {
	path, ok := readPath(a)
	e.writes = append(e.writes, write{node, path, m, nil})
	return ok
}

// readPath reads where an action on one path acts: its property, or its path.
func readPath(a object) ([]string, bool) {
	if !a.has("property") {
		return readSteps(a["path"])
	}
	name, ok := readString(a["property"])
	return []string{name}, ok && name != "id" && !a.has("path")
}

func readSteps(value raw) ([]string, bool) {
	items, ok := readArray(value)
	if !ok || len(items) == 0 || len(items) > 64 {
		return nil, false
	}
	path := make([]string, len(items))
	for i, item := range items {
		if path[i], ok = readString(item); !ok {
			return nil, false
		}
	}
	return path, path[0] != "id"
}

func (e *Entry) readIncrement(m mark, node string, a object) bool {
	path, ok := readPath(a)
	if _, isWhole := readWhole(a["by"], -most, most); !ok || a.has("by") && !isWhole {
		return false
	}
	members, _ := readObject(a["run"])
	floor, isFloor := readFloor(members)
	text, isText := readString(members["salt"])
	salt, isSalt := readSalt(text)
	total, isTotal := readWhole(members["total"], -most, most)
	e.runs = append(e.runs, run{
		node: node, path: path, floor: floor, key: runKey{m.writer, salt},
		mark: m, total: total,
	})
	return isFloor && floor.compare(m) < 0 && isText && isSalt && isTotal
}

// readFloor reads the member floor of a run or of slots: [stamp, writer, number, position], or left out.
func readFloor(members object) (mark, bool) {
	if !members.has("floor") {
		return mark{}, true
	}
	parts, ok := readArray(members["floor"])
	if !ok || len(parts) != 4 {
		return mark{}, false
	}
	text, isText := readString(parts[0])
	stamp, isStamp := readStamp(text)
	writer, isWriter := readString(parts[1])
	number, isNumber := readWhole(parts[2], 1, most)
	position, isPosition := readWhole(parts[3], 0, 1<<20)
	good := isText && isStamp && isWriter && isBase32(writer, 16) && isNumber && isPosition
	return mark{stamp, writer, number, position}, good
}
