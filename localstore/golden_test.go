package localstore

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
)

var makeGolden = flag.String("make-golden", "", "make a store of this version in this new folder, for later versions to open")

// golden are stores that the code of earlier schemas' versions made. They are never made again: a change that can't open
// one needs a migration.
var golden = map[string]string{"testdata/store-1": `["-created","id"]`, "testdata/store-2": `["-n","id"]`}

func TestGoldenStores(t *testing.T) {
	for path, order := range golden {
		t.Run(filepath.Base(path), func(t *testing.T) { openGolden(t, path, order) })
	}
}

func openGolden(t *testing.T, golden, order string) {
	path := filepath.Join(t.TempDir(), "b.db")
	if err := os.WriteFile(path, unzip(t, golden+"/b.db.gz"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := open(t, path, testOptions(1))
	if err := b.Check(); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(golden + "/nodes.txt")
	if err != nil {
		t.Fatal(err)
	}
	if got := goldenText(t, b); !bytes.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	r, err := b.Append(t.Context(), Request{Key: "k", Body: hashOf("k"), Actions: actions(t, `{"type":"CREATE_NODE","id":"x"}`)})
	if err != nil || !r[0].Repeated {
		t.Error("the idempotency key is forgotten", r, err)
	}
	sent, err := b.Sent("disk")
	if err != nil || len(sent) != 1 {
		t.Error(sent, err)
	}
	putNode(t, b, "new", 1)
	if b.Order().String() != order {
		t.Error("its order is", b.Order())
	}
	awaitOrder(t, b)
	wantOrder(t, b)
}

func unzip(t *testing.T, path string) []byte {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // was only read
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// goldenText is what a golden store shows, but for the writer that each copy mints.
func goldenText(t *testing.T, b *Bucket) []byte {
	t.Helper()
	s := b.Stats()
	out := bytes.NewBuffer(image(t, b))
	fmt.Fprintf(out, "%d nodes, %d entries, %d bytes, %d unsealed, %d writers, %d forks, births %v\n",
		s.Nodes, s.Entries, s.Bytes, s.PendingUnsealed, s.Writers, s.Forks, b.Births())
	for _, h := range b.Heads() {
		fmt.Fprintln(out, h.Writer, h.Number, h.Chain)
	}
	list, err := b.Segments()
	if err != nil {
		t.Fatal(err)
	}
	for _, seg := range list {
		fmt.Fprintln(out, seg.Name)
	}
	return out.Bytes()
}

// TestMakeGolden runs only when it is asked to, and never over an older store.
func TestMakeGolden(t *testing.T) {
	if *makeGolden == "" {
		t.Skip("runs with -make-golden FOLDER only")
	}
	if err := os.Mkdir(*makeGolden, 0o755); err != nil {
		t.Fatal(err)
	}
	o := testOptions(1)
	o.machine = "m"
	b := create(t, "golden/store", nil, o)
	for i := range 20 {
		putNode(t, b, fmt.Sprintf("n%02d", i), i)
	}
	twin := cloneOf(t, b)
	dispatch(t, twin, `{"type":"INCREMENT","id":"n03","property":"n","by":5}`)
	dispatch(t, b, `{"actions":[{"type":"DELETE_NODE","id":"n04"},{"type":"SET_PROPERTY","id":"n05","path":["a","b"],"value":[1,"zwei",null]}]}`)
	name := sealed(t, b)[0].Name
	foldIn(t, b, sealed(t, twin)...)
	if err := b.MarkSent(t.Context(), "disk", Verified, name); err != nil {
		t.Fatal(err)
	}
	if err := b.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	dispatch(t, b, `{"type":"REMOVE_PROPERTY","id":"n06","property":"n"}`)
	dispatch(t, b, `{"type":"SET_SCHEMA","schema":{"x-setlogger":{"order":["-n"]}}}`)
	dispatch(t, b, `{"type":"ARRAY_INSERT","id":"n07","property":"l","index":0,"values":["a","b"]}`)
	if _, err := b.Append(t.Context(), Request{Key: "k", Body: hashOf("k"), Actions: actions(t, `{"type":"CREATE_NODE","id":"x"}`)}); err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	z := gzip.NewWriter(&file)
	path := filepath.Join(t.TempDir(), "copy.db")
	if err := copyTo(b, path); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := z.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"b.db.gz": file.Bytes(), "nodes.txt": goldenText(t, b)} {
		if err := os.WriteFile(filepath.Join(*makeGolden, name), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
