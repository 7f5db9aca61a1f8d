package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/setlogger/setlogger/localstore"
)

// openStores opens what the registry lists. A bucket that cannot be opened is a problem in the status, and the others
// are served.
func (d *Daemon) openStores() error {
	if err := d.clearRestores(); err != nil {
		d.log.Warn("what a restore left behind cannot be removed", "error", err)
	}
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
	if d.apps, err = loadApps(d.registry, d.now); err != nil {
		return err
	}
	if d.key, err = deviceKey(d.registry); err != nil {
		return err
	}
	if d.uptime, err = loadUptime(d.registry, d.o.Day); err != nil {
		return err
	}
	if d.clock, err = loadClock(d.registry, d.now()); err != nil {
		return err
	}
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
		b, err := d.openBucket(d.folder.bucketFile(e.ID), e.Name)
		if err != nil {
			d.log.Error("a bucket cannot be opened", "bucket", e.Name, "error", err)
			d.broken[e.Name] = named(bucketUnreadable, e.Name, plain(err), answerOf(err).Hint)
			continue
		}
		d.buckets[e.Name] = &heldBucket{Bucket: b, remotes: e.Remotes}
	}
	if err := d.openRemotes(); err != nil {
		return err
	}
	d.resumeFillings(entries)
	return d.resumeMoves()
}

// openBucket opens the file of a bucket, if it is of that one: a person may have put another's in its place.
func (d *Daemon) openBucket(path, name string) (*localstore.Bucket, error) {
	b, err := localstore.Open(path, d.storeOptions())
	if err != nil || b.Name() == name {
		return b, err
	}
	return nil, errors.Join(fmt.Errorf("%w: %s is of bucket %s, not of %s", localstore.ErrCorrupt, path, b.Name(), name), b.Close())
}

func (d *Daemon) storeOptions() localstore.Options {
	return localstore.Options{Logger: d.log, NoSync: d.o.NoSync, Committing: d.noteCommitting, Committed: d.metrics.noteCommit}
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
