package history

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/setlogger/setlogger/setlog"
)

// Tally counts what became of actions, by type.
type Tally map[string]*Outcome

// Outcome counts actions of one type.
type Outcome struct {
	Appended, Refused, Unchanged int
}

// Add adds another tally.
func (t Tally) Add(o Tally) {
	for kind, outcome := range o {
		sum := t.count(kind)
		sum.Appended += outcome.Appended
		sum.Refused += outcome.Refused
		sum.Unchanged += outcome.Unchanged
	}
}

// String is a table.
func (t Tally) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%-18s%12s%12s%12s\n", "type", "appended", "refused", "unchanged")
	for _, kind := range slices.Sorted(maps.Keys(t)) {
		fmt.Fprintf(&text, "%-18s%12d%12d%12d\n", kind, t[kind].Appended, t[kind].Refused, t[kind].Unchanged)
	}
	return text.String()
}

func (t Tally) count(kind string) *Outcome {
	if t[kind] == nil {
		t[kind] = &Outcome{}
	}
	return t[kind]
}

func (t Tally) accept(actions []setlog.Action) {
	for _, a := range actions {
		t.count(a.Type).Appended++
	}
}

// refuse counts the action at a position of what a caller sent.
func (t Tally) refuse(body string, position int) {
	type action struct {
		Type    string
		Actions []action
	}
	var sent action
	_ = json.Unmarshal([]byte(body), &sent) // it is the author's own
	if position < len(sent.Actions) {
		sent = sent.Actions[position]
	}
	t.count(sent.Type).Refused++
}
