package localstore

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/setlogger/setlogger/setlog"
)

func TestTwoDevicesAgree(t *testing.T) {
	a := create(t, "b", nil, testOptions(1))
	b := create(t, "b", []string{}, testOptions(2))
	for i := range 30 {
		putNode(t, a, fmt.Sprint("n", i), i)
	}
	foldIn(t, b, sealed(t, a)...)
	sameState(t, a, b)
	if !slices.Equal(a.Births(), b.Births()) {
		t.Error(a.Births(), b.Births())
	}
	putNode(t, b, "n3", 33)
	dispatch(t, b, `{"type":"DELETE_NODE","id":"n4"}`)
	dispatch(t, a, `{"type":"INCREMENT","id":"n5","property":"n"}`)
	foldIn(t, a, sealed(t, b)...)
	foldIn(t, b, sealed(t, a)...)
	sameState(t, a, b)
	if s := b.Stats(); s.Writers != 2 || s.Entries != 33 || s.PendingUnsealed != 0 {
		t.Errorf("%+v", s)
	}
	sameState(t, a, reopen(t, b))
}

func TestFoldIsIdempotentInAnyCut(t *testing.T) {
	a := create(t, "b", nil, testOptions(1))
	const entries = 60
	for i := range entries {
		putNode(t, a, fmt.Sprint("n", i%7), i)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 10 {
		b := create(t, "b", []string{}, testOptions(byte(10+round)))
		reached := uint64(0)
		for reached < entries {
			first := 1 + random.Uint64N(reached+1)
			last := min(entries, first+random.Uint64N(20))
			f := foldIn(t, b, cut(t, a, first, last))
			if want := max(last, reached) - reached; f[0].Entries != int(want) || f[0].Forked || f[0].Minted != (setlog.Writer{}) {
				t.Fatalf("%+v for %d-%d at %d", f, first, last, reached)
			}
			reached = max(reached, last)
		}
		sameState(t, a, b)
	}
}

func TestFoldAllInOneTransaction(t *testing.T) {
	a := create(t, "b", nil, testOptions(1))
	var all []Incoming
	for i := range uint64(10) {
		putNode(t, a, fmt.Sprint(i), 1)
		all = append(all, cut(t, a, i+1, i+1))
	}
	b := create(t, "b", []string{}, testOptions(2))
	f := foldIn(t, b, append(all, all[3])...)
	if len(f) != 11 || f[10].Entries != 0 {
		t.Errorf("%+v", f)
	}
	sameState(t, a, b)
	if list, err := b.Segments(); len(list) != 10 || err != nil || list[0].Own {
		t.Errorf("%v %v", list, err)
	}
	if f, err := b.FoldAll(t.Context()); len(f) > 0 || err != nil {
		t.Error(f, err)
	}
}

func TestGap(t *testing.T) {
	a := create(t, "b", nil, testOptions(1))
	for i := range 6 {
		putNode(t, a, fmt.Sprint(i), 1)
	}
	b := create(t, "b", []string{}, testOptions(2))
	f, err := b.FoldAll(t.Context(), cut(t, a, 1, 2), cut(t, a, 4, 5), cut(t, a, 3, 6))
	var gap *GapError
	if !errors.As(err, &gap) || !errors.Is(err, ErrGap) || gap.Have != 2 || gap.First != 4 || gap.Writer != a.Stats().Writer || len(f) != 1 {
		t.Fatalf("%v %+v", err, f)
	}
	if s := b.Stats(); s.Entries != 2 {
		t.Errorf("%+v", s)
	}
	foldIn(t, b, cut(t, a, 3, 6))
	sameState(t, a, b)
}

func TestOtherBirth(t *testing.T) {
	a := create(t, "b", nil, testOptions(1))
	b := create(t, "b", nil, testOptions(2))
	putNode(t, a, "a", 1)
	putNode(t, b, "b", 1)
	segments := sealed(t, a)
	_, err := b.FoldAll(t.Context(), segments...)
	var other *OtherBirthError
	if !errors.As(err, &other) || !errors.Is(err, ErrOtherBirth) || !slices.Equal(other.Births, a.Births()) {
		t.Fatal(err)
	}
	if err := b.AcceptBirths(t.Context(), other.Births...); err != nil {
		t.Fatal(err)
	}
	foldIn(t, b, segments...)
	// the union travels with the segments of who merged
	foreign := cut(t, b, 1, 1)
	foreign.Segment.Births = []string{"another"}
	wantError(t, foldErr(a, foreign), ErrOtherBirth)
	putNode(t, b, "c", 1)
	if _, err := a.FoldAll(t.Context(), ownSegments(t, b)...); err != nil {
		t.Fatal(err)
	}
	sameState(t, a, b)
	if len(a.Births()) != 2 || !slices.Equal(a.Births(), b.Births()) {
		t.Error(a.Births(), b.Births())
	}
	wantError(t, b.AcceptBirths(t.Context(), ""), ErrSegment)
}

func foldErr(b *Bucket, in Incoming) error {
	_, err := b.Fold(context.Background(), in.Name, in.Data, in.Segment)
	return err
}

func ownSegments(t *testing.T, b *Bucket) []Incoming {
	t.Helper()
	return slices.DeleteFunc(sealed(t, b), func(in Incoming) bool { return in.Segment.Writer != b.now().writer })
}

func TestNotASegmentOfThisBucket(t *testing.T) {
	a := create(t, "a", nil, testOptions(1))
	putNode(t, a, "x", 1)
	putNode(t, a, "y", 1)
	b := create(t, "b", []string{}, testOptions(2))
	in := cut(t, a, 1, 2)
	wantError(t, foldErr(b, in), ErrSegment)
	c := create(t, "a", []string{}, testOptions(3))
	bad := in
	s := *in.Segment
	bad.Segment = &s
	s.Lines = [][]byte{s.Lines[1], s.Lines[0]}
	wantError(t, foldErr(c, bad), ErrSegment)
	s.Lines, s.Previous = in.Segment.Lines, setlog.Chain{}
	wantError(t, foldErr(c, bad), ErrSegment)
	s.Previous, s.Births = in.Segment.Previous, []string{"two\nlines"}
	wantError(t, foldErr(c, bad), ErrSegment)
	s.Births = in.Segment.Births
	s.Previous, s.Chain = in.Segment.Previous, setlog.Chain{}
	wantError(t, foldErr(c, bad), ErrSegment)
	if st := c.Stats(); st.Entries != 0 || st.Nodes != 0 {
		t.Errorf("%+v", st)
	}
	foldIn(t, c, in)
}

func TestSawNamesWhatChanged(t *testing.T) {
	a := create(t, "b", nil, testOptions(1))
	b := create(t, "b", []string{}, testOptions(2))
	saw := func(x *Bucket) []setlog.Head {
		t.Helper()
		putNode(t, x, fmt.Sprint("n", x.Stats().Entries), 1)
		entries, err := x.Log(x.Stats().Offset-1, 1)
		if err != nil || len(entries) != 1 {
			t.Fatal(entries, err)
		}
		e, err := setlog.ParseEntry(entries[0].Writer, entries[0].Number, entries[0].Line)
		if err != nil {
			t.Fatal(err)
		}
		return e.Saw
	}
	if got := saw(a); len(got) != 0 {
		t.Error(got)
	}
	foldIn(t, b, sealed(t, a)...)
	want := a.Heads()
	if got := saw(b); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if got := saw(b); len(got) != 0 {
		t.Error("said twice", got)
	}
	saw(a)
	foldIn(t, b, sealed(t, a)...)
	b = reopen(t, b)
	if got := saw(b); !slices.Equal(got, a.Heads()) {
		t.Errorf("after reopening %v, want %v", got, a.Heads())
	}
}

func TestSealBounds(t *testing.T) {
	a := create(t, "b", nil, testOptions(1))
	random := rand.NewChaCha8([32]byte{7})
	var requests []Request
	nodes := unlessShort(24, 6)
	for i := range nodes {
		noise := make([]byte, 200<<10)
		if _, err := random.Read(noise); err != nil {
			t.Fatal(err)
		}
		requests = append(requests, Request{Actions: actions(t, `{"type":"CREATE_NODE","id":"n%d","properties":{"x":"%x"}}`, i, noise)})
	}
	if _, err := a.Append(t.Context(), requests...); err != nil {
		t.Fatal(err)
	}
	n, err := a.Seal(t.Context())
	if err != nil || n != nodes {
		t.Fatal(n, err)
	}
	list, err := a.Segments()
	if err != nil || 5*len(list) < nodes {
		t.Fatal(list, err)
	}
	for _, s := range list {
		if s.Size > maxSegmentFile || !s.Own {
			t.Errorf("%+v", s)
		}
	}
	if n, err := a.Seal(t.Context()); n != 0 || err != nil {
		t.Error("sealed twice", n, err)
	}
	b := create(t, "b", []string{}, testOptions(2))
	slices.SortFunc(list, func(x, y StoredSegment) int { return int(x.First) - int(y.First) })
	for _, s := range list {
		foldIn(t, b, incoming(t, a, s.Name))
	}
	sameState(t, a, b)
}

func TestSent(t *testing.T) {
	a := create(t, "b", nil, testOptions(1))
	putNode(t, a, "a", 1)
	name := sealed(t, a)[0].Name
	for _, s := range []Sent{Uploaded, Listed, Verified, Unsent} {
		if err := a.MarkSent(t.Context(), "r", s, name); err != nil {
			t.Fatal(err)
		}
		got, err := a.Sent("r")
		if err != nil || got[name] != s || len(got) > 1 {
			t.Error(got, err)
		}
		other, err := a.Sent("r2")
		if err != nil || len(other) != 0 {
			t.Error(other, err)
		}
	}
	if err := a.MarkSent(t.Context(), "r", Listed); err != nil {
		t.Error(err)
	}
	if has, err := a.HasSegment(name); !has || err != nil {
		t.Error(has, err)
	}
	if has, err := a.HasSegment("none"); has || err != nil {
		t.Error(has, err)
	}
	_, err := a.SegmentData("none")
	wantError(t, err, ErrMissing)
}
