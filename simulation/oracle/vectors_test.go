package oracle

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// vector is a case of the form "fold" in testdata/vectors.
type vector struct {
	Name    string `json:"name"`
	Entries []struct {
		Writer string          `json:"writer"`
		Number int64           `json:"number"`
		Entry  json.RawMessage `json:"entry"`
		Line   *string         `json:"line"`
	} `json:"entries"`
	State vectorState `json:"state"`
}

type vectorState struct {
	Closed bool                  `json:"closed"`
	Nodes  map[string]vectorNode `json:"nodes"`
	Schema json.RawMessage       `json:"schema"`
}

type vectorNode struct {
	Rev   string          `json:"rev"`
	Value json.RawMessage `json:"value"`
}

// TestVectors folds the cases that the rules were written down in.
func TestVectors(t *testing.T) {
	files, err := filepath.Glob("../../testdata/vectors/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	ran := 0
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var vectors []vector
		if err := json.Unmarshal(data, &vectors); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, v := range vectors {
			if v.Entries == nil {
				continue // of the form "append"
			}
			ran++
			t.Run(filepath.Base(file)+"/"+v.Name, func(t *testing.T) { v.check(t) })
		}
	}
	t.Logf("%d cases of the form fold", ran)
}

func (v vector) check(t *testing.T) {
	var entries []Entry
	for _, e := range v.Entries {
		line, number := []byte(canonicalOf(t, e.Entry)), e.Number
		if e.Line != nil {
			line = []byte(*e.Line)
		} else if err := json.Unmarshal(line, &struct{ Number *int64 }{&number}); err != nil {
			t.Fatal(err)
		}
		entries = append(entries, Read(e.Writer, number, line))
	}
	got := Fold(entries...)
	if want := canonicalOf(t, v.State.Schema); string(got.Schema) != want {
		t.Errorf("schema: got %s, want %s", got.Schema, want)
	}
	if got.Closed != v.State.Closed {
		t.Errorf("closed: got %t", got.Closed)
	}
	for id := range got.Nodes {
		if _, ok := v.State.Nodes[id]; !ok {
			t.Errorf("node %q is not in the vector", id)
		}
	}
	for id, want := range v.State.Nodes {
		value := "null"
		if got.Nodes[id].Value != nil {
			value = string(got.Nodes[id].Value)
		}
		if text := canonicalOf(t, want.Value); value != text || got.Nodes[id].Rev != want.Rev {
			t.Errorf("node %q: got %s %s, want %s %s", id, got.Nodes[id].Rev, value, want.Rev, text)
		}
	}
}

// canonicalOf returns JSON in canonical form; what is left out is null.
func canonicalOf(t *testing.T, text json.RawMessage) string {
	t.Helper()
	if text == nil {
		return "null"
	}
	value := jsontext.Value(text).Clone()
	if err := value.Canonicalize(); err != nil {
		t.Fatal(err)
	}
	return string(value)
}
