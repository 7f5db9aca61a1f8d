package bench

import (
	"testing"

	"github.com/setlogger/setlogger/setlog"
)

// BenchmarkTrace is figure S4 of the project without the peers, for a profile: make bench-peers prints it beside them.
func BenchmarkTrace(b *testing.B) {
	trace := open(b, "automerge-paper")
	var last *Writer
	b.Run("edit", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			writers, err := Replay(trace)
			if err != nil {
				b.Fatal(err)
			}
			last = writers[0]
		}
	})
	if last == nil {
		b.Skip("the others need the entries of edit")
	}
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			for _, e := range last.Entries {
				if _, err := setlog.ParseEntry(e.Writer, e.Number, e.Line); err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	b.Run("fold", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			state := State{}
			for _, e := range last.Entries {
				if err := state.Fold(e); err != nil {
					b.Fatal(err)
				}
			}
			if len(state[ID].Value()) == 0 {
				b.Fatal("nothing is seen")
			}
		}
	})
	line := last.State[ID].AppendDelta(nil, ID)
	b.Run("load", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, n, err := setlog.ReadDelta(line); err != nil || len(n.Value()) == 0 {
				b.Fatal(err)
			}
		}
	})
}
