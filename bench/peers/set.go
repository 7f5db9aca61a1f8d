//go:build unix

package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/setlogger/setlogger/bench"
	"github.com/setlogger/setlogger/setlog"
)

// Nodes of which each has a property set in turn, as in bench.js.
const (
	nodes = 100
	sets  = 20_000
)

// measureSets takes the figures of a fold of SET_PROPERTY.
func measureSets(f figures) error {
	entries, err := setEntries()
	if err != nil {
		return err
	}
	for range loads {
		state := bench.State{}
		if err := foldEach(state, entries[:nodes]); err != nil {
			return err
		}
		ms, _, err := timed(func() error { return foldEach(state, entries[nodes:]) })
		if err != nil {
			return err
		}
		f.note("set", ms*1e6/sets)
		if seen, want := string(state["99"].Value()), fmt.Sprintf(`{"n":%d}`, sets-1); seen != want {
			return fmt.Errorf("peers: a node is %s, not %s", seen, want)
		}
		ms, _, err = timed(func() error { return readAndFold(bench.State{}, entries) })
		if err != nil {
			return err
		}
		f.note("read+set", ms*1e6/sets)
		if ms, _, err = timed(func() error { return unmarshal(entries[nodes:]) }); err != nil {
			return err
		}
		f.note("json.Unmarshal", ms*1e6/sets)
	}
	return nil
}

// setEntries makes the nodes, then sets a property of each in turn.
func setEntries() ([]setlog.Entry, error) {
	w := bench.NewWriter(0)
	for i := range nodes + sets {
		body := fmt.Sprintf(`{"type":"CREATE_NODE","id":"%d","properties":{"n":-1}}`, i)
		if i >= nodes {
			body = fmt.Sprintf(`{"type":"SET_PROPERTY","id":"%d","properties":{"n":%d}}`, (i-nodes)%nodes, i-nodes)
		}
		actions, err := setlog.ParseActions([]byte(body))
		if err == nil {
			err = w.Append(actions)
		}
		if err != nil {
			return nil, err
		}
	}
	return w.Entries, nil
}

func foldEach(state bench.State, entries []setlog.Entry) error {
	for _, e := range entries {
		if err := state.Fold(e); err != nil {
			return err
		}
	}
	return nil
}

func readAndFold(state bench.State, entries []setlog.Entry) error {
	for _, known := range entries {
		e, err := setlog.ParseEntry(known.Writer, known.Number, known.Line)
		if err := errors.Join(err, state.Fold(e)); err != nil {
			return err
		}
	}
	return nil
}

func unmarshal(entries []setlog.Entry) error {
	for _, e := range entries {
		var a struct {
			Type, ID   string
			Properties map[string]json.RawMessage
		}
		if err := json.Unmarshal(e.Actions[0].JSON, &a); err != nil {
			return err
		}
	}
	return nil
}
