package daemon

import (
	"errors"
	"testing"

	"github.com/setlogger/setlogger/api"
)

// TestMirrorInPlaceOfAll: a remote is not given up for one that has nothing yet: what it alone has would not get there.
func TestMirrorInPlaceOfAll(t *testing.T) {
	s := serveDaemon(t)
	first := s.remoteNamed(t, "first")
	s.bucket(t, "todos")
	s.append(t, "todos", `{"type":"CREATE_NODE","id":"n"}`)
	for range 20 { // enough that some of the log moves to past/, which newcomers do not read
		s.append(t, "todos", `{"type":"INCREMENT","id":"n","property":"x"}`)
		s.syncAll(t)
	}
	if _, err := s.client.Compact(t.Context(), "todos"); err != nil {
		t.Fatal(err)
	}
	for range 6 {
		s.syncAll(t)
	}
	joined := serveDaemon(t)
	joined.share(t, first)
	if _, err := joined.client.CreateBucket(t.Context(), api.Bucket{Name: "todos", Join: true}); err != nil {
		t.Fatal(err)
	}
	joined.sync(t)
	second := joined.remoteNamed(t, "second")
	var refused *api.Error
	if b, err := joined.client.ChangeRemotes(t.Context(), "todos", []string{"second"}); !errors.As(err, &refused) || refused.Status != 409 || refused.Hint == "" {
		t.Errorf("%+v, %v", b, err)
	} else {
		joined.mirror(t, "todos", "share", "second")
	}
	joined.mirror(t, "todos", "second")
	for range 6 {
		joined.syncAll(t)
	}
	lost := serveDaemon(t)
	lost.restore(t, api.RestoreRequest{From: second})
	h, err := lost.client.History(t.Context(), "todos", "n", "", 0)
	if err != nil || !h.Whole || len(h.Entries) != 21 {
		t.Errorf("the history there: whole %v, %d entries, %v", h.Whole, len(h.Entries), err)
	}
}
