package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/encrypted"
	"github.com/setlogger/setlogger/replica"
)

// The names under which stores and logs know a place that is no remote; none can have them.
const (
	backupPlace  = "backup:"
	restorePlace = "restore:"
)

// backup writes what is held of buckets to a place, once, and reads back what then stands there.
func (d *Daemon) backup(ctx context.Context, in *struct{ Body api.BackupRequest }) (*answer[api.Backup], error) {
	buckets, err := d.bucketsNamed(in.Body.Buckets)
	if err != nil {
		return nil, err
	}
	storage, err := d.place(ctx, in.Body.To)
	if err != nil {
		return nil, err
	}
	defer remote.Close(storage)
	share := replica.NewShare(replica.Options{Storage: storage, Remote: backupPlace, Logger: d.log})
	if err := d.reachBackup(ctx, storage, share); err != nil {
		return nil, placeError(err)
	}
	done := api.Backup{To: d.o.Mask(in.Body.To), At: d.now(), Buckets: []api.BackedUpBucket{}}
	for _, b := range buckets {
		one, err := d.backUpBucket(ctx, share, storage, b)
		if err != nil {
			return nil, placeError(err)
		}
		done.Buckets = append(done.Buckets, one)
	}
	done.Files, err = d.readBack(ctx, storage)
	return &answer[api.Backup]{done}, err
}

// bucketsNamed answers the buckets of names, all of them for none.
func (d *Daemon) bucketsNamed(names []string) ([]*heldBucket, error) {
	if len(names) == 0 {
		return d.allBuckets(), nil
	}
	var all []*heldBucket
	for _, name := range names {
		b, err := d.bucket(name)
		if err != nil {
			return nil, err
		}
		if !slices.Contains(all, b) {
			all = append(all, b)
		}
	}
	return all, nil
}

// place is the storage at a path that is no remote's: what syncs there is no backup.
func (d *Daemon) place(ctx context.Context, path string) (remote.Storage, error) {
	if err := checkPath(path); err != nil {
		return nil, err
	}
	for _, r := range d.allRemotes() {
		if r.path == path || r.name == path {
			return nil, isRemote(r)
		}
	}
	if err := d.o.Make(ctx, path); err != nil {
		return nil, placeError(err)
	}
	return d.o.Open(path), nil
}

func isRemote(r *heldRemote) error {
	return problem(http.StatusConflict, "this place is remote "+r.name+": buckets sync with it, so what is deleted by mistake is deleted there too",
		"name a place of its own, on another disk or account")
}

// reachBackup makes sure of the share of a backup. One that a remote has is known by its id, in whatever words its place was named.
func (d *Daemon) reachBackup(ctx context.Context, storage remote.Storage, share *replica.Share) error {
	if err := encrypted.CheckPlain(ctx, storage); err != nil {
		return err
	}
	if err := share.Reach(ctx); err != nil {
		return err
	}
	for _, r := range d.allRemotes() {
		if r.look().share == share.ID() {
			return isRemote(r)
		}
	}
	return nil
}

func (d *Daemon) backUpBucket(ctx context.Context, share *replica.Share, storage remote.Storage, b *heldBucket) (api.BackedUpBucket, error) {
	one := api.BackedUpBucket{Name: b.Name()}
	if b.Stats().Adopted {
		one.Files, one.Lacks = d.copyHistory(ctx, storage, b)
	}
	files, err := share.Backup(ctx, b.Bucket)
	one.Files, one.Entries = one.Files+files, b.Stats().Entries
	if errors.Is(err, replica.ErrUnsettled) {
		one.Entries, one.Lacks = 0, "all of it: "+plain(replica.ErrUnsettled)
		return one, nil
	}
	return one, err
}

// copyHistory copies what a bucket's remotes have to a backup: this device has a part of the bucket by an index alone. It tells what
// can't be had; the bucket's state needs none of it.
func (d *Daemon) copyHistory(ctx context.Context, storage remote.Storage, b *heldBucket) (files int, lacks string) {
	for _, name := range d.remotesOf(b) {
		r, err := d.remote(name)
		if err != nil {
			continue // it was removed meanwhile
		}
		did, err := copyWhole(ctx, &replica.Copy{From: r.storage, To: storage, Wants: func(id string) bool { return id == b.ID() }})
		files += did.Files
		if err != nil {
			lacks = fmt.Sprintf("history that remote %s has and this device has not: %s", r.name, plain(err))
		}
	}
	return files, lacks
}

// copyPasses is how often a copy is gone over at once, until nothing is left to do.
const copyPasses = 5

// copyWhole copies until a pass finds nothing left to do. It answers what was done in all.
func copyWhole(ctx context.Context, c *replica.Copy) (all replica.Copied, err error) {
	for range copyPasses {
		did, err := c.Pass(ctx)
		did.Files += all.Files
		all = did
		if err != nil || did.IsWhole() {
			return all, err
		}
	}
	switch {
	case len(all.Unfit) > 0:
		return all, fmt.Errorf("%d files there are not what their names say, such as %s", len(all.Unfit), all.Unfit[0])
	case len(all.Gone) > 0:
		return all, fmt.Errorf("%d files that are listed there are not found, such as %s", len(all.Gone), all.Gone[0])
	}
	return all, fmt.Errorf("%d files that were written are not shown there", all.Late)
}

// readBack reads all that stands in a place, and counts it. What is not whole fails it.
func (d *Daemon) readBack(ctx context.Context, storage remote.Storage) (files uint64, err error) {
	check := &verification{}
	check.remote(ctx, &heldRemote{name: "backup", storage: storage})
	if err := ctx.Err(); err != nil {
		return 0, refused(err)
	}
	for _, f := range check.verdict.Findings {
		return 0, problem(http.StatusBadGateway, fmt.Sprintf("the backup was written and does not read back whole: %s: %s", f.Subject, f.Detail),
			"delete this file there, then back up again; if it happens twice, the place is not to be trusted")
	}
	return check.verdict.Files, nil
}

// placeError answers what a place that is no remote does, in the words of the status.
func placeError(err error) error {
	if _, known := errors.AsType[*api.Error](err); known {
		return err
	}
	e, hint := answerOf(err), remote.Hint(err)
	if e.Status == http.StatusInternalServerError {
		e.Status, e.Title = http.StatusBadGateway, http.StatusText(http.StatusBadGateway)
	}
	if hint != "" {
		e.Hint = hint
	}
	return e
}
