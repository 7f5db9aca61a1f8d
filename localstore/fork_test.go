package localstore

import (
	"errors"
	"fmt"
	"testing"

	"github.com/setlogger/setlogger/setlog"
)

// TestForkKeepsBothBranches: two copies of one file write with the same key before they hear of each other.
func TestForkKeepsBothBranches(t *testing.T) {
	a, twin := twins(t, "common", "common2")
	putNode(t, a, "mine", 1)
	putNode(t, a, "mine2", 1)
	putNode(t, twin, "theirs", 2)
	writer := a.Stats().Writer
	if twin.Stats().Writer != writer {
		t.Fatal("the twin is no twin")
	}
	fromA, fromTwin := sealed(t, a), sealed(t, twin)

	f := foldIn(t, a, fromTwin...)
	if f[0].Entries != 1 || !f[0].Forked || f[0].Minted != a.Stats().Writer || a.Stats().Writer == writer {
		t.Errorf("%+v", f)
	}
	f = foldIn(t, twin, fromA...)
	if f[0].Entries != 2 || !f[0].Forked || twin.Stats().Writer == a.Stats().Writer || twin.Stats().Writer == writer {
		t.Errorf("%+v", f)
	}
	sameState(t, a, twin)

	// a third device gets both branches, in either order and any cut
	for i, order := range [][]Incoming{{fromA[0], fromTwin[0]}, {fromTwin[0], fromA[0]}, {cutBranch(t, a, 1, 2), cutBranch(t, a, 3, 4), fromTwin[0]}} {
		c := create(t, "b", []string{}, testOptions(byte(20+i)))
		for _, in := range order {
			foldIn(t, c, in)
		}
		sameState(t, a, c)
		if s := c.Stats(); s.Forks != 1 || s.Entries != 5 {
			t.Errorf("%+v", s)
		}
		r := reopen(t, c)
		foldIn(t, r, order...)
		sameState(t, a, r)
	}
	putNode(t, a, "after", 3)
	if got := a.Heads(); len(got) != 3 {
		t.Error(got)
	}
	entries, err := a.Log(5, 9)
	if err != nil || len(entries) != 1 {
		t.Fatal(entries, err)
	}
	e, err := setlog.ParseEntry(entries[0].Writer, entries[0].Number, entries[0].Line)
	if err != nil || len(e.Saw) != 2 {
		t.Errorf("the new writer's first entry saw %v, %v", e.Saw, err)
	}
}

// twins are a bucket with nodes and a copy of its file, which write with the same key.
func twins(t *testing.T, nodes ...string) (a, twin *Bucket) {
	t.Helper()
	o := testOptions(1)
	o.machine = "m"
	a = create(t, "b", nil, o)
	for _, id := range nodes {
		putNode(t, a, id, 1)
	}
	return a, cloneOf(t, a)
}

// cloneOf opens a copy of a bucket's file that takes itself for the same file.
func cloneOf(t *testing.T, b *Bucket) *Bucket {
	t.Helper()
	path := t.TempDir() + "/clone.db"
	copyFile(t, b.path, path)
	o := testOptions(50)
	o.machine = b.o.machine
	setIdentity(t, path, o)
	return open(t, path, o)
}

// cutBranch is cut for the first branch of the writer of entry 1.
func cutBranch(t *testing.T, b *Bucket, first, last uint64) Incoming {
	t.Helper()
	l := b.now()
	c := *l
	c.writer = l.branches[0].writer
	shadow := &Bucket{path: b.path, name: b.name, db: b.db, ledger: &c}
	return cut(t, shadow, first, last)
}

// TestRestoredBackup: the remote knows more of our writer than the file does, and all of it fits.
func TestRestoredBackup(t *testing.T) {
	a, backup := twins(t, "a", "b")
	putNode(t, a, "c", 1)
	all := sealed(t, a)
	if backup.Stats().PendingUnsealed != 2 {
		t.Errorf("%+v", backup.Stats())
	}
	f := foldIn(t, backup, all...)
	if f[0].Entries != 1 || f[0].Forked || f[0].Minted == (setlog.Writer{}) {
		t.Errorf("%+v", f)
	}
	if s := backup.Stats(); s.PendingUnsealed != 0 || s.Forks != 0 || s.Writer == a.Stats().Writer {
		t.Errorf("%+v", s)
	}
	sameState(t, a, backup)
}

// TestGapOfOurOwnWriter: it is enough to see that someone else uses the key.
func TestGapOfOurOwnWriter(t *testing.T) {
	a, twin := twins(t, "a")
	for i := range 4 {
		putNode(t, a, fmt.Sprint(i), 1)
	}
	writer := twin.Stats().Writer
	f, err := twin.FoldAll(t.Context(), cut(t, a, 4, 5), cut(t, a, 1, 5))
	if !errors.Is(err, ErrGap) || len(f) != 0 {
		t.Fatal(f, err)
	}
	if twin.Stats().Writer == writer {
		t.Error("the old writer would go on")
	}
	putNode(t, twin, "x", 1)
	foldIn(t, twin, cut(t, a, 1, 5))
	foldIn(t, a, sealed(t, twin)...)
	sameState(t, a, twin)
}

func TestCopiedFileGetsANewWriter(t *testing.T) {
	a := create(t, "b", nil, testOptions(1))
	putNode(t, a, "a", 1)
	putNode(t, a, "b", 1)
	old := a.Stats().Writer
	b := crash(t, a, testOptions(2))
	if b.Stats().Writer == old || b.Stats().PendingUnsealed != 2 {
		t.Fatalf("%+v", b.Stats())
	}
	putNode(t, b, "c", 1)
	segments := sealed(t, b)
	if len(segments) != 2 {
		t.Fatal(len(segments))
	}
	c := create(t, "b", []string{}, testOptions(3))
	foldIn(t, c, segments...)
	sameState(t, b, c)
	writer := b.Stats().Writer
	if b = reopen(t, b); b.Stats().Writer != writer {
		t.Error("a new writer at each open")
	}
}

func TestMovedToAnotherMachine(t *testing.T) {
	o := testOptions(1)
	o.machine = "one"
	a := create(t, "b", nil, o)
	writer := a.Stats().Writer
	putNode(t, a, "a", 1)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	o.machine = "two"
	if b := open(t, a.path, o); b.Stats().Writer == writer {
		t.Error("the writer moved along")
	}
}
