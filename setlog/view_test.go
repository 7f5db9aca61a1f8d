package setlog_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/setlogger/setlogger/setlog"
)

// goldenView is a view with the golden index.
func goldenView(t testing.TB) []byte {
	t.Helper()
	index, name, file, chunk := goldenIndex(t)
	c, err := setlog.DecodeChunk(chunk)
	if err != nil {
		t.Fatal(err)
	}
	tail := setlog.SegmentName{Bucket: setlog.BucketID("todos"), Writer: index.Writer, First: 9, Last: 12, Hash: name.Hash}
	view := setlog.View{
		Bucket: "todos", Births: index.Births, Count: 2, Indexes: []setlog.ViewIndex{{Bytes: len(file), Name: name.String()}}, Nodes: 2, Order: index.Order,
		Tail: []string{"log/" + tail.String()}, Time: 1_800_000_000_000, Top: c.Lines[:1],
	}
	data, err := view.Encode(goldenKey)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestDecodeViewRefuses signs what is not right.
func TestDecodeViewRefuses(t *testing.T) {
	for name, change := range map[string]func(v *setlog.View){
		"a bad bucket":              func(v *setlog.View) { v.Bucket = "../x" },
		"another bucket's files":    func(v *setlog.View) { v.Bucket = "other" },
		"no count":                  func(v *setlog.View) { v.Count = 0 },
		"an index elsewhere":        func(v *setlog.View) { v.Indexes[0].Name = "../" + v.Indexes[0].Name },
		"an index of no bytes":      func(v *setlog.View) { v.Indexes[0].Bytes = 0 },
		"a segment with no folder":  func(v *setlog.View) { v.Tail[0] = strings.TrimPrefix(v.Tail[0], "log/") },
		"a segment of chunks":       func(v *setlog.View) { v.Tail[0] = strings.Replace(v.Tail[0], "log/", "chunk/", 1) },
		"segments in another order": func(v *setlog.View) { v.Tail = []string{strings.Replace(v.Tail[0], "log/", "past/", 1), v.Tail[0]} },
		"a bad order":               func(v *setlog.View) { v.Order = []string{"x", "x"} },
		"a line that is none":       func(v *setlog.View) { v.Top = [][]byte{[]byte(`{"id":"a"}`)} },
	} {
		v, err := setlog.DecodeView(goldenView(t))
		if err != nil {
			t.Fatal(err)
		}
		change(v)
		data, err := v.Encode(goldenKey)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := setlog.DecodeView(data); !errors.Is(err, setlog.ErrFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzDecodeView(f *testing.F) {
	f.Add(goldenView(f))
	f.Fuzz(func(t *testing.T, data []byte) {
		if v, err := setlog.DecodeView(data); err == nil && v.Count == 0 {
			t.Fatal("a view that is not whole")
		}
	})
}
