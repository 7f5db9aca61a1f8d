package setlog

import (
	"bytes"
	"maps"
	"math/bits"
	"slices"
	"strconv"
)

// AppendDelta appends the node as a line of a state delta (docs/format.md, A node's state): canonical JSON without a
// line break, the same bytes for equal nodes.
func (n *Node) AppendDelta(dst []byte, id string) []byte {
	w := deltaWriter{dst: append(dst, '{')}
	w.marks.collect(n)
	value := n.Value()
	if n.root != nil {
		w.name("at")
		w.vertex(n.root, value, inside{n.deleted, []byte("{}")})
	}
	if n.count > 0 {
		w.name("count")
		w.uint(n.count)
	}
	w.mark("created", n.created)
	w.mark("deleted", n.deleted)
	w.name("id")
	w.dst = appendQuote(w.dst, id)
	if len(w.marks.list) > 0 {
		w.name("marks")
		list(&w, w.marks.list, func(m Mark) { w.dst = m.append(w.dst) })
	}
	w.name("value")
	if value == nil {
		value = []byte("null")
	}
	return append(append(w.dst, value...), '}')
}

// deltaWriter writes the line of a node.
type deltaWriter struct {
	dst   []byte
	marks marks
}

// inside is what a path takes from above: its floor, and the plain value there.
type inside struct {
	floor Mark
	base  []byte
}

// below answers what a vertex hands down.
func (v *vertex) below(in inside) inside {
	if v.written() {
		return inside{v.mark, v.value}
	}
	return in
}

// name begins a member of the object that was opened last.
func (w *deltaWriter) name(name string) {
	w.comma()
	w.dst = append(appendQuote(w.dst, name), ':')
}

// comma separates from what stands before in the object or list that was opened last.
func (w *deltaWriter) comma() {
	if last := w.dst[len(w.dst)-1]; last != '{' && last != '[' {
		w.dst = append(w.dst, ',')
	}
}

func (w *deltaWriter) uint(n uint64) { w.dst = strconv.AppendUint(w.dst, n, 10) }

// mark writes a member that is a mark, unless that is zero.
func (w *deltaWriter) mark(name string, m Mark) {
	if m != (Mark{}) {
		w.name(name)
		w.uint(w.marks.index(m))
	}
}

// list writes an array of items.
func list[T any](w *deltaWriter, items []T, write func(T)) {
	w.dst = append(w.dst, '[')
	for _, item := range items {
		w.comma()
		write(item)
	}
	w.dst = append(w.dst, ']')
}

// vertex writes what stands at a path where seen is visible; in is what it takes from above.
func (w *deltaWriter) vertex(v *vertex, seen []byte, in inside) {
	in = v.below(in)
	w.dst = append(w.dst, '{')
	if v.written() && v.value == nil && seen != nil {
		w.name("absent")
		w.dst = append(w.dst, "true"...)
	}
	all := v.commonMark(seen)
	w.mark("all", all)
	if len(v.arrays) > 0 {
		w.name("arrays")
		list(w, v.arrays, func(a *array) { w.array(a, seen, in) })
	}
	w.children(v, seen, in, all)
	w.mark("mark", v.mark)
	if len(v.runs) > 0 {
		w.name("totals")
		list(w, v.runs, w.total)
	}
	if v.value != nil && !bytes.Equal(v.value, seen) {
		w.name("value")
		w.dst = append(w.dst, v.value...)
	}
	w.dst = append(w.dst, '}')
}

// plain tells whether a vertex is one write of what is seen there.
func (v *vertex) plain(seen []byte) bool {
	return v != nil && v.written() && len(v.runs)+len(v.arrays)+len(v.children) == 0 && (v.value == nil) == (seen == nil) &&
		bytes.Equal(v.value, seen)
}

// commonMark is the mark of most members of an object, of those that are one write each; zero when it is no use.
func (v *vertex) commonMark(seen []byte) Mark {
	var common Mark
	times := make(map[Mark]int)
	for p := range v.pairs(seen) {
		if p.seen == nil || !p.plain(p.seen) {
			continue
		}
		m := p.mark
		if times[m]++; times[m] > times[common] || times[m] == times[common] && m.Less(common) {
			common = m
		}
	}
	return common
}

// pair is a step from a vertex: a child, a member of the object that is seen, or both.
type pair struct {
	name string
	*vertex
	seen []byte
}

// pairs yields the steps from a vertex in their order.
func (v *vertex) pairs(seen []byte) func(yield func(pair) bool) {
	return func(yield func(pair) bool) {
		children := v.children
		if isKind(seen, '{') {
			for m := range members(seen) {
				name := unquote(m.name)
				for ; len(children) > 0 && compareKeys(children[0].name, name) < 0; children = children[1:] {
					if !yield(pair{children[0].name, children[0].vertex, nil}) {
						return
					}
				}
				p := pair{name: name, seen: m.value}
				if len(children) > 0 && children[0].name == name {
					p.vertex, children = children[0].vertex, children[1:]
				}
				if !yield(p) {
					return
				}
			}
		}
		for _, c := range children {
			if !yield(pair{c.name, c.vertex, nil}) {
				return
			}
		}
	}
}

// children writes what stands one step deeper, but what goes without saying.
func (w *deltaWriter) children(v *vertex, seen []byte, in inside, all Mark) {
	start := len(w.dst)
	w.name("children")
	w.dst = append(w.dst, '{')
	empty := len(w.dst)
	for p := range v.pairs(seen) {
		switch {
		case p.vertex == nil && all == (Mark{}):
		case p.vertex == nil:
			w.name(p.name)
			w.dst = append(w.dst, "null"...)
		case !p.plain(p.seen):
			w.name(p.name)
			w.vertex(p.vertex, p.seen, inside{in.floor, memberOf(in.base, p.name)})
		case p.seen == nil || p.mark != all:
			w.name(p.name)
			w.uint(w.marks.index(p.mark))
		}
	}
	if len(w.dst) == empty {
		w.dst = w.dst[:start]
		return
	}
	w.dst = append(w.dst, '}')
}

func (w *deltaWriter) total(r run) {
	w.dst = append(append(append(w.dst, `["`...), r.writer.String()...), `","`...)
	w.dst = append(append(w.dst, r.salt.String()...), `",`...)
	for _, n := range []uint64{w.marks.index(r.floor), r.number, uint64(r.position)} {
		w.uint(n)
		w.dst = append(w.dst, ',')
	}
	w.dst = r.stamp.append(append(w.dst, '"'))
	w.dst = append(strconv.AppendInt(append(w.dst, `",`...), r.total, 10), ']')
}

// array writes an array under a path; it is what is seen there if elements of it show.
func (w *deltaWriter) array(a *array, seen []byte, in inside) {
	d := arrayDelta{deltaWriter: w, array: a, salts: a.salts()}
	if a.floor == in.floor && isKind(seen, '[') {
		s := a.sequence(in.base)
		defer a.release(s)
		if s.shows() > 0 {
			d.visible = s
		}
	}
	d.write()
}

// salts are those that the array refers to, sorted.
func (a *array) salts() []Salt {
	set := make(map[Salt]bool)
	for it := a.tombs.Iterator(); !it.Done(); {
		first, _, _ := it.Next()
		set[first.salt] = true
	}
	for it := a.blocks.Iterator(); !it.Done(); {
		key, b, _ := it.Next()
		set[key.salt] = true
		for _, h := range b.heads {
			if h.anchor.side != atRoot {
				set[h.anchor.parent.salt] = true
			}
		}
		for _, s := range b.seated {
			set[s.element.salt] = true
		}
		for _, m := range b.moves {
			set[m.to.salt] = true
		}
	}
	return slices.Sorted(maps.Keys(set))
}

// bitsOf yields the numbers of the bits of a set.
func bitsOf(set uint64) func(yield func(uint8) bool) {
	return func(yield func(uint8) bool) {
		for ; set != 0; set &= set - 1 {
			if !yield(uint8(bits.TrailingZeros64(set))) {
				return
			}
		}
	}
}
