package daemon

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"os"
	"slices"
	"sort"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/setlog"
)

// heldBucket is a bucket that this device takes part in.
type heldBucket struct {
	*localstore.Bucket

	remotes  []string                     // names; kept sorted
	fillings []*filling                   // that are under way
	failing  atomic.Pointer[api.Problem]  // what the disk answered to the last append; nil: it took it
	joining  atomic.Pointer[api.Progress] // of indexes that are being taken in; nil: none are
	setting  sync.Mutex                   // one change of the settings at a time
}

// append appends, and keeps for the status when the disk refuses.
func (b *heldBucket) append(ctx context.Context, requests ...localstore.Request) ([]localstore.Receipt, error) {
	receipts, err := b.Append(ctx, requests...)
	b.keepFailure(err)
	return receipts, err
}

// undo undoes an entry, and keeps for the status when the disk refuses.
func (b *heldBucket) undo(ctx context.Context, r localstore.UndoRequest) (localstore.Undone, error) {
	done, err := b.Undo(ctx, r)
	b.keepFailure(err)
	return done, err
}

func (b *heldBucket) keepFailure(err error) {
	if err == nil {
		b.failing.Store(nil)
		return
	}
	p := problemOf(b.Name(), err)
	if p.Name == diskFull || p.Name == diskFailing {
		b.failing.Store(&p)
	}
}

// bucketName is the path of calls on one bucket.
type bucketName struct {
	Bucket string `path:"bucket" doc:"Name of the bucket, percent-encoded as one segment"`
}

// bucket answers the bucket of a name.
func (d *Daemon) bucket(name string) (*heldBucket, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if b := d.buckets[name]; b != nil {
		return b, nil
	}
	if p, ok := d.broken[name]; ok {
		return nil, problem(http.StatusInternalServerError, p.Detail, p.Hint+"; then start the daemon again")
	}
	return nil, problem(http.StatusNotFound, fmt.Sprintf("there is no bucket %s on this device", name),
		fmt.Sprintf("make it with `setlogger bucket create %s`, or take part in one of another device with `setlogger bucket join %s`", name, name))
}

// remotesOf answers the names of the remotes a bucket syncs with, never nil.
func (d *Daemon) remotesOf(b *heldBucket) []string {
	d.mu.RLock()
	defer d.mu.RUnlock()
	return append([]string{}, b.remotes...)
}

// allBuckets answers the buckets in the order of their names.
func (d *Daemon) allBuckets() []*heldBucket {
	d.mu.RLock()
	defer d.mu.RUnlock()
	all := make([]*heldBucket, 0, len(d.buckets))
	for _, b := range d.buckets {
		all = append(all, b)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].Name() < all[j].Name() })
	return all
}

func (d *Daemon) listBuckets(ctx context.Context, _ *struct{}) (*answer[api.Buckets], error) {
	all := api.Buckets{Buckets: []api.BucketStatus{}}
	for _, b := range d.allBuckets() {
		if !callerOf(ctx).grant.mayRead(b.Name()) {
			continue
		}
		all.Buckets = append(all.Buckets, d.bucketStatus(b))
	}
	return &answer[api.Buckets]{all}, nil
}

// indexes tells of each order that is kept how far it is.
func (b *heldBucket) indexes() ([]api.IndexStatus, error) {
	kept, err := b.OrderProgress()
	all := make([]api.IndexStatus, len(kept))
	nodes := int(b.Stats().Nodes)
	for i, o := range kept {
		made := api.Progress{Done: nodes, Total: nodes}
		if !o.Whole {
			made.Done = min(int(o.Taken), nodes)
		}
		all[i] = api.IndexStatus{Order: o.Order.Names(), Ready: o.Whole, Made: made}
	}
	return all, err
}

// makeBucket makes a bucket or joins one. One that is here already gains the remote it is asked for, and no more.
func (d *Daemon) makeBucket(ctx context.Context, in *struct{ Body api.Bucket }) (*answer[api.BucketStatus], error) {
	wanted := in.Body
	if g := callerOf(ctx).grant; !g.mayWrite(wanted.Name) || wanted.Merge && !g.admin {
		return nil, problem(http.StatusForbidden, "this is not among the app's scopes", "the owner lets it in anew with "+wanted.Name+":rw, or makes the bucket")
	}
	if err := setlog.CheckBucketName(wanted.Name); err != nil {
		return nil, problem(http.StatusUnprocessableEntity, plain(err), "for example todos, or photos/2026")
	}
	remotes, err := d.remotesFor(wanted.Remote)
	if err != nil {
		return nil, err
	}
	if _, err := d.bucket(wanted.Name); err != nil {
		if _, broken := d.broken[wanted.Name]; broken {
			return nil, err
		}
		wanted.Join = wanted.Join || d.isThere(ctx, wanted.Name, remotes) // nobody else waits while the remotes are asked
	}
	b, fresh, err := d.holdBucket(ctx, wanted)
	if err != nil {
		return nil, err
	}
	if fresh && wanted.Join {
		d.lookAt(ctx, d.remotesOf(b)) // so that what is there can be read at once, where that is quick
	}
	return &answer[api.BucketStatus]{d.bucketStatus(b)}, nil
}

// holdBucket opens a bucket and keeps it with its remotes. It tells whether it was not held before.
func (d *Daemon) holdBucket(ctx context.Context, wanted api.Bucket) (b *heldBucket, fresh bool, err error) {
	d.changing.Lock()
	defer d.changing.Unlock()
	remotes, err := d.remotesFor(wanted.Remote) // again: one of them may have been removed
	if err != nil {
		return nil, false, err
	}
	b, err = d.bucket(wanted.Name)
	if fresh = err != nil; fresh {
		if b, err = d.openWanted(wanted); err != nil {
			return nil, false, refused(err)
		}
	} else if wanted.Remote == "" {
		remotes = b.remotes
	}
	if err := d.attach(ctx, b, remotes); err != nil {
		if fresh {
			err = errors.Join(err, b.Close())
		}
		return nil, false, refused(err)
	}
	if wanted.Merge {
		err = refused(d.merge(ctx, b))
	}
	return b, fresh, err
}

// lookTime is how long a new bucket waits for word of its remote: making one works without a network too.
const lookTime = 3 * time.Second

// isThere tells whether one of the remotes is known to hold a bucket of this name. It is joined then: a second birth
// under one name would have to be merged by hand.
func (d *Daemon) isThere(ctx context.Context, name string, remotes []string) bool {
	for _, r := range d.lookAt(ctx, remotes) {
		if slices.Contains(r.look().unknown, setlog.BucketID(name)) {
			return true
		}
	}
	return false
}

// lookAt makes a round with each of the remotes, for as long as Options.Look. One that does not answer has nothing to say.
func (d *Daemon) lookAt(ctx context.Context, names []string) []*heldRemote {
	ctx, cancel := context.WithTimeout(ctx, d.o.Look)
	defer cancel()
	var seen []*heldRemote
	for _, name := range names {
		if r, err := d.remote(name); err == nil {
			_ = r.lane.sync(ctx) // its error is in the status
			seen = append(seen, r)
		}
	}
	return seen
}

// openWanted makes the file of a bucket, or opens the one that was left behind when the bucket was left.
func (d *Daemon) openWanted(wanted api.Bucket) (*heldBucket, error) {
	var births []string // nil: a new bucket, with a birth of its own
	if wanted.Join {
		births = []string{}
	}
	path := d.folder.bucketFile(setlog.BucketID(wanted.Name))
	b, err := localstore.Create(path, wanted.Name, births, d.storeOptions())
	if errors.Is(err, localstore.ErrExists) {
		b, err = d.openBucket(path, wanted.Name)
	}
	if err != nil {
		return nil, err
	}
	return &heldBucket{Bucket: b}, nil
}

// leaving is the path and query of leaveBucket.
type leaving struct {
	Bucket string `path:"bucket" doc:"Name of the bucket, percent-encoded as one segment"`
	Purge  bool   `query:"purge" doc:"Also delete the local data; refused while something waits to be synced"`
}

// leaveBucket stops taking part in a bucket.
func (d *Daemon) leaveBucket(_ context.Context, in *leaving) (*struct{}, error) {
	d.changing.Lock()
	defer d.changing.Unlock()
	b, err := d.bucket(in.Bucket)
	if err != nil {
		return nil, err
	}
	if waiting := d.bucketStatus(b).Pending; in.Purge && waiting > 0 {
		return nil, problem(http.StatusConflict, fmt.Sprintf("%d entries of %s are on no remote yet", waiting, in.Bucket),
			"sync first: setlogger sync; or keep a copy: setlogger export "+in.Bucket)
	}
	d.stopFilling(b, "")
	if err := d.registry.RemoveBucket(in.Bucket); err != nil {
		return nil, refused(err)
	}
	d.mu.Lock()
	delete(d.buckets, in.Bucket)
	d.mu.Unlock()
	d.changed.ring()
	err = b.Close()
	if in.Purge {
		err = errors.Join(err, os.Remove(d.folder.bucketFile(b.ID())))
	}
	return nil, refused(err)
}

// noteAppend tells the lanes of a bucket that there is something to push, and whoever draws the status.
func (d *Daemon) noteAppend(b *heldBucket) {
	d.changed.ring()
	d.mu.RLock()
	defer d.mu.RUnlock()
	for r := range d.below(b) {
		r.lane.noteAppend()
		r.courier.Load().note(b)
	}
}

// below are the remotes that a bucket syncs with; none for nil. The caller holds d.mu.
func (d *Daemon) below(b *heldBucket) iter.Seq[*heldRemote] {
	return func(yield func(*heldRemote) bool) {
		if b == nil {
			return
		}
		for _, name := range b.remotes {
			if r := d.remotes[name]; r != nil && !yield(r) {
				return
			}
		}
	}
}

// merge accepts the other births that were met under the bucket's name.
func (d *Daemon) merge(ctx context.Context, b *heldBucket) error {
	var births []string
	for _, r := range d.allRemotes() {
		births = append(births, r.look().births[b.Name()]...)
	}
	if len(births) == 0 {
		return nil
	}
	d.log.Info("merging buckets of one name", "bucket", b.Name(), "births", strings.Join(births, " "))
	if err := b.AcceptBirths(ctx, births...); err != nil {
		return err
	}
	d.noteAppend(b)
	return nil
}
