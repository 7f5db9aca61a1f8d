package localstore

import (
	"errors"
	"math"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/setlogger/setlogger/setlog"
)

// TestBrokenAfterADrain: segments that came into a batch in two goes, since one had to wait, are all composed anew when a later one
// turns out broken.
func TestBrokenAfterADrain(t *testing.T) {
	var from [3]*Bucket
	for i := range from {
		from[i] = create(t, "b", []string{"x"}, testOptions(byte(1+i)))
		putNode(t, from[i], string(rune('a'+i)), 1)
	}
	one, two, three := from[0], from[1], from[2]
	bad := cut(t, three, 1, 1)
	segment := *bad.Segment
	segment.Chain[0] ^= 1
	bad.Segment = &segment

	var held atomic.Bool
	held.Store(true)
	o := testOptions(4)
	committing, release := holdCommit(&o, &held)
	b := create(t, "b", []string{"x"}, o)
	first := make(chan error, 1)
	go func() { _, err := b.FoldAll(t.Context(), cut(t, one, 1, 1)); first <- err }()
	<-committing
	go func() { time.Sleep(20 * time.Millisecond); close(release) }()
	folded, err := b.FoldAll(t.Context(), cut(t, two, 1, 1), cut(t, one, 1, 1), bad)
	wantError(t, err, ErrSegment)
	if err := <-first; err != nil {
		t.Fatal(err)
	}
	if len(folded) != 2 || folded[0].Entries != 1 {
		t.Errorf("%+v", folded)
	}
	wantNode(t, b, "b", `{"n":1}`)
}

// TestMintedForNothing: a writer that was minted for an entry that changes nothing is stored all the same.
func TestMintedForNothing(t *testing.T) {
	b := create(t, "b", nil, testOptions(1))
	b.lastNumber = 1
	putNode(t, b, "a", 1)
	dispatch(t, b, `{"type":"SET_PROPERTY","id":"a","properties":{"n":1}}`)
	putNode(t, b, "b", 1)
	b = reopen(t, b)
	sealed(t, b)
}

func TestLogBehindTheLastOffset(t *testing.T) {
	b := create(t, "b", nil, testOptions(1))
	putNode(t, b, "a", 1)
	for _, after := range []uint64{1, 2, math.MaxUint64 - 1, math.MaxUint64} {
		if entries, err := b.Log(after, 10); len(entries) > 0 || err != nil {
			t.Errorf("after %d: %d entries, %v", after, len(entries), err)
		}
	}
}

// TestUndoLastAfterARestore: an own entry that comes back later than what undid it elsewhere is passed.
func TestUndoLastAfterARestore(t *testing.T) {
	a := create(t, "list", nil, testOptions(1))
	putNode(t, a, "x", 1)
	path := filepath.Join(t.TempDir(), "backup.db")
	copyFile(t, a.path, path)
	setIdentity(t, path, testOptions(2))
	set := dispatch(t, a, `{"type":"SET_PROPERTY","id":"x","properties":{"n":2}}`)
	fromA := sealed(t, a)
	other := create(t, "list", a.Births(), testOptions(3))
	foldIn(t, other, fromA...)
	undo(t, other, UndoRequest{Entry: idOf(set)})

	restored := open(t, path, testOptions(2))
	foldIn(t, restored, sealed(t, other)...)
	foldIn(t, restored, fromA...)
	wantNode(t, restored, "x", `{"n":1}`)
	done, err := restored.Undo(t.Context(), UndoRequest{})
	if errors.Is(err, ErrUndone) || err == nil && done.Entry != (setlog.EntryID{Writer: set.Writer, Number: 1}) {
		t.Errorf("%+v, %v", done, err)
	}
}

// TestBrokenWhileNothingElseHappens: what is composed anew without a broken segment is composed at once.
func TestBrokenWhileNothingElseHappens(t *testing.T) {
	one, two := create(t, "b", []string{"x"}, testOptions(1)), create(t, "b", []string{"x"}, testOptions(2))
	putNode(t, one, "a", 1)
	putNode(t, two, "b", 1)
	bad := cut(t, two, 1, 1)
	segment := *bad.Segment
	segment.Chain[0] ^= 1
	bad.Segment = &segment
	b, err := Create(filepath.Join(t.TempDir(), "b.db"), "b", []string{"x"}, testOptions(4))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		folded, err := b.FoldAll(t.Context(), cut(t, one, 1, 1), bad)
		if !errors.Is(err, ErrSegment) || len(folded) != 1 {
			t.Errorf("%+v, %v", folded, err)
		}
	}()
	inTime(t, ended, "who folds")
	if err := errors.Join(b.Check(), b.Close()); err != nil {
		t.Error(err)
	}
}
