package daemon

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/setlogger/setlogger/api"
)

// TestMirrorToTheSamePlace: a place that is named twice, in other words, does not keep a bucket twice.
func TestMirrorToTheSamePlace(t *testing.T) {
	s := serveDaemon(t)
	folder := s.remoteNamed(t, "first")
	if _, err := s.client.CreateBucket(t.Context(), api.Bucket{Name: "todos", Remote: "first"}); err != nil {
		t.Fatal(err)
	}
	s.syncAll(t)
	for _, known := range []bool{false, true} { // whether it is known yet which share the second is
		if !known {
			if _, err := s.client.AddRemote(t.Context(), api.Remote{Name: "second", Path: folder + "/."}); err != nil {
				t.Fatal(err)
			}
		} else {
			s.syncAll(t)
		}
		_, err := s.client.ChangeRemotes(t.Context(), "todos", []string{"first", "second"})
		var refused *api.Error
		if known && (!errors.As(err, &refused) || refused.Status != http.StatusConflict) {
			t.Errorf("a second name of the place: %v", err)
		}
		if err != nil {
			continue
		}
		s.await(t, func(s api.Status) bool {
			filling := s.Buckets[0].Filling
			return len(filling) == 1 && strings.HasPrefix(filling[0].Error, "first and second are one share")
		})
		if _, err := s.client.ChangeRemotes(t.Context(), "todos", []string{"first"}); err != nil {
			t.Fatal(err)
		}
	}
}
