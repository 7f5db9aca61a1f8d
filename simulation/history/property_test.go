package history

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/setlogger/setlogger/setlog"
	"github.com/setlogger/setlogger/simulation/judge"
)

// draw makes a history of bytes, so that rapid can shrink it.
func draw(t *rapid.T) []judge.Record {
	h, err := Read(rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "choices"), true)
	if err != nil {
		t.Fatalf("%v\n%s", err, strings.Join(h.Trace, "\n"))
	}
	return h.Records
}

// fold folds records in the order given.
func fold(t *rapid.T, records []judge.Record, order []int) *judge.State {
	s := &judge.State{}
	for _, i := range order {
		if err := s.Fold(records[i]); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

func compare(t *rapid.T, s *judge.State, records []judge.Record) {
	if err := s.Compare(judge.Want(records)); err != nil {
		d := &judge.Disagreement{Way: "drawn", Records: records, Err: err}
		t.Fatal(d.Dump())
	}
}

func indexes(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// part draws which records are in a part, and in which order they are folded.
func part(t *rapid.T, records []judge.Record, name string) []int {
	in := rapid.SliceOfN(rapid.IntRange(0, len(records)-1), 0, 2*len(records)).Draw(t, name)
	return in
}

func TestPermutation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := draw(t)
		compare(t, fold(t, records, rapid.Permutation(indexes(len(records))).Draw(t, "order")), records)
	})
}

func TestRedelivery(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := draw(t)
		order := rapid.Permutation(indexes(len(records))).Draw(t, "order")
		again := part(t, records, "again")
		s := fold(t, records, append(order, again...))
		compare(t, s, records)
		once := lines(t, s)
		for _, i := range again {
			if err := s.Fold(records[i]); err != nil {
				t.Fatal(err)
			}
		}
		if twice := lines(t, s); twice != once {
			t.Fatalf("an entry that was folded before changed\n%s to\n%s", once, twice)
		}
	})
}

// TestSplit spreads the entries over parts, each of which arrives as entries, as nodes or as delta lines.
func TestSplit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := draw(t)
		parts := make([][]int, rapid.IntRange(1, 4).Draw(t, "parts"))
		for _, i := range rapid.Permutation(indexes(len(records))).Draw(t, "order") {
			for _, p := range rapid.SliceOfNDistinct(rapid.IntRange(0, len(parts)-1), 1, len(parts), rapid.ID).Draw(t, "in") {
				parts[p] = append(parts[p], i)
			}
		}
		s := &judge.State{}
		for _, order := range parts {
			arrive(t, s, records, order)
		}
		compare(t, s, records)
	})
}

func arrive(t *rapid.T, s *judge.State, records []judge.Record, order []int) {
	form := rapid.SampledFrom(judge.Forms()).Draw(t, "form")
	if rapid.Bool().Draw(t, "as entries") {
		for _, i := range order {
			if err := s.Fold(records[i]); err != nil {
				t.Fatal(err)
			}
		}
		return
	}
	if err := s.Merge(form, fold(t, records, order)); err != nil {
		t.Fatal(err)
	}
}

// TestMerge checks the laws of a join on the states of three parts that overlap as they like.
func TestMerge(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := draw(t)
		if len(records) == 0 {
			return
		}
		var parts [3]*judge.State
		for i := range parts {
			parts[i] = fold(t, records, part(t, records, fmt.Sprint("part ", i)))
		}
		for _, id := range []string{"a", "b"} {
			a, b, c := parts[0].Nodes[id], parts[1].Nodes[id], parts[2].Nodes[id]
			equal(t, "idempotent", setlog.Merge(a, a), a)
			equal(t, "commutative", setlog.Merge(a, b), setlog.Merge(b, a))
			equal(t, "associative", setlog.Merge(setlog.Merge(a, b), c), setlog.Merge(a, setlog.Merge(b, c)))
			equal(t, "absorbing", setlog.Merge(setlog.Merge(a, b), b), setlog.Merge(a, b))
		}
	})
}

func equal(t *rapid.T, law string, a, b *setlog.Node) {
	if a == nil || b == nil {
		if a != b {
			t.Fatalf("not %s: a node and none", law)
		}
		return
	}
	if x, y := a.AppendDelta(nil, "n"), b.AppendDelta(nil, "n"); !bytes.Equal(x, y) || a.Rev() != b.Rev() {
		t.Fatalf("not %s:\n%s\n%s", law, x, y)
	}
}

// lines is the state as a delta.
func lines(t *rapid.T, s *judge.State) string {
	var text []byte
	for _, id := range []string{"a", "b"} {
		if n := s.Nodes[id]; n != nil {
			text = append(n.AppendDelta(text, id), '\n')
		}
	}
	return string(text)
}

// FuzzHistory plays the history that bytes choose and folds it in several orders.
func FuzzHistory(f *testing.F) {
	for _, seed := range []string{"", "\x00", "setlogger", strings.Repeat("\x01\x80", 100), strings.Repeat("abcdefghijklmnopqrstuvwxyz", 8)} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, choices []byte) {
		h, err := Read(choices, true)
		if err == nil {
			_, err = h.Check(ordersEach)
		}
		if d, ok := errors.AsType[*judge.Disagreement](err); ok {
			t.Fatal(judge.Shrink(d).Dump())
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, strings.Join(h.Trace, "\n"))
		}
	})
}
