package history

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/setlogger/setlogger/setlog"
)

// Scene is something that a history may show. A harness in which one never occurs is blind to it.
type Scene int

// The scenes that are counted.
const (
	ConcurrentEdits  Scene = iota // of one array, neither writer having seen the other's
	ConcurrentMoves               // of one element
	ConcurrentSets                // of one element
	MoveAndRemove                 // of one element, concurrently
	ManyEdits                     // at least half of at least six actions are on arrays
	Fork                          // two entries of one writer and number
	Revival                       // a deleted node is created again
	SkewedClock                   // more than an hour off
	Forged                        // an entry that no device composed, and that changes something
	SharedSlot                    // two entries make slots of one id
	ConcurrentCounts              // two writers' increments at one path
	SchemaRace                    // two concurrent SET_SCHEMA
	scenes
)

// String names the scene.
func (s Scene) String() string {
	return [...]string{
		"concurrent edits of an array", "concurrent moves of an element", "concurrent sets of an element",
		"a move beside a remove", "mostly arrays", "a fork", "a revival", "a skewed clock", "a forged entry",
		"slots of one id", "increments of two writers", "concurrent schemas",
	}[s]
}

// Scenes counts the histories that show each scene.
type Scenes [scenes]int

// Add adds other counts.
func (s *Scenes) Add(o Scenes) {
	for i := range s {
		s[i] += o[i]
	}
}

// String is a table.
func (s *Scenes) String() string {
	var text strings.Builder
	for i, count := range s {
		fmt.Fprintf(&text, "%-34s%12d\n", "histories with "+Scene(i).String(), count)
	}
	return text.String()
}

// touch is what an action does to an array, a counter or the schema.
type touch struct {
	record  int
	kind    string
	where   string // node and path
	element string // of sets and moves
	first   string // of inserts and moves
	spans   []json.RawMessage
}

// see counts what the history shows.
func (h *History) see() Scenes {
	var all Scenes
	note := func(s Scene, is bool) {
		if is {
			all[s] = 1
		}
	}
	edits, actions := h.touches()
	note(ManyEdits, actions >= 6 && 2*len(edits) >= actions)
	for i, a := range edits {
		for _, b := range edits[i+1:] {
			h.compare(a, b, note)
		}
	}
	for i := range h.Records {
		for j := range i {
			a, b := &h.Records[i], &h.Records[j]
			note(Fork, a.Writer == b.Writer && a.Number == b.Number && !bytes.Equal(a.Line, b.Line))
		}
		note(Revival, bytes.Contains(h.Records[i].Line, []byte(`"revive":true`)))
		note(Forged, h.forged&(1<<i) != 0 && len(h.Records[i].Actions) > 0)
	}
	for _, d := range h.devices {
		note(SkewedClock, d.skew.Abs() > time.Hour)
	}
	return all
}

// compare notes what two touches of different entries show together; a's entry was made first.
func (h *History) compare(a, b touch, note func(Scene, bool)) {
	apart := a.record != b.record && h.saw[b.record]&(1<<a.record) == 0 && a.where == b.where
	kinds := [2]string{a.kind, b.kind}
	isEdit := a.where != "" && !slices.Contains(kinds[:], setlog.Increment)
	note(ConcurrentEdits, apart && isEdit)
	note(ConcurrentMoves, apart && kinds == [2]string{setlog.ArrayMove, setlog.ArrayMove} && a.element == b.element)
	note(ConcurrentSets, apart && kinds == [2]string{setlog.ArraySet, setlog.ArraySet} && a.element == b.element)
	note(MoveAndRemove, apart && (a.kind == setlog.ArrayMove && b.removes(a.element) || b.kind == setlog.ArrayMove && a.removes(b.element)))
	note(SharedSlot, a.record != b.record && a.where == b.where && a.first != "" && a.first == b.first)
	note(ConcurrentCounts, apart && kinds == [2]string{setlog.Increment, setlog.Increment})
	note(SchemaRace, apart && kinds == [2]string{setlog.SetSchema, setlog.SetSchema})
}

// removes tells whether a remove names the element first in one of its spans.
func (t touch) removes(element string) bool {
	return t.kind == setlog.ArrayRemove && slices.ContainsFunc(t.spans, func(span json.RawMessage) bool {
		return bytes.HasPrefix(span, []byte(strings.TrimSuffix(element, "]")+","))
	})
}

// touches lists what the entries do to arrays, counters and the schema, and counts all actions.
func (h *History) touches() (all []touch, actions int) {
	for i, r := range h.Records {
		actions += len(r.Actions)
		for _, a := range r.Actions {
			switch a.Type {
			case setlog.SetSchema:
				all = append(all, touch{record: i, kind: a.Type})
			case setlog.Increment, setlog.ArrayInsert, setlog.ArrayRemove, setlog.ArraySet, setlog.ArrayMove:
				all = append(all, readTouch(i, a))
			}
		}
	}
	return all, actions
}

func readTouch(record int, a setlog.Action) touch {
	var says struct {
		Path  json.RawMessage
		Slots struct {
			Element, First json.RawMessage
			Spans          []json.RawMessage
		}
	}
	_ = json.Unmarshal(a.JSON, &says) // it was read before
	return touch{record, a.Type, a.ID + string(says.Path), string(says.Slots.Element), string(says.Slots.First), says.Slots.Spans}
}
