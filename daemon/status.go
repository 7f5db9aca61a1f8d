package daemon

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/replica"
)

func (d *Daemon) getStatus(ctx context.Context, _ *struct{}) (*answer[api.Status], error) {
	return &answer[api.Status]{d.statusFor(callerOf(ctx).grant)}, nil
}

// statusFor is the status as far as a caller may see it.
func (d *Daemon) statusFor(g grant) api.Status {
	s := d.status()
	if g.admin {
		s.Asking = d.apps.waiting()
	}
	return g.shown(s)
}

// shown leaves out of the status what an app has no scope for.
func (g grant) shown(s api.Status) api.Status {
	if g.admin {
		return s
	}
	s.Buckets = slices.DeleteFunc(s.Buckets, func(b api.BucketStatus) bool { return !g.mayRead(b.Name) })
	s.Problems = slices.DeleteFunc(s.Problems, func(p api.Problem) bool {
		return !slices.ContainsFunc(s.Buckets, func(b api.BucketStatus) bool { return b.Name == p.Subject })
	})
	s.Pending = 0
	for _, b := range s.Buckets {
		s.Pending += b.Pending
	}
	for i := range s.Remotes {
		r := &s.Remotes[i]
		*r = api.RemoteStatus{Name: r.Name, State: r.State, LastSync: r.LastSync, Paused: r.Paused}
	}
	return s
}

// status is the one value that every face draws.
func (d *Daemon) status() api.Status {
	s := api.Status{
		Version: d.o.Version, Device: d.device, Started: d.started.UTC(),
		Buckets: []api.BucketStatus{}, Problems: slices.AppendSeq([]api.Problem{}, maps.Values(d.broken)),
	}
	s.Problems = append(s.Problems, d.clock.problems(d.device, time.Since(d.started))...)
	for _, b := range d.allBuckets() {
		status := d.bucketStatus(b)
		s.Buckets = append(s.Buckets, status)
		s.Pending += status.Pending
		s.Problems = append(s.Problems, b.problems()...)
	}
	s.Remotes = d.remoteStatuses().Remotes
	for _, r := range d.allRemotes() {
		s.Problems = append(s.Problems, r.problems()...)
	}
	for _, r := range s.Remotes {
		if r.LastSync != nil && (s.LastSync == nil || r.LastSync.After(*s.LastSync)) {
			s.LastSync = r.LastSync
		}
	}
	s.State = stateOf(s)
	return s
}

// stateOf is the worst of the states.
func stateOf(s api.Status) api.State {
	order := []api.State{api.StateIdle, api.StateSyncing, api.StateOffline, api.StateProblem}
	worst := 0
	for _, r := range s.Remotes {
		worst = max(worst, slices.Index(order, r.State))
	}
	for _, p := range s.Problems {
		if !passes(p.Name) {
			return api.StateProblem
		}
	}
	return order[worst]
}

// problems are what a person should know of a bucket.
func (b *heldBucket) problems() []api.Problem {
	var all []api.Problem
	if p := b.failing.Load(); p != nil {
		all = append(all, *p)
	}
	if len(b.Births()) == 0 {
		all = append(all, named(bucketAwaited, b.Name(), "it was joined, and nothing of it has arrived yet",
			"append to it on the device that made it, and sync there; what is appended here before would be a bucket of its own, to be merged later"))
	}
	return all
}

func (d *Daemon) bucketStatus(b *heldBucket) api.BucketStatus {
	stats := b.Stats()
	remotes := d.remotesOf(b)
	status := api.BucketStatus{
		Name: b.Name(), Writer: stats.Writer.String(), Nodes: stats.Nodes, Entries: stats.Entries, Bytes: b.FileBytes(),
		Pending: stats.PendingUnsealed, Remotes: remotes, Joining: b.joining.Load(), Filling: fillingStatus(d.fillingsOf(b)),
	}
	for _, name := range remotes {
		status.Pending = max(status.Pending, pending(b, name))
	}
	return status
}

// pending counts the own entries that no listing of the remote has shown yet.
func pending(b *heldBucket, remote string) uint64 {
	waiting, err := replica.Pending(b.Bucket, remote)
	if err != nil {
		return b.Stats().PendingUnsealed // a bucket that cannot be read is told by those who need it
	}
	return waiting
}

func (d *Daemon) remoteStatuses() api.Remotes {
	all := api.Remotes{Remotes: []api.RemoteStatus{}}
	for _, r := range d.allRemotes() {
		all.Remotes = append(all.Remotes, d.remoteStatus(r))
	}
	return all
}

func (d *Daemon) remoteStatus(r *heldRemote) api.RemoteStatus {
	view := r.lane.look()
	status := api.RemoteStatus{Name: r.name, Path: d.o.Mask(r.path), Share: r.look().share, State: view.state(), Encrypted: r.place != nil}
	if c := r.courier.Load(); c != nil {
		status.Notify = d.o.Channels.Mask(c.address)
	}
	if !view.lastSync.IsZero() {
		at := view.lastSync.UTC().Truncate(time.Millisecond)
		status.LastSync = &at
	}
	spent, limit := r.budget.lastHour(time.Now())
	status.RequestsPerHour, status.Budget = spent.total(), limit
	if r.metered {
		month := spent.month()
		status.EstimatedMonth = &month
	}
	switch status.Paused = r.valve.closed.Load(); {
	case status.Paused:
		status.State = api.StateIdle
	case view.err != nil:
		status.Error = plain(view.err)
	}
	status.Moving = r.movingStatus()
	if moved := r.movedTo.Load(); moved != nil {
		status.MovedTo = *moved
	}
	for _, b := range d.allBuckets() {
		if slices.Contains(d.remotesOf(b), r.name) {
			status.Pending += pending(b, r.name)
		}
	}
	return status
}

func (v laneView) state() api.State {
	switch {
	case errors.Is(v.err, remote.ErrUnreachable), errors.Is(v.err, remote.ErrBusy):
		return api.StateOffline
	case v.err != nil:
		return api.StateProblem
	case v.busy:
		return api.StateSyncing
	}
	return api.StateIdle
}

// problemOf names what keeps a remote from syncing, or a bucket from being written.
func problemOf(name string, err error) api.Problem {
	if err == nil {
		return api.Problem{}
	}
	kind, hint := troubleOf(err), cmp.Or(remote.Hint(err), placeHint(err))
	if kind == remoteFailing && hint == "" {
		hint = "look at the remote's path and settings: setlogger remote test " + name
	}
	p := named(kind, name, plain(err), hint)
	if at := retryAfter(err); !at.IsZero() {
		at = at.UTC().Truncate(time.Second)
		p.Until = &at
	}
	return p
}

// troubleOf is the name of the problem that an error is. What wraps another comes before it.
func troubleOf(err error) string {
	for _, known := range []struct {
		is   error
		name string
	}{
		{remote.ErrVanished, folderVanished},
		{remote.ErrUnreachable, remoteUnreachable},
		{remote.ErrExpired, loginExpired},
		{remote.ErrDenied, remoteDenied},
		{remote.ErrFull, remoteFull},
		{remote.ErrBusy, remoteBusy},
		{remote.ErrTwins, twinFolders},
		{replica.ErrShareMissing, shareMissing},
		{replica.ErrShareOther, shareOther},
		{replica.ErrNotEmpty, folderNotEmpty},
		{replica.ErrNewer, updateNeeded},
		{localstore.ErrFull, diskFull},
		{localstore.ErrCommit, diskFailing},
	} {
		if errors.Is(err, known.is) {
			return known.name
		}
	}
	return cmp.Or(placeProblem(err), remoteFailing)
}

// retryAfter is when a remote said that it wants to be asked again; zero where it did not.
func retryAfter(err error) time.Time {
	var busy interface{ RetryAfter() time.Time }
	if errors.As(err, &busy) {
		return busy.RetryAfter()
	}
	return time.Time{}
}

// syncError answers a sync that failed in the words of the status.
func syncError(name string, err error) *api.Error {
	e, p := answerOf(err), problemOf(name, err)
	if p.Name == remoteFailing && e.Status == http.StatusInternalServerError {
		e.Status, e.Title = http.StatusBadGateway, http.StatusText(http.StatusBadGateway)
	}
	if e.Status != http.StatusServiceUnavailable {
		e.Hint = p.Hint
	}
	return e
}
