package setlog_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/setlogger/setlogger/setlog"
)

// TestUndoStepByStep undoes all that a writer did, the last first, does all of it again by undoing the undos, and undoes
// it once more: each step shows what was seen there before.
func TestUndoStepByStep(t *testing.T) {
	entries := 0
	rapid.Check(t, func(t *rapid.T) {
		h := newHistorian(1)
		for _, id := range ids {
			h.must(t, fmt.Sprintf(`{"type":"CREATE_NODE","id":%q,"properties":{"l":[1,2,3],"s":1}}`, id))
		}
		entries += h.thereAndBack(t, func() string { return drawUndoable(t, h) })
	})
	t.Logf("%d entries undone, done again and undone", entries)
}

// TestUndoEditsOfAList is TestUndoStepByStep for one array.
func TestUndoEditsOfAList(t *testing.T) {
	entries := 0
	rapid.Check(t, func(t *rapid.T) {
		h := newHistorian(1)
		h.must(t, `{"type":"CREATE_NODE","id":"a","properties":{"l":[-1,-2,-3,-4,-5,-6]}}`)
		unique := 0
		entries += h.thereAndBack(t, func() string {
			var list []string
			if l := listOf(h.shows()); l != "" {
				list = strings.Split(l, ",")
			}
			unique += 1000
			return editList(t, &list, unique)
		})
	})
	t.Logf("%d entries undone, done again and undone", entries)
}

// listOf is what stands between the brackets of the array l.
func listOf(shows string) string {
	_, list, _ := strings.Cut(shows, `"l":[`)
	list, _, _ = strings.Cut(list, "]")
	return list
}

// thereAndBack has the writer do what is drawn, and answers how many entries it became.
func (h *historian) thereAndBack(t *rapid.T, draw func() string) int {
	seen, done := []string{h.shows()}, []setlog.Entry{}
	for range rapid.IntRange(1, 12).Draw(t, "entries") {
		var bodies []string
		for range rapid.SampledFrom([]int{1, 1, 2, 3}).Draw(t, "actions") {
			bodies = append(bodies, draw())
		}
		actions, err := setlog.ParseActions([]byte(`{"actions":[` + strings.Join(bodies, ",") + `]}`))
		if err != nil {
			t.Fatal(err)
		}
		before := h.clone()
		e, err := h.append(actions)
		if err != nil || h.shows() == seen[len(seen)-1] {
			*h = *before // what shows no change is not undone, but is a write all the same
			continue
		}
		seen, done = append(seen, h.shows()), append(done, *e)
	}
	for range 2 {
		var undos, again []setlog.Entry
		for i, e := range slices.Backward(done) {
			undos = append(undos, h.step(t, e, seen[i]))
		}
		for i := range done {
			again = append(again, h.step(t, undos[len(done)-1-i], seen[i+1]))
		}
		if rapid.Bool().Draw(t, "undo the redo") {
			done = again
		}
	}
	return len(done)
}

func (h *historian) step(t *rapid.T, e setlog.Entry, want string) setlog.Entry {
	before := h.shows()
	by, u := h.undo(t, e)
	if by == nil || len(u.Left) > 0 {
		t.Fatalf("%s\nis left alone: %v\n%s\nwant\n%s", e.Line, u.Left, before, want)
	}
	if is := h.shows(); is != want {
		t.Fatalf("after\n%s\nis undone by\n%s\nit shows\n%s\nwant\n%s", e.Line, by.Line, is, want)
	}
	return *by
}

// drawUndoable draws an action that can be undone to the letter: an increment of nothing leaves a 0, and an array that an
// object hides is not put back.
func drawUndoable(t *rapid.T, h *historian) string {
	for {
		body := drawAction(t, arrayKinds)
		switch {
		case strings.Contains(body, "ARRAY") && !strings.Contains(body, `"path":["l"]`):
			continue
		case !strings.Contains(body, "INCREMENT"):
			return body
		}
		for _, id := range ids {
			if strings.Contains(body, fmt.Sprintf(`"id":%q,"path":["s"]`, id)) && strings.Contains(string(h.memory[id].Value()), `"s":1`) {
				return body
			}
		}
	}
}

// TestUndo has one writer, A, do something that B or A itself may change before A undoes it.
func TestUndo(t *testing.T) {
	const create = `{"type":"CREATE_NODE","id":"a","properties":{"n":1,"o":{"x":1},"l":["p","q","r"]}}`
	const made = `{"l":["p","q","r"],"n":1,"o":{"x":1}}`
	tests := []struct {
		name   string
		before string // A's first entry; B sees it
		undone string // A's second entry
		since  string // B's, seen by A; B has seen the entry before if it begins with "!"
		want   string // node a
		left   string // what is left alone
	}{
		{"a set", create, `{"type":"SET_PROPERTY","id":"a","property":"n","value":2}`, ``, made, ``},
		{"a new property", create, `{"type":"SET_PROPERTY","id":"a","property":"m","value":2}`, ``, made, ``},
		{"a remove", create, `{"type":"REMOVE_PROPERTY","id":"a","property":"n"}`, ``, made, ``},
		{
			"a set that was set again", create, `{"type":"SET_PROPERTY","id":"a","property":"n","value":2}`,
			`!{"type":"SET_PROPERTY","id":"a","property":"n","value":3}`, `{"l":["p","q","r"],"n":3,"o":{"x":1}}`, `a [n]: it was changed since`,
		},
		{
			"a set that another repeats", create, `{"type":"SET_PROPERTY","id":"a","path":["n"],"value":[2]}`,
			`!{"type":"SET_PROPERTY","id":"a","path":["n"],"value":[2]}`, `{"l":["p","q","r"],"n":[2],"o":{"x":1}}`, `a [n]: it was changed since`,
		},
		{
			"half of a set", create, `{"type":"SET_PROPERTY","id":"a","properties":{"n":2,"m":2}}`,
			`!{"type":"SET_PROPERTY","id":"a","property":"n","value":3}`, `{"l":["p","q","r"],"n":3,"o":{"x":1}}`, `a [n]: it was changed since`,
		},
		{
			"a set beside another", create, `{"type":"SET_PROPERTY","id":"a","property":"n","value":2}`,
			`!{"type":"SET_PROPERTY","id":"a","path":["o","y"],"value":3}`, `{"l":["p","q","r"],"n":1,"o":{"x":1,"y":3}}`, ``,
		},
		{
			"a set under another", create, `{"type":"SET_PROPERTY","id":"a","property":"o","value":{}}`,
			`!{"type":"SET_PROPERTY","id":"a","path":["o","y"],"value":3}`, `{"l":["p","q","r"],"n":1,"o":{"y":3}}`, `a [o]: it was changed since`,
		},
		{
			"a set below another", create, `{"type":"SET_PROPERTY","id":"a","path":["o","x"],"value":2}`,
			`!{"type":"SET_PROPERTY","id":"a","property":"o","value":{"x":2}}`, `{"l":["p","q","r"],"n":1,"o":{"x":2}}`, `a [o x]: it was changed since`,
		},
		{"two sets of one path", create, `{"actions":[{"type":"SET_PROPERTY","id":"a","property":"n","value":2},{"type":"SET_PROPERTY","id":"a","path":["n","y"],"value":3}]}`, ``, made, ``},
		{
			"an increment", create, `{"type":"INCREMENT","id":"a","property":"n","by":5}`,
			`{"type":"INCREMENT","id":"a","property":"n","by":7}`, `{"l":["p","q","r"],"n":8,"o":{"x":1}}`, ``,
		},
		{"an increment of nothing", create, `{"type":"INCREMENT","id":"a","property":"m","by":5}`, ``, `{"l":["p","q","r"],"m":0,"n":1,"o":{"x":1}}`, ``},
		{
			"an increment that was set", create, `{"type":"INCREMENT","id":"a","property":"n","by":5}`,
			`!{"type":"SET_PROPERTY","id":"a","property":"n","value":0}`, `{"l":["p","q","r"],"n":0,"o":{"x":1}}`, `a [n]: the counter was set since`,
		},
		{"increments that are nothing", create, `{"actions":[{"type":"INCREMENT","id":"a","property":"n","by":5},{"type":"INCREMENT","id":"a","property":"n","by":-5}]}`, ``, made, ``},
		{"a create", `{"type":"OTHER"}`, create, ``, ``, ``},
		{
			"a create that was changed", `{"type":"OTHER"}`, create, `!{"type":"SET_PROPERTY","id":"a","property":"m","value":3}`,
			`{"l":["p","q","r"],"m":3,"n":1,"o":{"x":1}}`, `a []: it was changed since`,
		},
		{"a create that was deleted", `{"type":"OTHER"}`, create, `!{"type":"DELETE_NODE","id":"a"}`, ``, ``},
		{"a create of what lives", create, `{"type":"CREATE_NODE","id":"a","properties":{"n":2}}`, ``, made, ``},
		{"a delete", create, `{"type":"DELETE_NODE","id":"a"}`, ``, made, ``},
		{"a delete of what was deleted", create, `{"type":"DELETE_NODE","id":"a"}`, `{"type":"DELETE_NODE","id":"a"}`, ``, `a []: the node was deleted once more since`},
		{
			"a delete of what was made again", create, `{"type":"DELETE_NODE","id":"a"}`,
			`!{"type":"CREATE_NODE","id":"a","properties":{"n":9}}`, `{"n":9}`, `a []: the node was made again since`,
		},
		{"a delete and a new life", create, `{"actions":[{"type":"DELETE_NODE","id":"a"},{"type":"CREATE_NODE","id":"a","properties":{"n":9,"m":9}}]}`, ``, made, ``},
		{"a short life", `{"type":"OTHER"}`, `{"actions":[{"type":"CREATE_NODE","id":"a"},{"type":"DELETE_NODE","id":"a"}]}`, ``, ``, ``},
		{"a set of what was deleted", create, `{"type":"SET_PROPERTY","id":"a","property":"n","value":2}`, `!{"type":"DELETE_NODE","id":"a"}`, ``, `a []: the node was deleted since`},
		{
			"an insert", create, `{"type":"ARRAY_INSERT","id":"a","property":"l","index":1,"values":["x","y"]}`,
			`!{"type":"ARRAY_INSERT","id":"a","property":"l","index":2,"value":"z"}`, `{"l":["p","z","q","r"],"n":1,"o":{"x":1}}`, ``,
		},
		{
			"an insert that was set", create, `{"type":"ARRAY_INSERT","id":"a","property":"l","index":1,"values":["x","y"]}`,
			`!{"type":"ARRAY_SET","id":"a","property":"l","index":1,"value":"z"}`, `{"l":["p","z","q","r"],"n":1,"o":{"x":1}}`, `a [l]: the element was changed since`,
		},
		{
			"an insert that was moved", create, `{"type":"ARRAY_INSERT","id":"a","property":"l","index":1,"values":["x","y"]}`,
			`!{"type":"ARRAY_MOVE","id":"a","property":"l","index":1,"to":0}`, `{"l":["x","p","q","r"],"n":1,"o":{"x":1}}`, `a [l]: the element was moved since`,
		},
		{
			"an insert that was removed", create, `{"type":"ARRAY_INSERT","id":"a","property":"l","index":1,"values":["x","y"]}`,
			`!{"type":"ARRAY_REMOVE","id":"a","property":"l","index":1}`, made, ``,
		},
		{"a first insert", create, `{"type":"ARRAY_INSERT","id":"a","property":"k","index":0,"values":["x","y"]}`, ``, made, ``},
		{
			"a remove from a list", create, `{"type":"ARRAY_REMOVE","id":"a","property":"l","index":0,"count":2}`,
			`{"type":"ARRAY_INSERT","id":"a","property":"l","index":1,"value":"z"}`, `{"l":["p","z","q","r"],"n":1,"o":{"x":1}}`, ``,
		},
		{
			"a set in a list", create, `{"type":"ARRAY_SET","id":"a","property":"l","index":1,"value":"z"}`,
			`!{"type":"ARRAY_MOVE","id":"a","property":"l","index":1,"to":2}`, made2(`"p","r","q"`), ``,
		},
		{
			"a set in a list that was removed", create, `{"type":"ARRAY_SET","id":"a","property":"l","index":1,"value":"z"}`,
			`!{"type":"ARRAY_REMOVE","id":"a","property":"l","index":1}`, made2(`"p","r"`), `a [l]: the element was removed since`,
		},
		{
			"a move", create, `{"type":"ARRAY_MOVE","id":"a","property":"l","index":0,"to":2}`,
			`!{"type":"ARRAY_SET","id":"a","property":"l","index":2,"value":"z"}`, made2(`"z","q","r"`), ``,
		},
		{
			"a move that was moved", create, `{"type":"ARRAY_MOVE","id":"a","property":"l","index":0,"to":2}`,
			`!{"type":"ARRAY_MOVE","id":"a","property":"l","index":2,"to":1}`, made2(`"q","p","r"`), `a [l]: the element was moved since`,
		},
		{
			"an edit of a list that was replaced", create, `{"type":"ARRAY_MOVE","id":"a","property":"l","index":0,"to":2}`,
			`!{"type":"SET_PROPERTY","id":"a","property":"l","value":[]}`, made2(``), `a [l]: the array was replaced since`,
		},
		{
			"a list that an object hides", create, `{"type":"ARRAY_INSERT","id":"a","property":"l","index":0,"value":"x"}`,
			`!{"type":"SET_PROPERTY","id":"a","path":["l","y"],"value":1}`, `{"l":{"y":1},"n":1,"o":{"x":1}}`,
			`a [l]: ARRAY_REMOVE needs an array or nothing, not {"y":1}`,
		},
		{"a list that the entry replaced", create, `{"actions":[{"type":"SET_PROPERTY","id":"a","property":"l","value":[1]},{"type":"ARRAY_INSERT","id":"a","property":"l","index":0,"value":"x"}]}`, ``, made, ``},
		{"what changes nothing", create, `{"type":"OTHER","id":"a"}`, ``, made, ``},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a, b := newHistorian(1), newHistorian(2)
			a.must(t, test.before)
			b.take(t, a)
			e := a.must(t, test.undone)
			if since, ok := strings.CutPrefix(test.since, "!"); ok {
				b.take(t, a)
				b.must(t, since)
			} else if since != "" {
				b.must(t, since)
			}
			a.take(t, b)
			_, u := a.undo(t, e)
			var left []string
			for _, l := range u.Left {
				left = append(left, fmt.Sprintf("%s %v: %s", l.ID, l.Path, l.Reason))
			}
			if is := string(a.memory["a"].Value()); is != test.want || strings.Join(left, "\n") != test.left {
				t.Errorf("it is\n%s, left alone %q, want\n%s, left alone %q", is, left, test.want, test.left)
			}
			b.take(t, a)
			if is, there := a.shows(), b.shows(); is != there {
				t.Errorf("A shows\n%s\nB shows\n%s", is, there)
			}
		})
	}
}

func made2(list string) string { return `{"l":[` + list + `],"n":1,"o":{"x":1}}` }

// TestUndoOfTheSchema puts former schemas back.
func TestUndoOfTheSchema(t *testing.T) {
	h := newHistorian(1)
	first := h.must(t, `{"type":"SET_SCHEMA","schema":{"title":"first"}}`)
	second := h.must(t, `{"type":"SET_SCHEMA","schema":{"title":"second"}}`)
	if _, u := h.undo(t, first); len(u.Left) != 1 || u.Left[0].Reason != "the schema was set since" {
		t.Errorf("the first of two schemas: %+v", u)
	}
	by, _ := h.undo(t, second)
	if !strings.Contains(string(by.Line), `"schema":{"title":"first"}`) {
		t.Errorf("the second is undone by %s", by.Line)
	}
	by, _ = h.undo(t, first)
	if !strings.Contains(string(by.Line), `"schema":null`) {
		t.Errorf("then the first is undone by %s", by.Line)
	}
	if by, u := h.undo(t, h.must(t, `{"type":"SET_SCHEMA","schema":null}`)); by != nil || len(u.Left) > 0 {
		t.Errorf("what changes nothing is undone by %+v", by)
	}
}

// TestUndoneBy follows undos of undos.
func TestUndoneBy(t *testing.T) {
	h := newHistorian(1)
	e := h.must(t, `{"type":"CREATE_NODE","id":"a"}`)
	undone := func() string {
		past := setlog.NewPast(e)
		for _, other := range h.log {
			if err := past.Add(other); err != nil {
				t.Fatal(err)
			}
		}
		by, ok := past.UndoneBy()
		return fmt.Sprint(by.Number, ok)
	}
	for i, want := range []string{"2 true", "0 false", "2 true"} {
		last := h.log[len(h.log)-1]
		h.undo(t, last)
		if is := undone(); is != want {
			t.Errorf("after %d undos it is undone by %s, want %s", i+1, is, want)
		}
	}
	forged := setlog.Undos{}
	for _, body := range []string{
		`{"type":"OTHER","undoes":"` + setlog.EntryID{Writer: h.writer, Number: h.number + 2}.String() + `"}`,
		`{"type":"OTHER","undoes":"` + setlog.EntryID{Writer: h.writer, Number: h.number + 1}.String() + `"}`,
	} {
		forged.Note(h.must(t, body))
	}
	if _, ok := forged.Of(h.log[len(h.log)-1].ID()); !ok {
		t.Error("one of two that undo each other does not count")
	}
	for _, text := range []string{"", "x:1", e.Writer.String(), e.Writer.String() + ":0", e.Writer.String() + ":01", e.Writer.String() + ":9007199254740993"} {
		if _, err := setlog.ParseEntryID(text); err == nil {
			t.Errorf("%q is read as an entry", text)
		}
	}
}
