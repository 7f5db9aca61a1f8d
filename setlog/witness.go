package setlog

import (
	"bytes"
	"slices"
)

// Range is what a segment covers.
func (s *Segment) Range() Range { return Range{s.Writer, s.First, s.Last(), s.Previous, s.Chain} }

// Equal tells whether two nodes are the same in all that they hold.
func (n *Node) Equal(o *Node) bool {
	if n == nil || o == nil || n == o {
		return n == o
	}
	alike := n.created == o.created && n.deleted == o.deleted && n.count == o.count && n.root.isLike(o.root)
	return alike || bytes.Equal(n.AppendBinary(nil), o.AppendBinary(nil))
}

// isLike tells whether two vertices are the same, where that is seen at once: what a fold or a merge did not change both share. Others
// may be so too.
func (v *vertex) isLike(o *vertex) bool {
	if v == nil || o == nil || v == o {
		return v == o
	}
	return v.mark == o.mark && (v.value == nil) == (o.value == nil) && bytes.Equal(v.value, o.value) &&
		slices.Equal(v.runs, o.runs) && slices.Equal(v.arrays, o.arrays) &&
		slices.EqualFunc(v.children, o.children, func(a, b child) bool { return a.name == b.name && a.isLike(b.vertex) })
}

// Holds tells whether merging o into n would change nothing; n may be nil.
func (n *Node) Holds(o *Node) bool { return n != nil && n.Equal(Merge(n, o)) }

// Reduced tells whether all of an entry's actions are ones that this version folds: only then may a state stand for it.
func (e *Entry) Reduced() bool {
	return !slices.ContainsFunc(e.Actions, func(a Action) bool { return a.ID == "" && a.Type != SetSchema && a.Type != Close })
}
