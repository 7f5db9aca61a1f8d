package daemon

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/disk"
	"github.com/setlogger/setlogger/setlog"
)

// TestRestoreOverAFileThatStayed: the file of a bucket that was left is not taken for the backup's, unless it is.
func TestRestoreOverAFileThatStayed(t *testing.T) {
	s, place := serveDaemon(t), filepath.Join(t.TempDir(), "backup")
	s.bucket(t, "todos")
	stamp := s.append(t, "todos", `{"type":"CREATE_NODE","id":"1"}`).Stamp
	s.backup(t, place)
	apart := serveDaemon(t)
	apart.bucket(t, "todos")
	apart.append(t, "todos", `{"type":"CREATE_NODE","id":"2"}`)
	apart.syncAll(t)
	for _, d := range []*served{s, apart} {
		if err := d.client.LeaveBucket(t.Context(), "todos", false); err != nil {
			t.Fatal(err)
		}
	}
	for _, r := range []api.RestoreRequest{{From: place}, {From: place, At: stamp}, {From: place, DryRun: true}, {From: place, At: stamp, DryRun: true}} {
		var refused *api.Error
		if did, err := apart.client.Restore(t.Context(), r); !errors.As(err, &refused) || refused.Status != 409 || refused.Hint == "" {
			t.Errorf("%+v: %+v, %v", r, did, err)
		}
	}
	if all, err := apart.client.Buckets(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("a refused restore made %v, %v", all, err)
	}
	apart.bucket(t, "todos")
	if got := apart.export(t, "todos"); string(got) != `{"id":"2"}`+"\n" {
		t.Errorf("what was left is now %s", got)
	}
	apart.syncAll(t)
	if err := apart.client.LeaveBucket(t.Context(), "todos", true); err != nil {
		t.Fatal(err)
	}
	for _, d := range []*served{s, apart} {
		did := d.restore(t, api.RestoreRequest{From: place})
		if got := d.export(t, "todos"); string(got) != `{"id":"1"}`+"\n" || !did.New {
			t.Errorf("%+v: %s", did, got)
		}
	}
}

// slowAfter is a storage whose lists wait for a gate once there is a file.
type slowAfter struct {
	remote.Storage
	file    string
	waiting chan<- struct{}
	open    <-chan struct{}
}

func (s slowAfter) List(ctx context.Context, folder string) iter.Seq2[remote.Object, error] {
	if _, err := os.Stat(s.file); err == nil {
		s.waiting <- struct{}{}
		select {
		case <-s.open:
		case <-ctx.Done():
		}
	}
	return s.Storage.List(ctx, folder)
}

// TestRestoreHoldsNobodyUp: while a place does not answer, what has nothing to do with it goes on.
func TestRestoreHoldsNobodyUp(t *testing.T) {
	data, place := filepath.Join(t.TempDir(), "data"), filepath.Join(t.TempDir(), "backup")
	waiting, open := make(chan struct{}, 100), make(chan struct{})
	from := serveDaemon(t)
	from.bucket(t, "todos")
	from.append(t, "todos", `{"type":"CREATE_NODE","id":"1"}`)
	from.backup(t, place)
	s := serveOptions(t, Options{Data: data, Open: func(path string) remote.Storage {
		if path == place {
			return slowAfter{disk.New(path), filepath.Join(data, "buckets", setlog.BucketID("todos")+".db"), waiting, open}
		}
		return disk.New(path)
	}})
	restored := make(chan error, 1)
	go func() {
		_, err := s.client.Restore(t.Context(), api.RestoreRequest{From: place})
		restored <- err
	}()
	<-waiting
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := s.client.CreateBucket(ctx, api.Bucket{Name: "other"}); err != nil {
		t.Errorf("another bucket is made: %v", err)
	}
	close(open)
	if err := <-restored; err != nil {
		t.Error(err)
	}
	if got := s.export(t, "todos"); string(got) != `{"id":"1"}`+"\n" {
		t.Errorf("%s", got)
	}
}

// TestRestoreThatWasKilled leaves nothing that a start does not clear away: it holds all of a bucket.
func TestRestoreThatWasKilled(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	folder := filepath.Join(data, "restore-12345")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	b, err := localstore.Create(filepath.Join(folder, setlog.BucketID("todos")+".db"), "todos", nil, localstore.Options{NoSync: true})
	if err := errors.Join(err, b.Close()); err != nil {
		t.Fatal(err)
	}
	serveOptions(t, Options{Data: data})
	if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", folder, err)
	}
}

// TestRestoreOfALargeNode: one that grew beyond what an entry can be is named, and all others are restored.
func TestRestoreOfALargeNode(t *testing.T) {
	s, place := serveDaemon(t), filepath.Join(t.TempDir(), "backup")
	s.bucket(t, "todos")
	s.append(t, "todos", `{"type":"CREATE_NODE","id":"large"}`)
	for i := range 2 {
		s.append(t, "todos", fmt.Sprintf(`{"type":"SET_PROPERTY","id":"large","property":"p%d","value":"%s"}`, i, strings.Repeat("x", 600_000)))
	}
	stamp := s.append(t, "todos", `{"type":"CREATE_NODE","id":"small"}`).Stamp
	for _, id := range []string{"large", "small"} {
		s.append(t, "todos", `{"type":"DELETE_NODE","id":"`+id+`"}`)
	}
	s.backup(t, place)
	did := s.restore(t, api.RestoreRequest{From: place, At: stamp})
	if len(did.Left) != 1 || did.Left[0].ID != "large" || !strings.Contains(did.Left[0].Reason, "1 MiB") {
		t.Errorf("%+v", did)
	}
	if got := s.export(t, "todos"); string(got) != `{"id":"small"}`+"\n" {
		t.Errorf("%d bytes", len(got))
	}
}
