package bench

import (
	"bytes"
	"errors"
	"testing"

	"github.com/setlogger/setlogger/setlog"
)

// open reads a trace, or skips the test where the trace is not on this machine.
func open(t testing.TB, name string) *Trace {
	t.Helper()
	path, err := Find("..", name)
	if errors.Is(err, ErrNoTrace) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	trace, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	return trace
}

// TestTraces replays recorded editing, one entry a transaction. All writers must end with the text that was recorded,
// and so must whoever reads the lines of their entries, or the line of the state.
func TestTraces(t *testing.T) {
	tests := []struct {
		name           string
		writers, edits int
	}{
		{"automerge-paper", 1, 259_778},
		{"friendsforever", 2, 26_078},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			trace := open(t, test.name)
			if trace.Writers() != test.writers || len(trace.Edits) != test.edits {
				t.Fatalf("the trace has %d writers and %d edits", trace.Writers(), len(trace.Edits))
			}
			writers, err := Replay(trace)
			if err != nil {
				t.Fatal(err)
			}
			state := writers[0].State[ID].AppendDelta(nil, ID)
			for _, w := range writers {
				checkText(t, w.State[ID], trace.End)
				if again := w.State[ID].AppendDelta(nil, ID); !bytes.Equal(again, state) {
					t.Error("writers differ in the state")
				}
			}
			t.Run("entries", func(t *testing.T) { checkEntries(t, writers, trace.End, state) })
			t.Run("state", func(t *testing.T) { checkState(t, trace.End, state) })
		})
	}
}

func checkText(t *testing.T, n *setlog.Node, want string) {
	t.Helper()
	if got, err := Text(n); err != nil || got != want {
		t.Errorf("the text of %d bytes is not the recorded one of %d: %v", len(got), len(want), err)
	}
}

// checkEntries folds the lines of all entries, the last writer's first.
func checkEntries(t *testing.T, writers []*Writer, text string, state []byte) {
	reader := State{}
	for i := range writers {
		for _, line := range writers[len(writers)-1-i].Entries {
			e, err := setlog.ParseEntry(line.Writer, line.Number, line.Line)
			if err == nil {
				err = reader.Fold(e)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	checkText(t, reader[ID], text)
	if again := reader[ID].AppendDelta(nil, ID); !bytes.Equal(again, state) {
		t.Error("a reader of the entries has another state")
	}
}

// checkState reads the line of the state.
func checkState(t *testing.T, text string, state []byte) {
	id, n, err := setlog.ReadDelta(state)
	if err != nil || id != ID {
		t.Fatal(id, err)
	}
	checkText(t, n, text)
	if again := n.AppendDelta(nil, ID); !bytes.Equal(again, state) {
		t.Error("the line read and written again differs")
	}
}
