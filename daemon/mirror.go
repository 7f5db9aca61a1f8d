package daemon

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync/atomic"
	"time"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/replica"
)

// filling gives a remote what the others have of a bucket, and has the bucket sync with it then.
type filling struct {
	bucket *heldBucket
	to     *heldRemote
	stop   context.CancelFunc
	files  atomic.Pointer[api.Progress]
	failed atomic.Pointer[string]
}

// setRemotes has a bucket sync with some remotes and no others.
func (d *Daemon) setRemotes(ctx context.Context, b *heldBucket, wanted []string) error {
	if !callerOf(ctx).grant.admin {
		return problem(http.StatusForbidden, "which remotes a bucket syncs with is not among the app's scopes", "the owner changes it: setlogger bucket mirror "+b.Name())
	}
	if len(wanted) == 0 {
		return problem(http.StatusUnprocessableEntity, "a bucket that syncs with no remote is on this device alone", "name one remote at least; setlogger remote remove forgets the last one")
	}
	d.changing.Lock()
	defer d.changing.Unlock()
	var fresh []*heldRemote
	now, filled := d.remotesOf(b), d.fillingsOf(b)
	for _, name := range wanted {
		r, err := d.remote(name)
		if err != nil {
			return err
		}
		if !slices.Contains(now, name) && !slices.ContainsFunc(filled, func(f *filling) bool { return f.to == r }) {
			fresh = append(fresh, r)
		}
	}
	if err := cmp.Or(d.checkApart(fresh, wanted), d.checkStays(b, fresh, now, wanted)); err != nil {
		return err
	}
	if err := d.dropRemotes(b, now, filled, wanted); err != nil {
		return err
	}
	for _, r := range fresh {
		if err := d.fill(b, r); err != nil {
			return refused(err)
		}
	}
	return nil
}

// checkApart makes sure that no fresh remote is the share of another, in other words: what is there is not kept twice.
func (d *Daemon) checkApart(fresh []*heldRemote, wanted []string) error {
	for _, r := range fresh {
		for _, name := range wanted {
			if other, err := d.remote(name); err == nil && other != r && r.isShareOf(other) {
				return oneShare(other.name, r.name)
			}
		}
	}
	return nil
}

// isShareOf tells whether two remotes are known to lead to one share.
func (r *heldRemote) isShareOf(other *heldRemote) bool {
	id := r.look().share
	return id != "" && id == other.look().share
}

func oneShare(a, b string) error {
	return problem(http.StatusConflict, fmt.Sprintf("%s and %s are one share", a, b), "name another place")
}

// checkStays makes sure that one of a bucket's remotes stays as long as a fresh one is to be given what they have.
func (d *Daemon) checkStays(b *heldBucket, fresh []*heldRemote, now, wanted []string) error {
	now = slices.DeleteFunc(slices.Clone(now), func(name string) bool { _, err := d.remote(name); return err != nil })
	if len(fresh) == 0 || len(now) == 0 || slices.ContainsFunc(now, func(name string) bool { return slices.Contains(wanted, name) }) {
		return nil
	}
	return problem(http.StatusConflict, fmt.Sprintf("remote %s has nothing of the bucket yet, and is to take the place of %s", fresh[0].name, listOf(now)),
		fmt.Sprintf("add it first: setlogger bucket mirror %s --remote %s; once it has all, take the others away with --remove", b.Name(), fresh[0].name))
}

// dropRemotes takes a bucket off the remotes that are not wanted.
func (d *Daemon) dropRemotes(b *heldBucket, now []string, filled []*filling, wanted []string) error {
	unwanted := func(name string) bool { return !slices.Contains(wanted, name) }
	for _, f := range filled {
		if !unwanted(f.to.name) && slices.ContainsFunc(now, unwanted) {
			return problem(http.StatusConflict, fmt.Sprintf("remote %s is still being given what %s has", f.to.name, listOf(now)), "wait until setlogger bucket show "+b.Name()+" lists it among the remotes")
		}
	}
	for _, f := range filled {
		if unwanted(f.to.name) {
			now = append(now, f.to.name)
		}
	}
	for _, name := range slices.DeleteFunc(slices.Clone(now), func(name string) bool { return !unwanted(name) }) {
		if err := d.detach(b, name); err != nil {
			return refused(err)
		}
	}
	return nil
}

// fill notes that a remote is to be given what the others have of a bucket, and begins. The caller holds d.changing.
func (d *Daemon) fill(b *heldBucket, r *heldRemote) error {
	entry, err := d.registry.Bucket(b.Name())
	if err != nil {
		return err
	}
	if !slices.Contains(entry.Filling, r.name) {
		entry.Filling = append(entry.Filling, r.name)
		if err := d.registry.PutBucket(entry); err != nil {
			return err
		}
	}
	d.startFilling(b, r)
	return nil
}

// resumeFillings goes on with what an earlier run of the daemon began.
func (d *Daemon) resumeFillings(entries []localstore.BucketEntry) {
	for _, e := range entries {
		for _, name := range e.Filling {
			b, r := d.buckets[e.Name], d.remotes[name]
			if b != nil && r != nil {
				d.startFilling(b, r)
			}
		}
	}
}

func (d *Daemon) startFilling(b *heldBucket, r *heldRemote) {
	ctx, stop := context.WithCancel(d.lanes)
	f := &filling{bucket: b, to: r, stop: stop}
	d.mu.Lock()
	already := slices.ContainsFunc(b.fillings, func(f *filling) bool { return f.to == r })
	if !already {
		b.fillings = append(slices.Clone(b.fillings), f)
	}
	d.mu.Unlock()
	if already {
		stop()
		return
	}
	d.changed.ring()
	d.running.Go(func() {
		defer stop()
		d.untilDone(ctx, &f.failed, func() error { return d.fillOnce(ctx, f) })
		d.dropFilling(b, f)
	})
}

func (d *Daemon) fillingsOf(b *heldBucket) []*filling {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return b.fillings
}

func (d *Daemon) dropFilling(b *heldBucket, f *filling) {
	d.mu.Lock()
	b.fillings = slices.DeleteFunc(slices.Clone(b.fillings), func(other *filling) bool { return other == f })
	d.mu.Unlock()
	d.changed.ring()
}

// again is the pause after the first try of a long work that failed; it doubles up to mostAgain.
const (
	again     = 2 * time.Second
	mostAgain = 5 * time.Minute
)

// untilDone makes a work until it succeeds or the context ends, and keeps why a try failed for the status.
func (d *Daemon) untilDone(ctx context.Context, failed *atomic.Pointer[string], work func() error) {
	for pause := again; ; pause = min(2*pause, mostAgain) {
		err := work()
		if err == nil || ctx.Err() != nil {
			return
		}
		why := plain(err)
		failed.Store(&why)
		d.log.Warn("it is tried again", "error", err, "after", pause)
		d.changed.ring()
		rest(ctx, pause)
	}
}

// fillOnce copies what the bucket's remotes have, and then has it sync with the new one: so what is moved there once is not sent again.
// Files that are whole nowhere are left out; their remote names them.
func (d *Daemon) fillOnce(ctx context.Context, f *filling) error {
	if err := f.to.lane.sync(ctx); err != nil { // there must be a share
		return err
	}
	remotes := d.remotesOf(f.bucket)
	for _, name := range remotes {
		from, err := d.remote(name)
		if err != nil || from == f.to {
			continue
		}
		if from.isShareOf(f.to) {
			if slices.Contains(remotes, f.to.name) {
				continue // it was added before that was known
			}
			return oneShare(name, f.to.name)
		}
		id := f.bucket.ID()
		did, err := copyWhole(ctx, &replica.Copy{
			From: from.storage, To: f.to.storage, Wants: func(other string) bool { return other == id }, Progress: d.tell(&f.files),
		})
		if err != nil && len(did.Unfit) == 0 {
			return fmt.Errorf("copy from %s: %w", name, err)
		}
	}
	return d.filled(ctx, f)
}

// tell keeps a progress for the status.
func (d *Daemon) tell(files *atomic.Pointer[api.Progress]) func(done, total int) {
	return func(done, total int) {
		files.Store(&api.Progress{Done: done, Total: total})
		d.changed.ring()
	}
}

// filled has a bucket sync with the remote that was given what the others have, unless one of them was left meanwhile.
func (d *Daemon) filled(ctx context.Context, f *filling) error {
	d.changing.Lock()
	defer d.changing.Unlock()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := d.attach(ctx, f.bucket, []string{f.to.name}); err != nil {
		return err
	}
	entry, err := d.registry.Bucket(f.bucket.Name())
	if err != nil {
		return err
	}
	entry.Filling = slices.DeleteFunc(entry.Filling, func(name string) bool { return name == f.to.name })
	return d.registry.PutBucket(entry)
}

// stopFilling ends what is under way for a bucket to one remote, or to all of them for an empty name. The caller holds d.changing, so
// that none of it has the bucket sync with the remote later.
func (d *Daemon) stopFilling(b *heldBucket, remote string) {
	for _, f := range d.fillingsOf(b) {
		if remote == "" || f.to.name == remote {
			f.stop()
			d.dropFilling(b, f)
		}
	}
}

// refill gives other remotes of a bucket what one of them had as indexes: there it may have a log that this device has not.
func (d *Daemon) refill(r *heldRemote, buckets []*localstore.Bucket) {
	d.changing.Lock()
	defer d.changing.Unlock()
	for _, one := range buckets {
		b, err := d.bucket(one.Name())
		if err != nil || !one.Stats().Adopted {
			continue
		}
		for _, name := range d.remotesOf(b) {
			if other, err := d.remote(name); err == nil && other != r {
				if err := d.fill(b, other); err != nil {
					d.log.Error("a mirror cannot be filled", "bucket", b.Name(), "remote", name, "error", err)
				}
			}
		}
	}
}

func fillingStatus(all []*filling) []api.Filling {
	var shown []api.Filling
	for _, f := range all {
		one := api.Filling{Remote: f.to.name}
		if files := f.files.Load(); files != nil {
			one.Files = *files
		}
		if why := f.failed.Load(); why != nil {
			one.Error = *why
		}
		shown = append(shown, one)
	}
	return shown
}
