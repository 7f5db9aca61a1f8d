package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/setlog"
)

// heldBucket is a bucket that this device takes part in.
type heldBucket struct {
	*localstore.Bucket

	remotes []string // names; kept sorted
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

func (d *Daemon) listBuckets(context.Context, *struct{}) (*answer[api.Buckets], error) {
	all := api.Buckets{Buckets: []api.BucketStatus{}}
	for _, b := range d.allBuckets() {
		all.Buckets = append(all.Buckets, d.bucketStatus(b))
	}
	return &answer[api.Buckets]{all}, nil
}

func (d *Daemon) showBucket(_ context.Context, in *bucketName) (*answer[api.BucketStatus], error) {
	b, err := d.bucket(in.Bucket)
	if err != nil {
		return nil, err
	}
	return &answer[api.BucketStatus]{d.bucketStatus(b)}, nil
}

// makeBucket makes a bucket or joins one. One that is here already gains the remote it is asked for, and no more.
func (d *Daemon) makeBucket(ctx context.Context, in *struct{ Body api.Bucket }) (*answer[api.BucketStatus], error) {
	d.changing.Lock()
	defer d.changing.Unlock()
	wanted := in.Body
	if err := setlog.CheckBucketName(wanted.Name); err != nil {
		return nil, problem(http.StatusUnprocessableEntity, plain(err), "for example todos, or photos/2026")
	}
	remotes, err := d.remotesFor(wanted.Remote)
	if err != nil {
		return nil, err
	}
	b, err := d.bucket(wanted.Name)
	if _, broken := d.broken[wanted.Name]; broken {
		return nil, err
	}
	if err != nil {
		wanted.Join = wanted.Join || d.isThere(ctx, wanted.Name, remotes)
		b, err = d.openWanted(wanted)
	} else if wanted.Remote == "" {
		remotes = b.remotes
	}
	if err != nil {
		return nil, refused(err)
	}
	if err := d.attach(b, remotes); err != nil {
		return nil, refused(err)
	}
	if wanted.Merge {
		if err := d.merge(ctx, b); err != nil {
			return nil, refused(err)
		}
	}
	return &answer[api.BucketStatus]{d.bucketStatus(b)}, nil
}

// lookTime bounds how long a new bucket waits for word of its remote: making one works without a network too.
const lookTime = 3 * time.Second

// isThere tells whether one of the remotes is known to hold a bucket of this name. It is joined then: a second birth
// under one name would have to be merged by hand.
func (d *Daemon) isThere(ctx context.Context, name string, remotes []string) bool {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	for _, remote := range remotes {
		r, err := d.remote(remote)
		if err != nil {
			continue
		}
		_ = r.lane.sync(ctx) // a remote that does not answer has nothing to say
		if slices.Contains(r.look().unknown, setlog.BucketID(name)) {
			return true
		}
	}
	return false
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
		b, err = localstore.Open(path, d.storeOptions())
	}
	if err != nil {
		return nil, err
	}
	return &heldBucket{Bucket: b}, nil
}

// attach keeps a bucket with its remotes, and sets their lanes in motion.
func (d *Daemon) attach(b *heldBucket, remotes []string) error {
	all := slices.Clone(b.remotes)
	for _, name := range remotes {
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	entry, err := d.registry.Bucket(b.Name())
	if errors.Is(err, localstore.ErrMissing) {
		entry, err = localstore.BucketEntry{Name: b.Name(), Created: d.now()}, nil
	}
	if err != nil {
		return err
	}
	entry.Remotes = all
	if err := d.registry.PutBucket(entry); err != nil {
		return err
	}
	d.mu.Lock()
	b.remotes = all
	d.buckets[b.Name()] = b
	d.mu.Unlock()
	d.noteAppend(b)
	return nil
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
	if err := d.registry.RemoveBucket(in.Bucket); err != nil {
		return nil, refused(err)
	}
	d.mu.Lock()
	delete(d.buckets, in.Bucket)
	d.mu.Unlock()
	err = b.Close()
	if in.Purge {
		err = errors.Join(err, os.Remove(d.folder.bucketFile(b.ID())))
	}
	return nil, refused(err)
}

// openStores opens what the registry lists. A bucket that cannot be opened is a problem in the status, and the others
// are served.
func (d *Daemon) openStores() error {
	path := d.folder.file("daemon.db")
	_, err := os.Stat(path)
	fresh := errors.Is(err, fs.ErrNotExist)
	if d.registry, err = localstore.OpenRegistry(path, d.storeOptions()); err != nil {
		return &StartError{Err: err, Hint: answerOf(err).Hint}
	}
	device, err := d.registry.Device()
	if err != nil {
		return err
	}
	d.device = device.Name
	if fresh {
		if err := d.registry.PutRemote(localstore.Remote{Name: embedded, Path: d.folder.file("share"), Created: d.now()}); err != nil {
			return err
		}
	}
	entries, err := d.registry.Buckets()
	if err != nil {
		return err
	}
	for _, e := range entries {
		b, err := localstore.Open(d.folder.bucketFile(e.ID), d.storeOptions())
		if err != nil {
			d.log.Error("a bucket cannot be opened", "bucket", e.Name, "error", err)
			d.broken[e.Name] = api.Problem{Name: "bucket-unreadable", Subject: e.Name, Detail: plain(err), Hint: answerOf(err).Hint}
			continue
		}
		d.buckets[e.Name] = &heldBucket{Bucket: b, remotes: e.Remotes}
	}
	return d.openRemotes()
}

func (d *Daemon) storeOptions() localstore.Options {
	return localstore.Options{Logger: d.log, NoSync: d.o.NoSync}
}

// closeStores flushes and closes what openStores opened.
func (d *Daemon) closeStores() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var errs []error
	for name, b := range d.buckets {
		if err := b.Close(); err != nil {
			errs = append(errs, fmt.Errorf("close bucket %s: %w", name, err))
		}
	}
	clear(d.buckets)
	if d.registry != nil {
		errs = append(errs, d.registry.Close())
	}
	return errors.Join(errs...)
}

// noteAppend tells the lanes of a bucket that there is something to push.
func (d *Daemon) noteAppend(b *heldBucket) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	for _, name := range b.remotes {
		if r := d.remotes[name]; r != nil {
			r.lane.noteAppend()
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
