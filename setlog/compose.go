package setlog

import (
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"time"
)

// Draft is what an own entry needs besides its actions.
type Draft struct {
	Writer Writer
	Number uint64
	Salt   Salt
	Saw    []Head // heads folded since the writer's entry before, sorted by CompareHeads
	Birth  string // of the bucket; for a writer's first entry
	Now    time.Time
	Clock  *Clock
	Runs   *Runs              // of the writer in the bucket; nil: each entry begins new ones
	Schema Schema             // in force; a new one is stamped above it
	Check  func(Change) error // last word before the entry is made; its error refuses it
}

// Compose makes an own entry of actions that a caller sent: it checks them against the state, resolves them into what
// stands in the log, stamps the entry above all that it touches, and answers what it changes. A *Refusal or
// ErrUnchanged leaves everything, the clock included, as it was.
func Compose(s State, d Draft, actions []Action) (Entry, Change, error) {
	e := Entry{Writer: d.Writer, Number: d.Number, Salt: d.Salt, Saw: d.Saw, Birth: d.Birth}
	above, err := touched(s, actions)
	if err != nil {
		return Entry{}, Change{}, err
	}
	if setsSchema(actions) {
		above = max(above, d.Schema.Mark.Stamp)
	}
	clock := *d.Clock
	if e.Stamp = clock.Next(d.Now, above); e.Stamp > MaxStamp {
		return Entry{}, Change{}, invalid("no stamp is left above "+above.String(), "a writer's clock ran far beyond 2099; see status")
	}
	c := composer{patch: patch{state: s}, entry: &e, runs: d.Runs}
	if err := c.resolveAll(actions); err != nil {
		return Entry{}, Change{}, err
	}
	if e.write(); len(e.Line) > MaxLine {
		return Entry{}, Change{}, &Refusal{Kind: TooLarge, Reason: fmt.Sprintf("an entry of %d bytes is more than 1 MiB", len(e.Line)), Hint: "split the transaction"}
	}
	if d.Check != nil {
		if err := d.Check(c.change); err != nil {
			return Entry{}, Change{}, err
		}
	}
	*d.Clock = clock
	d.Runs.commit(c.made, e.Stamp)
	return e, c.change, nil
}

func setsSchema(actions []Action) bool {
	return slices.ContainsFunc(actions, func(a Action) bool { return a.Type == SetSchema })
}

// touched is the highest stamp of what the actions touch.
func touched(s State, actions []Action) (Stamp, error) {
	var above Stamp
	for _, a := range actions {
		if a.ID == "" {
			continue
		}
		n, err := s.Node(a.ID)
		if err != nil {
			return 0, err
		}
		above = max(above, n.highest(a))
	}
	return above, nil
}

// highest is the highest stamp that an action must stand above: the node's create and delete, and for each path its
// prefixes and descendants. A delete touches all, and so does a create of a deleted node: nothing seen shines through.
func (n *Node) highest(a Action) Stamp {
	if n == nil {
		return 0
	}
	highest := max(n.created.Stamp, n.deleted.Stamp)
	switch {
	case a.Type == CreateNode && n.revives():
		return max(highest, n.root.newest()+1) // it deletes at the stamp before its own
	case a.Type == DeleteNode:
		return max(highest, n.root.newest())
	case a.Type == Increment, a.isArray():
		return max(highest, n.newestAt(a.path))
	}
	for _, w := range a.writes {
		highest = max(highest, n.newestAt(w.path))
	}
	return highest
}

func (n *Node) newestAt(path []string) Stamp {
	v, highest := n.root, Stamp(0)
	for _, step := range path {
		if v = v.find(step); v == nil {
			return highest
		}
		highest = max(highest, v.mark.Stamp)
	}
	return max(highest, v.newest())
}

// composer resolves the actions of one entry, each against the state with those before it applied.
type composer struct {
	patch
	entry *Entry
	runs  *Runs
	made  map[runKey]nextSlot // by the actions so far
}

func (c *composer) resolveAll(actions []Action) error {
	c.entry.Actions = make([]Action, 0, len(actions))
	for i, a := range actions {
		resolved, err := c.resolve(a, i)
		if err != nil {
			return at(i, err)
		}
		if len(actions) == 1 && c.unchanged(resolved) {
			return ErrUnchanged
		}
		c.entry.Actions = append(c.entry.Actions, resolved)
		if err := c.apply(resolved, c.entry.mark(i)); err != nil {
			return err
		}
	}
	c.entry.counts = make([]uint64, len(c.change.Nodes))
	for i, changed := range c.change.Nodes {
		if changed.Node.count >= MaxNumber {
			return invalid("the node "+strconv.Quote(changed.ID)+" was written too often", "make a new one")
		}
		c.entry.counts[i] = changed.Node.count + 1
		c.count(i, c.entry.counts)
	}
	return nil
}

// resolve answers the action as it will stand in the log.
func (c *composer) resolve(a Action, position int) (Action, error) {
	if a.ID == "" {
		return a, nil
	}
	i, err := c.node(a.ID)
	if err != nil {
		return a, err
	}
	n := c.change.Nodes[i].Node
	for _, w := range a.writes {
		if len(w.path)+depth(w.value) >= MaxDepth {
			return a, invalid("the node would be nested deeper than 63", "flatten the value")
		}
	}
	switch {
	case a.Type == CreateNode:
		return resolveCreate(a, n), nil
	case !n.Alive():
		return a, &Refusal{Kind: NotAlive, Reason: "there is no node " + strconv.Quote(a.ID), Hint: "CREATE_NODE makes or revives it"}
	case a.Type == Increment:
		return c.resolveIncrement(a, n.at(a.path), position)
	case a.isArray():
		return c.resolveArray(a, n.at(a.path))
	}
	return a, nil
}

// resolveCreate turns a create of a node that is alive into a set, and marks one of a deleted node (rule 5).
func resolveCreate(a Action, n *Node) Action {
	switch {
	case n.Alive():
		set := map[string][]byte{"type": []byte(`"` + SetProperty + `"`)}
		if len(a.writes) == 0 {
			set["properties"] = []byte("{}")
		}
		a.Type, a.JSON = SetProperty, withMembers(a.JSON, set)
	case n.revives():
		a.revive, a.JSON = true, withMembers(a.JSON, map[string][]byte{reviveMember: []byte("true")})
	}
	return a
}

// revives tells whether a create gives the node a new life.
func (n *Node) revives() bool { return !n.Alive() && n.deleted != Mark{} }

// resolveIncrement gives an increment the total of the writer's run (rule 10).
func (c *composer) resolveIncrement(a Action, p place, position int) (Action, error) {
	if seen := p.visible(); seen != nil && !isNumber(seen) {
		return a, invalid(fmt.Sprintf("INCREMENT needs a number or nothing, not %.40s", seen), "SET_PROPERTY replaces the value")
	}
	if len(a.path) >= MaxDepth {
		return a, invalid("the node would be nested deeper than 63", "shorten the path")
	}
	r := p.ownRun(c.entry.Writer, p.floor, c.entry.Salt)
	r.total += a.by
	m := c.entry.mark(position)
	r.number, r.position, r.stamp = m.Number, m.Position, m.Stamp
	if r.total > MaxNumber || r.total < -MaxNumber || overflows(p, r) {
		return a, invalid("the counter would pass ±2^53", "SET_PROPERTY starts it anew")
	}
	a.run, a.JSON = &r, withMembers(a.JSON, map[string][]byte{runMember: r.append(nil)})
	return a, nil
}

// overflows tells whether the counter with this run is beyond the integers that JSON carries.
func overflows(p place, r run) bool {
	var after vertex
	if p.vertex != nil {
		after = *p.vertex
	}
	after.runs, _ = withRun(after.runs, r)
	sum := after.sum(p.floor, p.inherits)
	return sum.Abs(sum).Cmp(new(big.Rat).SetInt64(MaxNumber)) > 0
}

// unchanged tells whether a single action sets each path to the plain value it has (rule 19).
func (c *composer) unchanged(a Action) bool {
	if a.Type != SetProperty && a.Type != RemoveProperty {
		return false
	}
	n := c.change.Nodes[0].Node
	return !slices.ContainsFunc(a.writes, func(w write) bool {
		p := n.at(w.path)
		seen := p.visible()
		return !p.plain(seen) || (seen == nil) != (w.value == nil) || string(seen) != string(w.value)
	})
}

// depth is how deep a canonical value nests: 0 for a scalar.
func depth(value []byte) int {
	if !isKind(value, '{') && !isKind(value, '[') {
		return 0
	}
	level, deepest := 0, 0
	for i := 0; i < len(value); i++ {
		switch value[i] {
		case '"':
			i = skipString(value, i) - 1
		case '{', '[':
			level++
			deepest = max(deepest, level)
		case '}', ']':
			level--
		}
	}
	return deepest
}
