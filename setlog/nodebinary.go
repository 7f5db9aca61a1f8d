package setlog

import (
	"encoding/binary"
	"errors"
	"slices"
)

// The local binary form of a node, version 1. It is no interchange format: a store can always fold its log again.
//
//	node   = version count marks created deleted vertex
//	marks  = length (stamp:8 writer:10 number position)…      each distinct mark once; others refer to it, 0 is none
//	vertex = flags [mark] [length value] [length run…] [length array…] [length (length name vertex)…]
//	run    = writer:10 salt:8 floor number position stamp:8 total(zigzag)
//
// Numbers are uvarints, fixed widths big endian. Equal nodes have equal bytes.
const nodeVersion = 1

const (
	hasMark = 1 << iota
	hasValue
	hasRuns
	hasChildren
	hasArrays
)

// ErrNode says that the bytes are no node of this version.
var ErrNode = errors.New("setlog: not a node's binary form")

// AppendBinary appends the node's binary form.
func (n *Node) AppendBinary(dst []byte) []byte {
	var marks marks
	marks.collect(n)
	dst = binary.AppendUvarint(append(dst, nodeVersion), n.count)
	dst = binary.AppendUvarint(dst, uint64(len(marks.list)))
	for _, m := range marks.list {
		dst = binary.BigEndian.AppendUint64(dst, uint64(m.Stamp))
		dst = append(dst, m.Writer[:]...)
		dst = binary.AppendUvarint(dst, m.Number)
		dst = binary.AppendUvarint(dst, uint64(m.Position))
	}
	dst = binary.AppendUvarint(dst, marks.index(n.created))
	dst = binary.AppendUvarint(dst, marks.index(n.deleted))
	root := n.root
	if root == nil {
		root = &vertex{}
	}
	return root.append(dst, &marks)
}

// marks are the distinct marks of a node, with their places from 1 once they are many.
type marks struct {
	list   []Mark
	places map[Mark]uint64
}

func (t *marks) collect(n *Node) {
	t.add(n.created)
	t.add(n.deleted)
	if n.root != nil {
		t.collectBelow(n.root)
	}
}

func (t *marks) collectBelow(v *vertex) {
	t.add(v.mark)
	for _, r := range v.runs {
		t.add(r.floor)
	}
	for _, a := range v.arrays {
		a.collect(t)
	}
	for _, c := range v.children {
		t.collectBelow(c.vertex)
	}
}

func (t *marks) add(m Mark) {
	if m == (Mark{}) || t.index(m) > 0 {
		return
	}
	t.list = append(t.list, m)
	switch {
	case len(t.list) == 2*few:
		t.places = make(map[Mark]uint64, 8*few)
		for i, m := range t.list {
			t.places[m] = uint64(i + 1)
		}
	case len(t.list) > 2*few:
		t.places[m] = uint64(len(t.list))
	}
}

// index is the place of a mark from 1, 0 for the zero mark and for one that was not added.
func (t *marks) index(m Mark) uint64 {
	if t.places != nil {
		return t.places[m]
	}
	return uint64(slices.Index(t.list, m) + 1)
}

func (v *vertex) append(dst []byte, marks *marks) []byte {
	at := len(dst)
	dst = append(dst, 0)
	if v.written() {
		dst[at] |= hasMark
		dst = binary.AppendUvarint(dst, marks.index(v.mark))
	}
	if v.value != nil {
		dst[at] |= hasValue
		dst = appendBytes(dst, v.value)
	}
	if len(v.runs) > 0 {
		dst[at] |= hasRuns
		dst = binary.AppendUvarint(dst, uint64(len(v.runs)))
		for _, r := range v.runs {
			dst = r.appendBinary(dst, marks)
		}
	}
	if len(v.arrays) > 0 {
		dst[at] |= hasArrays
		dst = binary.AppendUvarint(dst, uint64(len(v.arrays)))
		for _, a := range v.arrays {
			dst = a.appendBinary(dst, marks)
		}
	}
	if len(v.children) > 0 {
		dst[at] |= hasChildren
		dst = binary.AppendUvarint(dst, uint64(len(v.children)))
		for _, c := range v.children {
			dst = c.append(appendBytes(dst, c.name), marks)
		}
	}
	return dst
}

func (r run) appendBinary(dst []byte, marks *marks) []byte {
	dst = binary.BigEndian.AppendUint64(append(dst, r.writer[:]...), uint64(r.salt))
	dst = binary.AppendUvarint(dst, marks.index(r.floor))
	dst = binary.AppendUvarint(dst, r.number)
	dst = binary.AppendUvarint(dst, uint64(r.position))
	dst = binary.BigEndian.AppendUint64(dst, uint64(r.stamp))
	return binary.AppendVarint(dst, r.total)
}

func appendBytes[B []byte | string](dst []byte, b B) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(b))), b...)
}

// DecodeNode reads what AppendBinary wrote; the node keeps no reference to data.
func DecodeNode(data []byte) (*Node, error) {
	d := decoder{rest: string(data)}
	n := d.head()
	if v := d.vertex(0); !v.empty() {
		n.root = v
	}
	if d.failed || d.rest != "" {
		return nil, ErrNode
	}
	return n, nil
}

// head reads a node up to its root.
func (d *decoder) head() *Node {
	if d.take(1) != string(rune(nodeVersion)) {
		d.fail()
	}
	n := &Node{count: d.uvarint()}
	d.marks = make([]Mark, d.length(20))
	for i := range d.marks {
		d.marks[i] = Mark{Stamp: Stamp(d.fixed()), Writer: d.writer(), Number: d.uvarint(), Position: uint32(d.uvarint())}
	}
	n.created, n.deleted = d.mark(), d.mark()
	return n
}

// decoder reads a node; after a failure it answers zeros.
type decoder struct {
	rest   string
	marks  []Mark
	failed bool
}

func (d *decoder) fail() { d.failed, d.rest = true, "" }

func (d *decoder) take(n int) string {
	if n < 0 || n > len(d.rest) {
		d.fail()
		return string(make([]byte, min(max(n, 0), 16)))
	}
	taken := d.rest[:n]
	d.rest = d.rest[n:]
	return taken
}

func (d *decoder) uvarint() uint64 {
	var value uint64
	for i := 0; i < len(d.rest) && i < binary.MaxVarintLen64; i++ {
		value |= uint64(d.rest[i]&0x7f) << (7 * i)
		if d.rest[i] < 0x80 {
			d.rest = d.rest[i+1:]
			return value
		}
	}
	d.fail()
	return 0
}

// length reads a count of things that take at least width bytes each.
func (d *decoder) length(width int) int {
	n := d.uvarint()
	if n > uint64(len(d.rest)/width) {
		d.fail()
		return 0
	}
	return int(n)
}

func (d *decoder) fixed() uint64 { return binary.BigEndian.Uint64([]byte(d.take(8))[:8:8]) }

func (d *decoder) writer() Writer {
	var w Writer
	copy(w[:], d.take(len(w)))
	return w
}

func (d *decoder) mark() Mark {
	i := d.uvarint()
	if i == 0 {
		return Mark{}
	}
	if i > uint64(len(d.marks)) {
		d.fail()
		return Mark{}
	}
	return d.marks[i-1]
}

func (d *decoder) vertex(level int) *vertex {
	v := &vertex{}
	flags := d.take(1)[0]
	if level > MaxDepth {
		d.fail()
		return v
	}
	if flags&hasMark != 0 {
		v.mark = d.mark()
	}
	if flags&hasValue != 0 {
		v.value = d.bytes()
	}
	if flags&hasRuns != 0 {
		v.runs = make([]run, d.length(20))
		for i := range v.runs {
			v.runs[i] = d.run()
		}
	}
	if flags&hasArrays != 0 {
		v.arrays = make([]*array, d.length(11))
		for i := range v.arrays {
			v.arrays[i] = d.array()
		}
	}
	if flags&hasChildren != 0 {
		v.children = make([]child, d.length(2))
		for i := range v.children {
			v.children[i] = child{d.take(d.length(1)), d.vertex(level + 1)}
		}
	}
	return v
}

func (d *decoder) run() run {
	r := run{writer: d.writer(), salt: Salt(d.fixed()), floor: d.mark()}
	r.number, r.position, r.stamp = d.uvarint(), uint32(d.uvarint()), Stamp(d.fixed())
	total := d.uvarint()
	r.total = int64(total>>1) ^ -int64(total&1)
	return r
}
