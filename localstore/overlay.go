package localstore

import (
	"slices"
	"strings"

	"github.com/setlogger/setlogger/setlog"
)

// held is a node in memory: as it is or, when it came by an index, in its binary form, which is far smaller and is what a
// flush stores.
type held struct {
	node   *setlog.Node
	binary string
}

func (h held) get() *setlog.Node {
	if h.node != nil {
		return h.node
	}
	n, err := setlog.DecodeNode([]byte(h.binary))
	if err != nil {
		panic(err) // this store has made it
	}
	return n
}

func (h held) appendBinary(dst []byte) []byte {
	if h.node != nil {
		return h.node.AppendBinary(dst)
	}
	return append(dst, h.binary...)
}

// key is where the node stands in an order, nil when it is not alive.
func (h held) key(o setlog.Order, id string) ([]byte, error) {
	switch {
	case h.node == nil:
		return o.StoredKey(id, []byte(h.binary))
	case !h.node.Alive():
		return nil, nil
	}
	return o.Key(id, h.node), nil
}

// overlay is the nodes that changed since the last flush.
type overlay struct {
	nodes  map[string]held
	sorted []string  // ids in order
	fresh  []string  // ids not yet in sorted
	lines  []*lineup // of orders that somebody asked for, the last one first
	bytes  int
}

func newOverlay() *overlay { return &overlay{nodes: map[string]held{}} }

// put takes a node in. Its bytes are counted by who puts it: measuring a node anew at each change would cost as much as
// all of its properties.
func (o *overlay) put(id string, n held) {
	if _, ok := o.nodes[id]; !ok {
		o.fresh = append(o.fresh, id)
	}
	o.nodes[id] = n
	o.note(id)
}

// inMemory is about how many bytes of memory so many bytes of log, or of stored nodes, take as nodes. It is an upper
// bound for small values.
func inMemory(encoded int) int { return 6 * encoded }

// sort brings all ids in order; it must not run beside anything else.
func (o *overlay) sort() {
	if len(o.fresh) == 0 {
		return
	}
	slices.Sort(o.fresh)
	merged := make([]string, 0, len(o.sorted)+len(o.fresh))
	rest := o.sorted
	for _, id := range o.fresh {
		i, _ := slices.BinarySearch(rest, id)
		merged = append(append(merged, rest[:i]...), id)
		rest = rest[i:]
	}
	merged = append(merged, rest...)
	o.sorted, o.fresh = merged, nil
}

// from answers up to limit ids at or after one, in order, of a sorted overlay.
func (o *overlay) from(id string, limit int) []string {
	i, _ := slices.BinarySearch(o.sorted, id)
	return o.sorted[i:min(len(o.sorted), i+limit)]
}

// changes answers all nodes by id.
func (o *overlay) changes() []change {
	all := make([]change, 0, len(o.nodes))
	for id, n := range o.nodes {
		all = append(all, change{id, n})
	}
	slices.SortFunc(all, func(a, b change) int { return strings.Compare(a.id, b.id) })
	return all
}

// under lays o over below, which is older and not needed any more, and answers both as one.
func (o *overlay) under(below *overlay) *overlay {
	for id, n := range o.nodes {
		below.put(id, n)
	}
	below.bytes += o.bytes
	return below
}
