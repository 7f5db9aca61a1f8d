package daemon

import (
	"context"
	"errors"
	"iter"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/memory"
)

// asked is a remote that counts what is asked of it. While it hangs, a list ends with its context alone.
type asked struct {
	remote.Storage
	calls   atomic.Int64
	hangs   atomic.Bool
	hanging chan struct{} // told of each list that hangs
}

func (a *asked) List(ctx context.Context, folder string) iter.Seq2[remote.Object, error] {
	a.calls.Add(1)
	if a.hangs.Load() {
		return func(yield func(remote.Object, error) bool) {
			a.hanging <- struct{}{}
			<-ctx.Done()
			yield(remote.Object{}, ctx.Err())
		}
	}
	return a.Storage.List(ctx, folder)
}

func (a *asked) Read(ctx context.Context, name string) ([]byte, error) {
	a.calls.Add(1)
	return a.Storage.Read(ctx, name)
}

func (a *asked) Write(ctx context.Context, name string, data []byte) error {
	a.calls.Add(1)
	return a.Storage.Write(ctx, name, data)
}

func (a *asked) Remove(ctx context.Context, name string) error {
	a.calls.Add(1)
	return a.Storage.Remove(ctx, name)
}

// servePausable runs a daemon with a bucket "b" on a remote "share" that counts.
func servePausable(t *testing.T) (*served, *asked, Options) {
	t.Helper()
	a := &asked{Storage: memory.New(), hanging: make(chan struct{}, 100)}
	local := memory.New()
	o := Options{Data: filepath.Join(t.TempDir(), "data"), Look: time.Second, Make: func(context.Context, string) error { return nil }, Open: func(path string) remote.Storage {
		if path == "there:share" {
			return a
		}
		return local
	}}
	s := serveOptions(t, o)
	s.share(t, "there:share")
	s.bucket(t, "b")
	s.append(t, "b", `{"type":"CREATE_NODE","id":"1"}`)
	s.sync(t)
	return s, a, o
}

func (s *served) pause(t *testing.T, paused bool) {
	t.Helper()
	if r, err := s.client.ChangeRemote(t.Context(), "share", api.RemoteChange{Paused: &paused}); err != nil || r.Paused != paused {
		t.Fatalf("%+v, %v", r, err)
	}
}

// TestPaused: nothing is asked of a paused remote, whoever wants it, over a restart too; local work goes on, and all is sent
// once it goes on.
func TestPaused(t *testing.T) {
	s, a, o := servePausable(t)
	s.pause(t, true)
	before := a.calls.Load()
	work := func() {
		var refused *api.Error
		if _, err := s.client.Sync(t.Context(), "share"); !errors.As(err, &refused) || refused.Status != 409 || refused.Hint != "setlogger resume share" {
			t.Errorf("sync: %v", err)
		}
		if all, err := s.client.Sync(t.Context(), ""); err != nil || len(all) != 2 {
			t.Errorf("sync of all: %v", err)
		}
		if test, err := s.client.TestRemote(t.Context(), "share"); err != nil || test.OK || test.Steps[0].Hint != "setlogger resume share" {
			t.Errorf("test: %+v, %v", test, err)
		}
		if verdict, err := s.client.Verify(t.Context(), "share"); err != nil || verdict.OK || verdict.Findings[0].Hint != "setlogger resume share" {
			t.Errorf("verify: %+v, %v", verdict, err)
		}
		if _, err := s.client.Compact(t.Context(), "b"); !errors.As(err, &refused) || refused.Status != 409 {
			t.Errorf("compact: %v", err)
		}
		if e, d := s.examined(t, "remote", "share"); !e.OK || !d.OK || !strings.Contains(e.Detail, "paused") {
			t.Errorf("doctor: %+v", d)
		}
		if _, err := s.client.CreateBucket(t.Context(), api.Bucket{Name: "other", Remote: "share"}); err != nil {
			t.Errorf("a new bucket: %v", err)
		}
	}
	s.append(t, "b", `{"type":"CREATE_NODE","id":"2"}`)
	work()
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	s = serveOptions(t, o)
	s.append(t, "b", `{"type":"CREATE_NODE","id":"3"}`)
	work()
	status, names := s.status(t)
	if r := status.Remotes[1]; !r.Paused || r.Pending != 2 || r.State != api.StateIdle || len(names) > 0 {
		t.Errorf("%+v %v", status, names)
	}
	if after := a.calls.Load(); after != before {
		t.Errorf("%d calls were made of a paused remote", after-before)
	}
	s.pause(t, false)
	s.sync(t)
	if status, _ := s.status(t); status.Pending != 0 || status.Remotes[1].Paused {
		t.Errorf("afterwards: %+v", status)
	}
}

// TestPauseEndsARound: a round under way ends at once, and what it had to do is done later.
func TestPauseEndsARound(t *testing.T) {
	s, a, _ := servePausable(t)
	a.hangs.Store(true)
	s.append(t, "b", `{"type":"CREATE_NODE","id":"2"}`)
	ended := make(chan error, 1)
	go func() {
		_, err := s.client.Sync(t.Context(), "share")
		ended <- err
	}()
	<-a.hanging
	s.pause(t, true)
	var refused *api.Error
	if err := <-ended; !errors.As(err, &refused) || refused.Status != 409 {
		t.Errorf("the round that was cut: %v", err)
	}
	if _, names := s.status(t); len(names) > 0 {
		t.Errorf("a pause is no problem: %v", names)
	}
	a.hangs.Store(false)
	s.pause(t, false)
	s.sync(t)
	if status, names := s.status(t); status.Pending != 0 || len(names) > 0 {
		t.Errorf("afterwards: %+v", status)
	}
}

func TestPauseAll(t *testing.T) {
	s, _, _ := servePausable(t)
	for _, paused := range []bool{true, false} {
		all, err := s.client.PauseRemotes(t.Context(), paused)
		if err != nil || len(all) != 2 || all[0].Paused != paused || all[1].Paused != paused {
			t.Errorf("%+v, %v", all, err)
		}
	}
}
