package oracle

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"fmt"
)

// State is what a set of entries amounts to.
type State struct {
	Nodes  map[string]Node // every node that an applicable entry names
	Schema []byte          // canonical; null if none was set
	Closed bool
}

// Node is what is seen of one node.
type Node struct {
	Value []byte // canonical; nil if the node is not alive
	Rev   string
}

// Fold returns the state of a set of entries. Neither their order nor how often each is given matters.
func Fold(entries ...Entry) State {
	s := State{Nodes: map[string]Node{}, Schema: []byte("null")}
	var top schema
	for _, e := range entries {
		s.Closed = s.Closed || e.closed
		for _, one := range e.schemas {
			if cmp.Or(one.mark.compare(top.mark), bytes.Compare(one.value, top.value)) > 0 {
				top, s.Schema = one, one.value
			}
		}
		for _, c := range e.counts {
			if _, done := s.Nodes[c.node]; !done {
				s.Nodes[c.node] = foldNode(entries, c.node)
			}
		}
	}
	return s
}

func foldNode(entries []Entry, name string) Node {
	var created, deleted mark
	var n int64
	for _, e := range entries {
		if m := highest(e.creates, name); m.compare(created) > 0 {
			created = m
		}
		if m := highest(e.deletes, name); m.compare(deleted) > 0 {
			deleted = m
		}
		for _, c := range e.counts {
			if c.node == name {
				n = max(n, c.n)
			}
		}
	}
	if created.compare(deleted) <= 0 {
		return Node{Rev: rev(n, []byte("null"))}
	}
	value := collect(entries, name).see(deleted, raw("{}"))
	return Node{Value: value, Rev: rev(n, value)}
}

func rev(n int64, value []byte) string {
	sum := sha256.Sum256(value)
	return fmt.Sprintf("%d-%x", n, sum[:10])
}
