package setlog_test

import (
	"bytes"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/setlogger/setlogger/setlog"
)

var start = time.UnixMilli(1_800_000_000_000)

// act composes one transaction as a writer and applies it; want is a refusal's reason, or empty.
func (m memory) act(t *testing.T, d *device, body string) (setlog.Entry, error) {
	t.Helper()
	actions, err := setlog.ParseActions([]byte(body))
	if err != nil {
		return setlog.Entry{}, err
	}
	draft := setlog.Draft{Writer: d.writer, Number: d.number + 1, Salt: setlog.Salt(d.number + 1), Now: start.Add(d.skew), Clock: &d.clock}
	before := map[string][]byte{}
	for id, n := range m {
		before[id] = n.AppendBinary(nil)
	}
	e, change, err := setlog.Compose(m, draft, actions)
	for id, b := range before {
		if !bytes.Equal(b, m[id].AppendBinary(nil)) {
			t.Fatalf("composing changed the node %s in the state", id)
		}
	}
	if err != nil {
		return e, err
	}
	elsewhere := memory{}
	maps.Copy(elsewhere, m)
	read, err := setlog.ParseEntry(e.Writer, e.Number, e.Line)
	check(t, err, "")
	elsewhere.take(t, read)
	for id, b := range before {
		if !bytes.Equal(b, m[id].AppendBinary(nil)) {
			t.Fatalf("folding changed the node %s in the state", id)
		}
	}
	d.number++
	m.apply(change)
	for id, n := range m {
		if !bytes.Equal(n.AppendBinary(nil), elsewhere[id].AppendBinary(nil)) {
			t.Fatalf("%s gives %s here and %s elsewhere", e.Line, n.Value(), elsewhere[id].Value())
		}
	}
	return e, nil
}

// nest is an array that many deep.
func nest(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }

func (m memory) take(t *testing.T, entries ...setlog.Entry) {
	t.Helper()
	for _, e := range entries {
		change, err := setlog.Fold(m, e)
		if err != nil {
			t.Fatal(err)
		}
		m.apply(change)
	}
}

// TestRules runs actions of one writer and looks at node "a" after them.
func TestRules(t *testing.T) {
	const create = `{"type":"CREATE_NODE","id":"a","properties":{"n":1,"o":{"x":1,"y":{"z":2}},"t":"x"}}`
	tests := []struct {
		name    string
		actions []string
		want    string // of the node; empty: not alive
		refused string // of the last action, or "unchanged"
	}{
		{"4: set a member of a given object", []string{create, `{"type":"SET_PROPERTY","id":"a","path":["o","y","z"],"value":3}`}, `{"n":1,"o":{"x":1,"y":{"z":3}},"t":"x"}`, ""},
		{"4: set below a scalar", []string{create, `{"type":"SET_PROPERTY","id":"a","path":["n","m"],"value":3}`}, `{"n":{"m":3},"o":{"x":1,"y":{"z":2}},"t":"x"}`, ""},
		{"4: remove, then set below", []string{create, `{"type":"REMOVE_PROPERTY","id":"a","property":"o"}`, `{"type":"SET_PROPERTY","id":"a","path":["o","b"],"value":1}`}, `{"n":1,"o":{"b":1},"t":"x"}`, ""},
		{"4: an object nobody wrote goes with its last member", []string{`{"type":"CREATE_NODE","id":"a"}`, `{"type":"SET_PROPERTY","id":"a","path":["o","b"],"value":1}`, `{"type":"REMOVE_PROPERTY","id":"a","path":["o","b"]}`}, `{}`, ""},
		{"4: a written object stays when it is empty", []string{create, `{"type":"REMOVE_PROPERTY","id":"a","path":["o","y","z"]}`}, `{"n":1,"o":{"x":1,"y":{}},"t":"x"}`, ""},
		{"5: create again upserts", []string{create, `{"type":"CREATE_NODE","id":"a","properties":{"t":"y"}}`}, `{"n":1,"o":{"x":1,"y":{"z":2}},"t":"y"}`, ""},
		{"5: a new life starts empty", []string{create, `{"type":"DELETE_NODE","id":"a"}`, `{"type":"CREATE_NODE","id":"a","properties":{"u":1}}`}, `{"u":1}`, ""},
		{"6: delete", []string{create, `{"type":"DELETE_NODE","id":"a"}`}, ``, ""},
		{"6: set on a dead node", []string{create, `{"type":"DELETE_NODE","id":"a"}`, `{"type":"SET_PROPERTY","id":"a","properties":{"n":2}}`}, ``, "no node"},
		{"6: delete on an unknown node", []string{`{"type":"DELETE_NODE","id":"a"}`}, ``, "no node"},
		{"7: several properties", []string{create, `{"type":"SET_PROPERTY","id":"a","properties":{"n":2,"t":null,"z":[1]}}`}, `{"n":2,"o":{"x":1,"y":{"z":2}},"t":null,"z":[1]}`, ""},
		{"7: a path through an array", []string{create, `{"type":"SET_PROPERTY","id":"a","path":["o",0],"value":1}`}, ``, "steps of a path"},
		{"8: remove", []string{create, `{"type":"REMOVE_PROPERTY","id":"a","property":"o"}`}, `{"n":1,"t":"x"}`, ""},
		{"10: increment", []string{create, `{"type":"INCREMENT","id":"a","property":"n"}`, `{"type":"INCREMENT","id":"a","path":["n"],"by":-5}`}, `{"n":-3,"o":{"x":1,"y":{"z":2}},"t":"x"}`, ""},
		{"10: increment of nothing", []string{create, `{"type":"INCREMENT","id":"a","path":["o","c"],"by":2}`}, `{"n":1,"o":{"c":2,"x":1,"y":{"z":2}},"t":"x"}`, ""},
		{"10: a set starts anew", []string{create, `{"type":"INCREMENT","id":"a","property":"n"}`, `{"type":"SET_PROPERTY","id":"a","properties":{"n":10}}`, `{"type":"INCREMENT","id":"a","property":"n"}`}, `{"n":11,"o":{"x":1,"y":{"z":2}},"t":"x"}`, ""},
		{"10: on a string", []string{create, `{"type":"INCREMENT","id":"a","property":"t"}`}, ``, "needs a number"},
		{"10: over the edge", []string{create, `{"type":"INCREMENT","id":"a","property":"n","by":9007199254740992}`}, ``, "2^53"},
		{"10: by a fraction", []string{create, `{"type":"INCREMENT","id":"a","property":"n","by":1.5}`}, ``, "integer"},
		{"10: run is ours", []string{create, `{"type":"INCREMENT","id":"a","property":"n","run":{"salt":"0000000000000000","total":5}}`}, ``, "set by SetLogger"},
		{"12: other types", []string{create, `{"type":"todos/toggle","payload":{"id":"a"},"meta":1}`}, `{"n":1,"o":{"x":1,"y":{"z":2}},"t":"x"}`, ""},
		{"13: actions see those before", []string{`{"actions":[` + create + `,{"type":"SET_PROPERTY","id":"a","properties":{"n":2}},{"type":"INCREMENT","id":"a","property":"n"},{"type":"INCREMENT","id":"a","property":"n"}]}`}, `{"n":4,"o":{"x":1,"y":{"z":2}},"t":"x"}`, ""},
		{"13: all or nothing", []string{create, `{"actions":[{"type":"SET_PROPERTY","id":"a","properties":{"n":9}},{"type":"DELETE_NODE","id":"b"}]}`}, `{"n":1,"o":{"x":1,"y":{"z":2}},"t":"x"}`, "action 2"},
		{"19: set to what it is", []string{create, `{"type":"SET_PROPERTY","id":"a","properties":{"n":1}}`}, `{"n":1,"o":{"x":1,"y":{"z":2}},"t":"x"}`, "unchanged"},
		{"19: create as it is", []string{create, create}, `{"n":1,"o":{"x":1,"y":{"z":2}},"t":"x"}`, "unchanged"},
		{"19: remove what is not there", []string{create, `{"type":"REMOVE_PROPERTY","id":"a","path":["q","r"]}`}, `{"n":1,"o":{"x":1,"y":{"z":2}},"t":"x"}`, "unchanged"},
		{"19: not for a counter", []string{create, `{"type":"INCREMENT","id":"a","property":"n"}`, `{"type":"SET_PROPERTY","id":"a","properties":{"n":2}}`}, `{"n":2,"o":{"x":1,"y":{"z":2}},"t":"x"}`, ""},
		{"a property named id", []string{`{"type":"CREATE_NODE","id":"a","properties":{"id":1}}`}, ``, "named id"},
		{"a path that begins with id", []string{create, `{"type":"SET_PROPERTY","id":"a","path":["id","x"],"value":1}`}, ``, "named id"},
		{"a counter named id", []string{create, `{"type":"INCREMENT","id":"a","property":"id"}`}, ``, "named id"},
		{"no id", []string{`{"type":"CREATE_NODE"}`}, ``, "needs an id"},
		{"an empty id", []string{`{"type":"CREATE_NODE","id":""}`}, ``, "1 to 512 bytes"},
		{"a long id", []string{`{"type":"CREATE_NODE","id":"` + strings.Repeat("x", 513) + `"}`}, ``, "513"},
		{"no type", []string{`{"id":"a"}`}, ``, "has a type"},
		{"no object", []string{`[1]`}, ``, "JSON object"},
		{"an empty transaction", []string{`{"actions":[]}`}, ``, "at least one"},
		{"two ways to set", []string{create, `{"type":"SET_PROPERTY","id":"a","properties":{},"path":["n"]}`}, ``, "either"},
		{"a path without a value", []string{create, `{"type":"SET_PROPERTY","id":"a","path":["n"]}`}, ``, "needs a value"},
		{"an empty path", []string{create, `{"type":"SET_PROPERTY","id":"a","path":[],"value":1}`}, ``, "steps"},
		{"no path", []string{create, `{"type":"REMOVE_PROPERTY","id":"a"}`}, ``, "needs either"},
		{"properties of another kind", []string{`{"type":"CREATE_NODE","id":"a","properties":[]}`}, ``, "is an object"},
		{"5: create with members of a set", []string{create, `{"type":"CREATE_NODE","id":"a","properties":{"n":2},"value":5}`}, ``, "takes properties"},
		{"18: as deep as it goes", []string{`{"type":"CREATE_NODE","id":"a"}`, `{"type":"SET_PROPERTY","id":"a","path":["p"],"value":` + nest(62) + `}`}, `{"p":` + nest(62) + `}`, ""},
		{"18: deeper by one", []string{create, `{"type":"SET_PROPERTY","id":"a","path":["p"],"value":` + nest(63) + `}`}, ``, "deeper"},
		{"18: an unknown type as deep as it goes", []string{`{"actions":[` + create + `,{"type":"x","v":` + nest(61) + `}]}`, `{"type":"x","v":` + nest(63) + `}`}, `{"n":1,"o":{"x":1,"y":{"z":2}},"t":"x"}`, ""},
		{"too deep by its path", []string{create, `{"type":"SET_PROPERTY","id":"a","path":["1","2","3","4"],"value":` + strings.Repeat("[", 61) + strings.Repeat("]", 61) + `}`}, ``, "deeper"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m, d := memory{}, &device{}
			var err error
			for _, body := range test.actions {
				if err != nil {
					t.Fatal(err)
				}
				_, err = m.act(t, d, body)
			}
			check(t, err, test.refused)
			if got := string(m["a"].Value()); got != test.want && test.want != "" {
				t.Errorf("node is %s, want %s", got, test.want)
			}
			if m["a"].Alive() && test.want == "" && test.refused == "" {
				t.Error("node is alive")
			}
		})
	}
}

func check(t *testing.T, err error, refused string) {
	t.Helper()
	var r *setlog.Refusal
	switch {
	case refused == "" && err != nil:
		t.Fatal(err)
	case refused == "unchanged" && !errors.Is(err, setlog.ErrUnchanged):
		t.Fatalf("error is %v", err)
	case refused != "" && refused != "unchanged" && (!errors.As(err, &r) || !strings.Contains(err.Error(), refused)):
		t.Fatalf("error is %v, want %q", err, refused)
	}
}

// TestConcurrent lets two writers act on what both have seen, exchange, and looks at node "a".
func TestConcurrent(t *testing.T) {
	tests := []struct{ name, first, one, two, want string }{
		{"5: first creates merge", ``, `{"type":"CREATE_NODE","id":"a","properties":{"x":1}}`, `{"type":"CREATE_NODE","id":"a","properties":{"y":2}}`, `{"x":1,"y":2}`},
		{"6: delete beats set", `{"x":1}`, `{"type":"DELETE_NODE","id":"a"}`, `{"type":"SET_PROPERTY","id":"a","properties":{"x":2}}`, ``},
		{"7: paths merge", `{"x":1}`, `{"type":"SET_PROPERTY","id":"a","path":["o","p"],"value":1}`, `{"type":"SET_PROPERTY","id":"a","path":["o","q"],"value":2}`, `{"o":{"p":1,"q":2},"x":1}`},
		{"7: the last writer wins", `{"x":1}`, `{"type":"SET_PROPERTY","id":"a","properties":{"x":2}}`, `{"type":"SET_PROPERTY","id":"a","properties":{"x":3}}`, `{"x":3}`},
		{"10: increments add up", `{"x":1}`, `{"type":"INCREMENT","id":"a","property":"x","by":5}`, `{"type":"INCREMENT","id":"a","property":"x","by":7}`, `{"x":13}`},
		{"10: increments beside a set are lost", `{"x":1}`, `{"type":"INCREMENT","id":"a","property":"x","by":5}`, `{"type":"SET_PROPERTY","id":"a","properties":{"x":7}}`, `{"x":7}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a, b := memory{}, memory{}
			one, two := &device{}, &device{skew: time.Millisecond}
			two.writer[0] = 1
			if test.first != "" {
				e, err := a.act(t, one, `{"type":"CREATE_NODE","id":"a","properties":`+test.first+`}`)
				check(t, err, "")
				b.take(t, e)
			}
			e1, err1 := a.act(t, one, test.one)
			e2, err2 := b.act(t, two, test.two)
			check(t, errors.Join(err1, err2), "")
			a.take(t, e2)
			b.take(t, e1, e2)
			if got := string(a["a"].Value()); got != test.want {
				t.Errorf("node is %s, want %s", got, test.want)
			}
			if a["a"].Rev() != b["a"].Rev() {
				t.Errorf("revs differ: %s, %s", a["a"].Rev(), b["a"].Rev())
			}
		})
	}
}

func TestSetBeforeItsCreateStaysHidden(t *testing.T) {
	a, b := memory{}, memory{}
	one, two := &device{}, &device{}
	two.writer[0] = 1
	create, err := a.act(t, one, `{"type":"CREATE_NODE","id":"a","properties":{"x":1}}`)
	check(t, err, "")
	b.take(t, create)
	set, err := b.act(t, two, `{"type":"SET_PROPERTY","id":"a","properties":{"x":2}}`)
	check(t, err, "")
	c := memory{}
	c.take(t, set)
	if c["a"].Alive() {
		t.Error("a set made a node")
	}
	if _, err := c.act(t, &device{}, `{"type":"SET_PROPERTY","id":"a","properties":{"x":3}}`); err == nil {
		t.Error("a node that nobody created takes a set")
	}
	c.take(t, create)
	if got := string(c["a"].Value()); got != `{"x":2}` {
		t.Errorf("node is %s", got)
	}
}

func TestClock(t *testing.T) {
	var c setlog.Clock
	first := c.Next(start, 0)
	if back := c.Next(start.Add(-time.Hour), 0); back != first+1 {
		t.Errorf("a clock that goes back gives %s after %s", back, first)
	}
	if above := c.Next(start, first+1000); above != first+1001 {
		t.Errorf("above %s came %s", first+1000, above)
	}
	c.Observe(start, setlog.Wall(start.AddDate(10, 0, 0)))
	if limit := setlog.Wall(start.Add(5 * time.Minute)); c.Watermark != limit {
		t.Errorf("a foreign stamp pulled the clock to %s, want %s", c.Watermark, limit)
	}
	if wall := setlog.Wall(time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC)); wall.Time().UTC().Year() != 2099 {
		t.Errorf("wall is %s", wall.Time())
	}
	if setlog.Wall(time.Unix(-5, 0)) != 0 {
		t.Error("a moment before 1970 has a stamp")
	}
}

func TestOwnEditWinsOverWhatItSaw(t *testing.T) {
	m, fast, slow := memory{}, &device{skew: 24 * time.Hour}, &device{}
	slow.writer[0] = 1
	_, err := m.act(t, fast, `{"type":"CREATE_NODE","id":"a","properties":{"x":1}}`)
	check(t, err, "")
	_, err = m.act(t, slow, `{"type":"SET_PROPERTY","id":"a","properties":{"x":2}}`)
	check(t, err, "")
	if got := string(m["a"].Value()); got != `{"x":2}` {
		t.Errorf("node is %s", got)
	}
}

func TestRevCountsEveryWrite(t *testing.T) {
	m, d := memory{}, &device{}
	var revs []string
	for _, body := range []string{`{"type":"CREATE_NODE","id":"a","properties":{"x":1}}`, `{"type":"SET_PROPERTY","id":"a","properties":{"x":2}}`, `{"type":"DELETE_NODE","id":"a"}`} {
		_, err := m.act(t, d, body)
		check(t, err, "")
		revs = append(revs, m["a"].Rev())
	}
	for i, prefix := range []string{"1-", "2-", "3-"} {
		if !strings.HasPrefix(revs[i], prefix) || len(revs[i]) != 22 {
			t.Errorf("rev %d is %s", i+1, revs[i])
		}
	}
	var none *setlog.Node
	if none.Rev()[:2] != "0-" || none.Rev()[2:] != revs[2][2:] {
		t.Errorf("no node has rev %s, a dead one %s", none.Rev(), revs[2])
	}
}

func TestCreatedAndSize(t *testing.T) {
	m, d := memory{}, &device{}
	e, err := m.act(t, d, `{"type":"CREATE_NODE","id":"a","properties":{"x":1}}`)
	check(t, err, "")
	if m["a"].Created().Stamp != e.Stamp || m["a"].Size() < 200 {
		t.Errorf("created %v, size %d", m["a"].Created(), m["a"].Size())
	}
	c, err := m.act(t, d, `{"type":"CLOSE"}`)
	check(t, err, "")
	change, err := setlog.Fold(m, c)
	if err != nil || !change.Closed {
		t.Errorf("CLOSE gives %+v, %v", change, err)
	}
}

func TestANewLifeHidesAllThatItsWriterSaw(t *testing.T) {
	a, b := memory{}, memory{}
	one, fast := &device{}, &device{skew: time.Hour}
	fast.writer[0] = 1
	create, err := a.act(t, one, `{"type":"CREATE_NODE","id":"a","properties":{"x":1}}`)
	check(t, err, "")
	b.take(t, create)
	set, err := b.act(t, fast, `{"type":"SET_PROPERTY","id":"a","properties":{"z":1}}`)
	check(t, err, "")
	_, err = a.act(t, one, `{"type":"DELETE_NODE","id":"a"}`)
	check(t, err, "")
	a.take(t, set)
	_, err = a.act(t, one, `{"type":"CREATE_NODE","id":"a","properties":{"y":1}}`)
	check(t, err, "")
	if got := string(a["a"].Value()); got != `{"y":1}` {
		t.Errorf("node is %s", got)
	}
}

func TestRefusalsAreNotShared(t *testing.T) {
	bad := `{"type":"INCREMENT","id":"a","property":"n","run":5}`
	_, first := setlog.ParseActions([]byte(bad))
	_, second := setlog.ParseActions([]byte(`{"actions":[{"type":"x"},` + bad + `]}`))
	var one, two *setlog.Refusal
	if !errors.As(first, &one) || !errors.As(second, &two) || one.Position != 0 || two.Position != 1 {
		t.Errorf("%v, %v", first, second)
	}
}
