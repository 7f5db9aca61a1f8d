package history

import (
	"bytes"
	"encoding/json"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/setlogger/setlogger/setlog"
	"github.com/setlogger/setlogger/simulation/judge"
)

// forge makes an entry that no device composed: one of the records, with some of what it says replaced by what a few others
// say, moved by one, or left out. It may be malformed.
func forge(random *rand.Rand, records []judge.Record) judge.Record {
	from := records[random.IntN(len(records))]
	tree := readTree(from.Line)
	pool := map[string][]any{}
	for range 4 {
		for _, s := range sites(readTree(records[random.IntN(len(records))].Line)) {
			pool[s.name] = append(pool[s.name], s.get())
		}
	}
	for range 1 + random.IntN(3) {
		if all := sites(tree); len(all) > 0 {
			all[random.IntN(len(all))].mutate(random, pool)
		}
	}
	fitCounts(tree)
	fitSlots(tree)
	writer, number := from.Writer, from.Number
	if random.IntN(2) == 0 {
		writer = records[random.IntN(len(records))].Writer
	}
	if says, ok := tree["number"].(json.Number); ok {
		if n, err := strconv.ParseUint(says.String(), 10, 53); err == nil && n > 0 {
			number = n
		}
	}
	return judge.NewRecord(writer, number, writeTree(tree))
}

// fitCounts leaves out counts that are not one for each node.
func fitCounts(tree map[string]any) {
	actions, _ := tree["actions"].([]any)
	onNodes := []any{
		setlog.CreateNode, setlog.DeleteNode, setlog.SetProperty, setlog.RemoveProperty, setlog.Increment,
		setlog.ArrayInsert, setlog.ArrayRemove, setlog.ArraySet, setlog.ArrayMove,
	}
	named := map[string]bool{}
	for _, a := range actions {
		if action, ok := a.(map[string]any); ok && slices.Contains(onNodes, action["type"]) {
			id, _ := action["id"].(string)
			named[id] = true
		}
	}
	if counts, _ := tree["n"].([]any); len(counts) != len(named) {
		delete(tree, "n")
	}
}

// fitSlots leaves out what the slots of an action's type do not have.
func fitSlots(tree map[string]any) {
	has := map[string][]string{
		setlog.ArrayInsert: {"first", "floor", "parent", "side"},
		setlog.ArrayRemove: {"floor", "spans"},
		setlog.ArraySet:    {"element", "floor"},
		setlog.ArrayMove:   {"element", "first", "floor", "parent", "side"},
	}
	actions, _ := tree["actions"].([]any)
	for _, a := range actions {
		action, _ := a.(map[string]any)
		slots, _ := action["slots"].(map[string]any)
		kind, _ := action["type"].(string)
		maps.DeleteFunc(slots, func(name string, _ any) bool { return !slices.Contains(has[kind], name) })
	}
}

func readTree(line []byte) map[string]any {
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	var tree map[string]any
	if err := d.Decode(&tree); err != nil {
		return map[string]any{"stamp": "1-0"} // it was forged to nothing
	}
	return tree
}

func writeTree(tree map[string]any) []byte {
	line, err := json.Marshal(tree)
	value := jsontext.Value(line)
	if err != nil || value.Canonicalize() != nil {
		return line
	}
	return value
}

// site is a place in a tree of JSON that can be changed.
type site struct {
	name   string // the member, or that of the list it stands in
	object map[string]any
	list   []any
	index  int
}

func (s site) get() any {
	if s.object != nil {
		return s.object[s.name]
	}
	return s.list[s.index]
}

func (s site) set(value any) {
	if s.object != nil {
		s.object[s.name] = value
	} else {
		s.list[s.index] = value
	}
}

// sites lists the members of a tree of JSON and of what it holds, in a fixed order.
func sites(tree any) []site { return appendSites(nil, "", tree) }

func appendSites(all []site, name string, tree any) []site {
	switch tree := tree.(type) {
	case map[string]any:
		for _, member := range sorted(tree) {
			all = append(all, site{name: member, object: tree})
			all = appendSites(all, member, tree[member])
		}
	case []any:
		for i, element := range tree {
			all = append(all, site{name: name + "[]", list: tree, index: i})
			all = appendSites(all, name+"[]", element)
		}
	}
	return all
}

// mutate changes what stands at the site.
func (s site) mutate(random *rand.Rand, pool map[string][]any) {
	switch random.IntN(8) {
	case 0:
		if s.object != nil {
			delete(s.object, s.name)
			return
		}
	case 1, 2:
		if n, ok := s.get().(json.Number); ok {
			if i, err := strconv.ParseInt(n.String(), 10, 53); err == nil {
				s.set(json.Number(strconv.FormatInt(i+[]int64{-1, 1, 1, 63, 64}[random.IntN(5)], 10)))
				return
			}
		}
	}
	if random.IntN(4) == 0 && s.name != "revive" && s.name != "n" {
		s.set(junk(random))
		return
	}
	if others := pool[s.name]; len(others) > 0 {
		s.set(copied(others[random.IntN(len(others))]))
	}
}

// junk is a value of a form that a member rarely has.
func junk(random *rand.Rand) any {
	all := []any{
		nil, true, "", "x", "left", "1-0", "0000000000000000", json.Number("0"), json.Number("-1"), json.Number("1.5"),
		json.Number("9007199254740992"),
		map[string]any{},
		[]any{},
		[]any{"x"},
		[]any{json.Number("1")},
	}
	return all[random.IntN(len(all))]
}

// copied is a tree that shares nothing with the one given.
func copied(tree any) any {
	switch tree := tree.(type) {
	case map[string]any:
		fresh := make(map[string]any, len(tree))
		for name, value := range tree {
			fresh[name] = copied(value)
		}
		return fresh
	case []any:
		fresh := make([]any, len(tree))
		for i, value := range tree {
			fresh[i] = copied(value)
		}
		return fresh
	}
	return tree
}

func sorted(object map[string]any) []string { return slices.Sorted(maps.Keys(object)) }
