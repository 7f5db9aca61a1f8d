package setlog

import (
	"bytes"
	"slices"
)

// Range is what a segment covers.
func (s *Segment) Range() Range { return Range{s.Writer, s.First, s.Last(), s.Previous, s.Chain} }

// Equal tells whether two nodes are the same in all that they hold.
func (n *Node) Equal(o *Node) bool {
	return n == o || n != nil && o != nil && bytes.Equal(n.AppendBinary(nil), o.AppendBinary(nil))
}

// Holds tells whether merging o into n would change nothing; n may be nil.
func (n *Node) Holds(o *Node) bool { return n != nil && n.Equal(Merge(n, o)) }

// Reduced tells whether all of an entry's actions are ones that this version folds: only then may a state stand for it.
func (e *Entry) Reduced() bool {
	return !slices.ContainsFunc(e.Actions, func(a Action) bool { return a.ID == "" && a.Type != SetSchema && a.Type != Close })
}
