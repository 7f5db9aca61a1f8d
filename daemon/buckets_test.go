package daemon

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/disk"
)

// TestOneRemoteHoldsUpItsOwnBuckets: while one bucket waits for word of a remote that does not answer, others are made,
// joined and left.
func TestOneRemoteHoldsUpItsOwnBuckets(t *testing.T) {
	folder := t.TempDir()
	s := serveOptions(t, Options{
		Data: filepath.Join(t.TempDir(), "data"),
		Look: time.Hour,
		Open: func(path string) remote.Storage {
			if strings.HasSuffix(path, "deaf") {
				return hung{disk.New(path)}
			}
			return disk.New(path)
		},
	})
	for _, name := range []string{"deaf", "quick"} {
		if _, err := s.client.AddRemote(t.Context(), api.Remote{Name: name, Path: filepath.Join(folder, name)}); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	waits := make(chan error, 1)
	go func() {
		_, err := s.client.CreateBucket(ctx, api.Bucket{Name: "slow", Remote: "deaf"})
		waits <- err
	}()
	for _, name := range []string{"a", "b"} {
		if _, err := s.client.CreateBucket(t.Context(), api.Bucket{Name: name, Remote: "quick"}); err != nil {
			t.Error(err)
		}
	}
	if err := s.client.LeaveBucket(t.Context(), "a", false); err != nil {
		t.Error(err)
	}
	cancel()
	if err := <-waits; err == nil {
		t.Error("the bucket on the remote that does not answer was made at once")
	}
}
