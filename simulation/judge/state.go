package judge

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/setlogger/setlogger/setlog"
	"github.com/setlogger/setlogger/simulation/oracle"
)

// State is what a store keeps of a bucket, in memory. The zero State is that of an empty bucket.
type State struct {
	Nodes  map[string]*setlog.Node
	Schema setlog.Schema
	Closed bool
	alive  int // as the changes count it
}

// Node answers the node of an id, nil when there is none.
func (s *State) Node(id string) (*setlog.Node, error) { return s.Nodes[id], nil }

// Clone answers a copy that goes its own way.
func (s *State) Clone() *State {
	c := *s
	c.Nodes = maps.Clone(s.Nodes)
	return &c
}

// Apply takes a change in.
func (s *State) Apply(c setlog.Change) {
	for _, changed := range c.Nodes {
		s.put(changed.ID, changed.Node)
	}
	s.alive += c.Alive
	s.Closed = s.Closed || c.Closed
	if c.Schema != nil && c.Schema.Compare(s.Schema) > 0 {
		s.Schema = *c.Schema
	}
}

// Fold folds one record.
func (s *State) Fold(r Record) error {
	change, err := setlog.Fold(s, r.Entry)
	if err != nil {
		return err
	}
	s.Apply(change)
	return nil
}

// Form takes a node to another place, and answers it as it arrives there.
type Form func(id string, n *setlog.Node) (*setlog.Node, error)

// Forms are the ways in which nodes travel: as they are, in the binary form, as a line of a delta.
func Forms() []Form {
	return []Form{
		func(_ string, n *setlog.Node) (*setlog.Node, error) { return n, nil },
		func(_ string, n *setlog.Node) (*setlog.Node, error) { return setlog.DecodeNode(n.AppendBinary(nil)) },
		asLine,
	}
}

func asLine(id string, n *setlog.Node) (*setlog.Node, error) {
	line := n.AppendDelta(nil, id)
	name, read, err := setlog.ReadDelta(bytes.Clone(line))
	if err != nil {
		return nil, fmt.Errorf("the delta %s: %w", line, err)
	}
	if name != id || !bytes.Equal(read.AppendDelta(nil, id), line) {
		return nil, fmt.Errorf("the delta %s is read as %s", line, read.AppendDelta(nil, name))
	}
	return read, nil
}

// anyForm is one of the forms.
func anyForm(random *rand.Rand) Form {
	forms := Forms()
	return forms[random.IntN(len(forms))]
}

// Merge joins another state in, whose nodes arrive in a form.
func (s *State) Merge(form Form, o *State) error {
	for _, id := range slices.Sorted(maps.Keys(o.Nodes)) {
		theirs, err := form(id, o.Nodes[id])
		if err != nil {
			return err
		}
		before := s.Nodes[id]
		s.put(id, setlog.Merge(before, theirs))
		s.alive += count(s.Nodes[id]) - count(before)
	}
	s.Closed = s.Closed || o.Closed
	if o.Schema.Compare(s.Schema) > 0 {
		s.Schema = o.Schema
	}
	return nil
}

func count(n *setlog.Node) int {
	if n.Alive() {
		return 1
	}
	return 0
}

func (s *State) put(id string, n *setlog.Node) {
	if s.Nodes == nil {
		s.Nodes = map[string]*setlog.Node{}
	}
	s.Nodes[id] = n
}

// Compare tells in an error how the state differs from what the oracle says.
func (s *State) Compare(want oracle.State) error {
	if len(s.Nodes) != len(want.Nodes) {
		return fmt.Errorf("%d nodes, want %d", len(s.Nodes), len(want.Nodes))
	}
	alive := 0
	for id, w := range want.Nodes {
		n := s.Nodes[id]
		if n == nil {
			return fmt.Errorf("node %q is missing", id)
		}
		value := n.Value()
		if !bytes.Equal(value, w.Value) || n.Alive() != (w.Value != nil) {
			return fmt.Errorf("node %q: got %s, want %s", id, value, w.Value)
		}
		if n.Rev() != w.Rev {
			return fmt.Errorf("node %q, %s: got rev %s, want %s", id, value, n.Rev(), w.Rev)
		}
		if n.Alive() {
			alive++
		}
	}
	schema := s.Schema.JSON
	if schema == nil {
		schema = []byte("null")
	}
	switch {
	case !bytes.Equal(schema, want.Schema):
		return fmt.Errorf("got schema %s, want %s", schema, want.Schema)
	case s.Closed != want.Closed:
		return fmt.Errorf("closed: got %t", s.Closed)
	case s.alive != alive:
		return fmt.Errorf("changes count %d nodes alive, there are %d", s.alive, alive)
	}
	return nil
}
