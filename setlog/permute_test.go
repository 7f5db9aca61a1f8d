package setlog_test

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/setlogger/setlogger/setlog"
)

// memory is a state for tests.
type memory map[string]*setlog.Node

func (m memory) Node(id string) (*setlog.Node, error) { return m[id], nil }

func (m memory) apply(c setlog.Change) {
	for _, changed := range c.Nodes {
		m[changed.ID] = changed.Node
	}
}

func (m memory) fold(t *rapid.T, e setlog.Entry) {
	change, err := setlog.Fold(m, e)
	if err != nil {
		t.Fatal(err)
	}
	m.apply(change)
}

// device is one writer with the state it has seen.
type device struct {
	memory
	writer setlog.Writer
	number uint64
	clock  setlog.Clock
	skew   time.Duration
	held   map[string]bool
}

var ids = []string{"a", "b"}

var (
	nodeKinds  = []string{"create", "create", "set", "set", "path", "path", "remove", "delete", "inc", "inc", "count", "count", "other"}
	arrayKinds = append([]string{"array", "array", "array", "array", "array"}, nodeKinds...)
)

func drawAction(t *rapid.T, kinds []string) string {
	id := rapid.SampledFrom(ids).Draw(t, "id")
	value := rapid.SampledFrom([]string{`1`, `"x"`, `{"p":1,"q":{"r":2}}`, `{}`, `null`, `[1,2]`, `2.5`}).Draw(t, "value")
	path := rapid.SampledFrom([]string{`["p"]`, `["p","q"]`, `["p","q","r"]`, `["s"]`}).Draw(t, "path")
	switch rapid.SampledFrom(kinds).Draw(t, "kind") {
	case "array":
		return drawArrayAction(t, id, rapid.SampledFrom([]string{`["l"]`, `["l"]`, path}).Draw(t, "array"), value)
	case "create":
		return fmt.Sprintf(`{"type":"CREATE_NODE","id":%q,"properties":{"p":%s,"s":1}}`, id, value)
	case "set":
		return fmt.Sprintf(`{"type":"SET_PROPERTY","id":%q,"properties":{"p":%s,"t":%s}}`, id, value, value)
	case "path":
		return fmt.Sprintf(`{"type":"SET_PROPERTY","id":%q,"path":%s,"value":%s}`, id, path, value)
	case "remove":
		return fmt.Sprintf(`{"type":"REMOVE_PROPERTY","id":%q,"path":%s}`, id, path)
	case "delete":
		return fmt.Sprintf(`{"type":"DELETE_NODE","id":%q}`, id)
	case "count":
		return fmt.Sprintf(`{"type":"INCREMENT","id":%q,"path":["n"]}`, id)
	case "inc":
		return fmt.Sprintf(`{"type":"INCREMENT","id":%q,"path":%s,"by":%d}`, id, path, rapid.IntRange(-3, 9).Draw(t, "by"))
	}
	return fmt.Sprintf(`{"type":"OTHER","id":%q}`, id)
}

func drawArrayAction(t *rapid.T, id, path, value string) string {
	index := rapid.IntRange(0, 3).Draw(t, "index")
	switch rapid.SampledFrom([]string{"insert", "insert", "insert", "remove", "set", "move", "move"}).Draw(t, "edit") {
	case "remove":
		return fmt.Sprintf(`{"type":"ARRAY_REMOVE","id":%q,"path":%s,"index":%d,"count":%d}`, id, path, index, rapid.IntRange(1, 3).Draw(t, "elements"))
	case "set":
		return fmt.Sprintf(`{"type":"ARRAY_SET","id":%q,"path":%s,"index":%d,"value":%s}`, id, path, index, value)
	case "move":
		return fmt.Sprintf(`{"type":"ARRAY_MOVE","id":%q,"path":%s,"index":%d,"to":%d}`, id, path, index, rapid.IntRange(0, 3).Draw(t, "to"))
	}
	return fmt.Sprintf(`{"type":"ARRAY_INSERT","id":%q,"path":%s,"index":%d,"values":[%s,"y"]}`, id, path, index, value)
}

// drawHistory lets devices with skewed clocks, one of them cloned, write and read each other.
func drawHistory(t *rapid.T, kinds []string) []setlog.Entry {
	devices := make([]*device, 4)
	for i := range devices {
		devices[i] = &device{memory: memory{}, held: map[string]bool{}, skew: time.Duration(rapid.Int64Range(-3, 3).Draw(t, "skew")) * time.Millisecond}
		devices[i].writer[0] = byte(i)
	}
	devices[3].writer = devices[2].writer // a live clone: it forks
	now := time.UnixMilli(1_800_000_000_000)
	var all []setlog.Entry
	for range rapid.IntRange(8, 40).Draw(t, "steps") {
		now = now.Add(time.Duration(rapid.IntRange(0, 1).Draw(t, "ms")) * time.Millisecond)
		d := devices[rapid.IntRange(0, 3).Draw(t, "device")]
		if rapid.Bool().Draw(t, "reads") {
			for i, e := range all {
				key := fmt.Sprint(i)
				if !d.held[key] && rapid.Bool().Draw(t, "gets") {
					d.held[key] = true
					d.clock.Observe(now.Add(d.skew), e.Stamp)
					d.fold(t, e)
					sameAnew(t, d.memory)
				}
			}
		}
		var actions []setlog.Action
		for range rapid.IntRange(1, 2).Draw(t, "actions") {
			a, err := setlog.ParseAction([]byte(drawAction(t, kinds)))
			if err != nil {
				t.Fatal(err)
			}
			actions = append(actions, a)
		}
		draft := setlog.Draft{Writer: d.writer, Number: d.number + 1, Salt: setlog.Salt(len(all)/3 + 1), Now: now.Add(d.skew), Clock: &d.clock}
		e, change, err := setlog.Compose(d.memory, draft, actions)
		var refusal *setlog.Refusal
		if errors.As(err, &refusal) || errors.Is(err, setlog.ErrUnchanged) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		before := memory{}
		for _, id := range ids {
			before[id] = d.memory[id]
		}
		d.apply(change)
		before.fold(t, reread(t, e))
		same(t, before, d.memory, "Compose and Fold of its line differ")
		sameAnew(t, before)
		sameAnew(t, d.memory)
		d.number++
		d.held[fmt.Sprint(len(all))] = true
		all = append(all, e)
	}
	return all
}

func reread(t *rapid.T, e setlog.Entry) setlog.Entry {
	read, err := setlog.ParseEntry(e.Writer, e.Number, e.Line)
	if err != nil {
		t.Fatalf("%s: %v", e.Line, err)
	}
	return read
}

func same(t *rapid.T, a, b memory, why string) {
	for _, id := range ids {
		switch {
		case (a[id] == nil) != (b[id] == nil):
			t.Fatalf("%s: one has no node %s", why, id)
		case a[id] == nil:
		case !bytes.Equal(a[id].AppendBinary(nil), b[id].AppendBinary(nil)):
			t.Fatalf("%s: node %s\n%s %s\n%s %s", why, id, a[id].Value(), a[id].Rev(), b[id].Value(), b[id].Rev())
		}
	}
}

// sameAnew compares what is seen, of arrays whose order changed step by step, with what is seen when it is laid out anew.
func sameAnew(t *rapid.T, m memory) {
	for _, id := range ids {
		if m[id] == nil {
			continue
		}
		anew, err := setlog.DecodeNode(m[id].AppendBinary(nil))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := m[id].Value(), anew.Value(); !bytes.Equal(got, want) {
			t.Fatalf("node %s shows %s, laid out anew %s", id, got, want)
		}
	}
}

func TestStateIsAFunctionOfTheSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := drawHistory(t, arrayKinds)
		inOrder := memory{}
		for _, e := range all {
			inOrder.fold(t, reread(t, e))
		}
		shuffled := memory{}
		for _, e := range rapid.Permutation(all).Draw(t, "order") {
			shuffled.fold(t, reread(t, e))
			if rapid.Bool().Draw(t, "twice") {
				shuffled.fold(t, e)
			}
		}
		same(t, inOrder, shuffled, "another order")
		for id, n := range inOrder {
			decoded, err := setlog.DecodeNode(n.AppendBinary(nil))
			if err != nil {
				t.Fatal(err)
			}
			if decoded.Rev() != n.Rev() {
				t.Fatalf("node %s: %s became %s", id, n.Value(), decoded.Value())
			}
			sameThroughDelta(t, id, n)
		}
	})
}

func sameThroughDelta(t *rapid.T, id string, n *setlog.Node) {
	line := n.AppendDelta(nil, id)
	name, read, err := setlog.ReadDelta(line)
	if err != nil || name != id {
		t.Fatalf("%s: reads as %q, %v", line, name, err)
	}
	if !bytes.Equal(read.AppendBinary(nil), n.AppendBinary(nil)) {
		t.Fatalf("%s: reads as %s", line, read.AppendDelta(nil, id))
	}
	if again := read.AppendDelta(nil, id); !bytes.Equal(again, line) {
		t.Fatalf("%s: is written again as %s", line, again)
	}
}
