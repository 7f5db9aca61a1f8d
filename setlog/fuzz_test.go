package setlog_test

import (
	"bytes"
	"testing"

	"github.com/setlogger/setlogger/setlog"
)

func FuzzParseActions(f *testing.F) {
	_, _, entries := goldenEntries(f)
	for _, e := range entries {
		f.Add(e.Actions[0].JSON)
	}
	f.Add([]byte(`{"actions":[{"type":"x"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		actions, err := setlog.ParseActions(data)
		if err != nil {
			return
		}
		for _, a := range actions {
			again, err := setlog.ParseAction(bytes.Clone(a.JSON))
			if err != nil || !bytes.Equal(again.JSON, a.JSON) {
				t.Fatalf("%s reads as %s, %v", a.JSON, again.JSON, err)
			}
		}
		d := setlog.Draft{Number: 1, Now: start, Clock: &setlog.Clock{}}
		m := memory{}
		e, change, err := setlog.Compose(m, d, actions)
		if err != nil {
			return
		}
		read, err := setlog.ParseEntry(e.Writer, e.Number, e.Line)
		if err != nil {
			t.Fatalf("%s: %v", e.Line, err)
		}
		folded, err := setlog.Fold(m, read)
		if err != nil || len(folded.Nodes) != len(change.Nodes) {
			t.Fatalf("%s folds to %d nodes, %v", e.Line, len(folded.Nodes), err)
		}
		for i, c := range folded.Nodes {
			if c.Node.Rev() != change.Nodes[i].Node.Rev() {
				t.Fatalf("%s gives %s here and %s there", e.Line, change.Nodes[i].Node.Value(), c.Node.Value())
			}
		}
	})
}

func FuzzParseEntry(f *testing.F) {
	_, lines, _ := goldenEntries(f)
	for i, line := range lines {
		f.Add(uint64(i+1), line)
	}
	f.Fuzz(func(t *testing.T, number uint64, line []byte) {
		e, err := setlog.ParseEntry(setlog.Writer{}, number, line)
		if err != nil && len(e.Actions) > 0 {
			t.Fatal("an entry that can't be applied has actions")
		}
		m := memory{}
		for range 2 {
			change, err := setlog.Fold(m, e)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range change.Nodes {
				if value := c.Node.Value(); value != nil {
					if canonical, err := setlog.Canonical(bytes.Clone(value)); err == nil && !bytes.Equal(canonical, value) {
						t.Fatalf("the value %s is not canonical", value)
					}
				}
			}
			m.apply(change)
		}
	})
}

func FuzzDecodeSegment(f *testing.F) {
	f.Add(golden(f))
	f.Fuzz(func(t *testing.T, data []byte) {
		if s, err := setlog.DecodeSegment(data); err == nil && s.Name.Hash != setlog.HashOf(data) {
			t.Fatal("a segment has another file's name")
		}
	})
}

func FuzzDecodeNode(f *testing.F) {
	m := memory{}
	_, _, entries := goldenEntries(f)
	for _, e := range entries {
		change, err := setlog.Fold(m, e)
		if err != nil {
			f.Fatal(err)
		}
		m.apply(change)
		for _, n := range m {
			f.Add(n.AppendBinary(nil))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := setlog.DecodeNode(data)
		if err != nil {
			return
		}
		again, err := setlog.DecodeNode(n.AppendBinary(nil))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again.AppendBinary(nil), n.AppendBinary(nil)) {
			t.Fatal("the binary form is not stable")
		}
	})
}

func FuzzReadDelta(f *testing.F) {
	for line := range bytes.Lines(goldenDelta(f)) {
		f.Add(bytes.TrimSuffix(line, []byte("\n")))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		id, n, err := setlog.ReadDelta(line)
		if err != nil {
			return
		}
		again := n.AppendDelta(nil, id)
		_, read, err := setlog.ReadDelta(again)
		if err != nil {
			t.Fatalf("%s, written again, reads as %v", again, err)
		}
		if !bytes.Equal(read.AppendBinary(nil), n.AppendBinary(nil)) || read.Rev() != n.Rev() {
			t.Fatalf("%s is written as %s and reads as %s", line, again, read.AppendDelta(nil, id))
		}
		if merged := setlog.Merge(n, read); !bytes.Equal(merged.AppendBinary(nil), n.AppendBinary(nil)) {
			t.Fatalf("merged with itself, %s becomes %s", again, merged.AppendDelta(nil, id))
		}
	})
}

// FuzzMergeDeltas merges nodes that two lines tell of, which nobody may ever have written: in either order, and once or twice.
func FuzzMergeDeltas(f *testing.F) {
	lines := bytes.Split(bytes.TrimSuffix(goldenDelta(f), []byte("\n")), []byte("\n"))
	for i, line := range lines {
		f.Add(line, lines[(i+1)%len(lines)])
		f.Add(line, line)
	}
	f.Fuzz(func(t *testing.T, one, two []byte) {
		id, a, err := setlog.ReadDelta(one)
		if err != nil {
			return
		}
		_, b, err := setlog.ReadDelta(two)
		if err != nil {
			return
		}
		merged := setlog.Merge(a, b)
		line := merged.AppendDelta(nil, id)
		for name, other := range map[string]*setlog.Node{"in the other order": setlog.Merge(b, a), "again": setlog.Merge(merged, b), "with itself": setlog.Merge(merged, merged)} {
			if !bytes.Equal(other.AppendBinary(nil), merged.AppendBinary(nil)) {
				t.Fatalf("merged %s, it is %s, not %s", name, other.AppendDelta(nil, id), line)
			}
		}
		_, read, err := setlog.ReadDelta(line)
		if err != nil || !bytes.Equal(read.AppendBinary(nil), merged.AppendBinary(nil)) {
			t.Fatalf("%s reads as %s, %v", line, read.AppendDelta(nil, id), err)
		}
	})
}

func FuzzParseSegmentName(f *testing.F) {
	f.Add(whole(f, golden(f)).Name.String())
	f.Fuzz(func(t *testing.T, s string) {
		if n, ok := setlog.ParseSegmentName(s); ok && n.String() != s {
			t.Fatalf("%q reads as %v", s, n)
		}
	})
}
