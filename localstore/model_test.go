package localstore

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	bolt "go.etcd.io/bbolt"
	"pgregory.net/rapid"

	"github.com/setlogger/setlogger/setlog"
)

// model runs some devices of one bucket and keeps beside them, per device, the set of entries it must hold and a state
// folded in memory.
type model struct {
	t       *rapid.T
	dir     string
	files   int
	devices []*device
	all     []Incoming // every segment ever sealed
}

type device struct {
	*Bucket
	acknowledged map[string]bool // lines of own entries
}

func (m *model) open(path string, seed byte) *Bucket {
	o := testOptions(seed)
	o.OverlayBytes = 2 << 10
	b, err := Open(path, o)
	if err != nil {
		m.t.Fatal(err)
	}
	return b
}

func (m *model) path() string {
	m.files++
	return filepath.Join(m.dir, fmt.Sprint(m.files, ".db"))
}

func (m *model) pick() *device { return rapid.SampledFrom(m.devices).Draw(m.t, "device") }

func (m *model) append(t *rapid.T) {
	d := m.pick()
	id := rapid.SampledFrom([]string{"a", "b", "c", "d/1", "d/2", "e"}).Draw(t, "id")
	body := rapid.SampledFrom([]string{
		`{"type":"CREATE_NODE","id":%q,"properties":{"n":%d}}`, `{"type":"SET_PROPERTY","id":%q,"path":["o","k"],"value":%d}`,
		`{"type":"INCREMENT","id":%q,"property":"n","by":%d}`, `{"type":"DELETE_NODE","id":%q,"meta":%d}`,
		`{"actions":[{"type":"CREATE_NODE","id":%q},{"type":"CREATE_NODE","id":"f","properties":{"n":%d}}]}`,
	}).Draw(t, "action")
	acts, err := setlog.ParseActions(fmt.Appendf(nil, body, id, rapid.IntRange(0, 9).Draw(t, "n")))
	if err != nil {
		t.Fatal(err)
	}
	before := d.Stats().Offset
	receipts, err := d.Append(context.Background(), Request{Actions: acts})
	if err != nil || receipts[0].Number == 0 {
		return // a refusal or a no-op
	}
	entries, err := d.Log(before, 1)
	if err != nil || len(entries) != 1 || entries[0].Number != receipts[0].Number {
		t.Fatalf("%+v was acknowledged, the log has %+v, %v", receipts[0], entries, err)
	}
	d.acknowledged[string(entries[0].Line)] = true
}

func (m *model) seal(t *rapid.T) {
	d := m.pick()
	if _, err := d.Seal(context.Background()); err != nil {
		t.Fatal(err)
	}
	list, err := d.Segments()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range list {
		data, err := d.SegmentData(s.Name)
		if err != nil {
			t.Fatal(err)
		}
		segment, err := setlog.DecodeSegment(data)
		if err != nil {
			t.Fatal(err)
		}
		m.all = append(m.all, Incoming{s.Name, data, segment})
	}
}

func (m *model) fold(t *rapid.T) {
	if len(m.all) == 0 {
		return
	}
	in := rapid.SampledFrom(m.all).Draw(t, "segment")
	if _, err := m.pick().FoldAll(context.Background(), in); err != nil && !isGap(err) {
		t.Fatal(err)
	}
}

func isGap(err error) bool { _, ok := err.(*GapError); return ok } //nolint:errorlint // as FoldAll answers it

func (m *model) flush(t *rapid.T) {
	if err := m.pick().Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// crash goes on with a copy of the file as of the last commit.
func (m *model) crash(t *rapid.T) {
	d := m.pick()
	path := m.path()
	if err := copyTo(d.Bucket, path); err != nil {
		t.Fatal(err)
	}
	if rapid.Bool().Draw(t, "same machine") { // a power cut: the file keeps its identity
		id, err := identify(path, d.o)
		if err == nil {
			err = rewrite(path, func(tx *bolt.Tx) error { return tx.Bucket([]byte(bucketMeta)).Put([]byte(metaIdentity), id.encode()) })
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	d.Bucket = m.open(path, byte(m.files))
}

func rewrite(path string, do func(tx *bolt.Tx) error) error {
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		return err
	}
	defer db.Close() //nolint:errcheck // a copy for a test
	return db.Update(do)
}

// twin adds a device that is a copy of another, key and all, as a cloned machine is.
func (m *model) twin(t *rapid.T) {
	if len(m.devices) >= 5 {
		return
	}
	d := m.pick()
	path := m.path()
	if err := copyTo(d.Bucket, path); err != nil {
		t.Fatal(err)
	}
	id, err := identify(path, d.o)
	if err == nil {
		err = rewrite(path, func(tx *bolt.Tx) error { return tx.Bucket([]byte(bucketMeta)).Put([]byte(metaIdentity), id.encode()) })
	}
	if err != nil {
		t.Fatal(err)
	}
	m.devices = append(m.devices, &device{m.open(path, byte(100+m.files)), map[string]bool{}})
}

// check compares every device with a naive fold of what it says it holds, and that with what it must hold.
func (m *model) check(t *rapid.T) {
	for i, d := range m.devices {
		entries, err := d.Log(0, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		state, held := foldedState{}, map[string]bool{}
		for _, e := range entries {
			parsed, err := setlog.ParseEntry(e.Writer, e.Number, e.Line)
			if err != nil {
				t.Fatal(err)
			}
			change, err := setlog.Fold(state, parsed)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range change.Nodes {
				state[c.ID] = c.Node
			}
			held[string(e.Line)] = true
		}
		if len(held) != len(entries) {
			t.Fatalf("device %d holds an entry twice", i)
		}
		for line := range d.acknowledged {
			if !held[line] {
				t.Fatalf("device %d lost %s", i, line)
			}
		}
		for id, want := range state {
			got, err := d.Node(id)
			if err != nil || got == nil || !bytes.Equal(got.AppendBinary(nil), want.AppendBinary(nil)) {
				t.Fatalf("device %d: node %s is %s, want %s (%v)", i, id, got.Value(), want.Value(), err)
			}
		}
	}
}

// finish lets all devices meet and compares them.
func (m *model) finish(t *rapid.T) {
	for range m.devices {
		for _, d := range m.devices {
			if _, err := d.Seal(context.Background()); err != nil {
				t.Fatal(err)
			}
			list, err := d.Segments()
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range list {
				data, err := d.SegmentData(s.Name)
				if err != nil {
					t.Fatal(err)
				}
				segment, err := setlog.DecodeSegment(data)
				if err != nil {
					t.Fatal(err)
				}
				for _, other := range m.devices {
					if _, err := other.FoldAll(context.Background(), Incoming{s.Name, data, segment}); err != nil && !isGap(err) {
						t.Fatal(err)
					}
				}
			}
		}
	}
	m.check(t)
	want := m.devices[0].Stats()
	for i, d := range m.devices {
		if err := d.Check(); err != nil {
			t.Fatal(err)
		}
		if s := d.Stats(); s.Entries != want.Entries || s.Nodes != want.Nodes || s.Bytes != want.Bytes {
			t.Fatalf("device %d has %+v, the first %+v", i, s, want)
		}
		items, err := d.Nodes("", "", 1000)
		if err != nil || len(items) != int(want.Nodes) {
			t.Fatal(len(items), err)
		}
		for _, it := range items {
			n, err := m.devices[0].Node(it.ID)
			if err != nil || n.Rev() != it.Node.Rev() {
				t.Fatalf("device %d: node %s differs from the first's (%v)", i, it.ID, err)
			}
		}
	}
}

func TestModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "setlogger-model-")
		if err != nil {
			t.Fatal(err)
		}
		m := &model{t: t, dir: dir}
		defer func() {
			for _, d := range m.devices {
				if err := d.Close(); err != nil {
					t.Error(err)
				}
			}
			if err := os.RemoveAll(dir); err != nil {
				t.Error(err)
			}
		}()
		for i := range 3 {
			births := []string{"birth"}
			o := testOptions(byte(200 + i))
			o.OverlayBytes = 2 << 10
			b, err := Create(m.path(), "b", births, o)
			if err != nil {
				t.Fatal(err)
			}
			m.devices = append(m.devices, &device{b, map[string]bool{}})
		}
		t.Repeat(map[string]func(*rapid.T){
			"append": m.append, "append2": m.append, "append3": m.append, "seal": m.seal, "fold": m.fold, "fold2": m.fold,
			"flush": m.flush, "crash": m.crash, "twin": m.twin, "": m.check,
		})
		m.finish(t)
	})
}
