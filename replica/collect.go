package replica

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/setlog"
)

// Collection.
const (
	// grace is how much of this device's uptime a file stays after it was found needless.
	grace = 7 * 24 * time.Hour
	// fullListings is in how many full listings it must have been found needless.
	fullListings = 3
	// collectEvery is the uptime between two looks.
	collectEvery = 24 * time.Hour
	// witnesses and loneWitnesses are how many indexes must hold what a file holds: more where no other device tells that
	// it has loaded one of them.
	witnesses, loneWitnesses = 2, 3
)

// collectIfDue looks, once in a while, for files that others make needless, and removes those that were so for long.
// docs/format.md argues why nothing is lost.
func (v *visit) collectIfDue(ctx context.Context) error {
	name := v.bucket.Name()
	last, ok := v.collected[name]
	if v.o.Key == nil || ok && v.o.Uptime()-last < v.o.CollectEvery {
		return nil
	}
	if len(v.bucket.Births()) == 0 || v.bucket.Joining() {
		v.busy = true
		return nil
	}
	needed, err := v.isLookNeeded()
	if err != nil {
		return err
	}
	if needed {
		v.busy = true
		if err := (&collection{visit: v}).run(ctx); err != nil {
			return err
		}
		delete(v.looked, name) // what vanished from the remote may be to be written again
		v.relook[name] = true
	}
	v.doubtView() // likewise the view, or what it names
	v.collected[name] = v.o.Uptime()
	return v.reserveRoom(ctx)
}

// isLookNeeded tells whether anything of a bucket may be needless, or gone with what made it so. While no device has
// indexed it, and nothing of it went from log/, that can't be.
func (v *visit) isLookNeeded() (bool, error) {
	for _, seen := range v.seen.all() {
		if len(seen.Buckets[v.bucket.Name()].Indexes) > 0 {
			return true, nil
		}
	}
	if v.bucket.Stats().Adopted {
		return true, nil
	}
	for _, remote := range []string{"", v.o.Remote} {
		sent, err := v.bucket.Sent(remote)
		if err != nil {
			return false, err
		}
		for _, state := range sent {
			if remote == "" || state == localstore.Retired {
				return true, nil
			}
		}
	}
	return false, nil
}

// collection is one look at all files of a bucket.
type collection struct {
	*visit
	present   catalog // indexes of which all chunks are shown
	chunks    map[string]bool
	condemned map[string]localstore.Condemned
	changes   map[string]localstore.Condemned
}

func (c *collection) run(ctx context.Context) error {
	if err := c.ensure(ctx); err != nil {
		return err
	}
	if err := c.list(ctx); err != nil {
		return err
	}
	if err := c.audit(ctx); err != nil {
		return err
	}
	candidates, err := c.candidates(ctx)
	if err != nil {
		return err
	}
	if err := c.judge(ctx, candidates); err != nil {
		return err
	}
	c.judgeChunks()
	for name := range c.condemned { // not found needless again
		if _, again := c.changes[name]; !again {
			c.changes[name] = localstore.Condemned{}
		}
	}
	if err := c.bucket.Condemn(ctx, c.o.Remote, c.changes); err != nil {
		return err
	}
	return c.remove(ctx)
}

// list gathers what there is.
func (c *collection) list(ctx context.Context) error {
	all, err := c.catalog(ctx)
	if err != nil {
		return err
	}
	if c.chunks, err = c.listChunks(ctx); err != nil {
		return err
	}
	maps.DeleteFunc(all, func(_ setlog.Hash, index *listed) bool { return !index.isShown(c.chunks) })
	c.present, c.changes = all, map[string]localstore.Condemned{}
	c.condemned, err = c.bucket.Condemned(c.o.Remote)
	for name, since := range c.condemned { // an older daemon.db, or a new one, sets the uptime back
		since.Uptime = min(since.Uptime, c.o.Uptime())
		c.condemned[name] = since
	}
	return err
}

// remove deletes what has been condemned for long enough: an index before its chunks, so that none names what is gone
// for longer than a moment.
func (c *collection) remove(ctx context.Context) error {
	for _, name := range slices.Sorted(maps.Keys(c.changes)) {
		if !c.isDue(c.changes[name]) {
			continue
		}
		if err := c.removeFile(ctx, name); err != nil {
			return err
		}
		base, isIndex := strings.CutPrefix(name, indexFolder+"/")
		if !isIndex {
			continue
		}
		for _, ref := range c.indexes[base].Chunks {
			if err := c.removeFile(ctx, chunkFolder+"/"+c.indexes[base].Name(ref).String()); err != nil {
				return err
			}
		}
		delete(c.indexes, base)
	}
	return nil
}

// removeFile removes one file of the share, if that is still there: all that was read before may have taken minutes.
func (c *collection) removeFile(ctx context.Context, name string) error {
	if err := c.ensure(ctx); err != nil {
		return err
	}
	if err := c.o.Storage.Remove(ctx, name); err != nil {
		return fmt.Errorf("remove %s: %w", name, err)
	}
	c.round.Removed++
	c.o.Logger.Info("removed a file that others make needless", "remote", c.o.Remote, "bucket", c.bucket.Name(), "file", name)
	if base, ok := strings.CutPrefix(name, logFolder+"/"); ok {
		if err := c.bucket.MarkSent(ctx, c.o.Remote, localstore.Retired, base); err != nil {
			return err
		}
	}
	return c.bucket.Condemn(ctx, c.o.Remote, map[string]localstore.Condemned{name: {}})
}
