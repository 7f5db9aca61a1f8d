package localstore

import "github.com/setlogger/setlogger/setlog"

// smallNode is up to how many bytes a node stays packed.
const smallNode = 4 << 10

// packed is a state in memory that takes little: small nodes are kept as they are stored, a fifth of what they take else. A
// larger one would be decoded and encoded again for each of its entries.
type packed map[string]held

// Node answers from the map; nil: there is none.
func (p packed) Node(id string) (*setlog.Node, error) {
	n, ok := p[id]
	if !ok {
		return nil, nil
	}
	return n.get(), nil
}

func (p packed) put(id string, n *setlog.Node) {
	if p[id].node == nil { // else it was large already
		if binary := n.AppendBinary(nil); len(binary) <= smallNode {
			p[id] = held{binary: string(binary)}
			return
		}
	}
	p[id] = held{node: n}
}

// foldedState is a state in memory, of nodes that are used as they are.
type foldedState map[string]*setlog.Node

// Node answers from the map.
func (s foldedState) Node(id string) (*setlog.Node, error) { return s[id], nil }
