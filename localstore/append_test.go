package localstore

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"testing"

	"github.com/setlogger/setlogger/setlog"
)

func TestAppendIsReadAndReopened(t *testing.T) {
	b := create(t, "todos", nil, testOptions(1))
	r := putNode(t, b, "a", 1)
	if r.Number != 1 || r.Writer != b.Stats().Writer || r.Stamp == 0 || len(r.Revs) != 1 || r.Revs["a"] == "" {
		t.Errorf("receipt %+v", r)
	}
	if r := dispatch(t, b, `{"type":"SET_PROPERTY","id":"a","path":["x","y"],"value":true}`); r.Number != 2 {
		t.Errorf("receipt %+v", r)
	}
	wantNode(t, b, "a", `{"n":1,"x":{"y":true}}`)
	b = reopen(t, b)
	wantNode(t, b, "a", `{"n":1,"x":{"y":true}}`)
	if r := putNode(t, b, "b", 2); r.Number != 3 {
		t.Errorf("after reopening: %+v", r)
	}
	s := b.Stats()
	if s.Nodes != 2 || s.Entries != 3 || s.Head != 3 || s.PendingUnsealed != 3 || s.Offset != 3 || s.Writers != 1 || s.Forks != 0 || b.FileBytes() == 0 {
		t.Errorf("stats %+v", s)
	}
	if b.Name() != "todos" || b.ID() != setlog.BucketID("todos") || len(b.Births()) != 1 || len(b.Heads()) != 1 {
		t.Error(b.Name(), b.ID(), b.Births(), b.Heads())
	}
}

func TestAppendStopsAtTheFirstRefused(t *testing.T) {
	b := create(t, "b", nil, testOptions(1))
	receipts, err := b.Append(t.Context(),
		Request{Actions: actions(t, `{"type":"CREATE_NODE","id":"a"}`)},
		Request{Actions: actions(t, `{"type":"SET_PROPERTY","id":"none","property":"x","value":1}`)},
		Request{Actions: actions(t, `{"type":"CREATE_NODE","id":"b"}`)},
	)
	var refusal *setlog.Refusal
	if !errors.As(err, &refusal) || refusal.Kind != setlog.NotAlive || len(receipts) != 1 {
		t.Fatalf("%v, %+v", err, receipts)
	}
	if s := b.Stats(); s.Entries != 1 || s.Nodes != 1 {
		t.Errorf("stats %+v", s)
	}
	if r := putNode(t, b, "b", 1); r.Number != 2 {
		t.Errorf("a refusal took a number: %+v", r)
	}
}

func TestNoOpAppendsNothing(t *testing.T) {
	b := create(t, "b", nil, testOptions(1))
	first := putNode(t, b, "a", 1)
	r := dispatch(t, b, `{"type":"SET_PROPERTY","id":"a","property":"n","value":1}`)
	if r.Number != 0 || r.Stamp != 0 || r.Revs["a"] != first.Revs["a"] || b.Stats().Entries != 1 {
		t.Errorf("%+v after %+v", r, first)
	}
}

func TestNoRevs(t *testing.T) {
	b := create(t, "b", nil, testOptions(1))
	r, err := b.Append(t.Context(), Request{Actions: actions(t, `{"type":"CREATE_NODE","id":"a"}`), NoRevs: true})
	if err != nil || r[0].Revs != nil {
		t.Error(r, err)
	}
	if r, err := b.Append(t.Context()); len(r) != 0 || err != nil {
		t.Error(r, err)
	}
}

func TestIfMatch(t *testing.T) {
	b := create(t, "b", nil, testOptions(1))
	rev := putNode(t, b, "a", 1).Revs["a"]
	set := func(match, body string) error {
		_, err := b.Append(t.Context(), Request{IfMatch: match, Actions: actions(t, "%s", body)})
		return err
	}
	wantError(t, set("7-00", `{"type":"SET_PROPERTY","id":"a","property":"n","value":2}`), ErrMatch)
	wantError(t, set("7-00", `{"type":"SET_PROPERTY","id":"a","property":"n","value":1}`), ErrMatch) // even a no-op
	if err := set(rev, `{"type":"SET_PROPERTY","id":"a","property":"n","value":2}`); err != nil {
		t.Error(err)
	}
	wantError(t, set(rev, `{"type":"SET_PROPERTY","id":"a","property":"n","value":3}`), ErrMatch)
	var refusal *setlog.Refusal
	for _, body := range []string{`{"type":"NOTE"}`, `{"actions":[{"type":"CREATE_NODE","id":"a"},{"type":"CREATE_NODE","id":"b"}]}`} {
		if err := set(rev, body); !errors.As(err, &refusal) || refusal.Kind != setlog.Invalid || refusal.Hint == "" {
			t.Errorf("%s: %v", body, err)
		}
	}
	wantNode(t, b, "a", `{"n":2}`)
}

func TestNoActions(t *testing.T) {
	b := create(t, "b", nil, testOptions(1))
	_, err := b.Append(t.Context(), Request{})
	if refusal, ok := errors.AsType[*setlog.Refusal](err); !ok || refusal.Hint == "" {
		t.Error(err)
	}
}

func TestIfMatchLetsOneOfManyWin(t *testing.T) {
	b := create(t, "b", nil, testOptions(1))
	rev := putNode(t, b, "a", 0).Revs["a"]
	won := make([]bool, 16)
	var all sync.WaitGroup
	for i := range won {
		request := Request{IfMatch: rev, Actions: actions(t, `{"type":"SET_PROPERTY","id":"a","property":"n","value":%d}`, i+1)}
		all.Go(func() {
			_, err := b.Append(t.Context(), request)
			won[i] = err == nil
			if err != nil && !errors.Is(err, ErrMatch) {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := len(slices.DeleteFunc(won, func(w bool) bool { return !w })); n != 1 {
		t.Errorf("%d won", n)
	}
}

func TestIdempotencyKey(t *testing.T) {
	b := create(t, "b", nil, testOptions(1))
	send := func(key, body string) (Receipt, error) {
		r, err := b.Append(t.Context(), Request{Key: key, Body: hashOf(body), Actions: actions(t, "%s", body)})
		if err != nil {
			return Receipt{}, err
		}
		return r[0], nil
	}
	const body = `{"type":"CREATE_NODE","id":"a","properties":{"n":1}}`
	first, err := send("k", body)
	if err != nil || first.Repeated {
		t.Fatal(first, err)
	}
	again := func(want Receipt, body string) {
		t.Helper()
		want.Repeated = true
		got, err := send("k", body)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v %v, want %+v", got, err, want)
		}
	}
	again(first, body)
	_, err = send("k", `{"type":"CREATE_NODE","id":"b"}`)
	wantError(t, err, ErrKeyReused)
	putNode(t, b, "a", 2)
	noop, err := send("noop", `{"type":"SET_PROPERTY","id":"a","property":"n","value":2}`)
	if err != nil || noop.Number != 0 {
		t.Fatal(noop, err)
	}
	b = reopen(t, b)
	again(first, body)
	noopAgain, err := send("noop", `{"type":"SET_PROPERTY","id":"a","property":"n","value":2}`)
	if err != nil || !noopAgain.Repeated || noopAgain.Number != 0 {
		t.Error(noopAgain, err)
	}
	if _, err := send("bad", `{"type":"DELETE_NODE","id":"none"}`); err == nil {
		t.Error("a refused append was kept under its key")
	}
	if s := b.Stats(); s.Entries != 2 {
		t.Errorf("%+v", s)
	}
	// the same key twice in one batch
	r, err := b.Append(t.Context(),
		Request{Key: "x", Body: hashOf("1"), Actions: actions(t, `{"type":"CREATE_NODE","id":"x"}`)},
		Request{Key: "x", Body: hashOf("1"), Actions: actions(t, `{"type":"CREATE_NODE","id":"x"}`)})
	if err != nil || r[0].Repeated || !r[1].Repeated || r[0].Number != r[1].Number {
		t.Errorf("%+v %v", r, err)
	}
}

func TestCloseEndsTheBucket(t *testing.T) {
	b := create(t, "b", nil, testOptions(1))
	putNode(t, b, "a", 1)
	dispatch(t, b, `{"type":"CLOSE"}`)
	_, err := b.Append(t.Context(), Request{Actions: actions(t, `{"type":"CREATE_NODE","id":"b"}`)})
	wantError(t, err, ErrClosed)
	b = reopen(t, b)
	_, err = b.Append(t.Context(), Request{Actions: actions(t, `{"type":"CREATE_NODE","id":"b"}`)})
	wantError(t, err, ErrClosed)
	if !b.Stats().Closed {
		t.Error(b.Stats())
	}
	other := create(t, "b", []string{}, testOptions(2))
	foldIn(t, other, sealed(t, b)...)
	if !other.Stats().Closed {
		t.Error(other.Stats())
	}
}

func TestNumbersRunOut(t *testing.T) {
	b := create(t, "b", nil, testOptions(1))
	b.lastNumber = 2
	for i := range 5 {
		putNode(t, b, fmt.Sprint(i), i)
	}
	if s := b.Stats(); s.Writers != 3 || s.Head != 1 || s.Entries != 5 {
		t.Errorf("%+v", s)
	}
}

func TestEachWriteIsInItsOwnPlace(t *testing.T) {
	b := create(t, "b", nil, testOptions(1))
	const each = 200
	var all sync.WaitGroup
	seen := make([][]uint64, 8)
	for w := range seen {
		requests := make([]Request, each)
		for i := range requests {
			requests[i].Actions = actions(t, `{"type":"CREATE_NODE","id":"n%d-%d"}`, w, i)
		}
		all.Go(func() {
			for len(requests) > 0 {
				n := min(len(requests), 1+w*3)
				receipts, err := b.Append(t.Context(), requests[:n]...)
				if err != nil {
					t.Error(err)
					return
				}
				for i, r := range receipts {
					seen[w] = append(seen[w], r.Number)
					id := requests[i].Actions[0].ID
					if n, err := b.Node(id); err != nil || !n.Alive() || n.Rev() != r.Revs[id] {
						t.Errorf("own write %s not read: %v", id, err)
					}
				}
				requests = requests[n:]
			}
		})
	}
	all.Wait()
	numbers := slices.Sorted(slices.Values(slices.Concat(seen...)))
	for i, n := range numbers {
		if n != uint64(i+1) {
			t.Fatalf("number %d in place %d", n, i+1)
		}
	}
}

func TestBigAppendSpansBatches(t *testing.T) {
	b := create(t, "b", nil, testOptions(1))
	requests := make([]Request, 2*maxBatchEntries+10)
	for i := range requests {
		requests[i] = Request{Actions: actions(t, `{"type":"CREATE_NODE","id":"n%06d"}`, i), NoRevs: true}
	}
	receipts, err := b.Append(t.Context(), requests...)
	if err != nil || len(receipts) != len(requests) || receipts[len(receipts)-1].Number != uint64(len(requests)) {
		t.Fatal(len(receipts), err)
	}
	if s := b.Stats(); s.Nodes != uint64(len(requests)) {
		t.Errorf("%+v", s)
	}
}

func TestContextEndsAnAppend(t *testing.T) {
	b := create(t, "b", nil, testOptions(1))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 20 {
		if r, err := b.Append(ctx, Request{Actions: actions(t, `{"type":"CREATE_NODE","id":"a"}`)}); !errors.Is(err, context.Canceled) || len(r) != 0 {
			t.Fatal(r, err)
		}
	}
	if b.Stats().Entries != 0 {
		t.Error("a cancelled append was made")
	}
}

func TestClosedStore(t *testing.T) {
	b := create(t, "b", nil, testOptions(1))
	putNode(t, b, "a", 1)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	wantError(t, b.Close(), ErrStopped)
	_, err := b.Append(t.Context(), Request{Actions: actions(t, `{"type":"CREATE_NODE","id":"a"}`)})
	wantError(t, err, ErrStopped)
	wantError(t, b.Flush(t.Context()), ErrStopped)
	wantError(t, b.Wait(t.Context(), 9), ErrStopped)
	wantError(t, b.Check(), ErrStopped)
	if _, err := b.Node("zz"); err == nil {
		t.Error("read a closed store")
	}
	if _, err := b.Nodes("", "", 1); err == nil {
		t.Error("paged a closed store")
	}
	if _, err := b.Log(0, 1); err == nil {
		t.Error("read the log of a closed store")
	}
}

func TestNoRandomness(t *testing.T) {
	o := testOptions(1)
	o.Random = failingReader{}
	if _, err := Create(filepath.Join(t.TempDir(), "x"), "b", nil, o); err == nil {
		t.Error("made a key of nothing")
	}
	if _, err := Create(filepath.Join(t.TempDir(), "x"), "b", []string{"x"}, o); err == nil {
		t.Error("made a key of nothing")
	}
	if _, err := Create(filepath.Join(t.TempDir(), "x"), "No Name", nil, testOptions(1)); !errors.Is(err, setlog.ErrName) {
		t.Error(err)
	}
}
