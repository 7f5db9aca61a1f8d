package localstore

import (
	"bytes"
	"fmt"
	"testing"
)

// announced is a bucket, and what its commits said they were about to write.
type announced struct {
	*Bucket

	upcoming []*Upcoming
	fail     bool // the next commit
}

func announcing(t *testing.T) *announced {
	t.Helper()
	a := &announced{}
	o := testOptions(1)
	o.Committing = func(bucket string, u *Upcoming) {
		if bucket != "b" || a.Bucket != nil && a.Wrote(u) {
			t.Errorf("%s wrote what it is only about to write", bucket)
		}
		a.upcoming = append(a.upcoming, u)
	}
	o.CommitFault = func(written bool) error {
		if a.fail && !written {
			a.fail = false
			return writeError(errDisk)
		}
		return nil
	}
	a.Bucket = create(t, "b", nil, o)
	return a
}

func (a *announced) last() *Upcoming { return a.upcoming[len(a.upcoming)-1] }

// TestUpcoming: what is made of the entries that a commit is about to write is what is made of them once they are written.
func TestUpcoming(t *testing.T) {
	a := announcing(t)
	var told Excerpt
	for i := range 3 {
		putNode(t, a.Bucket, fmt.Sprint("n", i), i)
		later, err := a.Excerpt(told, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		if i > 0 { // the first entry of a writer is told as ever
			u := a.last()
			early, err := u.Excerpt(1 << 20)
			if err != nil || !u.Follows(told) || u.Follows(later) || !a.Wrote(u) {
				t.Fatalf("%v, follows %t and %t, wrote %t", err, u.Follows(told), u.Follows(later), a.Wrote(u))
			}
			if !bytes.Equal(early.Data, later.Data) || early.Last != later.Last || early.Head != later.Head || early.Writer != later.Writer {
				t.Errorf("got entry %d of %d, later %d of %d", early.Last, early.Head, later.Last, later.Head)
			}
			if little, err := u.Excerpt(10); err != nil || little.Data != nil || little.Last != early.Last {
				t.Errorf("%d bytes in place of at most 10, %v", len(little.Data), err)
			}
		}
		told = later
	}
	if len(a.upcoming) != 2 {
		t.Errorf("told %d times", len(a.upcoming))
	}
}

// TestUpcomingThatFails: another entry comes to have the number of one that was not written, which is never told.
func TestUpcomingThatFails(t *testing.T) {
	a := announcing(t)
	putNode(t, a.Bucket, "first", 1)
	a.fail = true
	wantError(t, appendOne(t, a.Bucket, `{"type":"CREATE_NODE","id":"lost"}`), ErrCommit)
	lost := a.last()
	if a.Wrote(lost) {
		t.Error("a failed commit wrote")
	}
	putNode(t, a.Bucket, "other", 1)
	if a.Wrote(lost) || !a.Wrote(a.last()) {
		t.Errorf("wrote the lost one %t, the other %t", a.Wrote(lost), a.Wrote(a.last()))
	}
	putNode(t, a.Bucket, "third", 1)
	if a.Wrote(a.upcoming[len(a.upcoming)-2]) {
		t.Error("told as the last, and another came after it")
	}
}

// TestUpcomingIsOfPeople: what many wrote together, and what came from others, is not announced.
func TestUpcomingIsOfPeople(t *testing.T) {
	a := announcing(t)
	putNode(t, a.Bucket, "first", 1)
	requests := make([]Request, maxUpcoming+1)
	for i := range requests {
		requests[i].Actions = actions(t, `{"type":"CREATE_NODE","id":"n%d"}`, i)
	}
	if _, err := a.Append(t.Context(), requests...); err != nil {
		t.Fatal(err)
	}
	other := create(t, "b", []string{}, testOptions(2))
	foldIn(t, other, sealed(t, a.Bucket)...)
	putNode(t, other, "theirs", 1)
	foldIn(t, a.Bucket, sealed(t, other)...)
	if len(a.upcoming) != 0 {
		t.Errorf("announced %d times", len(a.upcoming))
	}
	putNode(t, a.Bucket, "next", 1)
	if len(a.upcoming) != 1 {
		t.Errorf("announced %d times", len(a.upcoming))
	}
}
