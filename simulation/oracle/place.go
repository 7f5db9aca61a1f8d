package oracle

import (
	"bytes"
	"cmp"
	"maps"
)

// write is what a SET or REMOVE says of one path.
type write struct {
	node  string
	path  []string
	mark  mark
	value raw // nil: absent
}

// place is all that was ever said of one path of a node.
type place struct {
	deeper map[string]*place
	writes []write
	runs   []run
	array  array
}

// at returns the place at a path, made if need be.
func (p *place) at(path []string) *place {
	if len(path) == 0 {
		return p
	}
	if p.deeper == nil {
		p.deeper = map[string]*place{}
	}
	next := p.deeper[path[0]]
	if next == nil {
		next = &place{}
		p.deeper[path[0]] = next
	}
	return next.at(path[1:])
}

// collect puts what the entries say of one node where it belongs.
func collect(entries []Entry, node string) *place {
	root := &place{}
	for i := range entries {
		root.add(&entries[i], node)
	}
	return root
}

func (p *place) add(e *Entry, node string) {
	for _, w := range e.writes {
		if w.node == node {
			here := p.at(w.path)
			here.writes = append(here.writes, w)
		}
	}
	for _, r := range e.runs {
		if r.node == node {
			here := p.at(r.path)
			here.runs = append(here.runs, r)
		}
	}
	for _, i := range e.inserts {
		if i.node == node {
			here := p.at(i.path)
			here.array.inserts = append(here.array.inserts, i)
		}
	}
	for _, s := range e.removes {
		if s.node == node {
			here := p.at(s.path)
			here.array.removes = append(here.array.removes, s)
		}
	}
	for _, s := range e.sets {
		if s.node == node {
			here := p.at(s.path)
			here.array.sets = append(here.array.sets, s)
		}
	}
	for _, m := range e.moves {
		if m.node == node {
			here := p.at(m.path)
			here.array.moves = append(here.array.moves, m)
		}
	}
}

// see returns what is seen at the place, nil for nothing. floor is the highest of the node's delete and the writes at
// the prefixes of its path; plain is what those writes say stands here, nil for absent.
func (p *place) see(floor mark, plain raw) raw {
	if top := p.top(); top != nil && top.mark.compare(floor) >= 0 {
		floor, plain = top.mark, top.value
	}
	if members := p.members(floor, plain); len(members) > 0 {
		return members.write()
	}
	if elements := p.array.under(floor).elements(plain); len(elements) > 0 {
		return writeArray(elements)
	}
	if total, any := totalUnder(p.runs, floor); any {
		return add(plain, total)
	}
	switch plain.Kind() {
	case '{':
		return raw("{}")
	case '[':
		return raw("[]")
	}
	return plain
}

// top returns the last write of the path itself, nil for none.
func (p *place) top() *write {
	var top *write
	for i, w := range p.writes {
		if top == nil || cmp.Or(w.mark.compare(top.mark), bytes.Compare(w.value, top.value)) > 0 {
			top = &p.writes[i]
		}
	}
	return top
}

// members returns what is seen deeper: what was written there, and what is left of an object written here or above.
func (p *place) members(floor mark, plain raw) object {
	said, _ := readObject(plain)
	seen := object{}
	maps.Copy(seen, said)
	for name, deeper := range p.deeper {
		if value := deeper.see(floor, said[name]); value != nil {
			seen[name] = value
		} else {
			delete(seen, name)
		}
	}
	return seen
}
