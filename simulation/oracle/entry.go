package oracle

// Entry is what one line of a log says. A malformed one says nothing.
type Entry struct {
	counts  []count
	creates []event
	deletes []event
	writes  []write
	runs    []run
	inserts []insert
	removes []span
	sets    []set
	moves   []move
	schemas []schema
	closed  bool
}

// count is what an entry says of a node's N.
type count struct {
	node string
	n    int64
}

// schema is what a SET_SCHEMA says.
type schema struct {
	mark  mark
	value raw
}

// header is what the members of an entry beside its actions say.
type header struct {
	stamp  uint64
	number int64
	n      []raw // nil: left out
}

// Read reads the line of a writer's entry of that number.
func Read(writer string, number int64, line []byte) Entry {
	members, ok := readLine(line)
	if !ok {
		return Entry{}
	}
	h, ok := readHeader(members)
	if !ok || members.has("number") && h.number != number {
		return Entry{}
	}
	actions, ok := readArray(members["actions"])
	if !ok {
		return Entry{}
	}
	var e Entry
	for i, action := range actions {
		m := mark{stamp: h.stamp, writer: writer, number: number, position: int64(i)}
		if !e.readAction(m, action) {
			return Entry{}
		}
	}
	if !e.readCounts(h.n) {
		return Entry{}
	}
	return e
}

func readHeader(members object) (header, bool) {
	var h header
	text, isText := readString(members["stamp"])
	stamp, ok := readStamp(text)
	if !isText || !ok || stamp == 0 || stamp > lastStamp {
		return h, false
	}
	h.stamp = stamp
	if members.has("number") {
		if h.number, ok = readWhole(members["number"], 1, most); !ok {
			return h, false
		}
	}
	if members.has("n") {
		if h.n, ok = readArray(members["n"]); !ok {
			return h, false
		}
	}
	return h, formSalt(members) && formBirth(members) && formSaw(members)
}

func formSalt(members object) bool {
	if !members.has("salt") {
		return true
	}
	text, isText := readString(members["salt"])
	_, ok := readSalt(text)
	return isText && ok
}

func formBirth(members object) bool {
	_, ok := readString(members["birth"])
	return ok || !members.has("birth")
}

func formSaw(members object) bool {
	if !members.has("saw") {
		return true
	}
	heads, ok := readArray(members["saw"])
	for _, head := range heads {
		parts, isArray := readArray(head)
		if !isArray || len(parts) != 3 {
			return false
		}
		writer, isWriter := readString(parts[0])
		_, isNumber := readWhole(parts[1], 1, most)
		chain, isChain := readString(parts[2])
		if !isWriter || !isNumber || !isChain || !isBase32(writer, 16) || !isBase32(chain, 26) {
			return false
		}
	}
	return ok
}

// mention notes that an action on nodes names a node; its count comes later.
func (e *Entry) mention(node string) {
	for _, c := range e.counts {
		if c.node == node {
			return
		}
	}
	e.counts = append(e.counts, count{node: node, n: 1})
}

func (e *Entry) readCounts(n []raw) bool {
	if n == nil {
		return true
	}
	if len(n) != len(e.counts) {
		return false
	}
	for i := range n {
		var ok bool
		if e.counts[i].n, ok = readWhole(n[i], 1, most); !ok {
			return false
		}
	}
	return true
}
