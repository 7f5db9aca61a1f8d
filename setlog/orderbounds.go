package setlog

import (
	"bytes"
	"slices"
)

// Sought is what a property is to be, for Order.Bounds. Values are canonical JSON and no arrays or objects.
type Sought struct {
	Any          [][]byte // one of these; nil: what follows
	Above, Below []byte   // between these, which are of one kind, numbers or strings; nil: no bound
	Prefix       []byte   // a string that begins with this one; nil: any
}

// Bounds are those of the keys from one on and before another.
type Bounds struct{ From, Until []byte }

// maxBounds is how many parts of an order a search is bound to.
const maxBounds = 1000

// Bounds tells where the nodes stand that have what is sought of the order's first fields, sorted; used tells of how
// many fields. A node outside has none of it. One inside has it unless its property is an array, which may hold what
// is sought, or texts differ only after their first 256 bytes. With used 0 nothing is ruled out.
func (o Order) Bounds(sought map[string]Sought) (all []Bounds, used int) {
	heads := [][]byte{nil} // what keys begin with so far
	for _, f := range o.fields {
		s, ok := sought[f.name]
		if !ok || f.isFixed() || len(heads)*max(1, len(s.Any)) > maxBounds {
			break
		}
		used++
		longer := make([][]byte, 0, len(heads)*len(s.Any))
		for _, head := range heads {
			for _, value := range s.Any {
				longer = append(longer, f.flipped(appendSortable(bytes.Clone(head), value), len(head)))
			}
			for _, part := range f.parts(s) {
				all = append(all, Bounds{slices.Concat(head, part.From), slices.Concat(head, part.Until)})
			}
		}
		if heads = longer; len(heads) == 0 {
			break
		}
	}
	if used == 0 {
		return nil, 0
	}
	for _, head := range heads {
		all = append(all, Bounds{head, after(head)})
	}
	return joined(all), used
}

// joined sorts bounds, makes one of those that meet, and leaves out those of nothing.
func joined(all []Bounds) []Bounds {
	all = slices.DeleteFunc(all, func(b Bounds) bool { return bytes.Compare(b.From, b.Until) >= 0 })
	slices.SortFunc(all, func(a, b Bounds) int { return bytes.Compare(a.From, b.From) })
	apart := all[:0]
	for _, b := range all {
		n := len(apart)
		if n == 0 || bytes.Compare(b.From, apart[n-1].Until) > 0 {
			apart = append(apart, b)
		} else if bytes.Compare(b.Until, apart[n-1].Until) > 0 {
			apart[n-1].Until = b.Until
		}
	}
	return apart
}

// isFixed tells that a field is no property.
func (f field) isFixed() bool { return f.name == fieldID || f.name == fieldCreated }

// parts bound this field's part of a key: to what lies between the bounds, if no values are sought, and to all arrays.
func (f field) parts(s Sought) []Bounds {
	parts := []Bounds{f.bounds([]byte{sortArray}, []byte{sortArray + 1})}
	if s.Any != nil {
		return parts
	}
	if from, until := s.between(); bytes.Compare(from, until) < 0 {
		parts = append(parts, f.bounds(from, until))
	}
	return parts
}

// between is what lies between the bounds, upwards; nothing when they are of no kind that has an order.
func (s Sought) between() (from, until []byte) {
	kind := byte(sortString)
	for _, bound := range [][]byte{s.Above, s.Below} {
		if bound == nil {
			continue
		}
		if kind = appendSortable(nil, bound)[0]; kind != sortNumber && kind != sortString {
			return nil, nil
		}
	}
	from, until = []byte{kind}, []byte{kind + 1}
	if s.Above != nil {
		from = appendSortable(nil, s.Above)
		if !isCut(s.Above) {
			from = after(from)
		}
	}
	if s.Below != nil {
		until = appendSortable(nil, s.Below)
		if isCut(s.Below) {
			until = after(until)
		}
	}
	if s.Prefix != nil {
		begins := appendSortable(nil, s.Prefix)
		begins = begins[:len(begins)-1] // any byte may follow
		from, until = slices.MaxFunc([][]byte{from, begins}, bytes.Compare), slices.MinFunc([][]byte{until, after(begins)}, bytes.Compare)
	}
	return from, until
}

// isCut tells whether longer values may have the same key.
func isCut(value []byte) bool { return value[0] == '"' && len(unquote(value)) >= maxText }

// bounds are those of what lies upwards from one part on and before another, as keys have it. Downwards each byte is
// inverted, so that both change places.
func (f field) bounds(from, until []byte) Bounds {
	if f.flip == 0 {
		return Bounds{from, until}
	}
	return Bounds{after(f.flipped(bytes.Clone(until), 0)), after(f.flipped(bytes.Clone(from), 0))}
}

// after is the first text that comes after all that begin with this one, which has a byte other than ff.
func after(text []byte) []byte {
	text = bytes.Clone(text)
	for text[len(text)-1] == 0xff {
		text = text[:len(text)-1]
	}
	text[len(text)-1]++
	return text
}
