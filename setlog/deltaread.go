package setlog

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
)

// ErrDelta says that a line is no node of a state delta.
var ErrDelta = errors.New("setlog: not a node of a state delta")

// deltaDepth is how deep a line can nest: two levels for each step of a path, and an array's lists at the end.
const deltaDepth = 2*MaxDepth + 8

// ReadDelta reads a line that AppendDelta wrote. It refuses one that is not canonical, or whose value is not what its
// parts give.
func ReadDelta(line []byte) (id string, n *Node, err error) { return new(deltaReader).read(line) }

// read reads a line, and adds the slots that it lists to those of the lines before.
func (r *deltaReader) read(line []byte) (id string, n *Node, err error) {
	if depth(line) > deltaDepth {
		return "", nil, fmt.Errorf("%w: nested too deep", ErrDelta)
	}
	if !isCanonicalObject(line) {
		return "", nil, fmt.Errorf("%w: it is no canonical JSON object", ErrDelta)
	}
	r.marks, r.failed = r.marks[:0], ""
	id, n = r.node(line)
	if r.failed != "" {
		return "", nil, fmt.Errorf("%w: %s", ErrDelta, r.failed)
	}
	return id, n, nil
}

// deltaReader reads nodes' lines, one after the other; after a failure it answers zeros for the rest of the line.
type deltaReader struct {
	marks  []Mark
	slots  uint64 // known, of all arrays of this line and of those before it
	failed string
	found  []member          // of an object, for a moment
	names  map[string]string // of members, which lines have in common
}

func (r *deltaReader) fail(why string) {
	if r.failed == "" {
		r.failed = why
	}
}

// object yields the members of an object.
func (r *deltaReader) object(data []byte) func(yield func(member) bool) {
	if !isKind(data, '{') {
		r.fail("an object is something else")
		data = []byte("{}")
	}
	return members(data)
}

// name reads a member's name, which a few lines in a row are likely to share.
func (r *deltaReader) name(quoted []byte) string {
	if known, ok := r.names[string(quoted)]; ok {
		return known
	}
	if r.names == nil || len(r.names) == maxNames {
		r.names = map[string]string{}
	}
	name := unquote(quoted)
	r.names[string(quoted)] = name
	return name
}

const maxNames = 256

func (r *deltaReader) list(data []byte) [][]byte { return slices.Collect(r.items(data)) }

// items yields the elements of a list, none of what is not there.
func (r *deltaReader) items(data []byte) func(yield func([]byte) bool) {
	if data != nil && !isKind(data, '[') {
		r.fail("a list is something else")
		data = nil
	}
	return elements(data)
}

func (r *deltaReader) uint(data []byte) uint64 {
	n, ok := readCount(data)
	if !ok {
		r.fail(fmt.Sprintf("%.40s is no integer from 0", data))
	}
	return n
}

// uints reads a list of numbers.
func (r *deltaReader) uints(data []byte) []uint64 {
	if data == nil {
		return nil
	}
	if !isKind(data, '[') {
		r.fail("a list is something else")
		return nil
	}
	numbers := make([]uint64, 0, len(data)/4+1)
	for item := range elements(data) {
		numbers = append(numbers, r.uint(item))
	}
	return numbers
}

// mark reads the place of a mark; none is the zero mark.
func (r *deltaReader) mark(data []byte) Mark {
	if data == nil {
		return Mark{}
	}
	return r.markAt(r.uint(data))
}

func (r *deltaReader) markAt(i uint64) Mark {
	if i > uint64(len(r.marks)) {
		r.fail("it refers to a mark that it does not list")
		return Mark{}
	}
	if i == 0 {
		return Mark{}
	}
	return r.marks[i-1]
}

func (r *deltaReader) node(data []byte) (string, *Node) {
	var at, count, created, deleted, id, list, value []byte
	for m := range r.object(data) {
		switch string(m.name) {
		case `"at"`:
			at = m.value
		case `"count"`:
			count = m.value
		case `"created"`:
			created = m.value
		case `"deleted"`:
			deleted = m.value
		case `"id"`:
			id = m.value
		case `"marks"`:
			list = m.value
		case `"value"`:
			value = bytes.Clone(m.value)
		}
	}
	if !isKind(id, '"') || !validID(unquote(id)) || value == nil {
		r.fail("it has no id or no value")
		return "", nil
	}
	for item := range r.items(list) {
		m, err := readMark(item)
		if err != nil {
			r.fail("a mark is malformed")
		}
		r.marks = append(r.marks, m)
	}
	n := &Node{created: r.mark(created), deleted: r.mark(deleted)}
	if count != nil {
		n.count = r.uint(count)
	}
	seen := value
	if !isKind(value, '{') {
		seen = nil
	}
	if at != nil {
		n.root = r.vertex(at, seen, inside{n.deleted, []byte("{}")}, 0)
	}
	r.check(n, value)
	return unquote(id), n
}

// check compares the node with the value that the line shows.
func (r *deltaReader) check(n *Node, value []byte) {
	switch {
	case r.failed != "":
	case n.created != (Mark{}) && !n.deleted.Less(n.created):
		r.fail("its create lies below its delete")
	case n.root != nil && n.root.written():
		r.fail("a write has no path")
	case n.shows(value):
	case !bytes.Equal(n.Value(), value) && (n.Alive() || string(value) != "null"):
		r.fail("its value is not what its parts give")
	}
}

// shows tells whether a node is just the members of a value, each of which a child holds: then nothing else is seen.
func (n *Node) shows(value []byte) bool {
	if !n.Alive() || n.root == nil || n.root.written() || len(n.root.runs)+len(n.root.arrays) > 0 || !isKind(value, '{') {
		return false
	}
	children := n.root.children
	for m := range members(value) {
		if len(children) == 0 || len(m.value) == 0 || !children[0].holds(m.value) {
			return false
		}
		children = children[1:]
	}
	return len(children) == 0
}

// holds tells whether a vertex is one write of that very value, in the same memory.
func (v *vertex) holds(value []byte) bool {
	return len(v.runs)+len(v.arrays)+len(v.children) == 0 && len(v.value) == len(value) && &v.value[0] == &value[0]
}

// vertex reads what stands at a path where seen is visible; in is what it takes from above.
func (r *deltaReader) vertex(data, seen []byte, in inside, level int) *vertex {
	if level > MaxDepth {
		r.fail("it nests too deep")
		return nil
	}
	if isNumber(data) {
		return r.plain(r.mark(data), seen, in)
	}
	var absent, all, arrays, children, mark, totals, value []byte
	for m := range r.object(data) {
		switch string(m.name) {
		case `"absent"`:
			absent = m.value
		case `"all"`:
			all = m.value
		case `"arrays"`:
			arrays = m.value
		case `"children"`:
			children = m.value
		case `"mark"`:
			mark = m.value
		case `"totals"`:
			totals = m.value
		case `"value"`:
			value = bytes.Clone(m.value)
		}
	}
	v := &vertex{}
	if mark != nil {
		if value == nil && absent == nil {
			value = seen
		}
		v = r.plain(r.mark(mark), value, in)
	}
	in = v.below(in)
	for item := range r.items(totals) {
		v.runs = append(v.runs, r.total(item, in.floor))
	}
	for item := range r.items(arrays) {
		v.arrays = append(v.arrays, r.array(item, seen, in))
	}
	v.children = r.children(children, seen, in, r.mark(all), level+1)
	r.checkOrder(v)
	return v
}

// plain is a vertex that is one write.
func (r *deltaReader) plain(m Mark, value []byte, in inside) *vertex {
	if m == (Mark{}) || m.Less(in.floor) {
		r.fail("a write lies below its floor")
	}
	return &vertex{mark: m, value: value}
}

// checkOrder refuses totals and arrays that are not in their order, each once.
func (r *deltaReader) checkOrder(v *vertex) {
	for i := 1; i < len(v.runs); i++ {
		if compareRuns(v.runs[i-1], v.runs[i]) >= 0 {
			r.fail("totals are not in order")
		}
	}
	for i := 1; i < len(v.arrays); i++ {
		if !v.arrays[i-1].floor.Less(v.arrays[i].floor) {
			r.fail("arrays are not in order")
		}
	}
	if len(v.runs)+len(v.arrays)+len(v.children) == 0 && !v.written() {
		r.fail("a path holds nothing")
	}
}
