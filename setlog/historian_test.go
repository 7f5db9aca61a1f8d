package setlog_test

import (
	"maps"
	"slices"
	"strings"

	"github.com/setlogger/setlogger/setlog"
)

// historian is a writer, its state and the log of all that it holds.
type historian struct {
	device
	runs   setlog.Runs
	log    []setlog.Entry
	schema setlog.Schema
}

func newHistorian(writer byte) *historian {
	return &historian{device: device{memory: memory{}, writer: setlog.Writer{writer}}}
}

func (h *historian) clone() *historian {
	c := *h
	c.memory, c.log, c.runs = maps.Clone(h.memory), slices.Clone(h.log), setlog.Runs{}
	return &c
}

// append composes an entry; nil means that it was refused or changes nothing.
func (h *historian) append(actions []setlog.Action) (*setlog.Entry, error) {
	e, change, err := setlog.Compose(h, setlog.Draft{
		Writer: h.writer, Number: h.number + 1, Salt: setlog.Salt(uint64(h.writer[0])<<32 | (h.number + 1)), Now: start.Add(h.skew),
		Clock: &h.clock, Runs: &h.runs, Schema: h.schema,
	}, actions)
	if err != nil {
		return nil, err
	}
	read, err := setlog.ParseEntry(e.Writer, e.Number, e.Line)
	if err != nil {
		return nil, err
	}
	h.number++
	h.apply(change)
	if change.Schema != nil {
		h.schema = *change.Schema
	}
	h.log = append(h.log, read)
	return &read, nil
}

// must appends what is not refused.
func (h *historian) must(t failer, body string) setlog.Entry {
	t.Helper()
	actions, err := setlog.ParseActions([]byte(body))
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	e, err := h.append(actions)
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return *e
}

// take folds the entries of another that are not here yet.
func (h *historian) take(t failer, from *historian) {
	for _, e := range from.log {
		known := false
		for _, held := range h.log {
			known = known || held.ID() == e.ID()
		}
		if known {
			continue
		}
		change, err := setlog.Fold(h, e)
		if err != nil {
			t.Fatal(err)
		}
		h.apply(change)
		h.log = append(h.log, e)
	}
}

// undo undoes an entry and answers the entry that does it, nil for none.
func (h *historian) undo(t failer, e setlog.Entry) (*setlog.Entry, setlog.Undo) {
	t.Helper()
	past := setlog.NewPast(e)
	for _, other := range h.log {
		if past.Wants(other.Line) {
			if err := past.Add(other); err != nil {
				t.Fatal(err)
			}
		}
	}
	u, err := past.Undo(h, h.schema)
	if err != nil {
		t.Fatal(err)
	}
	if len(u.Actions) == 0 {
		return nil, u
	}
	by, err := h.append(u.Actions)
	if err != nil {
		t.Fatalf("%+v is refused: %v", u.Actions, err)
	}
	if of, ok := by.Undoes(); !ok || of != e.ID() {
		t.Fatalf("%s does not say that it undoes %v", by.Line, e.ID())
	}
	return by, u
}

type failer interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// shows is all that is seen.
func (h *historian) shows() string {
	var all []string
	for _, id := range []string{"a", "b"} {
		all = append(all, id+" "+string(h.memory[id].Value()))
	}
	return strings.Join(all, "\n")
}
