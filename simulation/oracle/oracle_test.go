package oracle

import (
	"fmt"
	"go/build"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// said is an entry of a test: a writer's letter, stamp in ms, and actions; members besides follow the actions.
type said struct {
	writer  string
	stamp   int
	actions string
	rest    string
}

// read makes the line of an entry and reads it; numbers count each writer's entries.
func read(t *testing.T, all []said) []Entry {
	t.Helper()
	numbers := map[string]int{}
	entries := make([]Entry, len(all))
	for i, s := range all {
		numbers[s.writer]++
		number := fmt.Sprintf(`,"number":%d`, numbers[s.writer])
		if strings.Contains(s.rest, `"number"`) {
			number = ""
		}
		line := jsontext.Value(fmt.Sprintf(`{"actions":[%s]%s,"salt":"%016x","stamp":"%d-0"%s}`, s.actions, number, i+160, s.stamp, s.rest))
		if err := line.Canonicalize(); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		n := int64(numbers[s.writer])
		if number == "" {
			n = 1
		}
		entries[i] = Read(strings.Repeat(s.writer, 16), n, line)
	}
	return entries
}

// floorOf writes the floor that a letter's write has.
func floorOf(stamp int, writer string, number, position int) string {
	return fmt.Sprintf(`"floor":["%d-0","%s",%d,%d]`, stamp, strings.Repeat(writer, 16), number, position)
}

const create = `{"type":"CREATE_NODE","id":"n"}`

func setAt(path, value string) string {
	return `{"type":"SET_PROPERTY","id":"n","path":["` + strings.ReplaceAll(path, "/", `","`) + `"],"value":` + value + `}`
}

func removeAt(path string) string {
	return `{"type":"REMOVE_PROPERTY","id":"n","path":["` + strings.ReplaceAll(path, "/", `","`) + `"]}`
}

func incrementAt(path, run string) string {
	return `{"type":"INCREMENT","id":"n","path":["` + strings.ReplaceAll(path, "/", `","`) + `"],"run":{` + run + `}}`
}

func insertion(path, slots, values string) string {
	return `{"type":"ARRAY_INSERT","id":"n","path":["` + path + `"],"slots":{` + slots + `},"values":` + values + `}`
}

func removal(path, slots string) string {
	return `{"type":"ARRAY_REMOVE","id":"n","path":["` + path + `"],"slots":{` + slots + `}}`
}

func slotName(salt, k int) string { return fmt.Sprintf(`["%016x",%d]`, salt, k) }

func TestRules(t *testing.T) {
	first, base := `"first":`+slotName(1, 0), floorOf(1, "a", 1, 0)
	for _, test := range []struct {
		name string
		said []said
		want string // the value of n; empty when it is not alive
		n    int
	}{
		{"a node that no one created", []said{{"a", 1, setAt("x", "1"), ""}}, "", 1},
		{"an empty node", []said{{"a", 1, create, ""}}, "{}", 1},
		{"creates merge", []said{
			{"a", 1, `{"type":"CREATE_NODE","id":"n","properties":{"x":1}}`, ""},
			{"b", 2, `{"type":"CREATE_NODE","id":"n","properties":{"y":2}}`, ""},
		}, `{"x":1,"y":2}`, 1},
		{"n is the highest", []said{{"a", 1, create, ""}, {"b", 2, setAt("x", "1"), `,"n":[5]`}}, `{"x":1}`, 5},
		{"n of another length", []said{{"a", 1, create, ""}, {"b", 2, setAt("x", "1"), `,"n":[5,6]`}}, `{}`, 1},
		{"the later set", []said{{"a", 1, create, ""}, {"b", 9, setAt("x", "1"), ""}, {"a", 8, setAt("x", "2"), ""}}, `{"x":1}`, 1},
		{"equal stamps: the greater writer", []said{{"a", 1, create, ""}, {"b", 9, setAt("x", "1"), ""}, {"a", 9, setAt("x", "2"), ""}}, `{"x":1}`, 1},
		{"a fork: the greater bytes", []said{{"a", 1, create, ""}, {"b", 9, setAt("x", "1"), `,"number":1`}, {"b", 9, setAt("x", "2"), `,"number":1`}}, `{"x":2}`, 1},
		{"a set above drops what is older", []said{{"a", 1, create, ""}, {"b", 5, setAt("a/b", "1"), ""}, {"a", 6, setAt("a", `{"c":2}`), ""}}, `{"a":{"c":2}}`, 1},
		{"a set below joins", []said{{"a", 1, create, ""}, {"b", 7, setAt("a/b", "1"), ""}, {"a", 6, setAt("a", `{"b":3,"c":2}`), ""}}, `{"a":{"b":1,"c":2}}`, 1},
		{"a remove inside an object", []said{{"a", 1, create, ""}, {"a", 2, setAt("a", `{"b":{"c":2}}`), ""}, {"b", 7, removeAt("a/b/c"), ""}}, `{"a":{"b":{}}}`, 1},
		{"an object no one wrote goes", []said{{"a", 1, create, ""}, {"a", 2, setAt("a/b", `1`), ""}, {"b", 7, removeAt("a/b"), ""}}, `{}`, 1},
		{"absent, then deeper", []said{{"a", 1, create, ""}, {"a", 2, removeAt("a"), ""}, {"b", 7, setAt("a/b", "1"), ""}}, `{"a":{"b":1}}`, 1},
		{"the scalar returns", []said{{"a", 1, create, ""}, {"a", 2, setAt("a", "5"), ""}, {"b", 7, setAt("a/b", "1"), ""}, {"b", 8, removeAt("a/b"), ""}}, `{"a":5}`, 1},
		{"null is a value", []said{{"a", 1, create, ""}, {"a", 2, setAt("a", "null"), ""}}, `{"a":null}`, 1},
		{"a delete beats a set", []said{{"a", 1, create, ""}, {"a", 2, `{"type":"DELETE_NODE","id":"n"}`, ""}, {"b", 9, setAt("x", "1"), ""}}, "", 1},
		{"a new create brings newer sets to light", []said{{"a", 1, create, ""}, {"a", 2, `{"type":"DELETE_NODE","id":"n"}`, ""}, {"b", 3, create, ""}, {"b", 9, setAt("x", "1"), ""}}, `{"x":1}`, 1},
		{"revive raises the delete", []said{
			{"a", 1, create, ""},
			{"a", 2, `{"type":"DELETE_NODE","id":"n"}`, ""},
			{"b", 9, setAt("x", "1"), ""},
			{"a", 10, `{"type":"CREATE_NODE","id":"n","properties":{"y":2},"revive":true}`, ""},
		}, `{"y":2}`, 1},
		{"a malformed action drops its entry", []said{{"a", 1, create, ""}, {"a", 2, setAt("x", "1") + `,{"type":"DELETE_NODE","id":""}`, ""}}, `{}`, 1},
		{"an unknown type is nothing", []said{{"a", 1, create + `,{"type":"todos/filter","id":"n"}`, ""}}, `{}`, 1},
		{"counters add up", []said{
			{"a", 1, `{"type":"CREATE_NODE","id":"n","properties":{"c":10}}`, ""},
			{"a", 2, incrementAt("c", base+`,"salt":"00000000000000a1","total":5`), ""},
			{"a", 3, incrementAt("c", base+`,"salt":"00000000000000a1","total":6`), ""},
			{"b", 2, incrementAt("c", base+`,"salt":"00000000000000b1","total":-20`), ""},
		}, `{"c":-4}`, 1},
		{"a counter under another floor waits", []said{
			{"a", 1, `{"type":"CREATE_NODE","id":"n","properties":{"c":10}}`, ""},
			{"b", 2, incrementAt("c", `"salt":"00000000000000b1","total":5`), ""},
			{"b", 3, incrementAt("d/e", `"salt":"00000000000000b2","total":5`), ""},
		}, `{"c":10,"d":{"e":5}}`, 1},
		{"a counter on a fraction", []said{
			{"a", 1, `{"type":"CREATE_NODE","id":"n","properties":{"c":0.5}}`, ""},
			{"a", 2, incrementAt("c", base+`,"salt":"00000000000000a1","total":9007199254740992`), ""},
		}, `{"c":9007199254740992}`, 1},
		{"inserts hang where they say", []said{
			{"a", 1, create, ""},
			{"a", 2, insertion("l", first, "[1,2]"), ""},
			{"b", 3, insertion("l", `"first":`+slotName(2, 0)+`,"parent":`+slotName(1, 1)+`,"side":"left"`, "[3]"), ""},
			{"b", 4, insertion("l", `"first":`+slotName(3, 0)+`,"parent":`+slotName(7, 1), "[4]"), ""},
		}, `{"l":[1,3,2]}`, 1},
		{"first inserts merge", []said{
			{"a", 1, create, ""}, {"b", 2, insertion("l", `"first":`+slotName(2, 0), "[1,2]"), ""}, {"a", 3, insertion("l", first, "[3]"), ""},
		}, `{"l":[3,1,2]}`, 1},
		{"a remove before its insert", []said{
			{"a", 1, `{"type":"CREATE_NODE","id":"n","properties":{"l":[1,2,3]}}`, ""},
			{"b", 2, removal("l", base+`,"spans":[["0000000000000000",0,2],["0000000000000001",0,1]]`), ""},
			{"a", 3, insertion("l", base+`,`+first+`,"parent":`+slotName(0, 0), "[4,5]"), ""},
		}, `{"l":[3,5]}`, 1},
		{"an emptied array", []said{
			{"a", 1, `{"type":"CREATE_NODE","id":"n","properties":{"l":[1]}}`, ""},
			{"b", 2, removal("l", base+`,"spans":[["0000000000000000",0,1]]`), ""},
		}, `{"l":[]}`, 1},
		{"an emptied array that no one wrote", []said{
			{"a", 1, create, ""}, {"a", 2, insertion("l", first, "[1]"), ""}, {"b", 2, removal("l", `"spans":[`+slotName(1, 0)[:len(slotName(1, 0))-1]+`,1]]`), ""},
		}, `{}`, 1},
		{"element registers", []said{
			{"a", 1, `{"type":"CREATE_NODE","id":"n","properties":{"l":[1,2,3]}}`, ""},
			{"a", 5, `{"type":"ARRAY_SET","id":"n","property":"l","slots":{"element":["0000000000000000",1],` + base + `},"value":20}`, ""},
			{"b", 4, `{"type":"ARRAY_SET","id":"n","property":"l","slots":{"element":["0000000000000000",1],` + base + `},"value":21}`, ""},
			{"a", 6, `{"type":"ARRAY_MOVE","id":"n","property":"l","slots":{"element":["0000000000000000",1],` + first + `,` + base + `,"parent":["0000000000000000",2]}}`, ""},
			{"b", 5, `{"type":"ARRAY_MOVE","id":"n","property":"l","slots":{"element":["0000000000000000",1],"first":["0000000000000002",0],` + base + `}}`, ""},
		}, `{"l":[1,3,20]}`, 1},
		{"a cycle never shows", []said{
			{"a", 1, create, ""}, {"a", 2, insertion("l", first+`,"parent":`+slotName(1, 1), "[1,2]"), ""}, {"b", 2, insertion("l", `"first":`+slotName(2, 0), "[3]"), ""},
		}, `{"l":[3]}`, 1},
		{"two slots of one id", []said{
			{"a", 1, create, ""}, {"a", 2, insertion("l", first, "[1,2]"), ""}, {"b", 2, insertion("l", first, "[3]"), ""},
		}, `{"l":[3,2]}`, 1},
		{"a floor that is not lower", []said{{"a", 1, create, ""}, {"a", 2, insertion("l", floorOf(2, "b", 1, 0)+`,`+first, "[1]"), ""}}, `{}`, 1},
		{"an array with members is an object", []said{
			{"a", 1, create, ""}, {"a", 2, insertion("l", first, "[1]"), ""}, {"b", 2, setAt("l/x", "1"), ""},
		}, `{"l":{"x":1}}`, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			entries := read(t, test.said)
			for range 5 {
				rand.Shuffle(len(entries), func(i, j int) { entries[i], entries[j] = entries[j], entries[i] })
				got := Fold(append(entries, entries...)...).Nodes["n"]
				if string(got.Value) != test.want || !strings.HasPrefix(got.Rev, fmt.Sprintf("%d-", test.n)) {
					t.Fatalf("got %s, rev %s; want %s, %d-…", got.Value, got.Rev, test.want, test.n)
				}
			}
		})
	}
}

func TestSchemaAndClose(t *testing.T) {
	schema := func(value string) string { return `{"type":"SET_SCHEMA","schema":` + value + `}` }
	for _, test := range []struct {
		said   []said
		schema string
		closed bool
	}{
		{[]said{{"a", 1, create, ""}}, "null", false},
		{[]said{{"a", 1, schema(`{"x":1}`), ""}, {"b", 1, schema(`{"y":1}`), ""}}, `{"y":1}`, false},
		{[]said{{"a", 2, schema(`null`), ""}, {"b", 1, schema(`{"y":1}`) + `,{"type":"CLOSE"}`, ""}}, `null`, true},
		{[]said{{"a", 2, schema(`5`) + `,{"type":"CLOSE"}`, ""}}, `null`, false},
	} {
		got := Fold(read(t, test.said)...)
		if string(got.Schema) != test.schema || got.Closed != test.closed {
			t.Errorf("%v: got %s, %t", test.said, got.Schema, got.Closed)
		}
	}
}

func TestMalformedEntriesSayNothing(t *testing.T) {
	const good = `{"actions":[{"id":"n","type":"CREATE_NODE"}],"number":1,"salt":"00000000000000a1","stamp":"1-0"}`
	if len(Fold(Read("aaaaaaaaaaaaaaaa", 1, []byte(good))).Nodes) != 1 {
		t.Fatal("the good one is not read")
	}
	for _, change := range [][2]string{
		{`"1-0"`, `"0-0"`},
		{`"1-0"`, `"01-0"`},
		{`"1-0"`, `"1-65536"`},
		{`"1-0"`, `"4134067199999-1"`},
		{`"1-0"`, `1`},
		{`"number":1`, `"number":0`},
		{`"number":1`, `"number":2`},
		{`"number":1`, `"number":9007199254740994`},
		{`a1"`, `A1"`},
		{`"n"`, `""`},
		{`"n"`, `"` + strings.Repeat("x", 513) + `"`},
		{`{"actions"`, `{ "actions"`},
		{`"number"`, `"n":[0],"number"`},
		{`"number"`, `"n":[1,1],"number"`},
		{`"number"`, `"birth":1,"number"`},
		{`,"salt"`, `,"salt":"00000000000000a1","salt"`},
		{`"stamp"`, `"saw":[["b",1,"c"]],"stamp"`},
		{`"stamp"`, `"saw":[["bbbbbbbbbbbbbbbb",1,"abcdefghijklmnopqrstuvwx2b"]],"stamp"`},
	} {
		if line := strings.Replace(good, change[0], change[1], 1); line == good || len(Fold(Read("aaaaaaaaaaaaaaaa", 1, []byte(line))).Nodes) > 0 {
			t.Errorf("read: %s", line)
		}
	}
}

// TestStandsAlone: an oracle that shared code with the model would agree with its errors.
func TestStandsAlone(t *testing.T) {
	p, err := build.ImportDir(".", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(append(p.Imports, p.TestImports...), p.XTestImports...) {
		if strings.HasPrefix(path, "github.com/setlogger/") {
			t.Errorf("imports %s", path)
		}
	}
	if len(p.Imports) == 0 {
		t.Fatal("no imports seen")
	}
}
