package endtoend

import "testing"

// message is what a stream says of one writer's nodes.
type message struct {
	kind       string // change, snapshot, reset, ready, broke
	made, gone []int
}

// TestTally: what is lost or doubled is found, and what a snapshot or a break repeats is not taken for it.
func TestTally(t *testing.T) {
	change := func(made ...int) message { return message{kind: "change", made: made} }
	deleted := func(gone ...int) message { return message{kind: "change", gone: gone} }
	snapshot := func(made ...int) message { return message{kind: "snapshot", made: made} }
	reset, ready, broke := message{kind: "reset"}, message{kind: "ready"}, message{kind: "broke"}
	for name, c := range map[string]struct {
		told                 []message
		lost, doubled, again int
	}{
		"each once":                     {told: []message{change(0, 1), ready, change(2), deleted(0), deleted(1), ready}},
		"one is missing":                {told: []message{change(0, 2)}, lost: 1},
		"one comes twice":               {told: []message{change(0, 1), ready, change(1)}, doubled: 1},
		"a deletion is missing":         {told: []message{change(0, 1, 2), deleted(0, 2)}, lost: 1},
		"a deletion comes twice":        {told: []message{change(0, 1), deleted(0), deleted(0)}, doubled: 1},
		"again after a break":           {told: []message{change(0), ready, change(1, 2), broke, change(1, 2), ready}},
		"a break loses one":             {told: []message{change(0), ready, change(1, 2), broke, change(2), ready}, lost: 1},
		"twice on one side of a break":  {told: []message{change(0), ready, broke, change(0)}, doubled: 1},
		"a snapshot, then what follows": {told: []message{reset, snapshot(5, 6, 7), ready, change(8), deleted(5)}},
		"a snapshot ahead of the log":   {told: []message{reset, snapshot(5, 6, 7), ready, change(6, 7, 8), deleted(4, 5)}, again: 2},
		"a snapshot with a gap":         {told: []message{reset, snapshot(5, 7), ready, change(6, 7, 8)}, again: 2},
		"a snapshot lacks one":          {told: []message{reset, snapshot(5, 7), ready, change(7, 8)}, lost: 1, again: 1},
		"one lost after a snapshot":     {told: []message{reset, snapshot(5, 6), ready, change(8)}, lost: 1},
		"a deletion lost after one":     {told: []message{reset, snapshot(5, 6), ready, deleted(6)}, lost: 1},
		"twice after a snapshot":        {told: []message{reset, snapshot(5, 6), ready, change(6), change(6)}, doubled: 1, again: 2},
	} {
		t.Run(name, func(t *testing.T) {
			var got tally
			var sure [soakWriters]sequence
			for _, m := range c.told {
				got.hear(m, &sure)
			}
			if got.lost != c.lost || got.doubled != c.doubled || got.again != c.again {
				t.Errorf("lost %d, doubled %d, again %d: %s", got.lost, got.doubled, got.again, got.complaint)
			}
			if (got.complaint != "") != (c.lost+c.doubled > 0) {
				t.Errorf("complaint %q", got.complaint)
			}
		})
	}
}

// hear takes a message in as a subscriber does.
func (t *tally) hear(m message, sure *[soakWriters]sequence) {
	const writer = 3
	switch m.kind {
	case "reset":
		t.reset()
	case "ready":
		t.ready()
		*sure = t.sequences
	case "broke":
		t.broke(*sure)
	}
	for _, k := range m.made {
		n := toldNode{ID: ringID(writer, k), Rev: "1-0"}
		n.Value.K = k
		t.take([]toldNode{n})
	}
	for _, k := range m.gone {
		t.take([]toldNode{{ID: ringID(writer, k), Deleted: true}})
	}
}
