package localstore

import (
	"testing"

	"pgregory.net/rapid"
)

// TestPartsOfALogInAnyOrder folds overlapping parts of a log, in any order, into a store that an index told of them: each
// entry comes to be in the log once, and nothing counts as forked.
func TestPartsOfALogInAnyOrder(t *testing.T) {
	a := author(t)
	head := a.Stats().Head
	index := create(t, "todos", []string{}, testOptions(4))
	foldIn(t, index, cut(t, a, 1, head/2))
	inner := create(t, "todos", []string{}, testOptions(5))
	foldIn(t, inner, cut(t, a, 1, head/3))
	rapid.Check(t, func(r *rapid.T) {
		b := create(t, "todos", []string{}, testOptions(3))
		defer func() { _ = b.Close() }()
		join(t, b, []*Bucket{a, index, inner}[rapid.IntRange(0, 2).Draw(r, "index")])
		for range rapid.IntRange(0, 5).Draw(r, "parts") {
			first := rapid.Uint64Range(1, head).Draw(r, "first")
			part := cut(t, a, first, rapid.Uint64Range(first, head).Draw(r, "last"))
			if _, err := b.FoldAll(t.Context(), part); err != nil {
				wantError(t, err, ErrGap)
			}
			entriesOnce(r, b)
			b = reopen(t, b)
		}
		foldIn(t, b, cut(t, a, 1, head))
		once := entriesOnce(r, b)
		if s := b.Stats(); s.Entries != uint64(once) || once != int(head) || s.Forks != 0 {
			r.Errorf("%d entries, once %d, %d forks; its author has %d", s.Entries, once, s.Forks, head)
		}
		if forked := b.now().isForked(adopted(t, a, "").Coverage[0], nil); forked {
			r.Error("the log counts as forked")
		}
		for _, left := range b.now().adopted.Of(a.now().writer) {
			r.Errorf("%d-%d still count as of an index alone", left.First, left.Last)
		}
		whole := adopted(t, index, "").Coverage
		if logged, err := b.Logged(whole); err != nil || !logged {
			r.Errorf("the log has not all of %v: %v", whole, err)
		}
	})
}

// entriesOnce counts the entries of a log, in which none may be twice.
func entriesOnce(t rapid.TB, b *Bucket) int {
	t.Helper()
	entries, err := b.Log(0, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, e := range entries {
		if line := string(e.Writer[:]) + string(e.Line); seen[line] {
			t.Errorf("entry %d is in the log twice", e.Number)
		} else {
			seen[line] = true
		}
	}
	return len(entries)
}
