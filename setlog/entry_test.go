package setlog_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/setlogger/setlogger/setlog"
)

// TestInapplicableEntriesFoldToNothing changes a good line in each of the ways that docs/format.md names.
func TestInapplicableEntriesFoldToNothing(t *testing.T) {
	const good = `{"actions":[{"id":"a","property":"x","run":{"floor":["5-0","aaaaaaaaaaaaaaaa",1,0],"salt":"0000000000000001","total":5},"type":"INCREMENT"}],"n":[2],"number":3,"salt":"0000000000000001","saw":[["aaaaaaaaaaaaaaaa",1,"abcdefghijklmnopqrstuvwx2a"]],"stamp":"9-0"}`
	if _, err := setlog.ParseEntry(setlog.Writer{}, 3, []byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{
		{`{"actions"`, ` {"actions"`},
		{`"number":3`, `"number":4`},
		{`"stamp":"9-0"`, `"stamp":"0-0"`},
		{`"stamp":"9-0"`, `"stamp":"9"`},
		{`"stamp":"9-0"`, `"stamp":"281474976710655-0"`},
		{`"stamp":"9-0"`, `"stamp":9`},
		{`"stamp":"9-0"`, `"stamp":"4-0"`}, // the floor of the run is not below it
		{`"salt":"0000000000000001","saw"`, `"salt":"1","saw"`},
		{`"n":[2]`, `"n":2`},
		{`"n":[2]`, `"n":[0]`},
		{`"n":[2]`, `"n":["2"]`},
		{`"saw":[["aaaaaaaaaaaaaaaa",1,"abcdefghijklmnopqrstuvwx2a"]]`, `"saw":{}`},
		{`"saw":[["aaaaaaaaaaaaaaaa",1,"abcdefghijklmnopqrstuvwx2a"]]`, `"saw":[[1,1,"abcdefghijklmnopqrstuvwx2a"]]`},
		{`"saw":[["aaaaaaaaaaaaaaaa",1,"abcdefghijklmnopqrstuvwx2a"]]`, `"saw":["x"]`},
		{`x2a"`, `x2"`},
		{`x2a"`, `x2aa"`},
		{`x2a"`, `x2b"`}, // bits beyond the 128
		{`x2a"`, `x1a"`},
		{`x2a"`, `X2a"`},
		{`"abcdefghijklmnopqrstuvwx2a"`, `7`},
		{`"actions":[`, `"actionz":[`},
		{`"type":"INCREMENT"`, `"typo":"INCREMENT"`},
		{`"type":"INCREMENT"`, `"type":"SET_PROPERTY"`},
		{`"type":"INCREMENT"`, `"type":7`},
		{`"run":{`, `"ruin":{`},
		{`"run":{"floor":["5-0","aaaaaaaaaaaaaaaa",1,0],"salt":"0000000000000001","total":5}`, `"run":5`},
		{`"total":5`, `"total":0.5`},
		{`"total":5`, `"totem":5`},
		{`"floor":["5-0","aaaaaaaaaaaaaaaa",1,0]`, `"floor":["5-0",1,0]`},
		{`"floor":["5-0","aaaaaaaaaaaaaaaa",1,0]`, `"floor":["5-0","aaaaaaaaaaaaaaaa",0,0]`},
		{`"floor":["5-0","aaaaaaaaaaaaaaaa",1,0]`, `"floor":5`},
		{good, `[]`},
		{good, `{`},
		{good, ``},
	} {
		line := strings.Replace(good, change[0], change[1], 1)
		if line == good {
			t.Fatalf("%s changes nothing", change)
		}
		e, err := setlog.ParseEntry(setlog.Writer{}, 3, []byte(line))
		if !errors.Is(err, setlog.ErrEntry) || e.Number != 3 || string(e.Line) != line {
			t.Errorf("%s: %+v, %v", line, e, err)
		}
		if c, err := setlog.Fold(memory{}, e); err != nil || len(c.Nodes) > 0 {
			t.Errorf("%s folds to %+v, %v", line, c, err)
		}
	}
}

func TestHeadsAreOrdered(t *testing.T) {
	a, b := setlog.Head{Number: 1, Chain: "a"}, setlog.Head{Number: 1, Chain: "b"}
	if setlog.CompareHeads(a, b) >= 0 || setlog.CompareHeads(b, a) <= 0 || setlog.CompareHeads(a, a) != 0 {
		t.Error("heads of a fork have no order")
	}
}

func TestLongEntriesAreRefused(t *testing.T) {
	m, d := memory{}, &device{}
	big := strings.Repeat("x", 600_000)
	_, err := m.act(t, d, `{"type":"CREATE_NODE","id":"a","properties":{"x":"`+big+`"}}`)
	check(t, err, "")
	clock := d.clock
	var actions []setlog.Action
	for range 2 {
		a, err := setlog.ParseAction([]byte(`{"type":"SET_PROPERTY","id":"a","properties":{"x":"` + big + `y"}}`))
		check(t, err, "")
		actions = append(actions, a)
	}
	_, _, err = setlog.Compose(m, setlog.Draft{Number: 2, Now: start, Clock: &d.clock}, actions)
	check(t, err, "more than 1 MiB")
	if d.clock != clock {
		t.Error("a refused entry moved the clock")
	}
}
