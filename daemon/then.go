package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/replica"
	"github.com/setlogger/setlogger/setlog"
)

// lister is where nodes come from, in the order of their ids: a bucket, or one as it was at a moment.
type lister interface {
	Nodes(after, prefix string, limit int) ([]localstore.Item, error)
}

// backTo brings the nodes of a bucket back to what they were at a moment, by an entry for each that differs. What the backup has is
// taken in before: nothing of it is lost.
func (r *restoring) backTo(ctx context.Context, copied *localstore.Bucket, living *heldBucket, one *api.RestoredBucket) error {
	then, err := r.then(ctx, copied, living)
	if err != nil {
		return err
	}
	var now lister = copied
	if living != nil {
		now = living
	}
	if r.wanted.DryRun {
		return (&rewind{one: one}).run(ctx, now, then)
	}
	if living, err = r.takeIn(ctx, copied, living); err != nil {
		return err
	}
	defer r.noteAppend(living)
	return (&rewind{one: one, into: living}).run(ctx, living, then)
}

// then is the state at the moment that is asked for, as the logs of the backup and of this device tell together.
func (r *restoring) then(ctx context.Context, copied *localstore.Bucket, living *heldBucket) (lister, error) {
	if living != nil && shareBirth(copied.Births(), living.Births()) {
		held, err := living.Coverage()
		if err != nil {
			return nil, err
		}
		if _, err := living.Seal(ctx); err != nil {
			return nil, err
		}
		if err := replica.Pour(ctx, living.Bucket, copied); err != nil {
			return nil, err
		}
		if whole, err := copied.Logged(held); err != nil || !whole {
			return nil, errors.Join(err, notThen(copied.Name()))
		}
	}
	if copied.Stats().Adopted {
		return nil, notThen(copied.Name())
	}
	return copied.At(ctx, *r.at)
}

// shareBirth tells by the births of two buckets whether they are one.
func shareBirth(a, b []string) bool {
	return slices.ContainsFunc(a, func(birth string) bool { return slices.Contains(b, birth) })
}

func notThen(bucket string) error {
	return problem(http.StatusUnprocessableEntity, "what was then is in no log here: a part of "+bucket+" is known by an index alone",
		"restore from a remote that keeps history, or from a backup of a device that has the log from the bucket's beginning")
}

// asNew makes a bucket of another name with the nodes, and the schema that the backup's log set last.
func (r *restoring) asNew(ctx context.Context, copied *localstore.Bucket, living *heldBucket, one *api.RestoredBucket) error {
	one.Into, one.New, one.Entries = r.wanted.As, true, 0
	var nodes lister = copied
	if r.at != nil {
		then, err := r.then(ctx, copied, living)
		if err != nil {
			return err
		}
		nodes = then
	}
	if err := r.checkNew(ctx); err != nil {
		return err
	}
	if r.wanted.DryRun {
		return (&rewind{one: one}).run(ctx, noNodes{}, nodes)
	}
	b, _, err := r.holdBucket(ctx, api.Bucket{Name: r.wanted.As, Remote: r.wanted.Remote})
	if err != nil {
		return err
	}
	defer r.noteAppend(b)
	if err := (&rewind{one: one, into: b}).run(ctx, noNodes{}, nodes); err != nil {
		return err
	}
	one.Before = "" // before it there was nothing
	return setSchema(ctx, b, copied.Schema())
}

// checkNew makes sure that a bucket of the new name is neither here nor known to be on its remote.
func (r *restoring) checkNew(ctx context.Context) error {
	name := r.wanted.As
	if err := setlog.CheckBucketName(name); err != nil {
		return problem(http.StatusUnprocessableEntity, plain(err), "for example todos-restored")
	}
	remotes, err := r.remotesFor(r.wanted.Remote)
	if err != nil {
		return err
	}
	_, err = r.bucket(name)
	_, statErr := os.Stat(r.Daemon.folder.bucketFile(setlog.BucketID(name)))
	if err == nil || statErr == nil || r.isThere(ctx, name, remotes) {
		return problem(http.StatusConflict, fmt.Sprintf("there is a bucket %s already", name), "choose a name that no bucket has")
	}
	return nil
}

func setSchema(ctx context.Context, b *heldBucket, document []byte) error {
	if document == nil {
		return nil
	}
	actions, err := setlog.ParseActions([]byte(`{"type":"SET_SCHEMA","schema":` + string(document) + `}`))
	if err == nil {
		_, err = b.append(ctx, localstore.Request{Actions: actions})
	}
	return err
}
