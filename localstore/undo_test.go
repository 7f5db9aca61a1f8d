package localstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/setlogger/setlogger/setlog"
)

// undo undoes an entry, or the last one of this device.
func undo(t testing.TB, b *Bucket, r UndoRequest) Undone {
	t.Helper()
	done, err := b.Undo(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func idOf(r Receipt) setlog.EntryID { return setlog.EntryID{Writer: r.Writer, Number: r.Number} }

func TestUndoBackAndForth(t *testing.T) {
	b := create(t, "list", nil, testOptions(1))
	putNode(t, b, "other", 1)
	made := dispatch(t, b, `{"type":"CREATE_NODE","id":"a","properties":{"l":["x","y"],"n":1}}`)
	dispatch(t, b, `{"type":"ARRAY_REMOVE","id":"a","property":"l","index":0}`)
	dispatch(t, b, `{"type":"SOMETHING_ELSE"}`)
	dispatch(t, b, `{"type":"DELETE_NODE","id":"a"}`)

	b = reopen(t, b)
	undo(t, b, UndoRequest{})
	wantNode(t, b, "a", `{"l":["y"],"n":1}`)
	second := undo(t, b, UndoRequest{})
	wantNode(t, b, "a", `{"l":["x","y"],"n":1}`)
	if second.Entry.Number != 3 || second.Revs["a"] == "" || len(second.Left) > 0 {
		t.Errorf("the second undo answers %+v", second)
	}
	b = reopen(t, b)
	undo(t, b, UndoRequest{})
	wantNode(t, b, "a", ``)
	_, err := b.Undo(context.Background(), UndoRequest{Entry: idOf(made)})
	wantError(t, err, ErrUndone)
	undo(t, b, UndoRequest{Entry: idOf(dispatch(t, b, `{"type":"OTHER"}`))})

	last := undo(t, b, UndoRequest{})
	wantNode(t, b, "other", ``)
	_, err = b.Undo(context.Background(), UndoRequest{})
	wantError(t, err, ErrMissing)
	undo(t, b, UndoRequest{Entry: idOf(last.Receipt)})
	wantNode(t, b, "other", `{"n":1}`)
	again := undo(t, b, UndoRequest{})
	if again.Entry.Number != 1 {
		t.Errorf("what was done again is undone again, not %v", again.Entry)
	}
}

func TestUndoLeavesAlone(t *testing.T) {
	a := create(t, "list", nil, testOptions(1))
	putNode(t, a, "x", 1)
	b := create(t, "list", a.Births(), testOptions(2))
	foldIn(t, b, sealed(t, a)...)
	set := dispatch(t, a, `{"actions":[{"type":"SET_PROPERTY","id":"x","properties":{"n":2,"m":2}},{"type":"SET_SCHEMA","schema":{"title":"s"}}]}`)
	foldIn(t, b, sealed(t, a)...)
	dispatch(t, b, `{"type":"SET_PROPERTY","id":"x","property":"n","value":3}`)
	foldIn(t, a, sealed(t, b)...)

	done := undo(t, b, UndoRequest{Entry: idOf(set)}) // another's entry
	want := []setlog.Left{{ID: "x", Path: []string{"n"}, Reason: "it was changed since"}}
	if fmt.Sprint(done.Left) != fmt.Sprint(want) {
		t.Errorf("left alone: %+v", done.Left)
	}
	wantNode(t, b, "x", `{"n":3}`)
	if b.Schema() != nil {
		t.Errorf("the schema is %s", b.Schema())
	}
	foldIn(t, a, sealed(t, b)...)
	sameState(t, a, b)
	_, err := a.Undo(context.Background(), UndoRequest{Entry: idOf(set)})
	wantError(t, err, ErrUndone)
	done = undo(t, a, UndoRequest{}) // not what b undid, but the create
	if done.Entry.Number != 1 || done.Number != 0 || len(done.Left) != 1 {
		t.Errorf("undo of the create answers %+v", done)
	}
}

func TestUndoWithAKey(t *testing.T) {
	b := create(t, "list", nil, testOptions(1))
	putNode(t, b, "x", 1)
	set := dispatch(t, b, `{"type":"SET_PROPERTY","id":"x","property":"n","value":2}`)
	dispatch(t, b, `{"type":"SET_PROPERTY","id":"x","property":"n","value":3}`)
	request := UndoRequest{Key: "k", Body: hashOf("last")}
	first := undo(t, b, request)
	b = reopen(t, b)
	again := undo(t, b, request)
	if !again.Repeated || again.Entry != first.Entry || again.Number != first.Number || again.Revs["x"] != first.Revs["x"] {
		t.Errorf("first %+v, again %+v", first, again)
	}
	wantNode(t, b, "x", `{"n":2}`)
	request.Body = hashOf("other")
	_, err := b.Undo(context.Background(), request)
	wantError(t, err, ErrKeyReused)

	dispatch(t, b, `{"type":"SET_PROPERTY","id":"x","property":"n","value":9}`)
	left := undo(t, b, UndoRequest{Entry: idOf(set), Key: "left", Body: hashOf("left")})
	again = undo(t, b, UndoRequest{Entry: idOf(set), Key: "left", Body: hashOf("left")})
	if left.Number != 0 || len(left.Left) != 1 || !again.Repeated || fmt.Sprint(again.Left) != fmt.Sprint(left.Left) {
		t.Errorf("what is left alone: first %+v, again %+v", left, again)
	}
	appended := Request{Actions: actions(t, `{"type":"OTHER"}`), Key: "append", Body: hashOf("x")}
	if _, err := b.Append(context.Background(), appended); err != nil {
		t.Fatal(err)
	}
	_, err = b.Undo(context.Background(), UndoRequest{Key: "append", Body: hashOf("x")})
	wantError(t, err, ErrKeyReused)
}

func TestUndoIsRefused(t *testing.T) {
	b := create(t, "list", nil, testOptions(1))
	made := putNode(t, b, "x", 1)
	missing := idOf(made)
	missing.Number = 7
	_, err := b.Undo(context.Background(), UndoRequest{Entry: missing})
	wantError(t, err, ErrMissing)
	missing.Writer[0]++
	_, err = b.Undo(context.Background(), UndoRequest{Entry: missing})
	wantError(t, err, ErrMissing)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = b.Undo(ended, UndoRequest{Entry: idOf(made)})
	wantError(t, err, context.Canceled)

	deleted := dispatch(t, b, `{"type":"DELETE_NODE","id":"x"}`)
	dispatch(t, b, `{"type":"SET_SCHEMA","schema":{"properties":{"n":{"type":"string"}}}}`)
	_, err = b.Undo(context.Background(), UndoRequest{Entry: idOf(deleted)})
	if _, ok := errors.AsType[*SchemaError](err); !ok {
		t.Errorf("what the schema forbids is put back: %v", err)
	}
	dispatch(t, b, `{"type":"CLOSE"}`)
	_, err = b.Undo(context.Background(), UndoRequest{Entry: idOf(made)})
	if err != nil {
		t.Errorf("the node is gone, so that nothing is to be undone: %v", err)
	}
	_, err = b.Undo(context.Background(), UndoRequest{Entry: idOf(deleted)})
	wantError(t, err, ErrClosed)
}

func TestUndoOfAForkedEntry(t *testing.T) {
	b := create(t, "list", nil, testOptions(1))
	putNode(t, b, "x", 1)
	copied := cloneOf(t, b)
	forked := putNode(t, b, "y", 1)
	putNode(t, copied, "z", 1)
	foldIn(t, b, sealed(t, copied)...)
	_, err := b.Undo(context.Background(), UndoRequest{Entry: idOf(forked)})
	if refusal, ok := errors.AsType[*setlog.Refusal](err); !ok {
		t.Errorf("which of two entries is meant? %v, %v", refusal, err)
	}
	undo(t, b, UndoRequest{Entry: setlog.EntryID{Writer: forked.Writer, Number: 1}})
	wantNode(t, b, "x", ``)
}

// TestUndoOnce has many undo one increment at once: one of them does.
func TestUndoOnce(t *testing.T) {
	b := create(t, "list", nil, testOptions(1))
	putNode(t, b, "x", 1)
	added := dispatch(t, b, `{"type":"INCREMENT","id":"x","property":"n","by":5}`)
	errs := make([]error, 20)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { _, errs[i] = b.Undo(context.Background(), UndoRequest{Entry: idOf(added)}) })
	}
	all.Wait()
	undone := slices.DeleteFunc(errs, func(err error) bool { return errors.Is(err, ErrUndone) })
	if len(undone) != 1 || undone[0] != nil {
		t.Errorf("besides those that found it undone: %v", undone)
	}
	wantNode(t, b, "x", `{"n":1}`)
}

// TestUndoInALongLog undoes entries over pages of the log.
func TestUndoInALongLog(t *testing.T) {
	b := create(t, "list", nil, testOptions(1))
	first := putNode(t, b, "x", 1)
	requests := make([]Request, 2*logPage)
	for i := range requests {
		requests[i] = Request{Actions: actions(t, `{"type":"TICK","n":%d}`, i), NoRevs: true}
	}
	requests[logPage].Actions = actions(t, `{"type":"SET_PROPERTY","id":"x","property":"n","value":2}`)
	requests[logPage+1].Actions = actions(t, `{"type":"SET_PROPERTY","id":"x","property":"n","value":2.5}`)
	if _, err := b.Append(context.Background(), requests...); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`{"n":2}`, `{"n":1}`, ``} {
		undo(t, b, UndoRequest{})
		wantNode(t, b, "x", want)
	}
	if _, err := b.Undo(context.Background(), UndoRequest{Entry: idOf(first)}); !errors.Is(err, ErrUndone) {
		t.Error(err)
	}
}
