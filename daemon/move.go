package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/replica"
)

// The phases of a move.
const (
	moveCopying   = "copying"
	moveVerifying = "verifying"
)

// move brings all that stands on one remote to another, keeps both in sync, and takes the buckets off the first one only when all of
// the other was read and covers the first. It goes on after a restart. Nothing on the first one is touched.
type move struct {
	from, to *heldRemote
	stop     context.CancelFunc
	copy     *replica.Copy
	phase    atomic.Pointer[string]
	files    atomic.Pointer[api.Progress]
	failed   atomic.Pointer[string]
}

// moveRequest is the path and body of moveRemote.
type moveRequest struct {
	Remote string `path:"remote" doc:"Name of the remote"`
	Body   api.Move
}

// moveRemote begins a move, or tells how far it is.
func (d *Daemon) moveRemote(_ context.Context, in *moveRequest) (*answer[api.RemoteStatus], error) {
	d.changing.Lock()
	defer d.changing.Unlock()
	from, err := d.remote(in.Remote)
	if err != nil {
		return nil, err
	}
	to, err := d.remote(in.Body.To)
	if err != nil {
		return nil, err
	}
	if from == to {
		return nil, problem(http.StatusUnprocessableEntity, "a remote cannot move to itself", "add the other place first: setlogger remote add")
	}
	if m := from.moving.Load(); m != nil && m.to != to {
		return nil, problem(http.StatusConflict, fmt.Sprintf("%s is on its way to %s", from.name, m.to.name), "wait for it; to give it up: setlogger remote remove "+m.to.name)
	}
	if m := to.moving.Load(); m != nil {
		return nil, problem(http.StatusConflict, fmt.Sprintf("%s itself is on its way to %s", to.name, m.to.name), "wait for it, or move there at once")
	}
	if from.isShareOf(to) {
		return nil, oneShare(from.name, to.name)
	}
	if from.moving.Load() != nil || d.isMoved(from, to) {
		return &answer[api.RemoteStatus]{d.remoteStatus(from)}, nil
	}
	if err := d.keepRemote(from, func(e *localstore.Remote) { e.MovingTo, e.MovedTo = to.name, "" }); err != nil {
		return nil, refused(err)
	}
	from.movedTo.Store(nil)
	d.startMove(from, to)
	return &answer[api.RemoteStatus]{d.remoteStatus(from)}, nil
}

// isMoved tells whether all buckets of one remote went over to another already.
func (d *Daemon) isMoved(from, to *heldRemote) bool {
	moved := from.movedTo.Load()
	return moved != nil && *moved == to.name && len(d.bucketsOf(from)) == 0
}

// isLeft tells whether the buckets of a remote went over to another.
func (d *Daemon) isLeft(name string) bool {
	r, err := d.remote(name)
	return err == nil && r.movedTo.Load() != nil && len(d.bucketsOf(r)) == 0
}

// bucketsOf answers the buckets that sync with a remote.
func (d *Daemon) bucketsOf(r *heldRemote) []*heldBucket {
	return slices.DeleteFunc(d.allBuckets(), func(b *heldBucket) bool { return !slices.Contains(d.remotesOf(b), r.name) })
}

// resumeMoves goes on with what an earlier run of the daemon began.
func (d *Daemon) resumeMoves() error {
	all, err := d.registry.Remotes()
	if err != nil {
		return err
	}
	for _, e := range all {
		from, to := d.remotes[e.Name], d.remotes[e.MovingTo]
		if e.MovedTo != "" {
			from.movedTo.Store(&e.MovedTo)
		}
		if to != nil {
			d.startMove(from, to)
		}
	}
	return nil
}

func (d *Daemon) startMove(from, to *heldRemote) {
	ctx, stop := context.WithCancel(d.lanes)
	m := &move{from: from, to: to, stop: stop}
	m.copy = &replica.Copy{From: from.storage, To: to.storage, Progress: d.tell(&m.files)}
	m.enter(moveCopying)
	from.moving.Store(m)
	d.changed.ring()
	d.running.Go(func() {
		defer stop()
		d.untilDone(ctx, &m.failed, func() error { return d.moveOnce(ctx, m) })
		if from.moving.CompareAndSwap(m, nil) {
			d.changed.ring()
		}
	})
}

func (m *move) enter(phase string) { m.phase.Store(&phase) }

// moveOnce goes through all phases; what an earlier try has copied is there.
func (d *Daemon) moveOnce(ctx context.Context, m *move) error {
	m.enter(moveCopying)
	if err := m.to.lane.sync(ctx); err != nil { // there must be a share
		return fmt.Errorf("%s: %w", m.to.name, err)
	}
	if m.from.isShareOf(m.to) {
		return oneShare(m.from.name, m.to.name)
	}
	if _, err := copyWhole(ctx, m.copy); err != nil {
		return err
	}
	for {
		if err := d.attachAll(ctx, m); err != nil {
			return err
		}
		m.enter(moveVerifying)
		d.changed.ring()
		if err := d.verifyMove(ctx, m); err != nil {
			return err
		}
		done, err := d.switchOver(ctx, m)
		if done || err != nil {
			return err
		}
	}
}

// attachAll has the buckets of the first remote sync with both.
func (d *Daemon) attachAll(ctx context.Context, m *move) error {
	d.changing.Lock()
	defer d.changing.Unlock()
	if err := ctx.Err(); err != nil {
		return err
	}
	for _, b := range d.bucketsOf(m.from) {
		if err := d.attach(ctx, b, []string{m.to.name}); err != nil {
			return err
		}
	}
	return nil
}

// verifyMove takes in what others wrote to the first remote, reads all of the other one, and makes sure that it has what the first one shows.
func (d *Daemon) verifyMove(ctx context.Context, m *move) error {
	for _, r := range []*heldRemote{m.from, m.to} {
		if err := d.settle(ctx, r); err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
	}
	check := &verification{}
	check.remote(ctx, m.to)
	broken, why := 0, ""
	for _, f := range check.verdict.Findings {
		path, of := strings.CutPrefix(f.Subject, m.to.name+": ")
		if of && check.again(ctx, m.to.storage, path) == nil {
			continue // it was on its way
		}
		m.copy.Doubt(path)
		broken, why = broken+1, f.Subject+": "+f.Detail
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	_, err := copyWhole(ctx, m.copy) // what is doubted is written again
	if broken > 0 {
		return errors.Join(err, fmt.Errorf("%d files of %s were not whole, such as %s", broken, m.to.name, why))
	}
	return err
}

// switchOver takes the buckets off the first remote. It is not done while one that came meanwhile does not sync with both.
func (d *Daemon) switchOver(ctx context.Context, m *move) (done bool, err error) {
	d.changing.Lock()
	defer d.changing.Unlock()
	if err := ctx.Err(); err != nil {
		return false, err
	}
	buckets := d.bucketsOf(m.from)
	if slices.ContainsFunc(buckets, func(b *heldBucket) bool { return !slices.Contains(d.remotesOf(b), m.to.name) }) {
		return false, nil
	}
	for _, b := range buckets {
		if err := d.detach(b, m.from.name); err != nil {
			return false, err
		}
	}
	if err := d.keepRemote(m.from, func(e *localstore.Remote) { e.MovingTo, e.MovedTo = "", m.to.name }); err != nil {
		return false, err
	}
	m.from.movedTo.Store(&m.to.name)
	d.log.Info("moved", "from", m.from.name, "to", m.to.name, "buckets", len(buckets))
	return true, nil
}

// stopMoves gives up the moves from and to a remote. The caller holds d.changing, so that none of them switches later.
func (d *Daemon) stopMoves(r *heldRemote) error {
	for _, from := range d.allRemotes() {
		m := from.moving.Load()
		if m == nil || m.from != r && m.to != r {
			continue
		}
		m.stop()
		if err := d.keepRemote(from, func(e *localstore.Remote) { e.MovingTo = "" }); err != nil {
			return err
		}
		from.moving.CompareAndSwap(m, nil)
	}
	return nil
}

// movingStatus tells how far a remote is on its way; nil for one that stays.
func (r *heldRemote) movingStatus() *api.Moving {
	m := r.moving.Load()
	if m == nil {
		return nil
	}
	s := &api.Moving{To: m.to.name, Phase: *m.phase.Load()}
	if files := m.files.Load(); files != nil {
		s.Files = *files
	}
	if why := m.failed.Load(); why != nil {
		s.Error = *why
	}
	return s
}
