package setlog

import "bytes"

// State is what a fold reads: the nodes of a bucket.
type State interface {
	// Node answers the node of an id, nil when nothing was ever written to it.
	Node(id string) (*Node, error)
}

// Change is what an entry does to a state.
type Change struct {
	Nodes  []Changed // each id once, in the order they were touched
	Alive  int       // nodes alive after it, less those alive before it
	Closed bool      // the bucket is closed for everyone
	Schema *Schema   // the greatest that a SET_SCHEMA of the entry says; nil for none
}

// Changed is one node after a change.
type Changed struct {
	ID   string
	Node *Node
}

// Fold answers what an entry, from any writer, does to a state. The order in which entries are folded, and how often,
// does not matter. An entry that cannot be applied changes nothing.
func Fold(s State, e Entry) (Change, error) {
	p := patch{state: s}
	for i, a := range e.Actions {
		if err := p.apply(a, e.mark(i)); err != nil {
			return Change{}, err
		}
	}
	for i := range p.change.Nodes {
		p.count(i, e.counts)
	}
	return p.change, nil
}

// patch is a state with the changes of one entry laid over it.
type patch struct {
	state  State
	change Change
	places map[string]int // of ids in change.Nodes, once they are many
}

// few is how many nodes are found faster by looking at each.
const few = 8

// node answers the place of an id among the changed nodes, reading it at its first touch.
func (p *patch) node(id string) (int, error) {
	if len(p.change.Nodes) <= few {
		for i := range p.change.Nodes {
			if p.change.Nodes[i].ID == id {
				return i, nil
			}
		}
	} else if i, ok := p.places[id]; ok {
		return i, nil
	}
	node, err := p.state.Node(id)
	if err != nil {
		return 0, err
	}
	if node == nil {
		node = &Node{}
	}
	p.change.Nodes = append(p.change.Nodes, Changed{id, node})
	p.index()
	return len(p.change.Nodes) - 1, nil
}

func (p *patch) index() {
	last := len(p.change.Nodes) - 1
	switch {
	case last == few:
		p.places = make(map[string]int, 4*few)
		for i, c := range p.change.Nodes {
			p.places[c.ID] = i
		}
	case last > few:
		p.places[p.change.Nodes[last].ID] = last
	}
}

// apply folds one action, as it stands in a log, at its mark.
func (p *patch) apply(a Action, m Mark) error {
	switch a.Type {
	case Close:
		p.change.Closed = true
	case SetSchema:
		p.change.Schema = &Schema{Mark: m, JSON: bytes.Clone(a.schema)}
	}
	if a.ID == "" {
		return nil
	}
	i, err := p.node(a.ID)
	if err != nil {
		return err
	}
	before := p.change.Nodes[i].Node
	after := before.fold(a, m)
	p.change.Nodes[i].Node = after
	p.change.Alive += alive(after) - alive(before)
	return nil
}

func alive(n *Node) int {
	if n.Alive() {
		return 1
	}
	return 0
}

// count raises the count of the i-th touched node to what the entry carries, 1 where it carries none.
func (p *patch) count(i int, counts []uint64) {
	count := uint64(1)
	if i < len(counts) {
		count = counts[i]
	}
	n := p.change.Nodes[i].Node // made by apply, handed to nobody yet
	n.count = max(n.count, count)
}

// fold answers the node after one action.
func (n *Node) fold(a Action, m Mark) *Node {
	after := *n
	switch a.Type {
	case CreateNode:
		if a.revive {
			before := m
			before.Stamp--
			after.delete(before)
		}
		after.create(m)
		after.set(a.writes, m)
	case SetProperty, RemoveProperty:
		after.set(a.writes, m)
	case DeleteNode:
		after.delete(m)
	case Increment:
		r := *a.run
		r.writer, r.number, r.position, r.stamp = m.Writer, m.Number, m.Position, m.Stamp
		after.increment(a.path, r)
	case ArrayInsert, ArrayRemove, ArraySet, ArrayMove:
		after.edit(a, m)
	}
	return &after
}

func (n *Node) create(m Mark) {
	if n.deleted.Less(m) {
		n.created = later(n.created, m)
	}
}

// delete raises the node's floor and drops what lies below it.
func (n *Node) delete(m Mark) {
	if !n.deleted.Less(m) {
		return
	}
	n.deleted = m
	if !m.Less(n.created) {
		n.created = Mark{}
	}
	n.root = n.root.above(m)
}

func (n *Node) set(writes []write, m Mark) {
	if len(writes) == 0 || m.Less(n.deleted) {
		return
	}
	if len(writes) == 1 {
		n.root = n.root.set(writes[0].path, m, bytes.Clone(writes[0].value))
		return
	}
	n.root = n.root.setAll(owned(writes), m)
}

// owned answers writes whose values share one piece of memory with nothing else: a node outlives what it was read from.
func owned(writes []write) []write {
	size := 0
	for _, w := range writes {
		size += len(w.value)
	}
	values := make([]byte, 0, size)
	copied := make([]write, len(writes))
	for i, w := range writes {
		copied[i].path = w.path
		if w.value != nil {
			values = append(values, w.value...)
			copied[i].value = values[len(values)-len(w.value) : len(values) : len(values)]
		}
	}
	return copied
}

func (n *Node) increment(path []string, r run) {
	if !r.floor.Less(n.deleted) {
		n.root = n.root.increment(path, r)
	}
}

func (n *Node) edit(a Action, m Mark) {
	if !a.slots.floor.Less(n.deleted) {
		n.root = n.root.edit(a.path, a, m)
	}
}
