package localstore

import (
	"context"
	"testing"

	"github.com/setlogger/setlogger/setlog"
)

// states answers all nodes of a bucket as an index has them.
func states(t testing.TB, b *Bucket) (nodes []setlog.Changed) {
	t.Helper()
	ids, err := b.IDs("", 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range ids {
		n, err := b.Node(id)
		if err != nil {
			t.Fatal(err)
		}
		if _, n, err = setlog.ReadDelta(n.AppendDelta(nil, id)); err != nil {
			t.Fatal(err)
		}
		nodes = append(nodes, setlog.Changed{ID: id, Node: n})
	}
	return nodes
}

// adopted is what an index of all that a bucket has says.
func adopted(t testing.TB, b *Bucket, name string) Adopted {
	t.Helper()
	coverage, err := b.Coverage()
	if err != nil {
		t.Fatal(err)
	}
	rest, err := b.Rest(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return Adopted{Name: name, Births: b.Births(), Coverage: coverage, Schema: rest.Schema, Closed: rest.Closed}
}

// join takes in all that another bucket has, as by one index.
func join(t testing.TB, to, from *Bucket) {
	t.Helper()
	ctx := context.Background()
	j, err := to.Join(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Leave()
	nodes := states(t, from)
	if err := j.Absorb(ctx, nodes); err != nil {
		t.Fatal(err)
	}
	if err := j.Adopt(ctx, adopted(t, from, "all")); err != nil {
		t.Fatal(err)
	}
}

// author is a bucket with nodes that live and nodes that were deleted, of two writers.
func author(t testing.TB) *Bucket {
	t.Helper()
	a, b := create(t, "todos", nil, testOptions(1)), create(t, "todos", []string{}, testOptions(2))
	for i := range 20 {
		putNode(t, a, string(rune('a'+i)), i)
	}
	dispatch(t, a, `{"type":"SET_SCHEMA","schema":{"title":"x"}}`)
	foldIn(t, b, sealed(t, a)...)
	dispatch(t, b, `{"type":"DELETE_NODE","id":"c"}`)
	dispatch(t, b, `{"type":"INCREMENT","id":"d","property":"n"}`)
	foldIn(t, a, sealed(t, b)...)
	return a
}

func TestJoinByIndex(t *testing.T) {
	a := author(t)
	b := create(t, "todos", []string{}, testOptions(3))
	join(t, b, a)
	sameState(t, a, b)
	if b.Stats().Nodes != a.Stats().Nodes || b.Joining() || len(b.Heads()) != 2 || b.Stats().Writers != 2 || b.Stats().Forks != 0 {
		t.Errorf("stats %+v, heads %v", b.Stats(), b.Heads())
	}
	if lacks, err := b.Lacks(adopted(t, a, "").Coverage); err != nil || len(lacks) > 0 {
		t.Errorf("lacks %v, %v", lacks, err)
	}
	b = reopen(t, b)
	sameState(t, a, b)
	names, err := b.Absorbed()
	if err != nil || !names["all"] {
		t.Errorf("absorbed %v, %v", names, err)
	}
	r := putNode(t, b, "new", 1)
	entries, err := b.Log(0, 10)
	if err != nil || len(entries) != 1 {
		t.Fatalf("log %v, %v", entries, err)
	}
	e, err := setlog.ReadEntry(r.Writer, 1, entries[0].Line)
	if err != nil || len(e.Saw) != 2 {
		t.Errorf("the first entry saw %v, %v", e.Saw, err)
	}
	foldIn(t, a, sealed(t, b)...)
	sameState(t, a, b)
	if _, err := b.Undo(context.Background(), UndoRequest{Entry: e.ID()}); err == nil {
		t.Error("undone without a past")
	}
}

// TestSegmentsBehindAnIndex folds what goes on where an index ended, and what lies within it.
func TestSegmentsBehindAnIndex(t *testing.T) {
	a := author(t)
	b := create(t, "todos", []string{}, testOptions(3))
	join(t, b, a)
	head := a.Stats().Head
	putNode(t, a, "later", 1)
	foldIn(t, b, cut(t, a, head+1, head+1))
	sameState(t, a, b)
	if len(b.Heads()) != 2 {
		t.Errorf("heads %v", b.Heads())
	}
	foldIn(t, b, cut(t, a, 5, 7)) // held by the index, most likely
	foldIn(t, b, cut(t, a, 8, 9))
	foldIn(t, b, cut(t, a, 1, head))
	putNode(t, a, "last", 1)
	foldIn(t, b, cut(t, a, head+2, head+2))
	sameState(t, a, b)
	if lacks, err := b.Lacks(adopted(t, a, "").Coverage); err != nil || len(lacks) > 0 {
		t.Errorf("lacks %v, %v", lacks, err)
	}
	if rest, err := b.Rest(context.Background(), adopted(t, a, "").Coverage); err != nil || rest.Entries != 0 || rest.Unknown {
		t.Errorf("rest %+v, %v", rest, err)
	}
	b = reopen(t, b)
	sameState(t, a, b)
	c := create(t, "todos", []string{}, testOptions(4))
	_, err := c.FoldAll(context.Background(), cut(t, a, 5, 7))
	wantError(t, err, ErrGap)
}

// TestRest tells what a coverage leaves out.
func TestRest(t *testing.T) {
	ctx := context.Background()
	a := author(t)
	all := adopted(t, a, "").Coverage
	rest, err := a.Rest(ctx, nil)
	if err != nil || rest.Entries != 23 || len(rest.Nodes) != 20 || len(rest.Coverage) != 2 || rest.Unknown {
		t.Errorf("of all: %+v, %v", rest, err)
	}
	putNode(t, a, "new", 1)
	rest, err = a.Rest(ctx, all)
	if err != nil || rest.Entries != 1 || !rest.Nodes["new"] || len(rest.Coverage) != 1 || rest.Coverage[0].First != 22 {
		t.Errorf("of one entry: %+v, %v", rest, err)
	}
	b := create(t, "todos", []string{}, testOptions(3))
	join(t, b, a)
	if rest, err = b.Rest(ctx, all); err != nil || !rest.Unknown || rest.Entries != 0 {
		t.Errorf("of what came by an index: %+v, %v", rest, err)
	}
}

// TestSimplify joins what overlaps on one branch, and nothing else.
func TestSimplify(t *testing.T) {
	a := author(t)
	whole := adopted(t, a, "").Coverage
	r := whole.Of(a.Stats().Writer)[0]
	part := func(first, last uint64) setlog.Range {
		s := cut(t, a, first, last).Segment
		return s.Range()
	}
	other := part(3, 9)
	other.Chain = setlog.Chain{1}
	got, err := a.Simplify(setlog.Coverage{part(1, 9), part(5, 12), part(6, 8), part(13, r.Last), other})
	if err != nil || len(got) != 2 || got[0] != r || got[1] != other {
		t.Errorf("got %v, %v; want %v and %v", got, err, r, other)
	}
}

// TestCrashWhileJoining loses nodes that were taken in, and nothing else.
func TestCrashWhileJoining(t *testing.T) {
	ctx := context.Background()
	a := author(t)
	b := create(t, "todos", []string{}, testOptions(3))
	putNode(t, b, "mine", 1)
	j, err := b.Join(ctx)
	if err != nil {
		t.Fatal(err)
	}
	nodes := states(t, a)
	if err := j.Absorb(ctx, nodes[:10]); err != nil {
		t.Fatal(err)
	}
	putNode(t, b, "more", 1) // its commit counts nodes that a crash may lose
	again := crash(t, b, testOptions(5))
	if !again.Joining() || again.Stats().Nodes != 2 {
		t.Errorf("after the crash: joining %v, %d nodes", again.Joining(), again.Stats().Nodes)
	}
	if err := b.Flush(ctx); err != nil {
		t.Fatal(err)
	}
	again = crash(t, b, testOptions(6))
	if again.Stats().Nodes != 11 { // one of the ten is deleted
		t.Errorf("after the flush: %d nodes", again.Stats().Nodes)
	}
	j.Leave()
	join(t, again, a)
	join(t, b, a)
	sameState(t, b, again)
	if b.Stats().Nodes != 21 || again.Stats().Nodes != 21 {
		t.Errorf("%d and %d nodes", b.Stats().Nodes, again.Stats().Nodes)
	}
}

// TestIndexOfOurOwnWriter shows a second user of our key.
func TestIndexOfOurOwnWriter(t *testing.T) {
	a := create(t, "todos", nil, testOptions(1))
	putNode(t, a, "a", 1)
	old := cloneOf(t, a)
	putNode(t, a, "b", 1)
	writer := old.Stats().Writer
	join(t, old, a)
	sameState(t, a, old)
	if old.Stats().Writer == writer {
		t.Error("it goes on with a writer that another one uses")
	}
}
