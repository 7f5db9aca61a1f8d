package setlog_test

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/setlogger/setlogger/setlog"
)

const deltaFile = "../testdata/delta/nodes.jsonl"

// deltaNodes are nodes that show each member of a line.
func deltaNodes(t testing.TB) memory {
	m, one, two := memory{}, &device{}, &device{skew: -time.Hour}
	two.writer[0] = 1
	other := memory{}
	for _, body := range []string{
		`{"type":"CREATE_NODE","id":"plain","properties":{"title":"Milk","done":false,"n":1}}`,
		`{"type":"SET_PROPERTY","id":"plain","path":["title"],"value":"Bread"}`,
		`{"type":"CREATE_NODE","id":"deep","properties":{"o":{"x":1,"y":{"z":2}},"gone":1}}`,
		`{"type":"SET_PROPERTY","id":"deep","path":["o","y","z"],"value":3}`,
		`{"type":"REMOVE_PROPERTY","id":"deep","path":["o","x"]}`,
		`{"type":"REMOVE_PROPERTY","id":"deep","property":"gone"}`,
		`{"type":"CREATE_NODE","id":"counter","properties":{"n":5}}`,
		`{"type":"INCREMENT","id":"counter","property":"n","by":2}`,
		`{"type":"CREATE_NODE","id":"dead","properties":{"x":1}}`,
		`{"type":"DELETE_NODE","id":"dead"}`,
		`{"type":"CREATE_NODE","id":"list","properties":{"base":[1,2,3]}}`,
		`{"type":"ARRAY_INSERT","id":"list","property":"l","index":0,"values":["a","b","c","d",["e"]]}`,
		`{"type":"ARRAY_INSERT","id":"list","property":"l","index":2,"values":["x","y"]}`,
		`{"type":"ARRAY_REMOVE","id":"list","property":"l","index":1,"count":2}`,
		`{"type":"ARRAY_SET","id":"list","property":"l","index":1,"value":"Y"}`,
		`{"type":"ARRAY_MOVE","id":"list","property":"l","index":3,"to":0}`,
		`{"type":"ARRAY_INSERT","id":"list","property":"base","index":1,"value":1.5}`,
		`{"type":"ARRAY_MOVE","id":"list","property":"base","index":3,"to":0}`,
		`{"type":"CREATE_NODE","id":"buried"}`,
		`{"type":"ARRAY_INSERT","id":"buried","property":"l","index":0,"values":[1,2,3]}`,
		`{"type":"ARRAY_REMOVE","id":"buried","property":"l","index":1,"count":2}`,
	} {
		e := mustAct(t, m, one, body)
		if one.number%2 == 1 {
			take(t, other, e) // what the others get: half of it, with holes
		}
	}
	for _, body := range []string{
		`{"type":"ARRAY_INSERT","id":"list","property":"hidden","index":0,"values":["h","i"]}`,
		`{"type":"SET_PROPERTY","id":"list","path":["hidden","below"],"value":1}`,
	} {
		take(t, m, mustAct(t, other, two, body))
	}
	for id, n := range other {
		m[id+", in part"] = n
	}
	return m
}

func mustAct(t testing.TB, m memory, d *device, body string) setlog.Entry {
	actions, err := setlog.ParseActions([]byte(body))
	if err != nil {
		t.Fatal(err)
	}
	draft := setlog.Draft{Writer: d.writer, Number: d.number + 1, Salt: setlog.Salt(d.number + 1), Now: start.Add(d.skew), Clock: &d.clock}
	e, change, err := setlog.Compose(m, draft, actions)
	if err != nil {
		t.Fatal(body, err)
	}
	d.number++
	m.apply(change)
	return e
}

func take(t testing.TB, m memory, e setlog.Entry) {
	read, err := setlog.ParseEntry(e.Writer, e.Number, e.Line)
	if err != nil {
		t.Fatal(err)
	}
	change, err := setlog.Fold(m, read)
	if err != nil {
		t.Fatal(err)
	}
	m.apply(change)
}

func goldenDelta(t testing.TB) []byte {
	data, err := os.ReadFile(deltaFile)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestGoldenDelta(t *testing.T) {
	m := deltaNodes(t)
	var lines []byte
	for _, id := range slices.Sorted(maps.Keys(m)) {
		lines = append(m[id].AppendDelta(lines, id), '\n')
	}
	if *update {
		if err := os.WriteFile(deltaFile, lines, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(lines, goldenDelta(t)) {
		t.Errorf("the lines are now\n%s", lines)
	}
	for line := range bytes.Lines(lines) {
		line = bytes.TrimSuffix(line, []byte("\n"))
		id, n, err := setlog.ReadDelta(line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if !bytes.Equal(n.AppendBinary(nil), m[id].AppendBinary(nil)) {
			t.Errorf("%s reads as %s", line, n.AppendDelta(nil, id))
		}
		if !bytes.Contains(line, []byte(`"value":`)) || !bytes.Equal(n.Value(), m[id].Value()) {
			t.Errorf("%s shows %s", line, n.Value())
		}
	}
}

func TestBrokenDelta(t *testing.T) {
	line := func(id string) string {
		for line := range bytes.Lines(goldenDelta(t)) {
			if bytes.Contains(line, []byte(`"id":"`+id+`"`)) {
				return strings.TrimSuffix(string(line), "\n")
			}
		}
		t.Fatal("no line of", id)
		return ""
	}
	tests := []struct{ name, id, old, new, want string }{
		{"white space", "plain", `,"count"`, `, "count"`, "canonical"},
		{"no object", "plain", line("plain"), `[]`, "canonical"},
		{"no id", "plain", `"id":"plain",`, ``, "no id"},
		{"an empty id", "plain", `"id":"plain"`, `"id":""`, "no id"},
		{"another value", "plain", `"n":1`, `"n":2,"m":1`, "canonical"},
		{"a value of nobody", "counter", `"value":{"n":7}`, `"value":{"n":8}`, "parts give"},
		{"a mark that is not listed", "plain", `"all":1`, `"all":9`, "does not list"},
		{"a malformed mark", "plain", `["1800000000000-0",`, `["x",`, "mark is malformed"},
		{"a create below its delete", "dead", `"deleted":`, `"created":1,"deleted":`, "below its delete"},
		{"a total too short", "counter", `,2]]`, `]]`, "total is malformed"},
		{"children that are none", "deep", `"children":{`, `"children":[],"x":{`, "no object"},
		{"a count that is none", "plain", `"count":2`, `"count":-2`, "no integer"},
		{"an array without its newest", "list", `"newest"`, `"newer"`, "array is malformed"},
		{"a length too many", "list", `"lengths":[`, `"lengths":[1,`, "as many lengths"},
		{"an endless piece", "list", `"lengths":[1`, `"lengths":[9007199254740991`, "malformed"},
		{"a salt that is not listed", "list", `"jumps":[[0,0`, `"jumps":[[0,7`, "out of range"},
		{"a value too many", "list", `"values":[`, `"values":[0,`, "more values"},
		{
			"an element of which nothing is seen", "plain", line("plain"), `{"at":{"children":{"l":{"arrays":[{"jumps":[[0,0,0]],"lengths":[1],"newest":"0-0","parents":[0],"salts":["0000000000000001"]}]}}},` +
				`"created":1,"id":"plain","marks":[["0-0","2222222222222222",1,0]],"value":{"l":[]}}`, "not seen",
		},
		{"more gone than there is", "list", `"gone":[`, `"gone":[99,99,`, "more slots"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			whole := line(test.id)
			if !strings.Contains(whole, test.old) {
				t.Fatalf("%s has no %s", whole, test.old)
			}
			_, _, err := setlog.ReadDelta([]byte(strings.Replace(whole, test.old, test.new, 1)))
			if !errors.Is(err, setlog.ErrDelta) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want %q", err, test.want)
			}
		})
	}
}
