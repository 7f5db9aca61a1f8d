package setlog_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/setlogger/setlogger/setlog"
)

const emptyNode = `{"type":"CREATE_NODE","id":"a"}`

func TestArrays(t *testing.T) {
	abc := `{"type":"ARRAY_INSERT","id":"a","property":"l","index":0,"values":["a","b","c"]}`
	tests := []struct {
		name    string
		actions []string
		want    string // members of the node; empty: not looked at
		refused string // by the last action
	}{
		{"insert into nothing", []string{abc}, `"l":["a","b","c"]`, ""},
		{"insert one value", []string{`{"type":"ARRAY_INSERT","id":"a","property":"l","index":0,"value":{"x":1}}`}, `"l":[{"x":1}]`, ""},
		{"insert an array as several", []string{`{"type":"ARRAY_INSERT","id":"a","property":"l","index":0,"value":[1,[2]]}`}, `"l":[1,[2]]`, ""},
		{"insert in front", []string{abc, `{"type":"ARRAY_INSERT","id":"a","property":"l","index":0,"value":"x"}`}, `"l":["x","a","b","c"]`, ""},
		{"insert between", []string{abc, `{"type":"ARRAY_INSERT","id":"a","property":"l","index":1,"value":"x"}`, `{"type":"ARRAY_INSERT","id":"a","property":"l","index":1,"value":"y"}`}, `"l":["a","y","x","b","c"]`, ""},
		{"insert at the end", []string{abc, `{"type":"ARRAY_INSERT","id":"a","property":"l","index":3,"value":"x"}`}, `"l":["a","b","c","x"]`, ""},
		{"insert beyond the end", []string{abc, `{"type":"ARRAY_INSERT","id":"a","property":"l","index":4,"value":"x"}`}, ``, "index is 4 in an array of 3"},
		{"insert behind what is removed", []string{abc, `{"type":"ARRAY_REMOVE","id":"a","property":"l","index":1}`, `{"type":"ARRAY_INSERT","id":"a","property":"l","index":1,"value":"x"}`}, `"l":["a","x","c"]`, ""},
		{"deep", []string{`{"type":"ARRAY_INSERT","id":"a","path":["o","l"],"index":0,"value":1}`}, `"o":{"l":[1]}`, ""},
		{"into a plain array", []string{`{"type":"SET_PROPERTY","id":"a","properties":{"l":[1,2,3]}}`, `{"type":"ARRAY_INSERT","id":"a","property":"l","index":1,"value":9}`}, `"l":[1,9,2,3]`, ""},
		{"into an array in a plain object", []string{`{"type":"SET_PROPERTY","id":"a","properties":{"o":{"l":[1,2,3],"x":1}}}`, `{"type":"ARRAY_REMOVE","id":"a","path":["o","l"],"index":1}`}, `"o":{"l":[1,3],"x":1}`, ""},
		{"remove all of a plain array", []string{`{"type":"SET_PROPERTY","id":"a","properties":{"l":[1,2,3]}}`, `{"type":"ARRAY_REMOVE","id":"a","property":"l","index":0,"count":3}`}, `"l":[]`, ""},
		{"remove all of an inserted array", []string{abc, `{"type":"ARRAY_REMOVE","id":"a","property":"l","index":0,"count":3}`}, ``, ""},
		{"remove beyond the end", []string{abc, `{"type":"ARRAY_REMOVE","id":"a","property":"l","index":1,"count":3}`}, ``, "reach beyond"},
		{"remove of nothing", []string{`{"type":"ARRAY_REMOVE","id":"a","property":"l","index":0}`}, ``, "has none"},
		{"set", []string{abc, `{"type":"ARRAY_SET","id":"a","property":"l","index":1,"value":[1]}`}, `"l":["a",[1],"c"]`, ""},
		{"set of a plain element", []string{`{"type":"SET_PROPERTY","id":"a","properties":{"l":[1,2,3]}}`, `{"type":"ARRAY_SET","id":"a","property":"l","index":2,"value":9}`}, `"l":[1,2,9]`, ""},
		{"set beyond the end", []string{abc, `{"type":"ARRAY_SET","id":"a","property":"l","index":3,"value":1}`}, ``, "index is 3"},
		{"move down", []string{abc, `{"type":"ARRAY_MOVE","id":"a","property":"l","index":0,"to":2}`}, `"l":["b","c","a"]`, ""},
		{"move up", []string{abc, `{"type":"ARRAY_MOVE","id":"a","property":"l","index":2,"to":0}`}, `"l":["c","a","b"]`, ""},
		{"move to where it is", []string{abc, `{"type":"ARRAY_MOVE","id":"a","property":"l","index":1,"to":1}`}, `"l":["a","b","c"]`, ""},
		{"move a plain element, set and remove it", []string{`{"type":"SET_PROPERTY","id":"a","properties":{"l":[1,2,3]}}`, `{"type":"ARRAY_MOVE","id":"a","property":"l","index":0,"to":1}`, `{"type":"ARRAY_SET","id":"a","property":"l","index":1,"value":9}`, `{"type":"ARRAY_REMOVE","id":"a","property":"l","index":0}`}, `"l":[9,3]`, ""},
		{"move beyond the end", []string{abc, `{"type":"ARRAY_MOVE","id":"a","property":"l","index":1,"to":3}`}, ``, "to is 3 in an array of 3"},
		{"on a string", []string{`{"type":"SET_PROPERTY","id":"a","properties":{"l":"x"}}`, abc}, ``, "needs an array"},
		{"on an object", []string{`{"type":"SET_PROPERTY","id":"a","path":["l","x"],"value":1}`, abc}, ``, "needs an array"},
		{"on null", []string{`{"type":"SET_PROPERTY","id":"a","properties":{"l":null}}`, abc}, ``, "needs an array"},
		{"on a counter", []string{`{"type":"INCREMENT","id":"a","property":"l"}`, abc}, ``, "needs an array"},
		{"on a dead node", []string{`{"type":"DELETE_NODE","id":"a"}`, abc}, ``, "no node"},
		{"a set begins anew", []string{abc, `{"type":"SET_PROPERTY","id":"a","properties":{"l":[1]}}`, abc}, `"l":["a","b","c",1]`, ""},
		{"a remove begins anew", []string{abc, `{"type":"REMOVE_PROPERTY","id":"a","property":"l"}`}, ``, ""},
		{"a deeper write makes an object", []string{abc, `{"type":"SET_PROPERTY","id":"a","path":["l","x"],"value":1}`}, `"l":{"x":1}`, ""},
		{"in one transaction", []string{`{"actions":[` + abc + `,{"type":"ARRAY_SET","id":"a","property":"l","index":2,"value":1},` + abc + `]}`}, `"l":["a","b","c","a","b",1]`, ""},
		{"no values", []string{`{"type":"ARRAY_INSERT","id":"a","property":"l","index":0,"values":[]}`}, ``, "at least one value"},
		{"values that are none", []string{`{"type":"ARRAY_INSERT","id":"a","property":"l","index":0,"values":1}`}, ``, "is an array"},
		{"values and value", []string{`{"type":"ARRAY_INSERT","id":"a","property":"l","index":0,"values":[1],"value":1}`}, ``, "either"},
		{"no index", []string{`{"type":"ARRAY_INSERT","id":"a","property":"l","value":1}`}, ``, "index of ARRAY_INSERT is an integer"},
		{"half an index", []string{`{"type":"ARRAY_INSERT","id":"a","property":"l","index":0.5,"value":1}`}, ``, "integer"},
		{"no to", []string{abc, `{"type":"ARRAY_MOVE","id":"a","property":"l","index":0}`}, ``, "to of ARRAY_MOVE"},
		{"count of none", []string{abc, `{"type":"ARRAY_REMOVE","id":"a","property":"l","index":0,"count":0}`}, ``, "from 1"},
		{"set to nothing", []string{abc, `{"type":"ARRAY_SET","id":"a","property":"l","index":0}`}, ``, "needs a value"},
		{"slots of a caller", []string{`{"type":"ARRAY_INSERT","id":"a","property":"l","index":0,"value":1,"slots":{"first":["00000000000000aa",0]}}`}, ``, "set by SetLogger"},
		{"as deep as it goes", []string{`{"type":"ARRAY_INSERT","id":"a","property":"l","index":0,"values":[` + nest(61) + `]}`}, `"l":[` + nest(61) + `]`, ""},
		{"too deep", []string{`{"type":"ARRAY_INSERT","id":"a","property":"l","index":0,"values":[` + nest(62) + `]}`}, ``, "deeper"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			m, d := memory{}, &device{}
			_, err := m.act(t, d, emptyNode)
			for _, body := range test.actions {
				check(t, err, "")
				_, err = m.act(t, d, body)
			}
			check(t, err, test.refused)
			if got := string(m["a"].Value()); got != "{"+test.want+"}" && test.want != "" {
				t.Errorf("node is %s, want {%s}", got, test.want)
			}
		})
	}
}

// TestArrayAsAList edits an array and a list side by side, alone and by two writers who see each other's entries late.
func TestArrayAsAList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m, clock, runs := memory{}, setlog.Clock{}, &setlog.Runs{}
		var list []string
		now, number := start, uint64(0)
		base := rapid.IntRange(0, 200).Draw(t, "base")
		for i := range base {
			list = append(list, fmt.Sprint(-1-i))
		}
		bodies := []string{`{"type":"CREATE_NODE","id":"a","properties":{"l":[` + strings.Join(list, ",") + `]}}`}
		for i := range rapid.IntRange(1, 60).Draw(t, "edits") {
			bodies = append(bodies, editList(t, &list, i*1000))
		}
		for i, body := range bodies {
			actions, err := setlog.ParseActions([]byte(body))
			if err != nil {
				t.Fatal(err)
			}
			number++
			now = now.Add(time.Duration(rapid.IntRange(0, 1500).Draw(t, "pause")) * time.Millisecond)
			e, change, err := setlog.Compose(m, setlog.Draft{Number: number, Salt: setlog.Salt(i + 1), Now: now, Clock: &clock, Runs: runs}, actions)
			if err != nil {
				t.Fatal(body, err)
			}
			if _, err := setlog.ParseEntry(e.Writer, e.Number, e.Line); err != nil {
				t.Fatal(err)
			}
			m.apply(change)
		}
		if want := `{"l":[` + strings.Join(list, ",") + `]}`; string(m["a"].Value()) != want {
			t.Fatalf("array is %s, want %s", m["a"].Value(), want)
		}
	})
}

// editList draws an edit, does it to a list and answers the action that does it to the array.
func editList(t *rapid.T, list *[]string, unique int) string {
	n := len(*list)
	kind := rapid.SampledFrom([]string{"INSERT", "INSERT", "INSERT", "REMOVE", "SET", "MOVE"}).Draw(t, "kind")
	if n == 0 {
		kind = "INSERT"
	}
	index := rapid.IntRange(0, max(n-1, 0)).Draw(t, "index")
	switch kind {
	case "REMOVE":
		count := rapid.IntRange(1, min(n-index, 20)).Draw(t, "count")
		*list = slices.Delete(*list, index, index+count)
		return fmt.Sprintf(`{"type":"ARRAY_REMOVE","id":"a","property":"l","index":%d,"count":%d}`, index, count)
	case "SET":
		(*list)[index] = fmt.Sprint(unique)
		return fmt.Sprintf(`{"type":"ARRAY_SET","id":"a","property":"l","index":%d,"value":%d}`, index, unique)
	case "MOVE":
		to := rapid.IntRange(0, n-1).Draw(t, "to")
		moved := (*list)[index]
		*list = slices.Insert(slices.Delete(*list, index, index+1), to, moved)
		return fmt.Sprintf(`{"type":"ARRAY_MOVE","id":"a","property":"l","index":%d,"to":%d}`, index, to)
	}
	if rapid.Bool().Draw(t, "end") {
		index = n
	}
	var values []string
	for i := range rapid.SampledFrom([]int{1, 1, 2, 30, 150}).Draw(t, "many") {
		values = append(values, fmt.Sprint(unique+i))
	}
	*list = slices.Insert(*list, max(index, 0), values...)
	return fmt.Sprintf(`{"type":"ARRAY_INSERT","id":"a","property":"l","index":%d,"values":[%s]}`, max(index, 0), strings.Join(values, ","))
}
