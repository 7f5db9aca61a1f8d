package daemon

import (
	"context"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/remote"
)

// closable is a storage that is to be closed.
type closable struct {
	remote.Storage
	end func()
}

func (c *closable) Close() { c.end() }

// openings counts by path the storages that are open.
type openings struct {
	places places
	mu     sync.Mutex
	open   map[string]int
	closed chan struct{} // told of each end
}

func (o *openings) Open(path string) remote.Storage {
	o.count(path, 1)
	return &closable{o.places.open(strings.TrimSuffix(path, "/")), sync.OnceFunc(func() {
		o.count(path, -1)
		o.closed <- struct{}{}
	})}
}

func (o *openings) count(path string, by int) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.open[path] += by; o.open[path] == 0 {
		delete(o.open, path)
	}
}

// want waits until as many storages are open as there are to be.
func (o *openings) want(t *testing.T, what string, want int) {
	t.Helper()
	late := time.After(5 * time.Second)
	for {
		o.mu.Lock()
		open := len(o.open)
		o.mu.Unlock()
		if open == want {
			return
		}
		select {
		case <-o.closed:
		case <-late:
			t.Errorf("%s: %d paths are open, want %d: %v", what, open, want, o.open)
			return
		}
	}
}

// TestPlacesAreClosed: what was opened for a look, a test, a backup or a restore is closed after it, and a remote's when it is removed.
func TestPlacesAreClosed(t *testing.T) {
	o := &openings{places: places{all: map[string]remote.Storage{}}, open: map[string]int{}, closed: make(chan struct{}, 100)}
	options := safeOptions(filepath.Join(t.TempDir(), "data"), &o.places)
	options.Open, options.Setups = o.Open, cloudSetups()
	s := serveOptions(t, options)
	o.want(t, "the embedded remote", 1)
	key, err := s.client.MakeKey(t.Context(), "vault", "s3:vault")
	if err != nil {
		t.Fatal(err)
	}
	o.want(t, "a new key", 1)
	if _, err := s.client.AddRemote(t.Context(), api.Remote{Name: "vault", Path: "s3:vault", Encrypt: true, Key: key}); err != nil {
		t.Fatal(err)
	}
	o.want(t, "an encrypted remote", 3)
	if _, err := s.client.Sync(t.Context(), "vault"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		other, err := s.client.MakeKey(t.Context(), "again", "")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.client.AddRemote(t.Context(), api.Remote{Name: "again", Path: "s3:vault/", Encrypt: true, Key: other}); err == nil {
			t.Fatal("another key was taken")
		}
	}
	o.want(t, "remotes that were refused", 3)
	s.closedAfterUse(t, o)
	if err := s.client.RemoveRemote(t.Context(), "vault"); err != nil {
		t.Fatal(err)
	}
	o.want(t, "a remote that was removed", 1)
}

// closedAfterUse makes a backup, restores it, and gives a setup up.
func (s *served) closedAfterUse(t *testing.T, o *openings) {
	t.Helper()
	if _, err := s.client.CreateBucket(t.Context(), api.Bucket{Name: "todos", Remote: "vault"}); err != nil {
		t.Fatal(err)
	}
	s.append(t, "todos", `{"type":"CREATE_NODE","id":"1"}`)
	s.backup(t, "s3:backup")
	o.want(t, "a backup", 3)
	s.restore(t, api.RestoreRequest{From: "s3:backup"})
	o.want(t, "a restore", 3)
	o.places.away.Store(true)
	setup, err := s.client.BeginSetup(t.Context(), api.SetupStart{Name: "x", Known: "office"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.client.AnswerSetup(t.Context(), setup.ID, api.SetupAnswer{Question: "folder"}); err != nil {
		t.Fatal(err)
	}
	if err := s.client.DropSetup(context.WithoutCancel(t.Context()), setup.ID); err != nil {
		t.Fatal(err)
	}
	o.places.away.Store(false)
	o.want(t, "a setup", 3)
}
