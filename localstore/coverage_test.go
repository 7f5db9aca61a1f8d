package localstore

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/setlogger/setlogger/setlog"
)

// forkedPair is a bucket with both branches of a writer whose file was copied after entry 2: 1-2-3-4 and 1-2-3'; and the
// chains of both.
func forkedPair(t *testing.T) (b *Bucket, first, second []setlog.Chain, parts []Incoming) {
	t.Helper()
	b, twin := twins(t, "common", "common2")
	putNode(t, b, "mine", 1)
	putNode(t, b, "mine2", 1)
	putNode(t, twin, "theirs", 2)
	fromTwin := sealed(t, twin)[0]
	foldIn(t, b, fromTwin)
	parts = []Incoming{cutBranch(t, b, 1, 4), fromTwin}
	return b, chainsOf(parts[0]), chainsOf(fromTwin), parts
}

// chainsOf are the chains before and after each entry of a segment.
func chainsOf(in Incoming) []setlog.Chain {
	chains := []setlog.Chain{in.Segment.Previous}
	for _, line := range in.Segment.Lines {
		chains = append(chains, chains[len(chains)-1].Next(line))
	}
	return chains
}

func stretch(w setlog.Writer, first, last uint64, chains []setlog.Chain) setlog.Range {
	return setlog.Range{Writer: w, First: first, Last: last, Previous: chains[first-1], Chain: chains[last]}
}

func TestWhatAForkedLogKnows(t *testing.T) {
	b, one, two, parts := forkedPair(t)
	w := parts[0].Segment.Writer
	for _, c := range []struct {
		name   string
		number uint64
		chain  setlog.Chain
		want   bool
	}{
		{"the end of one branch", 4, one[4], true},
		{"its middle", 3, one[3], true},
		{"the end of the other", 3, two[3], true},
		{"what both have", 1, one[1], true},
		{"a chain of nobody", 3, setlog.Chain{1}, false},
		{"beyond the end", 5, one[4], false},
	} {
		head := setlog.Head{Writer: w, Number: c.number, Chain: c.chain.Short()}
		known, err := b.Knows(head)
		unproven, err2 := b.Unproven(head)
		proven := len(unproven) == 0
		if known != c.want || proven != c.want || err != nil || err2 != nil {
			t.Errorf("%s: known %v, proven %v, want %v; %v, %v", c.name, known, proven, c.want, err, err2)
		}
	}
	all, err := b.Coverage()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name        string
		part, whole setlog.Coverage
		want        bool
	}{
		{"a branch in both", setlog.Coverage{stretch(w, 1, 4, one)}, all, true},
		{"the middle of the other in both", setlog.Coverage{stretch(w, 2, 3, two)}, all, true},
		{"a branch in itself, in two pieces", setlog.Coverage{stretch(w, 1, 4, one)}, setlog.Coverage{stretch(w, 1, 2, one), stretch(w, 3, 4, one)}, true},
		{"a stretch in a longer one", setlog.Coverage{stretch(w, 2, 3, one)}, setlog.Coverage{stretch(w, 1, 4, one)}, true},
		{"a branch in the other", setlog.Coverage{stretch(w, 1, 3, two)}, setlog.Coverage{stretch(w, 1, 4, one)}, false},
		{"more than there is", setlog.Coverage{stretch(w, 1, 4, one)}, setlog.Coverage{stretch(w, 1, 3, one)}, false},
	} {
		within, err := b.Within(c.part, c.whole)
		if err != nil || within != c.want {
			t.Errorf("%s: within %v, want %v; %v", c.name, within, c.want, err)
		}
		covered, err := b.IsCovered(c.part[0], c.whole)
		if err != nil || covered != c.want {
			t.Errorf("%s: covered %v, want %v; %v", c.name, covered, c.want, err)
		}
	}
}

func TestEntriesOfARange(t *testing.T) {
	b, one, two, parts := forkedPair(t)
	w := parts[0].Segment.Writer
	for _, c := range []struct {
		name string
		r    setlog.Range
		most uint64
		want map[string]bool
	}{
		{"a branch", stretch(w, 1, 4, one), 100, map[string]bool{"common": true, "common2": true, "mine": true, "mine2": true}},
		{"the newest of it", stretch(w, 1, 4, one), 1, map[string]bool{"mine2": true}},
		{"the other", stretch(w, 3, 3, two), 100, map[string]bool{"theirs": true}},
		{"of nobody", setlog.Range{Writer: setlog.Writer{9}, First: 1, Last: 4}, 100, map[string]bool{}},
	} {
		entries, err := b.Entries(context.Background(), setlog.Coverage{c.r}, c.most)
		got := map[string]bool{}
		for _, e := range entries {
			got[e.Actions[0].ID] = true
		}
		if err != nil || !maps.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v; %v", c.name, got, c.want, err)
		}
	}
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := b.Entries(canceled, setlog.Coverage{stretch(w, 1, 4, one)}, 100); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}

// TestEntriesOutliveTheFile: what was read is no part of the file's pages, which move as it grows.
func TestEntriesOutliveTheFile(t *testing.T) {
	b := create(t, "b", nil, testOptions(1))
	text := strings.Repeat("long ", 100)
	for i := range 20 { // bbolt copies what is in a small bucket
		dispatch(t, b, `{"type":"CREATE_NODE","id":"%d","properties":{"text":%q}}`, i, text)
	}
	all, err := b.Coverage()
	if err != nil {
		t.Fatal(err)
	}
	entries, err := b.Entries(t.Context(), all, 1)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%d entries, %v", len(entries), err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	change, err := setlog.Fold(noState{}, entries[0])
	if err != nil || len(change.Nodes) != 1 || string(change.Nodes[0].Node.Value()) != fmt.Sprintf(`{"text":%q}`, text) {
		t.Errorf("%+v, %v", change, err)
	}
}

// noState has no node.
type noState struct{}

func (noState) Node(string) (*setlog.Node, error) { return nil, nil }

// TestWhatCameByAnIndex: of what an index brought the chains are known at its ends alone.
func TestWhatCameByAnIndex(t *testing.T) {
	a, chains := create(t, "b", nil, testOptions(1)), []setlog.Chain{}
	for _, id := range []string{"a", "b", "c", "d"} {
		putNode(t, a, id, 1)
	}
	whole := sealed(t, a)[0]
	chains = append(chains, chainsOf(whole)...)
	w := whole.Segment.Writer
	b := create(t, "b", []string{}, testOptions(2))
	join(t, b, a)
	for _, c := range []struct {
		name          string
		number        uint64
		chain         setlog.Chain
		known, proven bool
	}{
		{"its end", 4, chains[4], true, true},
		{"within it", 2, chains[2], true, false},
		{"another branch, maybe", 2, setlog.Chain{1}, true, false},
		{"another end", 4, setlog.Chain{1}, false, false},
		{"beyond it", 5, chains[4], false, false},
	} {
		head := setlog.Head{Writer: w, Number: c.number, Chain: c.chain.Short()}
		known, err := b.Knows(head)
		unproven, err2 := b.Unproven(head)
		proven := len(unproven) == 0
		if known != c.known || proven != c.proven || err != nil || err2 != nil {
			t.Errorf("%s: known %v, proven %v; %v, %v", c.name, known, proven, err, err2)
		}
		missing, err := b.Missing([]setlog.Head{head})
		if want := c.number == 5 || !c.known; err != nil || (missing > 0) != want {
			t.Errorf("%s: %d missing, %v", c.name, missing, err)
		}
	}
	covered := setlog.Coverage{stretch(w, 1, 4, chains)}
	if logged, err := b.Logged(covered); logged || err != nil {
		t.Errorf("the log has what came by an index: %v", err)
	}
	if logged, err := a.Logged(covered); !logged || err != nil {
		t.Errorf("the log lacks its own: %v", err)
	}
	// in the log of b there is nothing between the ends: numbers alone make it likely
	if in, err := b.IsCovered(stretch(w, 2, 3, chains), covered); !in || err != nil {
		t.Errorf("not even likely: %v", err)
	}
	other := setlog.Range{Writer: w, First: 2, Last: 4, Previous: chains[1], Chain: setlog.Chain{1}}
	if in, err := b.IsCovered(other, covered); in || err != nil {
		t.Errorf("another branch is covered: %v", err)
	}
}

func TestMissingBehindAHole(t *testing.T) {
	a := create(t, "b", nil, testOptions(1))
	for _, id := range []string{"a", "b", "c", "d"} {
		putNode(t, a, id, 1)
	}
	b := create(t, "b", []string{}, testOptions(2))
	foldIn(t, b, cut(t, a, 1, 1))
	if missing, err := b.Missing(nil); missing != 0 || err != nil {
		t.Errorf("%d missing, %v", missing, err)
	}
	if missing, err := b.Missing(a.Heads()); missing != 3 || err != nil {
		t.Errorf("%d missing, %v", missing, err)
	}
	if missing, err := b.Missing([]setlog.Head{{Writer: setlog.Writer{7}, Number: 5}}); missing != 5 || err != nil {
		t.Errorf("%d missing of a writer that nothing is known of, %v", missing, err)
	}
}

func TestConsolidateAndTakeOver(t *testing.T) {
	ctx := context.Background()
	a := create(t, "b", nil, testOptions(1))
	for _, id := range []string{"a", "b", "c"} {
		putNode(t, a, id, 1)
		sealed(t, a)
	}
	w := a.Stats().Writer
	made, err := a.Consolidate(ctx, w, 1, 3)
	if err != nil || made.First != 1 || made.Last != 3 || !made.Past {
		t.Fatalf("%+v, %v", made, err)
	}
	if again, err := a.Consolidate(ctx, w, 1, 3); err != nil || again.Name != made.Name {
		t.Errorf("%+v, %v", again, err)
	}
	b := create(t, "b", []string{}, testOptions(2))
	foldIn(t, b, incoming(t, a, made.Name))
	sameState(t, a, b)
	for _, bad := range [][2]uint64{{2, 9}, {4, 4}} {
		if _, err := a.Consolidate(ctx, w, bad[0], bad[1]); !errors.Is(err, ErrMissing) {
			t.Errorf("%v: %v", bad, err)
		}
	}
	if _, err := a.Consolidate(ctx, setlog.Writer{9}, 1, 1); !errors.Is(err, ErrMissing) {
		t.Errorf("another's entries: %v", err)
	}
	if err := a.TakeOver(ctx); err != nil || a.Stats().Writer == w {
		t.Errorf("the writer is still %v: %v", a.Stats().Writer, err)
	}
	if err := a.Sign(func(key ed25519.PrivateKey) error {
		if setlog.WriterOf(ed25519.PublicKey(key[ed25519.PrivateKeySize-ed25519.PublicKeySize:])) != a.Stats().Writer {
			t.Error("the key of another writer")
		}
		return errKaput
	}); !errors.Is(err, errKaput) {
		t.Error(err)
	}
}

var errKaput = errors.New("kaput")

func TestCondemned(t *testing.T) {
	ctx := context.Background()
	a := create(t, "b", nil, testOptions(1))
	files := map[string]Condemned{"x": {Uptime: time.Hour, Listings: 2}, "y": {Uptime: 1, Listings: 1}}
	for range 2 {
		if err := a.Condemn(ctx, "r", files); err != nil {
			t.Fatal(err)
		}
		got, err := a.Condemned("r")
		if err != nil || !maps.Equal(got, files) {
			t.Errorf("%v, %v", got, err)
		}
		a = reopen(t, a)
	}
	if other, err := a.Condemned("s"); err != nil || len(other) != 0 {
		t.Errorf("%v, %v", other, err)
	}
	if err := a.Condemn(ctx, "r", map[string]Condemned{"x": {}}); err != nil {
		t.Fatal(err)
	}
	if got, err := a.Condemned("r"); err != nil || len(got) != 1 || got["y"].Listings != 1 {
		t.Errorf("%v, %v", got, err)
	}
	err := a.view(func(tx *bolt.Tx) error {
		if n := tx.Bucket([]byte(bucketSent)).Stats().KeyN; n != 1 {
			t.Errorf("%d records are left of one file", n)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if sent, err := a.Sent("r"); err != nil || len(sent) != 0 {
		t.Errorf("segments were sent: %v, %v", sent, err)
	}
}

func TestWholeIndexes(t *testing.T) {
	ctx := context.Background()
	a := create(t, "b", nil, testOptions(1))
	for range 2 {
		if err := a.MarkWhole(ctx, "i"); err != nil {
			t.Fatal(err)
		}
	}
	whole, err := a.Whole()
	absorbed, err2 := a.Absorbed()
	if !whole["i"] || absorbed["i"] || err != nil || err2 != nil {
		t.Errorf("%v, %v; %v, %v", whole, absorbed, err, err2)
	}
}
