package setlog

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
)

// Node is one record of a bucket with the marks of its writes. It never changes once it is handed out.
type Node struct {
	created, deleted Mark   // highest create and delete; created is zero when deleted is above it
	count            uint64 // N of rev: highest count of writes that any entry carried
	root             *vertex
}

// vertex is one path of a node. Everything below it is above its floor: writes that a prefix overwrote are gone.
type vertex struct {
	mark     Mark     // of the last write at this path; zero when there was none
	value    []byte   // canonical JSON; nil is "absent"
	runs     []run    // of the counter, sorted
	arrays   []*array // by floor
	children []child
}

// child is a vertex one step deeper; children are sorted by compareKeys.
type child struct {
	name string
	*vertex
}

// Alive tells whether the node was created after it was last deleted.
func (n *Node) Alive() bool { return n != nil && n.deleted.Less(n.created) }

// Created is the mark of the last create; feeds are ordered by its stamp. Zero for a node that is not alive.
func (n *Node) Created() Mark { return n.created }

// Value is what is seen of the node: a canonical JSON object, nil when it is not alive.
func (n *Node) Value() []byte {
	if !n.Alive() {
		return nil
	}
	return n.root.seen(n.deleted, []byte("{}"))
}

// Rev is "N-h": the count of writes, and the first 10 bytes of SHA-256 of the value in hex. A node that is not alive
// has the value null.
func (n *Node) Rev() string {
	value := []byte("null")
	count := uint64(0)
	if n != nil {
		count = n.count
		if n.Alive() {
			value = n.Value()
		}
	}
	sum := sha256.Sum256(value)
	dst := strconv.AppendUint(make([]byte, 0, 40), count, 10)
	return string(hex.AppendEncode(append(dst, '-'), sum[:10]))
}

// Size is about how many bytes the node takes in memory.
func (n *Node) Size() int { return 160 + n.root.size() }

func (v *vertex) size() int {
	if v == nil {
		return 0
	}
	size := 152 + len(v.value) + len(v.runs)*112
	for _, a := range v.arrays {
		size += a.size()
	}
	for _, c := range v.children {
		size += 24 + len(c.name) + c.size()
	}
	return size
}

func (v *vertex) written() bool { return v.mark != Mark{} }

// find answers the child of that name, or nil.
func (v *vertex) find(name string) *vertex {
	if v == nil {
		return nil
	}
	if i, ok := v.search(name); ok {
		return v.children[i].vertex
	}
	return nil
}

func (v *vertex) search(name string) (int, bool) {
	return slices.BinarySearchFunc(v.children, name, func(c child, name string) int { return compareKeys(c.name, name) })
}

// seen is the visible value at a vertex, nil for none: an object if a deeper write is visible, else the array, else the
// counter, else the plain value (rule 4). floor is that of the path above, inherited what an object written above holds here.
func (v *vertex) seen(floor Mark, inherited []byte) []byte {
	if v == nil {
		return inherited
	}
	base := inherited
	if v.written() {
		base, floor = v.value, v.mark
	}
	if len(v.children) == 0 && len(v.runs) == 0 && len(v.arrays) == 0 {
		return base
	}
	if object := v.object(floor, base); object != nil {
		return object
	}
	a := v.array(floor)
	if elements := a.json(base); elements != nil {
		return elements
	}
	if counter := v.counter(floor, base); counter != nil {
		return counter
	}
	switch {
	case a != nil && isKind(base, '['):
		return []byte("[]")
	case isKind(base, '{'):
		return []byte("{}")
	}
	return base
}

// object merges the members of base, if it is an object, with what is seen at the children. It is nil when that gives
// no member.
func (v *vertex) object(floor Mark, base []byte) []byte {
	if len(v.children) == 0 && !isKind(base, '{') {
		return nil
	}
	dst := make([]byte, 1, len(base)+32)
	dst[0] = '{'
	children := v.children
	if isKind(base, '{') {
		for m := range members(base) {
			name := unquote(m.name)
			for len(children) > 0 && compareKeys(children[0].name, name) < 0 {
				dst = children[0].appendMember(dst, floor, nil)
				children = children[1:]
			}
			if len(children) > 0 && children[0].name == name {
				dst = children[0].appendMember(dst, floor, m.value)
				children = children[1:]
				continue
			}
			dst = append(append(append(appendComma(dst), m.name...), ':'), m.value...)
		}
	}
	for _, c := range children {
		dst = c.appendMember(dst, floor, nil)
	}
	if len(dst) == 1 {
		return nil
	}
	return append(dst, '}')
}

func (c child) appendMember(dst []byte, floor Mark, inherited []byte) []byte {
	value := c.seen(floor, inherited)
	if value == nil {
		return dst
	}
	return append(append(appendQuote(appendComma(dst), c.name), ':'), value...)
}

func appendComma(object []byte) []byte {
	if len(object) == 1 {
		return object
	}
	return append(object, ',')
}

// place is what one path of a node holds.
type place struct {
	*vertex         // nil when nothing was written there or below
	floor    Mark   // of what is written below it now: the delete and every write at the path and its prefixes
	inherits []byte // plain value at the path
}

// array is the one under a floor, nil when nothing arrived for it.
func (v *vertex) array(floor Mark) *array {
	if v == nil {
		return nil
	}
	for _, a := range v.arrays {
		if a.floor == floor {
			return a
		}
	}
	return nil
}

// at looks a path up. The node may be nil.
func (n *Node) at(path []string) place {
	if n == nil {
		return place{}
	}
	p := place{vertex: n.root, floor: n.deleted, inherits: []byte("{}")}
	for _, step := range path {
		p.inherits = memberOf(p.inherits, step)
		if p.vertex = p.find(step); p.vertex != nil && p.written() {
			p.inherits, p.floor = p.value, p.mark
		}
	}
	return p
}

// visible is what is seen at the path, nil for nothing.
func (p place) visible() []byte { return p.seen(p.floor, p.inherits) }

func memberOf(object []byte, name string) []byte {
	if !isKind(object, '{') {
		return nil
	}
	quoted := appendQuote(make([]byte, 0, len(name)+2), name)
	for m := range members(object) {
		if bytes.Equal(m.name, quoted) {
			return m.value
		}
	}
	return nil
}

// newest is the highest stamp at or below a vertex.
func (v *vertex) newest() Stamp {
	if v == nil {
		return 0
	}
	newest := v.mark.Stamp
	for _, r := range v.runs {
		newest = max(newest, r.stamp)
	}
	for _, a := range v.arrays {
		newest = max(newest, a.newest)
	}
	for _, c := range v.children {
		newest = max(newest, c.newest())
	}
	return newest
}

// plain tells whether the path shows one whole value: no counter, nothing written deeper, no array.
func (p place) plain(seen []byte) bool {
	return (p.vertex == nil || len(p.children) == 0 && len(p.runs) == 0 && len(p.arrays) == 0) && !isKind(seen, '[')
}
