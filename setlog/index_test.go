package setlog_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/setlogger/setlogger/setlog"
)

// goldenIndex is an index of the golden entries with its one chunk.
func goldenIndex(t testing.TB) (*setlog.Index, setlog.IndexName, []byte, []byte) {
	t.Helper()
	h, lines, entries := goldenEntries(t)
	m := memory{}
	for _, e := range entries {
		change, err := setlog.Fold(m, e)
		if err != nil {
			t.Fatal(err)
		}
		m.apply(change)
	}
	const id = "0123456789abcdef0123456789abcdef"
	chunk := setlog.Chunk{Bucket: h.Bucket, Index: id}
	order, err := setlog.ParseOrder(nil)
	if err != nil {
		t.Fatal(err)
	}
	ids := []string{}
	for id := range m {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b string) int { return bytes.Compare(order.Key(a, m[a]), order.Key(b, m[b])) })
	for _, id := range ids {
		chunk.Lines = append(chunk.Lines, m[id].AppendDelta(nil, id))
	}
	data, err := chunk.Encode()
	if err != nil {
		t.Fatal(err)
	}
	r := setlog.Range{Writer: h.Writer, First: 1, Last: uint64(len(lines)), Previous: h.Previous, Chain: h.Previous}
	for _, line := range lines {
		r.Chain = r.Chain.Next(line)
	}
	index := &setlog.Index{
		ID: id, Bucket: h.Bucket, Births: h.Births, Level: 1, Coverage: setlog.Coverage{r}, Order: order.Names(),
		Chunks: []setlog.ChunkRef{{Bytes: len(data), Nodes: len(ids), Hash: setlog.HashOf(data)}},
		Merges: []setlog.Hash{setlog.HashOf([]byte("b")), setlog.HashOf([]byte("a"))}, Before: []setlog.Hash{setlog.HashOf([]byte("c"))},
		Schema: setlog.Schema{Mark: setlog.Mark{Stamp: 7, Writer: h.Writer, Number: 3, Position: 1}, JSON: []byte(`{"title":"x"}`)},
	}
	name, file, err := index.Encode(goldenKey)
	if err != nil {
		t.Fatal(err)
	}
	return index, name, file, data
}

// goldenSeen says what the golden index's writer saw.
func goldenSeen(t testing.TB) (setlog.SeenName, []byte) {
	t.Helper()
	index, name, _, _ := goldenIndex(t)
	r := index.Coverage[0]
	seen := setlog.Seen{Count: 3, Buckets: map[string]setlog.SeenBucket{
		"todos": {Births: index.Births, Heads: []setlog.Head{{Writer: r.Writer, Number: r.Last, Chain: r.Chain.Short()}}, Indexes: []setlog.Hash{name.Hash}},
		"empty": {Births: []string{"x"}},
	}}
	seenName, data, err := seen.Encode(goldenKey)
	if err != nil {
		t.Fatal(err)
	}
	return seenName, data
}

const indexFolder = "../testdata/index"

// TestGoldenIndex holds the formats of chunk, index and seen file still, as TestGolden does that of segments. The chunk's
// text counts, not how it is deflated; so the index and the seen file, which name its hash, are read and not compared.
func TestGoldenIndex(t *testing.T) {
	_, name, index, chunk := goldenIndex(t)
	seenName, seen := goldenSeen(t)
	files := map[string][]byte{"index.json": index, "chunk.jsonl.gz": chunk, "chunk.jsonl": inflate(t, chunk), "seen.json": seen, "view.json": goldenView(t)}
	for file, data := range files {
		path := filepath.Join(indexFolder, file)
		if *update {
			if err := errors.Join(os.MkdirAll(indexFolder, 0o755), os.WriteFile(path, data, 0o644)); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if file == "chunk.jsonl" && !bytes.Equal(want, data) {
			t.Errorf("the format of chunks has changed:\n%s\nwant\n%s", data, want)
		}
		files[file] = want
	}
	read, err := setlog.DecodeIndex(files["index.json"])
	if err != nil {
		t.Fatal(err)
	}
	if setlog.HashOf(files["index.json"]) == name.Hash && read.Name(read.Chunks[0]).Hash != setlog.HashOf(files["chunk.jsonl.gz"]) {
		t.Error("the golden index names another chunk")
	}
	again, err := setlog.DecodeIndex(index)
	if err != nil || again.ID != read.ID || again.Schema.Compare(read.Schema) != 0 || !slices.Equal(again.Coverage, read.Coverage) || !slices.Equal(again.Order, read.Order) ||
		!slices.Equal(again.Merges, read.Merges) || !slices.Equal(again.Before, read.Before) || again.Level != read.Level || again.Nodes() != read.Nodes() {
		t.Errorf("the index reads as %+v, %v; the golden one as %+v", again, err, read)
	}
	c, err := setlog.DecodeChunk(files["chunk.jsonl.gz"])
	if err != nil || c.Index != read.ID || c.Bucket != read.Bucket {
		t.Fatalf("the chunk reads as %+v, %v", c, err)
	}
	for node, err := range c.Nodes() {
		if err != nil || node.Node == nil {
			t.Errorf("node %q: %v", node.ID, err)
		}
	}
	s, err := setlog.DecodeSeen(files["seen.json"])
	if err != nil || s.Count != seenName.Count || s.Device != seenName.Device || len(s.Buckets["todos"].Heads) != 1 || len(s.Buckets) != 2 {
		t.Errorf("the seen file reads as %+v, %v", s, err)
	}
	v, err := setlog.DecodeView(files["view.json"])
	if err != nil || v.Count != 2 || v.Device != s.Device || len(v.Indexes) != 1 || len(v.Tail) != 1 || len(v.Top) != 1 || v.Nodes != 2 {
		t.Errorf("the view reads as %+v, %v", v, err)
	}
}

func TestIndexNames(t *testing.T) {
	index, name, _, _ := goldenIndex(t)
	seenName, _ := goldenSeen(t)
	chunkName := index.Name(index.Chunks[0])
	if got, ok := setlog.ParseIndexName(name.String()); !ok || got != name {
		t.Errorf("%s reads as %v", name, got)
	}
	if got, ok := setlog.ParseChunkName(chunkName.String()); !ok || got != chunkName {
		t.Errorf("%s reads as %v", chunkName, got)
	}
	if got, ok := setlog.ParseSeenName(seenName.String()); !ok || got != seenName {
		t.Errorf("%s reads as %v", seenName, got)
	}
	for _, good := range []string{name.String(), chunkName.String(), seenName.String()} {
		for _, bad := range []string{"", good + "x", "x" + good, strings.ToUpper(good), strings.Replace(good, ".", "..", 1)} {
			_, a := setlog.ParseIndexName(bad)
			_, b := setlog.ParseChunkName(bad)
			_, c := setlog.ParseSeenName(bad)
			_, d := setlog.ParseSegmentName(bad)
			if a || b || c || d {
				t.Errorf("%q is a name", bad)
			}
		}
		if len("index/"+good) > 110 {
			t.Errorf("%s is too long", good)
		}
	}
}

// TestEveryFlippedByteOfAnIndexIsFound changes and cuts each file everywhere.
func TestEveryFlippedByteOfAnIndexIsFound(t *testing.T) {
	_, _, index, chunk := goldenIndex(t)
	_, seen := goldenSeen(t)
	for kind, data := range map[string][]byte{"index": index, "chunk": chunk, "seen": seen, "view": goldenView(t)} {
		decode := func(data []byte) error {
			switch kind {
			case "index":
				_, err := setlog.DecodeIndex(data)
				return err
			case "seen":
				_, err := setlog.DecodeSeen(data)
				return err
			case "view":
				_, err := setlog.DecodeView(data)
				return err
			}
			_, err := setlog.DecodeChunk(data)
			return err
		}
		for i := 0; i < len(data); i += unlessShort(1, 7) {
			if err := decode(data[:i]); !errors.Is(err, setlog.ErrFile) {
				t.Errorf("%s cut at %d: %v", kind, i, err)
			}
			bad := bytes.Clone(data)
			bad[i] ^= 1 << (i % 8)
			if setlog.HashOf(bad) == setlog.HashOf(data) {
				t.Fatalf("%s: the hash is the same", kind)
			}
			header := kind == "chunk" && i < 10 // of gzip: time and system are nobody's concern
			if err := decode(bad); err == nil && !header {
				t.Errorf("%s: flipped byte %d is not found", kind, i)
			}
		}
	}
}

// TestDecodeIndexRefuses signs what is not right.
func TestDecodeIndexRefuses(t *testing.T) {
	tests := map[string]func(i *setlog.Index){
		"a bad id":                func(i *setlog.Index) { i.ID = "x" },
		"a bad bucket":            func(i *setlog.Index) { i.Bucket = "../x" },
		"a level too high":        func(i *setlog.Index) { i.Level = 100 },
		"another bucket's chain":  func(i *setlog.Index) { i.Bucket = "other" },
		"a bad order":             func(i *setlog.Index) { i.Order = []string{"x", "x"} },
		"an empty chunk":          func(i *setlog.Index) { i.Chunks[0].Nodes = 0 },
		"a chunk of no bytes":     func(i *setlog.Index) { i.Chunks[0].Bytes = 0 },
		"a hash twice":            func(i *setlog.Index) { i.Merges[1] = i.Merges[0] },
		"a range that ends early": func(i *setlog.Index) { i.Coverage[0].Last = 0 },
		"a range twice":           func(i *setlog.Index) { i.Coverage = append(i.Coverage, i.Coverage[0]) },
		"a schema that is a list": func(i *setlog.Index) { i.Schema.JSON = []byte(`[]`) },
	}
	for name, change := range tests {
		index, _, _, _ := goldenIndex(t)
		change(index)
		_, data, err := index.Encode(goldenKey)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := setlog.DecodeIndex(data); !errors.Is(err, setlog.ErrFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, _, index, chunk := goldenIndex(t)
	_, seen := goldenSeen(t)
	newer := func(data []byte) []byte {
		return bytes.Replace(data, []byte(`"min_reader":1`), []byte(`"min_reader":2`), 1)
	}
	_, err1 := setlog.DecodeIndex(newer(index))
	_, err2 := setlog.DecodeSeen(newer(seen))
	_, err3 := setlog.DecodeChunk(deflate(t, string(newer(inflate(t, chunk)))))
	_, err4 := setlog.DecodeView(newer(goldenView(t)))
	for _, err := range []error{err1, err2, err3, err4} {
		if !errors.Is(err, setlog.ErrNewer) {
			t.Errorf("min_reader 2: %v", err)
		}
	}
}

// TestUnknownMembersAreSigned reads an index that says more than this version knows.
func TestUnknownMembersAreSigned(t *testing.T) {
	_, _, index, _ := goldenIndex(t)
	more := bytes.Replace(index, []byte(`"writer":`), []byte(`"what":1,"writer":`), 1)
	if _, err := setlog.DecodeIndex(more); !errors.Is(err, setlog.ErrFile) {
		t.Errorf("a member that was put in later: %v", err)
	}
}

func TestDecodeChunkRefuses(t *testing.T) {
	_, _, _, chunk := goldenIndex(t)
	text := string(inflate(t, chunk))
	lines := strings.SplitAfter(text, "\n")
	for name, bad := range map[string]string{
		"nothing":        "",
		"no nodes":       lines[0] + lines[len(lines)-2],
		"a line less":    strings.Replace(text, lines[1], "", 1),
		"no end":         strings.Join(lines[:len(lines)-2], ""),
		"another kind":   strings.Replace(text, `"kind":"chunk"`, `"kind":"segment"`, 1),
		"another bucket": strings.Replace(text, `"bucket":"todos"`, `"bucket":"../x"`, 1),
		"a bad index":    strings.Replace(text, `"index":"0`, `"index":"`, 1),
	} {
		if _, err := setlog.DecodeChunk(deflate(t, bad)); !errors.Is(err, setlog.ErrFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
	c := setlog.Chunk{Bucket: "todos", Index: "0123456789abcdef0123456789abcdef", Lines: [][]byte{[]byte(`{"id":"a","value":null}`), []byte(`{"id":"b"}`), []byte(`{"id":"c","value":null}`)}}
	data, err := c.Encode()
	if err != nil {
		t.Fatal(err)
	}
	whole, err := setlog.DecodeChunk(data)
	if err != nil {
		t.Fatal(err)
	}
	read := 0
	for _, err := range whole.Nodes() {
		if read++; read == 2 && !errors.Is(err, setlog.ErrDelta) {
			t.Errorf("a line that is no node: %v", err)
		}
	}
	if read != 2 {
		t.Errorf("%d lines were read", read)
	}
	if _, err := (&setlog.Chunk{Bucket: "todos"}).Encode(); !errors.Is(err, setlog.ErrFile) {
		t.Errorf("a chunk of nothing: %v", err)
	}
}

// TestManySlotsInAChunk bounds what the arrays of a chunk may claim together.
func TestManySlotsInAChunk(t *testing.T) {
	line := func(id string) []byte {
		return []byte(`{"at":{"children":{"l":{"arrays":[{"gone":[0,9000000],"jumps":[[0,0,0]],"lengths":[9000000],"newest":"5-0","parents":[0],"salts":["0000000000000001"]}]}}},"id":"` + id + `","value":null}`)
	}
	if _, _, err := setlog.ReadDelta(line("a")); err != nil {
		t.Fatalf("one alone: %v", err)
	}
	c := setlog.Chunk{Bucket: "todos", Index: "0123456789abcdef0123456789abcdef", Lines: [][]byte{line("a"), line("b")}}
	for node, err := range c.Nodes() {
		if node.ID == "a" && err != nil || node.ID != "a" && !errors.Is(err, setlog.ErrDelta) {
			t.Errorf("node %s: %v", node.ID, err)
		}
	}
}

// TestCoverage checks unions of random stretches of two branches against sets of entries.
func TestCoverage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const entries = 30
		var chains [2][entries + 1]setlog.Chain
		writer := setlog.Writer{1}
		chains[0][0] = setlog.FirstChain("todos", writer)
		for n := 1; n <= entries; n++ {
			chains[0][n] = chains[0][n-1].Next([]byte{byte(n)})
		}
		fork := rapid.IntRange(0, entries).Draw(t, "fork")
		copy(chains[1][:], chains[0][:fork+1])
		for n := fork + 1; n <= entries; n++ {
			chains[1][n] = chains[1][n-1].Next([]byte{byte(n), 1})
		}
		draw := func(label string) (setlog.Coverage, [2][entries + 1]bool) {
			var c setlog.Coverage
			var has [2][entries + 1]bool
			for range rapid.IntRange(0, 6).Draw(t, label) {
				branch, first := rapid.IntRange(0, 1).Draw(t, "branch"), rapid.IntRange(1, entries).Draw(t, "first")
				last := rapid.IntRange(first, entries).Draw(t, "last")
				c = append(c, setlog.Range{Writer: writer, First: uint64(first), Last: uint64(last), Previous: chains[branch][first-1], Chain: chains[branch][last]})
				for n := first; n <= last; n++ {
					has[branch][n] = true
					if last <= fork {
						has[1-branch][n] = true
					}
				}
			}
			return setlog.Union(c), has
		}
		a, hasA := draw("a")
		b, hasB := draw("b")
		both := setlog.Union(a, b)
		if !slices.Equal(both, setlog.Union(b, a)) || !slices.Equal(setlog.Union(both), both) {
			t.Fatalf("the union depends on the order: %v", both)
		}
		for _, r := range append(slices.Clone(a), b...) {
			if !slices.ContainsFunc(both, func(o setlog.Range) bool { return o.First <= r.First && o.Last >= r.Last }) {
				t.Fatalf("the union loses %v", r)
			}
		}
		for branch := range 2 {
			for n := 1; n <= entries; n++ {
				one := setlog.Range{Writer: writer, First: uint64(n), Last: uint64(n), Previous: chains[branch][n-1], Chain: chains[branch][n]}
				if a.Covers(one) && !hasA[branch][n] || b.Covers(one) && !hasB[branch][n] {
					t.Fatalf("entry %d of branch %d counts as covered", n, branch)
				}
			}
		}
	})
}

func FuzzDecodeIndex(f *testing.F) {
	_, _, index, _ := goldenIndex(f)
	f.Add(index)
	f.Fuzz(func(t *testing.T, data []byte) {
		if i, err := setlog.DecodeIndex(data); err == nil && (i.Level > setlog.MaxLevel || len(i.Key) == 0) {
			t.Fatal("an index that is not whole")
		}
	})
}

func FuzzDecodeSeen(f *testing.F) {
	_, seen := goldenSeen(f)
	f.Add(seen)
	f.Fuzz(func(t *testing.T, data []byte) {
		if s, err := setlog.DecodeSeen(data); err == nil && s.Count == 0 {
			t.Fatal("a seen file that is not whole")
		}
	})
}

func FuzzDecodeChunk(f *testing.F) {
	_, _, _, chunk := goldenIndex(f)
	f.Add(chunk)
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := setlog.DecodeChunk(data)
		if err != nil {
			return
		}
		for node, err := range c.Nodes() {
			if err == nil && node.Node == nil {
				t.Fatal("a node that is none")
			}
		}
	})
}
