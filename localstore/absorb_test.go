package localstore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/setlogger/setlogger/setlog"
)

// manyNodes is more than one transaction of a flush stores while an index is taken in.
const manyNodes = 8*maxFlushNodes + 500

// library is a bucket of many nodes whose ids tell nothing of their order, and of several orders.
func library(t testing.TB) *Bucket {
	t.Helper()
	b := create(t, "todos", nil, testOptions(7))
	dispatch(t, b, `{"type":"SET_SCHEMA","schema":{"x-setlogger":{"order":["n","id"],"indexes":[["-n"],["created","n"]]}}}`)
	requests := make([]Request, manyNodes)
	for i := range requests {
		requests[i].Actions = actions(t, `{"type":"CREATE_NODE","id":"%05d","properties":{"n":%d}}`, i*7919%manyNodes, i)
	}
	if _, err := b.Append(context.Background(), requests...); err != nil {
		t.Fatal(err)
	}
	return b
}

// paged answers the ids of all nodes, page by page.
func paged(t testing.TB, b *Bucket) (ids []string, scanned bool) {
	t.Helper()
	var after []byte
	for {
		page, scan, err := b.Ordered(b.Order(), after, nil, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page {
			ids = append(ids, item.ID)
			after = b.Order().Key(item.ID, item.Node)
		}
		if scanned = scanned || scan; len(page) < 1000 {
			return ids, scanned
		}
	}
}

// absorbAll takes nodes in by pieces, and Adopt what a bucket has.
func absorbAll(t testing.TB, to, from *Bucket, nodes []setlog.Changed, between func()) (*Join, error) {
	t.Helper()
	j, err := to.Join(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer j.Leave()
	for part := range slices.Chunk(nodes, 4000) {
		if err := j.Absorb(t.Context(), part); err != nil {
			t.Fatal(err)
		}
		between()
	}
	return j, j.Adopt(t.Context(), adopted(t, from, "all"))
}

// TestJoinIntoNothing: what an empty bucket takes in is at once what it reads, by id and in order, also while apps append,
// and when an id comes twice.
func TestJoinIntoNothing(t *testing.T) {
	a := library(t)
	for _, bytes := range []int{0, 256 << 10} { // all in memory until it is there; and many flushes
		t.Run(fmt.Sprint(bytes), func(t *testing.T) {
			o := testOptions(3)
			o.JoinBytes, o.OverlayBytes = bytes, bytes
			joinIntoNothing(t, a, create(t, "todos", []string{}, o))
		})
	}
}

func joinIntoNothing(t *testing.T, a, b *Bucket) {
	nodes := states(t, a)
	parts := 0
	_, err := absorbAll(t, b, a, append(nodes, nodes[:300]...), func() {
		parts++
		if got, _ := paged(t, b); len(got) < min(4000*parts, manyNodes) {
			t.Errorf("after part %d: %d nodes in order", parts, len(got))
		}
		switch parts {
		case 1:
			wantNode(t, b, nodes[0].ID, string(nodes[0].Node.Value()))
		case 2:
			dispatch(t, b, `{"type":"CREATE_NODE","id":%q,"properties":{"own":1}}`, nodes[len(nodes)-1].ID)
			dispatch(t, b, `{"type":"SET_PROPERTY","id":%q,"properties":{"own":2}}`, nodes[0].ID)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, n := range map[int]*setlog.Node{1: nodes[0].Node, 2: nodes[len(nodes)-1].Node} {
		id := []string{"", nodes[0].ID, nodes[len(nodes)-1].ID}[i]
		var number int
		if _, err := fmt.Sscanf(string(n.Value()), `{"n":%d}`, &number); err != nil {
			t.Fatal(err)
		}
		wantNode(t, b, id, fmt.Sprintf(`{"n":%d,"own":%d}`, number, 3-i))
	}
	want, _ := paged(t, a)
	if got, _ := paged(t, b); !slices.Equal(got, want) || b.Stats().Nodes != manyNodes {
		t.Errorf("%d nodes in order, %d counted", len(got), b.Stats().Nodes)
	}
	again := reopen(t, b)
	if got, scanned := paged(t, again); !slices.Equal(got, want) || scanned {
		t.Errorf("after a reopen: %d nodes, scanned %v", len(got), scanned)
	}
}

// TestRefusedFlushOfAJoin refuses one transaction of the flush after the other: reads go on as if nothing was, a crash at that
// moment makes the order anew, and the next flush ends what this one began.
func TestRefusedFlushOfAJoin(t *testing.T) {
	a := library(t)
	nodes := states(t, a)
	want, _ := paged(t, a)
	for refused := int64(unlessShort(1, 2)); ; refused += int64(unlessShort(1, 2)) {
		var flushes atomic.Int64
		o := testOptions(3)
		o.OverlayBytes = 1 << 30 // one flush, at the end
		o.flushFault = func() error {
			if flushes.Add(1) == refused {
				return errDisk
			}
			return nil
		}
		b := create(t, "todos", []string{}, o)
		dispatch(t, b, `{"type":"SET_SCHEMA","schema":{"x-setlogger":{"order":["n","id"]}}}`)
		j, err := absorbAll(t, b, a, nodes, func() {})
		if had := flushes.Load(); had < refused {
			if had < 3 {
				t.Errorf("the flush had %d transactions", had)
			}
			return
		}
		if !errors.Is(err, errDisk) {
			t.Fatalf("transaction %d was refused: %v", refused, err)
		}
		if got, _ := paged(t, b); !slices.Equal(got, want) {
			t.Errorf("transaction %d was refused: %d nodes in order", refused, len(got))
		}
		crashed := crash(t, b, testOptions(4))
		if _, err := absorbAll(t, crashed, a, nodes, func() {}); err != nil {
			t.Fatal(err)
		}
		if got, _ := paged(t, crashed); !slices.Equal(got, want) {
			t.Errorf("crashed in transaction %d: %d nodes in order", refused, len(got))
		}
		if err := j.Adopt(t.Context(), adopted(t, a, "all")); err != nil {
			t.Fatal(err)
		}
		if got, scanned := paged(t, b); !slices.Equal(got, want) || scanned {
			t.Errorf("after transaction %d was refused: %d nodes in order, scanned %v", refused, len(got), scanned)
		}
	}
}

// TestChangedAfterARefusedFlush: nodes of a join that change, go, or come back to what they were between one refused flush and the
// next stand where they belong in all orders.
func TestChangedAfterARefusedFlush(t *testing.T) {
	a := library(t)
	nodes := states(t, a)
	for _, refused := range [][]int64{{2, 4, 6}, {1, 3}, {1, 2}, {1}, {2}, {3}, {4}}[:unlessShort(7, 1)] {
		var flushes atomic.Int64
		o := testOptions(3)
		o.OverlayBytes = 1 << 30
		o.flushFault = func() error {
			if slices.Contains(refused, flushes.Add(1)) {
				return errDisk
			}
			return nil
		}
		b := create(t, "todos", []string{}, o)
		dispatch(t, b, `{"type":"SET_SCHEMA","schema":{"x-setlogger":{"order":["n","id"],"indexes":[["-n"]]}}}`)
		awaitOrder(t, b)
		j, err := absorbAll(t, b, a, nodes, func() {})
		for round := 0; err != nil; round++ {
			if !errors.Is(err, errDisk) {
				t.Fatal(refused, err)
			}
			if got := b.c.moves; got != nil {
				for name, m := range got {
					if len(m.list) > 2*len(nodes) {
						t.Errorf("%v: %d moves are kept of %s", refused, len(m.list), name)
					}
				}
			}
			last := nodes[len(nodes)-1].ID
			dispatch(t, b, `{"type":"SET_PROPERTY","id":%q,"property":"n","value":%d}`, nodes[0].ID, []int{-7, 0, -9}[round%3])
			dispatch(t, b, `{"type":"SET_PROPERTY","id":%q,"property":"n","value":%d}`, last, 1<<30+round)
			if round == 0 {
				dispatch(t, b, `{"type":"DELETE_NODE","id":%q}`, nodes[1].ID)
			}
			err = j.Adopt(t.Context(), adopted(t, a, "all"))
		}
		for _, o := range b.Orders() {
			if got, scanned := pageThrough(t, b, o, 1000); scanned || !slices.Equal(got, ids(sortedItems(t, b, o))) {
				t.Errorf("%v: %d nodes in the order %v; scanned %v", refused, len(got), o, scanned)
			}
		}
		if err := b.Check(); err != nil {
			t.Error(refused, err)
		}
	}
}
