package setlog

import (
	"bytes"
	"errors"
	"slices"
)

// children reads what stands one step deeper, and what goes without saying there.
func (r *deltaReader) children(data, seen []byte, in inside, all Mark, level int) []child {
	if data == nil {
		return r.allOf(seen, in, all)
	}
	if !isKind(data, '{') {
		r.fail("children are no object")
		return nil
	}
	var children []child
	for u := range unite(data, seen) {
		switch {
		case u.a == nil && all != Mark{}:
			children = append(children, child{u.name, r.plain(all, u.b, in)})
		case u.a == nil || string(u.a) == "null":
		case isNumber(u.a):
			children = append(children, child{u.name, r.plain(r.mark(u.a), u.b, in)})
		default:
			below := inside{in.floor, memberOf(in.base, u.name)}
			children = append(children, child{u.name, r.vertex(u.a, u.b, below, level)})
		}
	}
	return children
}

// allOf is the children of a path at which each member that is seen was written as it is, by one mark.
func (r *deltaReader) allOf(seen []byte, in inside, all Mark) []child {
	if all == (Mark{}) || !isKind(seen, '{') {
		return nil
	}
	r.found = slices.AppendSeq(r.found[:0], members(seen))
	vertices, children := make([]vertex, len(r.found)), make([]child, len(r.found))
	for i, m := range r.found {
		if i == 0 {
			r.plain(all, m.value, in)
		}
		vertices[i] = vertex{mark: all, value: m.value}
		children[i] = child{r.name(m.name), &vertices[i]}
	}
	return children
}

// united is a name with the values that it has in two objects, nil for none.
type united struct {
	name string
	a, b []byte
}

// unite yields the names of two canonical objects in their order; b may be something else, which has no names.
func unite(a, b []byte) func(yield func(united) bool) {
	return func(yield func(united) bool) {
		left := slices.Collect(members(a))
		if !isKind(b, '{') {
			b = []byte("{}")
		}
		for m := range members(b) {
			name := unquote(m.name)
			for ; len(left) > 0 && compareKeys(unquote(left[0].name), name) < 0; left = left[1:] {
				if !yield(united{unquote(left[0].name), left[0].value, nil}) {
					return
				}
			}
			u := united{name: name, b: m.value}
			if len(left) > 0 && bytes.Equal(left[0].name, m.name) {
				u.a, left = left[0].value, left[1:]
			}
			if !yield(u) {
				return
			}
		}
		for _, m := range left {
			if !yield(united{unquote(m.name), m.value, nil}) {
				return
			}
		}
	}
}

// total reads [writer,salt,floor,number,position,stamp,total].
func (r *deltaReader) total(data []byte, floor Mark) run {
	items := r.list(data)
	if len(items) != 7 {
		r.fail("a total is malformed")
		return run{}
	}
	writer, err1 := readText(items[0], ParseWriter)
	salt, err2 := readText(items[1], ParseSalt)
	stamp, err3 := readText(items[5], ParseStamp)
	total, ok := parseInteger(items[6])
	t := run{writer: writer, salt: salt, floor: r.markAt(r.uint(items[2])), number: r.uint(items[3]), stamp: stamp, total: total}
	position := r.uint(items[4])
	if t.position = uint32(position); errors.Join(err1, err2, err3) != nil || !ok || position > MaxLine || t.floor.Less(floor) {
		r.fail("a total is malformed")
	}
	return t
}
