package judge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/setlogger/setlogger/setlog"
	"github.com/setlogger/setlogger/simulation/oracle"
)

// vector is a case of testdata/vectors: of the form fold if it has entries, of the form append if it has steps, else of
// the form identity. Those of keys.json are for stores, which remember keys: localstore runs them.
type vector struct {
	Name string
	identity
	Entries []struct {
		Writer string
		Number uint64
		Entry  json.RawMessage
		Line   *string
	}
	Steps []step
	State json.RawMessage
	Told  map[string]json.RawMessage // lines of nodes
}

type step struct {
	Device, From, Salt string
	Undo               string // WRITER:NUMBER
	Now                int64
	Send               json.RawMessage
	Text               *string
	Expect             map[string]json.RawMessage
}

type vectorState struct {
	Closed bool
	Schema json.RawMessage
	Nodes  map[string]struct {
		Rev   string
		Value json.RawMessage
	}
}

// TestVectors folds and composes the cases that the rules were written down in.
func TestVectors(t *testing.T) {
	files, err := filepath.Glob("../../testdata/vectors/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no vectors: %v", err)
	}
	folds, appends, identities := 0, 0, 0
	for _, file := range files {
		if filepath.Base(file) == "keys.json" {
			continue
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var vectors []vector
		if err := json.Unmarshal(data, &vectors); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, v := range vectors {
			t.Run(filepath.Base(file)+"/"+v.Name, func(t *testing.T) {
				switch {
				case v.Entries != nil:
					folds++
					v.fold(t)
				case v.Steps != nil:
					appends++
					v.append(t)
				default:
					identities++
					v.check(t)
				}
			})
		}
	}
	t.Logf("%d cases of the form fold, %d of the form append, %d of the form identity", folds, appends, identities)
}

// fold folds the entries in many ways.
func (v vector) fold(t *testing.T) {
	var records []Record
	for _, e := range v.Entries {
		line, number := canonicalOf(t, e.Entry), e.Number
		if e.Line != nil {
			line = []byte(*e.Line)
		} else if err := json.Unmarshal(line, &struct{ Number *uint64 }{&number}); err != nil {
			t.Fatal(err)
		}
		records = append(records, NewRecord(writerOf(t, e.Writer), number, line))
	}
	want := readState(t, v.State)
	random := rand.New(rand.NewPCG(1, 2))
	for i := range 10 * len(ways) {
		w := ways[i%len(ways)]
		got, err := w.fold(random, records)
		if err == nil {
			err = errors.Join(got.Compare(want), v.compareTold(t, got))
		}
		if err != nil {
			t.Fatalf("%s: %v", w.name, err)
		}
	}
}

// compareTold compares the lines of nodes with those of the case, byte for byte.
func (v vector) compareTold(t *testing.T, got *State) error {
	for id, said := range v.Told {
		if line, want := got.Nodes[id].AppendDelta(nil, id), canonicalOf(t, said); !bytes.Equal(line, want) {
			return fmt.Errorf("the line of %q is %s, want %s", id, line, want)
		}
	}
	return nil
}

// party is a device of a case: what it holds, and what it writes with.
type party struct {
	State
	clock   setlog.Clock
	runs    setlog.Runs
	number  uint64
	records []Record
}

// append sends what callers send.
func (v vector) append(t *testing.T) {
	parties := map[string]*party{}
	at := func(name string) *party {
		if parties[name] == nil {
			parties[name] = &party{}
		}
		return parties[name]
	}
	for i, s := range v.Steps {
		var err error
		switch {
		case s.From != "":
			err = at(s.Device).take(at(s.From), time.UnixMilli(s.Now))
		case s.Undo != "":
			err = s.checkUndo(t, at(s.Device))
		default:
			err = s.check(t, at(s.Device))
		}
		if err != nil {
			t.Fatalf("step %d: %v", i, err)
		}
	}
	var states map[string]json.RawMessage
	if err := json.Unmarshal(v.State, &states); err != nil {
		t.Fatal(err)
	}
	for name, state := range states {
		if err := at(name).Compare(readState(t, state)); err != nil {
			t.Errorf("device %s: %v", name, err)
		}
		if err := at(name).Compare(Want(at(name).records)); err != nil {
			t.Errorf("device %s: the oracle: %v", name, err)
		}
	}
}

func (p *party) take(o *party, now time.Time) error {
	for _, r := range o.records {
		p.clock.Observe(now, r.Stamp)
		p.records = append(p.records, r)
		if err := p.Fold(r); err != nil {
			return err
		}
	}
	return nil
}

// check appends on a device and compares the outcome with what is expected.
func (s step) check(t *testing.T, p *party) error {
	body := []byte(s.Send)
	if s.Text != nil {
		body = []byte(*s.Text)
	}
	actions, err := setlog.ParseActions(bytes.Clone(body))
	if err != nil {
		return s.judge(t, setlog.Entry{}, err)
	}
	e, err := p.compose(writerOf(t, s.Device), s, actions)
	return s.judge(t, e, err)
}

// judge compares what came of a step with what is expected.
func (s step) judge(t *testing.T, e setlog.Entry, err error) error {
	refusal, isRefusal := errors.AsType[*setlog.Refusal](err)
	switch {
	case isRefusal:
		return s.expectRefusal(refusal)
	case s.Expect["refused"] != nil:
		return fmt.Errorf("not refused; it gave %s (%w)", e.Line, err)
	case errors.Is(err, setlog.ErrUnchanged):
		if string(s.Expect["number"]) != "null" {
			return err
		}
		return nil
	case err != nil:
		return err
	case string(s.Expect["number"]) == "null":
		return fmt.Errorf("no no-op: %s", e.Line)
	}
	var got map[string]json.RawMessage
	if err := json.Unmarshal(e.Line, &got); err != nil {
		return err
	}
	for name, want := range s.Expect {
		if name == "left" {
			continue
		}
		if !bytes.Equal(canonicalOf(t, want), canonicalOf(t, got[name])) {
			return fmt.Errorf("%s is %s, want %s", name, got[name], want)
		}
	}
	return nil
}

func (s step) expectRefusal(r *setlog.Refusal) error {
	kind := map[setlog.RefusalKind]string{setlog.Invalid: "invalid", setlog.NotAlive: "not-alive", setlog.TooLarge: "too-large"}[r.Kind]
	if want := string(s.Expect["refused"]); want != `"`+kind+`"` {
		return fmt.Errorf("refused as %s (%w), want %s", kind, r, want)
	}
	if want := s.Expect["position"]; want != nil && string(want) != fmt.Sprint(r.Position) {
		return fmt.Errorf("refused at %d (%w), want %s", r.Position, r, want)
	}
	return nil
}

func (p *party) compose(writer setlog.Writer, s step, actions []setlog.Action) (setlog.Entry, error) {
	salt, err := setlog.ParseSalt(s.Salt)
	if err != nil {
		return setlog.Entry{}, err
	}
	e, change, err := setlog.Compose(p, setlog.Draft{
		Writer: writer, Number: p.number + 1, Salt: salt, Now: time.UnixMilli(s.Now),
		Clock: &p.clock, Runs: &p.runs, Schema: p.Schema,
	}, actions)
	if err != nil {
		return e, err
	}
	p.number++
	p.Apply(change)
	p.records = append(p.records, NewRecord(writer, e.Number, e.Line))
	return e, nil
}

func readState(t *testing.T, text json.RawMessage) oracle.State {
	t.Helper()
	var v vectorState
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	s := oracle.State{Nodes: map[string]oracle.Node{}, Schema: canonicalOf(t, v.Schema), Closed: v.Closed}
	for id, n := range v.Nodes {
		value := canonicalOf(t, n.Value)
		if string(value) == "null" {
			value = nil
		}
		s.Nodes[id] = oracle.Node{Value: value, Rev: n.Rev}
	}
	return s
}

func writerOf(t *testing.T, name string) setlog.Writer {
	t.Helper()
	w, err := setlog.ParseWriter(name)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// canonicalOf returns JSON in canonical form; what is left out is null.
func canonicalOf(t *testing.T, text json.RawMessage) []byte {
	t.Helper()
	if text == nil {
		return []byte("null")
	}
	value := jsontext.Value(text).Clone()
	if err := value.Canonicalize(); err != nil {
		t.Fatal(err)
	}
	return value
}
