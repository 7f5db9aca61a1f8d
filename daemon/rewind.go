package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/setlog"
)

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
		w.leave(id, plain(err)) // it is larger than an entry can be
		return nil
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
		if err := e.aim(is); err != nil {
			w.leave(e.id, plain(err))
			w.pending = w.pending[1:]
		}
		return nil
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
