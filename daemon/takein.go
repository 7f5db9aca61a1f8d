package daemon

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/localstore"
)

// takeIn has the bucket here hold all that the backup has. One that is not here comes to be, with what was read of the backup.
func (r *restoring) takeIn(ctx context.Context, copied *localstore.Bucket, living *heldBucket) (*heldBucket, error) {
	if living == nil {
		var err error
		if living, err = r.hold(ctx, copied); err != nil {
			return nil, err
		}
	}
	_, err := r.share().Restore(ctx, living.Bucket) // a file that was left behind lacks it, too
	r.noteAppend(living)
	return living, err
}

// hold makes a bucket of what was read of the backup, or of the file that was left behind, and keeps it with its remotes.
func (r *restoring) hold(ctx context.Context, copied *localstore.Bucket) (*heldBucket, error) {
	r.changing.Lock()
	defer r.changing.Unlock()
	remotes, err := r.remotesFor(r.wanted.Remote)
	if err != nil {
		return nil, err
	}
	if b, err := r.bucket(copied.Name()); err == nil {
		return nil, problem(http.StatusConflict, fmt.Sprintf("bucket %s was made meanwhile", b.Name()), "restore again")
	}
	births := copied.Births()
	if err := r.putInPlace(copied); err != nil {
		return nil, err
	}
	b, err := r.openWanted(api.Bucket{Name: copied.Name(), Join: true})
	if err != nil {
		return nil, err
	}
	if err = checkBirth(births, b.Bucket); err == nil {
		err = r.attach(ctx, b, remotes)
	}
	if err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

// checkLeft refuses the file of a bucket that was left, if it is of another bucket than the backup's: it would be taken for it.
func (r *restoring) checkLeft(copied *localstore.Bucket) error {
	r.changing.Lock()
	defer r.changing.Unlock()
	path := r.Daemon.folder.bucketFile(copied.ID())
	if _, err := os.Stat(path); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
		return err
	}
	left, err := localstore.Open(path, r.storeOptions())
	if err != nil {
		return err
	}
	return errors.Join(checkBirth(copied.Births(), left), left.Close())
}

// checkBirth makes sure that a file which stayed here when its bucket was left is of a bucket with one of these births; one of
// which nothing has arrived has none yet.
func checkBirth(births []string, left *localstore.Bucket) error {
	own := left.Births()
	if len(own) == 0 || shareBirth(births, own) {
		return nil
	}
	return problem(http.StatusConflict, fmt.Sprintf("a bucket %s that was left has its file here, and was made apart from the one in the backup", left.Name()),
		fmt.Sprintf("give its nodes another bucket: --as NAME; or delete that file: setlogger bucket create %s, then setlogger bucket leave %[1]s --purge", left.Name()))
}

// putInPlace makes the store of a bucket of the one that was read, unless the bucket was here once and its file stayed.
func (r *restoring) putInPlace(copied *localstore.Bucket) error {
	if err := copied.Close(); err != nil {
		return err
	}
	place := r.Daemon.folder.bucketFile(copied.ID())
	if _, err := os.Stat(place); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Rename(filepath.Join(r.folder, copied.ID()+".db"), place)
}
