package bench

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/setlogger/setlogger/setlog"
)

// ID and Property say where a replayed text stands: as an array of characters in one node.
const (
	ID       = "paper"
	Property = "text"
)

// start is when a replay begins.
var start = time.UnixMilli(1_700_000_000_000)

// State is the nodes of a bucket, in memory.
type State map[string]*setlog.Node

// Node implements setlog.State.
func (s State) Node(id string) (*setlog.Node, error) { return s[id], nil }

// Fold takes an entry in.
func (s State) Fold(e setlog.Entry) error {
	change, err := setlog.Fold(s, e)
	if err != nil {
		return err
	}
	s.apply(change)
	return nil
}

func (s State) apply(change setlog.Change) {
	for _, n := range change.Nodes {
		s[n.ID] = n.Node
	}
}

// Text is what the node's array of characters shows.
func (s State) Text() (string, error) { return Text(s[ID]) }

// Text is what a node's array of characters shows; it is empty where there is none.
func Text(n *setlog.Node) (string, error) {
	var seen struct{ Text []string }
	if err := json.Unmarshal(n.Value(), &seen); err != nil {
		return "", fmt.Errorf("bench: the node shows no text: %w", err)
	}
	return strings.Join(seen.Text, ""), nil
}

// Writer composes entries over its own state.
type Writer struct {
	State   State
	Entries []setlog.Entry // its own
	draft   setlog.Draft
	chance  *rand.Rand
}

// NewWriter answers a writer that knows nothing yet; n tells writers apart. Two replays with the same n have the same
// chance.
func NewWriter(n int) *Writer {
	return &Writer{
		State:  State{},
		draft:  setlog.Draft{Writer: setlog.Writer{9: byte(n + 1)}, Now: start, Clock: &setlog.Clock{}, Runs: &setlog.Runs{}},
		chance: rand.New(rand.NewPCG(1, uint64(n))), //nolint:gosec // the same at every run
	}
}

// Append makes an entry of actions and takes it in.
func (w *Writer) Append(actions []setlog.Action) error {
	w.draft.Number++
	w.draft.Salt = setlog.Salt(w.chance.Uint64())
	e, change, err := setlog.Compose(w.State, w.draft, actions)
	if err != nil {
		return fmt.Errorf("bench: entry %d: %w", w.draft.Number, err)
	}
	w.State.apply(change)
	w.Entries = append(w.Entries, e)
	return nil
}

// Create makes the node that the text stands in.
func (w *Writer) Create() error {
	actions, err := setlog.ParseActions([]byte(`{"id":"` + ID + `","type":"CREATE_NODE"}`))
	if err != nil {
		return err
	}
	return w.Append(actions)
}

// Body is an edit as a caller of the API would send it: one transaction.
func (e Edit) Body() []byte {
	var all []string
	for _, p := range e.Patches {
		if p.Removed > 0 {
			all = append(all, fmt.Sprintf(`{"count":%d,"id":"%s","index":%d,"property":"%s","type":"ARRAY_REMOVE"}`, p.Removed, ID, p.At, Property))
		}
		if p.Inserted != "" {
			all = append(all, fmt.Sprintf(`{"id":"%s","index":%d,"property":"%s","type":"ARRAY_INSERT","values":%s}`, ID, p.At, Property, characters(p.Inserted)))
		}
	}
	if len(all) == 1 {
		return []byte(all[0])
	}
	return []byte(`{"actions":[` + strings.Join(all, ",") + `]}`)
}

// characters writes a text as a JSON array of its characters.
func characters(text string) []byte {
	list := make([]string, 0, utf8.RuneCountInString(text))
	for _, c := range text {
		list = append(list, string(c))
	}
	data, err := json.Marshal(list)
	if err != nil {
		panic(strconv.Quote(text) + ": " + err.Error()) // strings can always be written
	}
	return data
}

// Replay appends all edits of a trace, each by its writer once that has taken in what it knew then, and at the end all
// the rest. The first writer makes the node.
func Replay(t *Trace) ([]*Writer, error) {
	r := replay{writers: make([]*Writer, t.Writers())}
	for i := range r.writers {
		r.writers[i] = NewWriter(i)
		r.taken = append(r.taken, make([]int, len(r.writers)))
	}
	if err := r.writers[0].Create(); err != nil {
		return nil, err
	}
	var all []int
	for i, known := range t.Known() {
		if err := r.append(t.Edits[i], known); err != nil {
			return nil, fmt.Errorf("edit %d: %w", i, err)
		}
		all = most(all, known)
	}
	for i := range r.writers {
		if err := r.takeIn(i, all); err != nil {
			return nil, err
		}
	}
	return r.writers, nil
}

// replay is writers and, for each, how many entries of each other it has taken in.
type replay struct {
	writers []*Writer
	taken   [][]int
}

func (r *replay) append(e Edit, known []int) error {
	if err := r.takeIn(e.Writer, known); err != nil {
		return err
	}
	actions, err := setlog.ParseActions(e.Body())
	if err != nil {
		return err
	}
	return r.writers[e.Writer].Append(actions)
}

// takeIn folds what a writer lacks of so many edits of each, and the entry that made the node.
func (r *replay) takeIn(writer int, known []int) error {
	for other, edits := range known {
		if other == writer {
			continue
		}
		if other == 0 {
			edits++
		}
		for ; r.taken[writer][other] < edits; r.taken[writer][other]++ {
			if err := r.writers[writer].State.Fold(r.writers[other].Entries[r.taken[writer][other]]); err != nil {
				return err
			}
		}
	}
	return nil
}

// most is the greater of each.
func most(a, b []int) []int {
	m := slices.Clone(b)
	for i, n := range a {
		m[i] = max(m[i], n)
	}
	return m
}
