package daemon

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/localstore"
)

// errPaused answers every call of a remote that a person has paused; it comes as a pausedError, which names the remote.
var errPaused = errors.New("daemon: the remote is paused")

type pausedError struct{ remote string }

func (e pausedError) Error() string {
	return "remote " + e.remote + " is paused: nothing is asked of it"
}
func (e pausedError) Hint() string         { return "setlogger resume " + e.remote }
func (e pausedError) Is(target error) bool { return target == errPaused }

// answer is how a caller hears of it.
func (e pausedError) answer() *api.Error {
	return problem(http.StatusConflict, e.Error(), e.Hint())
}

// valve stands between a remote and all that calls it. A closed one refuses calls, and ends those under way.
type valve struct {
	closed atomic.Bool
	mu     sync.Mutex
	cut    map[*context.CancelFunc]bool
}

// enter makes the context of one call, or answers false when the valve is closed. leave is to be called after the call.
func (v *valve) enter(ctx context.Context) (inside context.Context, leave func(), ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.closed.Load() {
		return ctx, func() {}, false
	}
	inside, cancel := context.WithCancel(ctx)
	if v.cut == nil {
		v.cut = map[*context.CancelFunc]bool{}
	}
	v.cut[&cancel] = true
	return inside, func() {
		v.mu.Lock()
		delete(v.cut, &cancel)
		v.mu.Unlock()
		cancel()
	}, true
}

// set closes or opens the valve.
func (v *valve) set(closed bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.closed.Store(closed)
	if closed {
		for cancel := range v.cut {
			(*cancel)()
		}
	}
}

// remoteChange is the path and the body of a change of one remote.
type remoteChange struct {
	Remote string `path:"remote" doc:"Name of the remote"`
	Body   api.RemoteChange
}

// changeRemote changes what is set of one remote.
func (d *Daemon) changeRemote(_ context.Context, in *remoteChange) (*answer[api.RemoteStatus], error) {
	r, err := d.remote(in.Remote)
	if err != nil {
		return nil, err
	}
	if err := d.setRemote(r, in.Body); err != nil {
		return nil, refused(err)
	}
	return &answer[api.RemoteStatus]{d.remoteStatus(r)}, nil
}

// changeRemotes changes what is set of all remotes.
func (d *Daemon) changeRemotes(_ context.Context, in *struct{ Body api.RemoteChange }) (*answer[api.Remotes], error) {
	for _, r := range d.allRemotes() {
		if err := d.setRemote(r, in.Body); err != nil {
			return nil, refused(err)
		}
	}
	return &answer[api.Remotes]{d.remoteStatuses()}, nil
}

// setRemote keeps a change over restarts, then lets it work.
func (d *Daemon) setRemote(r *heldRemote, change api.RemoteChange) error {
	d.changing.Lock()
	defer d.changing.Unlock()
	err := d.keepRemote(r, func(e *localstore.Remote) {
		if change.Paused != nil {
			e.Paused = *change.Paused
		}
		if change.Budget != nil {
			e.Budget = *change.Budget
		}
	})
	if err != nil {
		return err
	}
	if change.Paused != nil {
		r.valve.set(*change.Paused)
	}
	if change.Budget != nil {
		r.budget.set(*change.Budget)
	}
	r.lane.wake()
	d.changed.ring()
	return nil
}
