package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/replica"
	"github.com/setlogger/setlogger/setlog"
)

// restore takes buckets in from a backup, or brings nodes back to what they were.
func (d *Daemon) restore(ctx context.Context, in *struct{ Body api.RestoreRequest }) (*answer[api.Restored], error) {
	r := &restoring{Daemon: d, wanted: in.Body}
	if !d.restoring.TryLock() {
		return nil, problem(http.StatusConflict, "another restore is under way", "wait for it to end")
	}
	defer d.restoring.Unlock()
	defer r.end()
	if err := r.begin(ctx); err != nil {
		return nil, err
	}
	done := api.Restored{Buckets: []api.RestoredBucket{}}
	for _, name := range r.names {
		one, err := r.bucketOf(ctx, name)
		if err != nil {
			return nil, placeError(err)
		}
		done.Buckets = append(done.Buckets, *one)
	}
	return &answer[api.Restored]{done}, nil
}

// restoring is one restore.
type restoring struct {
	*Daemon
	wanted  api.RestoreRequest
	storage remote.Storage
	opened  remote.Storage // for this restore; nil: it is a remote's
	at      *setlog.Stamp
	names   []string
	folder  string // for stores that are made from the backup, beside those of the buckets
}

// begin reads the request, and what the backup holds.
func (r *restoring) begin(ctx context.Context) error {
	if r.wanted.At != "" {
		stamp, err := stampOf(r.wanted.At)
		if err != nil {
			return err
		}
		r.at = &stamp
	}
	if err := r.openPlace(); err != nil {
		return err
	}
	there, err := r.share().BucketNames(ctx)
	if err != nil {
		return placeError(err)
	}
	r.names = r.wanted.Buckets
	if len(r.names) == 0 {
		r.names = there
	}
	for _, name := range r.names {
		if !slices.Contains(there, name) {
			return problem(http.StatusNotFound, fmt.Sprintf("there is no bucket %s in the backup", name), fmt.Sprintf("it has %d: %s", len(there), listOf(there)))
		}
	}
	if r.wanted.As != "" && len(r.names) != 1 {
		return problem(http.StatusUnprocessableEntity, "a new name is for one bucket", "name the bucket that is to be restored under it")
	}
	return r.makeFolder()
}

func listOf(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return fmt.Sprintf("%q", names)
}

// openPlace finds the backup: a remote of this device, or a path.
func (r *restoring) openPlace() error {
	if held, err := r.remote(r.wanted.From); err == nil {
		r.storage = readOnly{held.storage}
		return nil
	}
	if err := checkPath(r.wanted.From); err != nil {
		return err
	}
	r.opened = r.o.Open(r.wanted.From)
	r.storage = readOnly{r.opened}
	return nil
}

// end lets go of all that the restore alone has.
func (r *restoring) end() {
	remote.Close(r.opened)
	if r.folder != "" {
		_ = os.RemoveAll(r.folder) // a start clears away what stays
	}
}

func (r *restoring) share() *replica.Share {
	return replica.NewShare(replica.Options{Storage: r.storage, Remote: restorePlace, Logger: r.log})
}

// readOnly is a storage that a restore can't change.
type readOnly struct{ remote.Storage }

var errReadOnly = errors.New("daemon: a restore writes nothing to the backup")

func (readOnly) Write(context.Context, string, []byte) error { return errReadOnly }
func (readOnly) Remove(context.Context, string) error        { return errReadOnly }

// restoreFolder begins the names of folders in the data folder that hold what is read of a backup, while a restore lasts.
const restoreFolder = "restore-"

// makeFolder makes the folder of this restore.
func (r *restoring) makeFolder() (err error) {
	r.folder, err = os.MkdirTemp(r.Daemon.folder.path, restoreFolder)
	return refused(err)
}

// clearRestores removes what restores have left that were killed.
func (d *Daemon) clearRestores() error {
	all, err := os.ReadDir(d.folder.path)
	for _, entry := range all {
		if strings.HasPrefix(entry.Name(), restoreFolder) {
			err = errors.Join(err, os.RemoveAll(d.folder.file(entry.Name())))
		}
	}
	return err
}

// bucketOf restores one bucket of the backup.
func (r *restoring) bucketOf(ctx context.Context, name string) (*api.RestoredBucket, error) {
	copied, err := r.read(ctx, name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = copied.Close() }() // it may be in its place by then
	one := &api.RestoredBucket{Name: name, Into: name, Left: []api.Left{}}
	living, err := r.livingOf(copied, one)
	if err != nil {
		return nil, err
	}
	if one.Entries, err = r.entriesLacking(copied, living); err != nil {
		return nil, err
	}
	switch {
	case r.wanted.As != "":
		return one, r.asNew(ctx, copied, living, one)
	case r.at != nil:
		return one, r.backTo(ctx, copied, living, one)
	case r.wanted.DryRun:
		return one, r.tellJoin(copied, living, one)
	}
	_, err = r.takeIn(ctx, copied, living)
	return one, err
}

// read makes a store of all that the backup has of a bucket.
func (r *restoring) read(ctx context.Context, name string) (*localstore.Bucket, error) {
	o := r.storeOptions()
	o.Committed = nil
	b, err := localstore.Create(filepath.Join(r.folder, setlog.BucketID(name)+".db"), name, []string{}, o)
	if err != nil {
		return nil, err
	}
	if _, err = r.share().Restore(ctx, b); err == nil && len(b.Births()) == 0 {
		err = problem(http.StatusConflict, fmt.Sprintf("nothing of bucket %s in the backup is whole", name), "setlogger verify tells of a remote which of its files are not")
	}
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// livingOf answers the bucket here that the backup is of; nil when there is none.
func (r *restoring) livingOf(copied *localstore.Bucket, one *api.RestoredBucket) (*heldBucket, error) {
	living, err := r.bucket(copied.Name())
	if err != nil {
		if _, broken := r.broken[copied.Name()]; broken {
			return nil, err
		}
		err, one.New = nil, true
		if r.wanted.As == "" {
			err = r.checkLeft(copied)
		}
		return nil, err
	}
	if r.wanted.As == "" && len(living.Births()) > 0 && !shareBirth(copied.Births(), living.Births()) {
		return nil, problem(http.StatusConflict, fmt.Sprintf("bucket %s here was made apart from the one in the backup", copied.Name()),
			"give its nodes another bucket: --as NAME; or leave the one here first, with its file: setlogger bucket leave "+copied.Name()+" --purge")
	}
	return living, nil
}

// entriesLacking counts the entries of the backup's log that are not here.
func (r *restoring) entriesLacking(copied *localstore.Bucket, living *heldBucket) (uint64, error) {
	if living == nil {
		return copied.Stats().Entries, nil
	}
	coverage, err := copied.Coverage()
	if err != nil {
		return 0, err
	}
	lacks, err := living.Lacks(coverage)
	if err != nil {
		return 0, err
	}
	entries := uint64(0)
	for _, l := range lacks {
		from := l.First
		for _, h := range living.Heads() {
			if h.Writer == l.Writer && h.Number >= from && h.Number < l.Last {
				from = h.Number + 1
			}
		}
		entries += l.Last - from + 1
	}
	return entries, nil
}

// tellJoin tells what taking a bucket in would bring.
func (r *restoring) tellJoin(copied *localstore.Bucket, living *heldBucket, one *api.RestoredBucket) error {
	if living == nil {
		one.Created = int(copied.Stats().Nodes)
		_, err := r.remotesFor(r.wanted.Remote)
		return err
	}
	one.Same = int(living.Stats().Nodes)
	return nil
}
