package localstore

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// excerpts makes excerpts until all is told, and answers what they bring to others.
func excerpts(t *testing.T, b *Bucket, after *Excerpt, most int) []Incoming {
	t.Helper()
	var all []Incoming
	for {
		e, err := b.Excerpt(*after, most)
		if err != nil {
			t.Fatal(err)
		}
		if e.Last == 0 {
			return all
		}
		*after = e
		if len(e.Data) > most {
			t.Errorf("an excerpt of %d bytes", len(e.Data))
		}
		if e.Data != nil {
			in := decoded(t, "message", e.Data)
			in.Data = nil
			all = append(all, in)
		}
		if e.Last == e.Head {
			return all
		}
	}
}

// TestExcerpts folds excerpts on another device, which keeps nothing of them, then the segments of the same entries.
func TestExcerpts(t *testing.T) {
	a := create(t, "b", nil, testOptions(1))
	b := create(t, "b", []string{}, testOptions(2))
	var told Excerpt
	for round := range 4 {
		for i := range 25 {
			putNode(t, a, fmt.Sprint("n", round, "-", i), i)
		}
		foldIn(t, b, excerpts(t, a, &told, 1500)...)
		sameState(t, a, b)
		if round%2 == 1 {
			if n, err := a.Seal(context.Background()); err != nil || n != 50 {
				t.Fatalf("%d entries were sealed, %v", n, err)
			}
		}
	}
	if kept, err := b.Segments(); err != nil || len(kept) != 0 {
		t.Errorf("%d segments are kept, %v", len(kept), err)
	}
	foldIn(t, b, sealed(t, a)...)
	sameState(t, a, reopen(t, b))
	if s := b.Stats(); s.Entries != 100 {
		t.Errorf("%+v", s)
	}
}

func TestExcerptsBeginAfterWhatIsSealed(t *testing.T) {
	a := create(t, "b", nil, testOptions(1))
	putNode(t, a, "sealed", 1)
	sealed(t, a)
	var told Excerpt
	if got := excerpts(t, a, &told, 1<<20); len(got) != 0 {
		t.Errorf("%d excerpts of what is sealed", len(got))
	}
	putNode(t, a, "not", 1)
	got := excerpts(t, a, &told, 1<<20)
	if len(got) != 1 || got[0].Segment.First != 2 || told.Last != 2 {
		t.Errorf("%d excerpts, up to %d", len(got), told.Last)
	}
}

func TestExcerptOfOneLargeEntry(t *testing.T) {
	a := create(t, "b", nil, testOptions(1))
	var noise strings.Builder
	for i := range 3000 {
		fmt.Fprint(&noise, hashOf(fmt.Sprint(i)))
	}
	dispatch(t, a, `{"type":"CREATE_NODE","id":"x","properties":{"p":%q}}`, noise.String())
	e, err := a.Excerpt(Excerpt{}, 10_000)
	if err != nil || e.Data != nil || e.Last != 1 || e.Head != 1 {
		t.Errorf("%+v, %v", e, err)
	}
	joined := create(t, "b", []string{}, testOptions(2))
	putNode(t, joined, "x", 1)
	if e, err := joined.Excerpt(Excerpt{}, 10_000); err != nil || e.Last != 0 {
		t.Errorf("a bucket without a birth gave %+v, %v", e, err)
	}
}
