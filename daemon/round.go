package daemon

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/replica"
)

// findings are what the last round of a lane met, for those who ask between rounds.
type findings struct {
	share    string              // id, empty until first reached
	problems []replica.Problem   // gone around
	unknown  []string            // ids of buckets that are there and not here
	births   map[string][]string // others met under a bucket's name
}

// roundUnlessPaused makes one round, which a pause ends.
func (d *Daemon) roundUnlessPaused(ctx context.Context, r *heldRemote) (outcome, error) {
	inside, leave, ok := r.valve.enter(ctx)
	defer leave()
	if !ok {
		return outcome{}, pausedError{r.name}
	}
	did, err := d.round(inside, r)
	if err != nil && r.valve.closed.Load() {
		return did, pausedError{r.name}
	}
	return did, err
}

// round makes one round with a remote, for the buckets that sync with it. Only its lane calls it.
func (d *Daemon) round(ctx context.Context, r *heldRemote) (outcome, error) {
	if r.share.ID() == "" { // later, a missing folder is one that has vanished
		if err := d.prepare(ctx, r); err != nil {
			return outcome{}, err
		}
	}
	var buckets []*localstore.Bucket
	for _, b := range d.allBuckets() {
		if slices.Contains(d.remotesOf(b), r.name) {
			buckets = append(buckets, b.Bucket)
		}
	}
	began := time.Now()
	round, err := r.share.Sync(ctx, buckets)
	r.indexed.Add(int64(round.Indexed))
	d.keep(r, buckets, round)
	if round.Joined > 0 {
		d.running.Go(func() { d.refill(r, buckets) })
	}
	if errors.Is(err, localstore.ErrStopped) && ctx.Err() == nil { // one of them was left meanwhile: go on without it
		r.lane.noteAppend()
		return outcome{moved: true}, nil
	}
	if round.Moved() {
		d.log.Debug("synced", "remote", r.name, "folded", round.Folded, "sealed", round.Sealed, "uploaded", round.Uploaded)
	}
	if round.Uploaded > 0 {
		r.courier.Load().uploaded(began)
	}
	return outcome{moved: round.Moved(), sent: round.Uploaded > 0}, err
}

// noteJoin keeps for the status how far a bucket has taken indexes in.
func (d *Daemon) noteJoin(bucket string, done, total int) {
	b, err := d.bucket(bucket)
	switch {
	case err != nil: // it was left meanwhile
	case done == total:
		b.joining.Store(nil)
	default:
		b.joining.Store(&api.Progress{Done: done, Total: total})
	}
	d.changed.ring()
}

// keep publishes what a round found, and remembers the share once it is known.
func (d *Daemon) keep(r *heldRemote, buckets []*localstore.Bucket, round replica.Round) {
	found := findings{share: r.share.ID(), problems: round.Problems, unknown: round.Unknown, births: map[string][]string{}}
	for _, b := range buckets {
		if births := r.share.OtherBirths(b.Name()); len(births) > 0 {
			found.births[b.Name()] = slices.Clone(births)
		}
	}
	before := r.look()
	r.mu.Lock()
	r.found = found
	r.mu.Unlock()
	if found.share == before.share {
		return
	}
	err := d.keepRemote(r, func(e *localstore.Remote) { e.Share = found.share })
	if err != nil && !errors.Is(err, localstore.ErrMissing) {
		d.log.Error("the share's id cannot be stored", "remote", r.name, "error", err)
	}
	d.changed.ring() // a channel may wait for it
}

func (r *heldRemote) look() findings {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.found
}

// problems are what keeps a remote from syncing, and what its rounds went around.
func (r *heldRemote) problems() []api.Problem {
	var all []api.Problem
	if !r.valve.closed.Load() {
		if err := r.lane.look().err; err != nil {
			all = append(all, problemOf(r.name, err))
		}
		all = append(all, r.budget.problems(r.name, time.Now())...)
	}
	if p, ok := r.courier.Load().problem(); ok {
		all = append(all, p)
	}
	for _, p := range r.look().problems {
		all = append(all, named(p.Name, p.Subject, p.Detail, p.Hint))
	}
	return all
}
