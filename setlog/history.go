package setlog

import "slices"

// History is what the entries of a log say of one node: those that name it, the last first, and which of them a delete
// overrode that their writers had not seen, nor its writer them.
type History struct {
	id     string
	wants  func(line []byte) bool
	before Mark // zero: the end
	limit  int

	touches []Touch
	deletes []*deletion
	creates []Mark
	floor   Mark // highest delete, or what a create begins anew above
}

// Touch is an entry that names the node.
type Touch struct {
	Entry      Entry   // with the actions alone that name the node
	Overridden EntryID // by the delete of which entry it came to nothing; zero: by none

	last    Mark // of its actions that delete nothing; zero: all do
	creates bool
}

// deletion is a delete of the node, with the heads that its writer had seen.
type deletion struct {
	mark Mark
	seen map[Writer]uint64
}

// NewHistory is that of a node up to a mark, zero for the end: of as many entries as the limit says.
func NewHistory(id string, before Mark, limit int) *History {
	return &History{id: id, wants: Naming(id), before: before, limit: limit}
}

// Wants tells, without reading the line, whether it may be of an entry that Add needs. It is wrong one way only.
func (h *History) Wants(line []byte) bool { return h.wants(line) }

// Add takes an entry of the log in, once. The order does not matter. It keeps the entry's memory.
func (h *History) Add(e Entry) {
	t := Touch{Entry: e}
	t.Entry.Actions = nil
	for i, a := range e.Actions {
		if a.ID != h.id {
			continue
		}
		t.Entry.Actions = append(t.Entry.Actions, a)
		mark := e.mark(i)
		switch a.Type {
		case DeleteNode:
			h.deletes = append(h.deletes, &deletion{mark, map[Writer]uint64{}})
			h.floor = later(h.floor, mark)
			continue
		case CreateNode:
			t.creates = true
			h.creates = append(h.creates, mark)
			if a.revive {
				below := mark
				below.Stamp--
				h.floor = later(h.floor, below)
			}
		}
		t.last = mark
	}
	if len(t.Entry.Actions) > 0 && (h.before == Mark{} || e.mark(0).Less(h.before)) {
		h.touches = append(h.touches, t)
		if len(h.touches) >= 2*h.limit+few {
			h.prune()
		}
	}
}

// prune sorts the touches, the last first, and keeps as many as are wanted.
func (h *History) prune() {
	slices.SortFunc(h.touches, func(a, b Touch) int { return b.Entry.mark(0).Compare(a.Entry.mark(0)) })
	if len(h.touches) > h.limit {
		clear(h.touches[h.limit:])
		h.touches = h.touches[:h.limit]
	}
}

// Deleters are the writers that deleted the node, with the number of the last entry in which they did.
func (h *History) Deleters() map[Writer]uint64 {
	all := map[Writer]uint64{}
	for _, d := range h.deletes {
		all[d.mark.Writer] = max(all[d.mark.Writer], d.mark.Number)
	}
	return all
}

// See takes in what an entry of a deleter says that it saw: all of its entries up to its last delete tell together what
// each delete's writer had seen.
func (h *History) See(e Entry) {
	if len(e.Saw) == 0 {
		return
	}
	for _, d := range h.deletes {
		if d.mark.Writer != e.Writer || d.mark.Number < e.Number {
			continue
		}
		for _, head := range e.Saw {
			d.seen[head.Writer] = max(d.seen[head.Writer], head.Number)
		}
	}
}

// Touches are the entries that name the node, the last first.
func (h *History) Touches() []Touch {
	h.prune()
	for i := range h.touches {
		h.touches[i].Overridden = h.overrides(&h.touches[i])
	}
	return h.touches
}

// overrides is the entry whose delete made a touch come to nothing, zero for none.
func (h *History) overrides(t *Touch) EntryID {
	if t.last == (Mark{}) {
		return EntryID{}
	}
	for _, d := range h.deletes {
		if d.mark.Writer != t.Entry.Writer && h.isOverridden(t, d) {
			return EntryID{d.mark.Writer, d.mark.Number}
		}
	}
	return EntryID{}
}

// isOverridden tells whether a touch and a delete of another writer did not see each other, and the delete won.
func (h *History) isOverridden(t *Touch, d *deletion) bool {
	if t.last.Less(d.mark) { // a later one can't have been seen: stamps rise over all that an entry touches
		return d.seen[t.Entry.Writer] < t.Entry.Number
	}
	// who sees a delete makes the node anew before it writes
	madeSince := func(c Mark) bool { return d.mark.Less(c) && c.Less(t.last) }
	return !t.creates && !slices.ContainsFunc(h.creates, madeSince) && !h.shows(t.last)
}

// shows tells whether a write at that mark is above all that was deleted, of a node that lives.
func (h *History) shows(m Mark) bool {
	return h.floor.Less(m) && slices.ContainsFunc(h.creates, func(c Mark) bool { return h.floor.Less(c) })
}
