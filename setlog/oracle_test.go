package setlog_test

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/setlogger/setlogger/setlog"
)

// oracle answers what is seen of a node by looking at all entries at once, as docs/semantics.md and docs/format.md
// tell it. It shares no code with the fold: it reads the lines, keeps everything and is slow.
type oracle struct {
	creates, deletes []mark
	writes           []written
	runs             []total
	count            uint64
}

type mark struct {
	stamp    setlog.Stamp
	writer   string // raw bytes
	number   uint64
	position int
}

func (m mark) compare(o mark) int {
	return cmp.Or(cmp.Compare(m.stamp, o.stamp), cmp.Compare(m.writer, o.writer), cmp.Compare(m.number, o.number), cmp.Compare(m.position, o.position))
}

type written struct {
	path  []string
	mark  mark
	value string // canonical JSON, empty: absent
}

type total struct {
	path  []string
	mark  mark
	salt  string
	floor mark
	total int64
}

type wireAction struct {
	Type, ID, Property string
	Path               []string
	Properties         map[string]json.RawMessage
	Value              json.RawMessage
	Revive             bool
	Run                struct {
		Floor []json.RawMessage
		Salt  string
		Total int64
	}
}

// newOracle takes in what the entries say about one node. Entries may come twice and in any order.
func newOracle(t *rapid.T, id string, entries []setlog.Entry) *oracle {
	o := &oracle{}
	for _, e := range entries {
		var line struct {
			Actions []wireAction
			N       []uint64
			Stamp   string
		}
		if err := json.Unmarshal(e.Line, &line); err != nil {
			t.Fatal(err)
		}
		stamp, err := setlog.ParseStamp(line.Stamp)
		if err != nil {
			t.Fatal(err)
		}
		var named []string
		for i, a := range line.Actions {
			if a.Type == "OTHER" {
				continue
			}
			if !slices.Contains(named, a.ID) {
				named = append(named, a.ID)
			}
			if a.ID == id {
				o.take(t, a, mark{stamp, string(e.Writer[:]), e.Number, i})
			}
		}
		if i := slices.Index(named, id); i >= 0 {
			o.count = max(o.count, 1)
			if len(line.N) > 0 {
				o.count = max(o.count, line.N[i])
			}
		}
	}
	return o
}

func (o *oracle) take(t *rapid.T, a wireAction, m mark) {
	path := a.Path
	if path == nil {
		path = []string{a.Property}
	}
	switch a.Type {
	case "CREATE_NODE":
		o.creates = append(o.creates, m)
		if a.Revive {
			before := m
			before.stamp--
			o.deletes = append(o.deletes, before)
		}
	case "DELETE_NODE":
		o.deletes = append(o.deletes, m)
	case "REMOVE_PROPERTY":
		o.writes = append(o.writes, written{path, m, ""})
	case "SET_PROPERTY":
		if a.Properties == nil {
			o.writes = append(o.writes, written{path, m, string(a.Value)})
		}
	case "INCREMENT":
		o.runs = append(o.runs, total{path, m, a.Run.Salt, readFloor(t, a.Run.Floor), a.Run.Total})
	}
	for name, value := range a.Properties {
		o.writes = append(o.writes, written{[]string{name}, m, string(value)})
	}
}

func readFloor(t *rapid.T, floor []json.RawMessage) mark {
	if floor == nil {
		return mark{}
	}
	stamp, err1 := setlog.ParseStamp(strings.Trim(string(floor[0]), `"`))
	writer, err2 := setlog.ParseWriter(strings.Trim(string(floor[1]), `"`))
	m := mark{stamp: stamp, writer: string(writer[:])}
	err3, err4 := json.Unmarshal(floor[2], &m.number), json.Unmarshal(floor[3], &m.position)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		t.Fatal(err)
	}
	return m
}

func highest(marks []mark) mark {
	if len(marks) == 0 {
		return mark{}
	}
	return slices.MaxFunc(marks, mark.compare)
}

func (o *oracle) alive() bool { return highest(o.creates).compare(highest(o.deletes)) > 0 }

// value is what is seen of the node, nil when it is dead.
func (o *oracle) value(t *rapid.T) []byte {
	if !o.alive() {
		return nil
	}
	canonical, err := setlog.Canonical([]byte(o.seen(t, nil, "{}")))
	if err != nil {
		t.Fatal(err)
	}
	return canonical
}

func (o *oracle) rev(t *rapid.T) string {
	value := o.value(t)
	if value == nil {
		value = []byte("null")
	}
	sum := sha256.Sum256(value)
	return fmt.Sprintf("%d-%x", o.count, sum[:10])
}

// floor is the highest of the delete and of the writes at the first steps of a path.
func (o *oracle) floor(path []string, steps int) mark {
	floor := highest(o.deletes)
	for _, w := range o.writes {
		if len(w.path) <= steps && slices.Equal(w.path, path[:len(w.path)]) && w.mark.compare(floor) > 0 {
			floor = w.mark
		}
	}
	return floor
}

// seen is what shows at a path: inherited is what an object written above holds there, empty for nothing.
func (o *oracle) seen(t *rapid.T, path []string, inherited string) string {
	base, last := inherited, mark{}
	deeper := map[string]bool{}
	for _, w := range o.writes {
		if len(w.path) < len(path) || !slices.Equal(w.path[:len(path)], path) || w.mark.compare(o.floor(w.path, len(w.path)-1)) < 0 {
			continue
		}
		if len(w.path) > len(path) {
			deeper[w.path[len(path)]] = true
		} else if c := w.mark.compare(last); c > 0 || c == 0 && w.value > base {
			base, last = w.value, w.mark
		}
	}
	for _, r := range o.runs {
		if len(r.path) > len(path) && slices.Equal(r.path[:len(path)], path) && r.floor == o.floor(r.path, len(r.path)) {
			deeper[r.path[len(path)]] = true
		}
	}
	members := map[string]json.RawMessage{}
	given := strings.HasPrefix(base, "{")
	if given {
		if err := json.Unmarshal([]byte(base), &members); err != nil {
			t.Fatal(err)
		}
	}
	visible := false
	for name := range deeper {
		value := o.seen(t, append(slices.Clone(path), name), string(members[name]))
		if members[name] = json.RawMessage(value); value == "" {
			delete(members, name)
		}
		visible = visible || value != ""
	}
	if visible || given && len(deeper) > 0 {
		object, err := json.Marshal(members)
		if err != nil {
			t.Fatal(err)
		}
		return string(object)
	}
	if sum, ok := o.counter(path, base); ok {
		return sum
	}
	return base
}

func (o *oracle) counter(path []string, base string) (string, bool) {
	type key struct {
		writer, salt string
	}
	latest := map[key]total{}
	floor := o.floor(path, len(path))
	for _, r := range o.runs {
		if !slices.Equal(r.path, path) || r.floor != floor {
			continue
		}
		k := key{r.mark.writer, r.salt}
		old, ok := latest[k]
		if !ok || cmp.Or(cmp.Compare(r.mark.number, old.mark.number), cmp.Compare(r.mark.position, old.mark.position),
			cmp.Compare(r.mark.stamp, old.mark.stamp), cmp.Compare(r.total, old.total)) > 0 {
			latest[k] = r
		}
	}
	sum := 0.0
	if err := json.Unmarshal([]byte(base), &sum); err != nil {
		sum = 0
	}
	for _, r := range latest {
		sum += float64(r.total)
	}
	return fmt.Sprint(sum), len(latest) > 0
}

// TestFoldAgreesWithTheRules folds what has arrived of random histories and asks the oracle about each node.
func TestFoldAgreesWithTheRules(t *testing.T) {
	alive, dead := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		all := drawHistory(t, nodeKinds)
		if rapid.Bool().Draw(t, "some wait") {
			all = slices.DeleteFunc(all, func(setlog.Entry) bool { return rapid.IntRange(0, 4).Draw(t, "waits") == 0 })
		}
		folded := memory{}
		for _, e := range rapid.Permutation(all).Draw(t, "order") {
			folded.fold(t, reread(t, e))
		}
		for _, id := range ids {
			o := newOracle(t, id, all)
			if got, want := folded[id].Value(), o.value(t); !bytes.Equal(got, want) || folded[id].Rev() != o.rev(t) {
				for _, e := range all {
					t.Logf("%s %d %s", e.Writer, e.Number, e.Line)
				}
				t.Fatalf("node %s is %s (%s), by the rules %s (%s)", id, got, folded[id].Rev(), want, o.rev(t))
			}
			if o.alive() {
				alive++
			} else if o.count > 0 {
				dead++
			}
		}
	})
	t.Logf("%d nodes were alive, %d dead", alive, dead)
	if alive == 0 || dead == 0 {
		t.Errorf("%d nodes were alive and %d dead: the histories show too little", alive, dead)
	}
}
