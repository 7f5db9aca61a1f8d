package localstore

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/setlogger/setlogger/setlog"
)

// testOptions are deterministic but for what the goroutines do, and never flush by themselves.
func testOptions(seed byte) Options {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	return Options{
		Logger: slog.New(slog.DiscardHandler), Now: func() time.Time { return now }, IdleFlush: time.Hour, NoSync: true,
		Random: rand.NewChaCha8([32]byte{seed}),
	}
}

// create makes a bucket that is checked and closed when the test ends.
func create(t testing.TB, name string, births []string, o Options) *Bucket {
	t.Helper()
	b, err := Create(filepath.Join(t.TempDir(), "b.db"), name, births, o)
	if err != nil {
		t.Fatal(err)
	}
	return checked(t, b)
}

func open(t testing.TB, path string, o Options) *Bucket {
	t.Helper()
	b, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	return checked(t, b)
}

func checked(t testing.TB, b *Bucket) *Bucket {
	t.Cleanup(func() {
		if err := b.Check(); err != nil && !errors.Is(err, ErrStopped) {
			t.Error(err)
		}
		if err := b.Close(); err != nil && !errors.Is(err, ErrStopped) {
			t.Error(err)
		}
	})
	return b
}

// reopen closes a bucket, checked, and opens it again.
func reopen(t testing.TB, b *Bucket) *Bucket {
	t.Helper()
	if err := b.Check(); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	o := testOptions(99)
	o.machine = b.o.machine
	return open(t, b.path, o)
}

// crash copies a bucket's file while it is open and opens the copy, as after a power cut.
func crash(t testing.TB, b *Bucket, o Options) *Bucket {
	t.Helper()
	path := filepath.Join(t.TempDir(), "crashed.db")
	copyFile(t, b.path, path)
	return open(t, path, o)
}

func copyFile(t testing.TB, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func actions(t testing.TB, body string, args ...any) []setlog.Action {
	t.Helper()
	a, err := setlog.ParseActions(fmt.Appendf(nil, body, args...))
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// dispatch appends one entry.
func dispatch(t testing.TB, b *Bucket, body string, args ...any) Receipt {
	t.Helper()
	r, err := b.Append(context.Background(), Request{Actions: actions(t, body, args...)})
	if err != nil {
		t.Fatal(err)
	}
	return r[0]
}

func putNode(t testing.TB, b *Bucket, id string, n int) Receipt {
	t.Helper()
	return dispatch(t, b, `{"type":"CREATE_NODE","id":%q,"properties":{"n":%d}}`, id, n)
}

func wantNode(t testing.TB, b *Bucket, id, value string) {
	t.Helper()
	n, err := b.Node(id)
	if err != nil {
		t.Fatal(err)
	}
	if got := string(n.Value()); got != value {
		t.Errorf("node %s is %q, want %q", id, got, value)
	}
}

func wantError(t testing.TB, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("got %v, want %v", err, target)
	}
}

// sealed seals a bucket and answers all segments it holds, decoded.
func sealed(t testing.TB, b *Bucket) []Incoming {
	t.Helper()
	if _, err := b.Seal(context.Background()); err != nil {
		t.Fatal(err)
	}
	list, err := b.Segments()
	if err != nil {
		t.Fatal(err)
	}
	var all []Incoming
	for _, s := range list {
		all = append(all, incoming(t, b, s.Name))
	}
	return all
}

func incoming(t testing.TB, b *Bucket, name string) Incoming {
	t.Helper()
	data, err := b.SegmentData(name)
	if err != nil {
		t.Fatal(err)
	}
	return decoded(t, name, data)
}

func decoded(t testing.TB, name string, data []byte) Incoming {
	t.Helper()
	s, err := setlog.DecodeSegment(data)
	if err != nil {
		t.Fatal(err)
	}
	return Incoming{name, data, s}
}

func foldIn(t testing.TB, b *Bucket, all ...Incoming) []Folded {
	t.Helper()
	f, err := b.FoldAll(context.Background(), all...)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// cut makes a segment of a bucket's current writer's entries first to last, as another sealing would have.
func cut(t testing.TB, b *Bucket, first, last uint64) Incoming {
	t.Helper()
	l := b.now()
	br := l.branch(l.byWriter[b.now().writer][0])
	entries, err := b.Log(0, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	h := setlog.Header{Bucket: b.name, Births: l.births, Writer: br.writer, Key: br.key[:], First: first}
	h.Previous = setlog.FirstChain(b.name, br.writer)
	var lines [][]byte
	before := uint64(0)
	for _, e := range entries {
		switch {
		case e.Writer != br.writer:
		case e.Number < first && e.Number > before:
			h.Previous, before = h.Previous.Next(e.Line), e.Number
		case e.Number == first+uint64(len(lines)) && e.Number <= last: // the first to arrive, where the log forked
			lines = append(lines, e.Line)
		}
	}
	name, data, err := setlog.EncodeSegment(h, lines, ed25519.NewKeyFromSeed(keyOf(l, br.writer)))
	if err != nil {
		t.Fatal(err)
	}
	return decoded(t, name.String(), data)
}

// image is all of a bucket's living nodes, to compare buckets by.
func image(t testing.TB, b *Bucket) []byte {
	t.Helper()
	items, err := b.Nodes("", "", 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, it := range items {
		fmt.Fprintf(&out, "%s %s %s\n", it.ID, it.Node.Rev(), it.Node.Value())
	}
	return out.Bytes()
}

func sameState(t testing.TB, a, b *Bucket) {
	t.Helper()
	if x, y := image(t, a), image(t, b); !bytes.Equal(x, y) {
		t.Errorf("states differ:\n%s\n---\n%s", x, y)
	}
}

func hashOf(s string) [32]byte { return sha256.Sum256([]byte(s)) }

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }
