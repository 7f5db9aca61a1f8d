package daemon

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/setlog"
)

// TestLettersMadeEarly: the letter of a commit is ready when it is written, and none of a failed one is ever sent.
func TestLettersMadeEarly(t *testing.T) {
	const share = "0123456789abcdef0123456789abcdef"
	c := &courier{r: &heldRemote{found: findings{share: share}}, places: map[string]localstore.Excerpt{}, early: map[string]early{}}
	fail := false
	store, err := localstore.Create(filepath.Join(t.TempDir(), "b.db"), "b", nil, localstore.Options{
		NoSync:     true,
		Committing: func(bucket string, u *localstore.Upcoming) { c.makeEarly(forthcoming{bucket, u}) },
		CommitFault: func(written bool) error {
			if fail && !written {
				return errors.New("the disk is away")
			}
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	b := &heldBucket{Bucket: store}
	write := func(action string) error {
		parsed, err := setlog.ParseAction([]byte(action))
		if err != nil {
			t.Fatal(err)
		}
		_, err = b.append(t.Context(), localstore.Request{Actions: []setlog.Action{parsed}})
		return err
	}
	tell := func(wantEarly bool) {
		t.Helper()
		ready := c.early["b"].sealed
		want, err := b.Excerpt(c.places["b"], maxMessage)
		if err != nil {
			t.Fatal(err)
		}
		l, err := c.write(b, c.places["b"])
		if err != nil || bytes.Equal(l.sealed, ready) != wantEarly {
			t.Fatalf("made early: %t, %v", !wantEarly, err)
		}
		if m, err := setlog.OpenMessage(share, l.sealed); err != nil || !bytes.Equal(m.Segment, want.Data) {
			t.Errorf("a message of %d bytes, want %d; %v", len(m.Segment), len(want.Data), err)
		}
		c.places["b"] = l.Excerpt
	}

	for i, id := range []string{"first", "second"} {
		if err := write(`{"type":"CREATE_NODE","id":"` + id + `"}`); err != nil {
			t.Fatal(err)
		}
		tell(i > 0)
	}
	fail = true
	if err := write(`{"type":"CREATE_NODE","id":"lost"}`); err == nil {
		t.Fatal("written where it cannot be")
	}
	if l, err := c.write(b, c.places["b"]); err != nil || l.Last != 0 {
		t.Errorf("entry %d is told, which was not written; %v", l.Last, err)
	}
	fail = false
	places := c.places
	c.places = map[string]localstore.Excerpt{} // so that none is made early of the next
	if err := write(`{"type":"CREATE_NODE","id":"other"}`); err != nil {
		t.Fatal(err)
	}
	c.places = places
	tell(false)
}

// TestEarlyIsNoneThatSplits: what a commit writes goes by several messages where one does not hold it, and not by files alone.
func TestEarlyIsNoneThatSplits(t *testing.T) {
	c := &courier{r: &heldRemote{found: findings{share: "0123456789abcdef0123456789abcdef"}}, places: map[string]localstore.Excerpt{}, early: map[string]early{}}
	store, err := localstore.Create(filepath.Join(t.TempDir(), "b.db"), "b", nil, localstore.Options{
		NoSync: true, Committing: func(bucket string, u *localstore.Upcoming) { c.makeEarly(forthcoming{bucket, u}) },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	b := &heldBucket{Bucket: store}
	write := func(sizes ...int) {
		t.Helper()
		requests := make([]localstore.Request, len(sizes))
		for i, size := range sizes {
			noise := make([]byte, size)
			_, _ = rand.Read(noise)
			action, err := setlog.ParseAction(fmt.Appendf(nil, `{"type":"CREATE_NODE","id":"n%d-%d","properties":{"x":%q}}`, len(sizes), i, hex.EncodeToString(noise)))
			if err != nil {
				t.Fatal(err)
			}
			requests[i].Actions = []setlog.Action{action}
		}
		if _, err := b.append(t.Context(), requests...); err != nil {
			t.Fatal(err)
		}
	}
	write(1)
	if c.places["b"], err = b.Excerpt(c.places["b"], maxMessage); err != nil {
		t.Fatal(err)
	}
	write(50<<10, 50<<10, 50<<10, 50<<10)
	messages := 0
	for place := c.places["b"]; place.Last < place.Head || messages == 0; messages++ {
		l, err := c.write(b, place)
		if err != nil || l.sealed == nil {
			t.Fatalf("entry %d of %d goes by files alone; %v", l.Last, l.Head, err)
		}
		place = l.Excerpt
	}
	if messages < 2 {
		t.Errorf("told by %d message", messages)
	}
}
