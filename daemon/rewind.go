package daemon

import (
	"bytes"
	"context"
	"encoding/json"
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
	if living != nil && len(living.Births()) > 0 && r.shares(copied, living) {
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

// shares tells whether the bucket here is the one of the backup.
func (r *restoring) shares(copied *localstore.Bucket, living *heldBucket) bool {
	births := living.Births()
	return slices.ContainsFunc(copied.Births(), func(birth string) bool { return slices.Contains(births, birth) })
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

// noNodes is a bucket without nodes.
type noNodes struct{}

// Nodes answers none.
func (noNodes) Nodes(string, string, int) ([]localstore.Item, error) { return nil, nil }

// rewind makes nodes what others are.
type rewind struct {
	one     *api.RestoredBucket
	into    *heldBucket // nil: it is only counted
	pending []edit
	size    int // bytes of the actions of pending
}

// edit is what makes one node what it was.
type edit struct {
	id      string
	want    *setlog.Node // nil: it was not there
	actions []setlog.Action
	match   string // rev of the node that the actions are for
	tries   int
}

// Bounds of what is appended at once.
const (
	rewindEdits = 256
	rewindBytes = 4 << 20
	rewindTries = 8 // of one node that others change meanwhile
)

// run goes over both lists side by side.
func (w *rewind) run(ctx context.Context, now, then lister) error {
	left, right := &cursor{from: now}, &cursor{from: then}
	for ctx.Err() == nil {
		has, err := left.peek()
		if err != nil {
			return err
		}
		had, err := right.peek()
		if err != nil {
			return err
		}
		if has == nil && had == nil {
			return w.flush(ctx)
		}
		id, is, was := "", (*setlog.Node)(nil), (*setlog.Node)(nil)
		if has != nil && (had == nil || has.ID <= had.ID) {
			id, is = has.ID, has.Node
			left.next()
		}
		if had != nil && (has == nil || had.ID <= has.ID) {
			id, was = had.ID, had.Node
			right.next()
		}
		if err := w.add(ctx, id, is, was); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// cursor reads a list page by page.
type cursor struct {
	from lister
	page []localstore.Item
	last string
	end  bool
}

// peek answers the next node; nil at the end.
func (c *cursor) peek() (*localstore.Item, error) {
	const page = 1000
	if len(c.page) == 0 && !c.end {
		var err error
		if c.page, err = c.from.Nodes(c.last, "", page); err != nil {
			return nil, err
		}
		c.end = len(c.page) < page
	}
	if len(c.page) == 0 {
		return nil, nil //nolint:nilnil // there are no more
	}
	return &c.page[0], nil
}

func (c *cursor) next() { c.last, c.page = c.page[0].ID, c.page[1:] }

// add counts a node, and has it made what it was.
func (w *rewind) add(ctx context.Context, id string, is, was *setlog.Node) error {
	switch {
	case is != nil && was != nil && bytes.Equal(is.Value(), was.Value()):
		w.one.Same++
		return nil
	case is == nil:
		w.one.Created++
	case was == nil:
		w.one.Removed++
	default:
		w.one.Changed++
	}
	if w.into == nil {
		return nil
	}
	e := edit{id: id, want: was}
	if err := e.aim(is); err != nil {
		return err
	}
	w.pending, w.size = append(w.pending, e), w.size+len(is.Value())+len(was.Value())
	if len(w.pending) < rewindEdits && w.size < rewindBytes {
		return nil
	}
	return w.flush(ctx)
}

// aim makes the actions that lead from what a node is to what it was: properties as a whole, the others are left alone.
func (e *edit) aim(is *setlog.Node) error {
	var all []map[string]any
	switch {
	case !is.Alive() && !e.want.Alive():
	case !is.Alive():
		all = append(all, map[string]any{"type": "CREATE_NODE", "id": e.id, "properties": json.RawMessage(e.want.Value())})
	case !e.want.Alive():
		all = append(all, map[string]any{"type": "DELETE_NODE", "id": e.id})
	default:
		all = propertyActions(e.id, members(is.Value()), members(e.want.Value()))
	}
	e.actions, e.match = nil, ""
	if is.Alive() {
		e.match = is.Rev()
	}
	if len(all) == 0 {
		return nil
	}
	text, err := json.Marshal(map[string]any{"actions": all})
	if err == nil {
		e.actions, err = setlog.ParseActions(text)
	}
	return err
}

// propertyActions sets what differs and removes what was not there.
func propertyActions(id string, is, was map[string]json.RawMessage) []map[string]any {
	var all []map[string]any
	differ := map[string]json.RawMessage{}
	for name, value := range was {
		if now, there := is[name]; !there || !bytes.Equal(now, value) {
			differ[name] = value
		}
	}
	if len(differ) > 0 {
		all = append(all, map[string]any{"type": "SET_PROPERTY", "id": id, "properties": differ})
	}
	for name := range is {
		if _, stays := was[name]; !stays {
			all = append(all, map[string]any{"type": "REMOVE_PROPERTY", "id": id, "property": name})
		}
	}
	return all
}

// flush appends what is pending, an entry for each node.
func (w *rewind) flush(ctx context.Context) error {
	for len(w.pending) > 0 {
		w.pending = slices.DeleteFunc(w.pending, func(e edit) bool { return len(e.actions) == 0 })
		requests := make([]localstore.Request, len(w.pending))
		for i, e := range w.pending {
			requests[i] = localstore.Request{Actions: e.actions, IfMatch: e.match, NoRevs: true}
		}
		receipts, err := w.into.append(ctx, requests...)
		if len(receipts) > 0 && w.one.Before == "" {
			w.one.Before = (receipts[0].Stamp - 1).String()
		}
		if err == nil {
			err = w.compare(w.pending)
			w.pending, w.size = nil, 0
			return err
		}
		if err := w.compare(w.pending[:len(receipts)]); err != nil {
			return err
		}
		if w.pending = w.pending[len(receipts):]; len(w.pending) == 0 {
			return err
		}
		if err := w.settle(err); err != nil {
			return err
		}
	}
	return nil
}

// settle looks at why the first of what is pending was not appended: somebody changed the node, or it can't be.
func (w *rewind) settle(why error) error {
	e := &w.pending[0]
	var refusal *setlog.Refusal
	var invalid *localstore.SchemaError
	switch e.tries++; {
	case e.tries < rewindTries && (errors.Is(why, localstore.ErrMatch) || errors.As(why, &refusal) && refusal.Kind == setlog.NotAlive):
		is, err := w.into.Node(e.id)
		if err != nil {
			return err
		}
		return e.aim(is)
	case errors.Is(why, localstore.ErrMatch), errors.As(why, &invalid), errors.As(why, &refusal):
		w.leave(e.id, plain(why))
		w.pending = w.pending[1:]
		return nil
	}
	return why
}

// compare makes sure that nodes are what they were; those that others change at that moment are named.
func (w *rewind) compare(edits []edit) error {
	for _, e := range edits {
		is, err := w.into.Node(e.id)
		if err != nil {
			return err
		}
		if is.Alive() != e.want.Alive() || is.Alive() && !bytes.Equal(is.Value(), e.want.Value()) {
			w.leave(e.id, "it was changed meanwhile")
		}
	}
	return nil
}

func (w *rewind) leave(id, reason string) {
	w.one.Left = append(w.one.Left, api.Left{ID: id, Path: []string{}, Reason: reason})
}
