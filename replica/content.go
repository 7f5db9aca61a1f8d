package replica

import (
	"context"
	"maps"
	"slices"

	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/setlog"
)

// said is what a file says.
type said struct {
	candidate
	ids     map[string]bool  // of all nodes of which it says anything
	nodes   []setlog.Changed // of an index
	entries []setlog.Entry   // of a segment
	verdict localstore.Condemned
	missing int // witnesses that are still to show all of it
}

// lookInto downloads an index and finds the files of which all that they say is in it: folding each onto it alone
// changes nothing. What an index claims to cover proves nothing.
func (c *collection) lookInto(ctx context.Context, y *listed, files []*said) error {
	wanted := map[string]bool{}
	for _, x := range files {
		maps.Copy(wanted, x.ids)
	}
	held, whole, err := c.contentOf(ctx, y, wanted)
	if err != nil || !whole {
		return err
	}
	for _, x := range files {
		if held.holds(x, y) {
			x.missing--
		}
	}
	return c.bucket.MarkWhole(ctx, y.name)
}

// read answers what a file says; nil where it is not whole, or says what no state stands for.
func (c *collection) read(ctx context.Context, x candidate) (*said, error) {
	what := &said{candidate: x, ids: map[string]bool{}}
	if x.segment != "" {
		data, err := c.heldData(x.segment)
		if err != nil || data == nil {
			return nil, err
		}
		if what.entries, err = c.o.Known.entries(data); err != nil {
			return nil, err
		}
		if slices.ContainsFunc(what.entries, func(e setlog.Entry) bool { return !e.Reduced() }) {
			return nil, nil
		}
		what.ids = idsOf(what.entries)
		return what, nil
	}
	whole, err := c.readAll(ctx, x.index, func(part part) error {
		what.nodes = append(what.nodes, part.nodes...)
		for _, node := range part.nodes {
			what.ids[node.ID] = true
		}
		return nil
	})
	if err != nil || !whole {
		return nil, err
	}
	return what, nil
}

// entriesOf reads a segment's entries, without those that change nothing.
func entriesOf(s *setlog.Segment) []setlog.Entry {
	var entries []setlog.Entry
	for i, line := range s.Lines {
		if e, err := setlog.ParseEntry(s.Writer, s.First+uint64(i), line); err == nil {
			entries = append(entries, e)
		}
	}
	return entries
}

// content is nodes of one index alone.
type content map[string]*setlog.Node

// contentOf reads those nodes of an index that are wanted. It tells whether the index is whole.
func (v *visit) contentOf(ctx context.Context, y *listed, wanted map[string]bool) (held content, whole bool, err error) {
	held = content{}
	whole, err = v.readAll(ctx, y, func(part part) error {
		for _, node := range part.nodes {
			if wanted[node.ID] {
				held[node.ID] = node.Node
			}
		}
		return nil
	})
	return held, whole, err
}

// Node implements setlog.State.
func (c content) Node(id string) (*setlog.Node, error) { return c[id], nil }

// holds tells whether what a file says is in the content of an index.
func (c content) holds(x *said, y *listed) bool {
	if x.segment != "" {
		return c.holdsEntries(x.entries, y)
	}
	if x.index.Closed && !y.Closed || x.index.Schema.Compare(y.Schema) > 0 {
		return false
	}
	return !slices.ContainsFunc(x.nodes, func(n setlog.Changed) bool { return !c[n.ID].Holds(n.Node) })
}

// holdsEntries tells whether folding each entry onto the content alone changes nothing.
func (c content) holdsEntries(entries []setlog.Entry, y *listed) bool {
	for _, e := range entries {
		change, err := setlog.Fold(c, e)
		if err != nil || change.Closed && !y.Closed || change.Schema != nil && change.Schema.Compare(y.Schema) > 0 {
			return false
		}
		for _, n := range change.Nodes {
			if c[n.ID] == nil || !c[n.ID].Equal(n.Node) {
				return false
			}
		}
	}
	return true
}
