package daemon

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"github.com/setlogger/setlogger/api"
)

// TestAnotherPlaceOfOneName: what was sent to a remote that was removed is not taken to be on the one that has its name now.
func TestAnotherPlaceOfOneName(t *testing.T) {
	s := serveDaemon(t)
	s.remoteNamed(t, "nas")
	if _, err := s.client.CreateBucket(t.Context(), api.Bucket{Name: "todos", Remote: "nas"}); err != nil {
		t.Fatal(err)
	}
	for i := range 20 { // enough that some move to past/
		s.append(t, "todos", fmt.Sprintf(`{"type":"CREATE_NODE","id":"n%d"}`, i))
		s.syncAll(t)
	}
	for range 6 {
		s.syncAll(t)
	}
	if err := s.client.RemoveRemote(t.Context(), "nas"); err != nil {
		t.Fatal(err)
	}
	folder := s.remoteNamed(t, "nas")
	s.pauseOne(t, "nas", true)
	if _, err := s.client.CreateBucket(t.Context(), api.Bucket{Name: "todos", Remote: "nas"}); err != nil {
		t.Fatal(err)
	}
	if b, err := s.client.Bucket(t.Context(), "todos"); err != nil || b.Pending != 20 {
		t.Errorf("nothing is there: %+v, %v", b, err)
	}
	if err := s.client.LeaveBucket(t.Context(), "todos", true); !errors.Is(err, api.ErrConflict) {
		t.Errorf("what is on no remote is deleted: %v", err)
	}
	s.pauseOne(t, "nas", false)
	s.settled(t, "todos")
	want := s.export(t, "todos")
	if got := newcomer(t, folder, "todos").export(t, "todos"); !bytes.Equal(got, want) {
		t.Errorf("the new place has %d nodes of %d", bytes.Count(got, []byte("\n")), bytes.Count(want, []byte("\n")))
	}
	s.mirror(t, "todos", "local", "nas")
	s.mirror(t, "todos", "local")
	s.mirror(t, "todos", "local", "nas")
	s.settled(t, "todos") // which was there before, and is looked for once more
}

func (s *served) pauseOne(t *testing.T, remote string, paused bool) {
	t.Helper()
	if _, err := s.client.ChangeRemote(t.Context(), remote, api.RemoteChange{Paused: &paused}); err != nil {
		t.Fatal(err)
	}
}

// settled syncs until nothing of a bucket waits.
func (s *served) settled(t *testing.T, bucket string) {
	t.Helper()
	for range 12 {
		s.syncAll(t)
		if b, err := s.client.Bucket(t.Context(), bucket); err != nil {
			t.Fatal(err)
		} else if b.Pending == 0 {
			return
		}
	}
	t.Errorf("something of %s still waits", bucket)
}
