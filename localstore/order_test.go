package localstore

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/setlogger/setlogger/setlog"
)

func parseOrder(t testing.TB, names ...string) setlog.Order {
	t.Helper()
	o, err := setlog.ParseOrder(names)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// awaitOrder waits until the bucket's orders are stored whole.
func awaitOrder(t testing.TB, b *Bucket) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		all, err := b.OrderProgress()
		if err != nil || time.Now().After(deadline) {
			t.Fatal("no order", all, err)
		}
		if !slices.ContainsFunc(all, func(p OrderProgress) bool { return !p.Whole }) {
			return
		}
	}
}

// sortedItems are all nodes that are alive, sorted by their keys.
func sortedItems(t testing.TB, b *Bucket, o setlog.Order) []Item {
	t.Helper()
	items, err := b.Nodes("", "", 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	keys := make(map[string][]byte, len(items))
	for _, item := range items {
		keys[item.ID] = o.Key(item.ID, item.Node)
	}
	slices.SortFunc(items, func(x, y Item) int { return bytes.Compare(keys[x.ID], keys[y.ID]) })
	return items
}

// wantOrder compares pages with all nodes, sorted.
func wantOrder(t testing.TB, b *Bucket) {
	t.Helper()
	for _, o := range append(slices.Clip(b.Orders()), parseOrder(t, "n", "-id")) {
		want := sortedItems(t, b, o)
		for _, limit := range []int{1, 3, 50, len(want), len(want) + 1} {
			got, scanned := pageThrough(t, b, o, limit)
			if !slices.Equal(got, ids(want)) {
				t.Fatalf("%v in pages of %d: %v, not %v", o, limit, got, ids(want))
			}
			if limit > 0 && scanned == slices.ContainsFunc(b.Orders(), o.Equal) {
				t.Fatalf("%v: scanned is %v", o, scanned)
			}
		}
	}
}

func ids(items []Item) []string {
	all := make([]string, len(items))
	for i, item := range items {
		all[i] = item.ID
	}
	return all
}

func pageThrough(t testing.TB, b *Bucket, o setlog.Order, limit int) (all []string, scanned bool) {
	t.Helper()
	for after := []byte(nil); ; {
		items, looked, err := b.Ordered(o, after, nil, limit)
		if err != nil || len(items) > limit {
			t.Fatal(len(items), err)
		}
		scanned = looked
		all = append(all, ids(items)...)
		if len(items) < limit || limit == 0 {
			return all, scanned
		}
		last := items[limit-1]
		after = o.Key(last.ID, last.Node)
	}
}

// wantBetween compares what stands between keys with all nodes, sorted.
func wantBetween(t testing.TB, b *Bucket, o setlog.Order) {
	t.Helper()
	all := sortedItems(t, b, o)
	for i := 0; i < len(all); i += 7 {
		for j := i; j < len(all); j += 11 {
			want := all[i+1 : max(i+1, j)]
			got, _, err := b.Ordered(o, o.Key(all[i].ID, all[i].Node), o.Key(all[j].ID, all[j].Node), len(all))
			if err != nil || !slices.Equal(ids(got), ids(want)) {
				t.Fatalf("%v between nodes %d and %d: %v, not %v; %v", o, i, j, ids(got), ids(want), err)
			}
		}
	}
}

func setIndexes(t testing.TB, b *Bucket, order, indexes string) {
	t.Helper()
	dispatch(t, b, `{"type":"SET_SCHEMA","schema":{"x-setlogger":{"order":%s,"indexes":%s}}}`, order, indexes)
}

func setOrder(t testing.TB, b *Bucket, names string) {
	t.Helper()
	dispatch(t, b, `{"type":"SET_SCHEMA","schema":{"x-setlogger":{"order":%s}}}`, names)
}

// shuffleNodes puts and deletes some of so many nodes, so many times.
func shuffleNodes(t testing.TB, b *Bucket, random *rand.Rand, times, nodes int) {
	t.Helper()
	for range times {
		id := fmt.Sprint(random.IntN(nodes))
		switch n, err := b.Node(id); {
		case err != nil:
			t.Fatal(err)
		case n.Alive() && random.IntN(4) == 0:
			dispatch(t, b, `{"type":"DELETE_NODE","id":%q}`, id)
		default:
			putNode(t, b, id, random.IntN(9))
		}
	}
}

func TestOrdered(t *testing.T) {
	o := testOptions(1)
	o.Now = time.Now
	b := create(t, "b", nil, o)
	random := rand.New(rand.NewPCG(7, 8))
	for round := range 6 {
		shuffleNodes(t, b, random, 150, 120)
		switch round {
		case 1, 4:
			if err := b.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		case 2:
			setOrder(t, b, `["n","-created"]`)
			awaitOrder(t, b)
		}
		wantOrder(t, b)
	}
	b = reopen(t, b)
	if b.c.ordered != `["n","-created","id"]` {
		t.Error("after an open, the stored order is", b.c.ordered)
	}
	wantOrder(t, b)
	setOrder(t, b, `[]`)
	awaitOrder(t, b)
	wantOrder(t, b)
}

// TestOrderedUnderOverlays: what an overlay moved or deleted is not where it is stored.
func TestOrderedUnderOverlays(t *testing.T) {
	b := create(t, "b", nil, testOptions(1))
	setOrder(t, b, `["-n"]`)
	awaitOrder(t, b)
	nodes := unlessShort(500, 200)
	for i := range nodes {
		putNode(t, b, fmt.Sprint(i), i)
	}
	if err := b.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantOrder(t, b)
	for i := 2 * nodes / 5; i < nodes; i++ { // all of the first pages
		if i%2 == 0 {
			dispatch(t, b, `{"type":"DELETE_NODE","id":"%d"}`, i)
			continue
		}
		dispatch(t, b, `{"type":"SET_PROPERTY","id":"%d","property":"n","value":%d}`, i, i-nodes)
	}
	wantOrder(t, b)
	for i := 2*nodes/5 + 1; i < nodes; i += 2 { // and back
		dispatch(t, b, `{"type":"SET_PROPERTY","id":"%d","property":"n","value":%d}`, i, i)
		if i%50 == 1 {
			wantOrder(t, b)
		}
	}
	wantOrder(t, b)
	for i := range 3 * maxBatchEntries { // more changes than nodes: the lineup is made anew
		if i%64 == 0 {
			dispatch(t, b, `{"actions":[%s]}`, bytes.Join(slices.Repeat([][]byte{[]byte(`{"type":"INCREMENT","id":"7","property":"n"}`)}, 64), []byte(",")))
		}
	}
	wantOrder(t, b)
}

// TestOrderedWhileBeingMade: an order that is not stored whole goes on after a crash, through flushes.
func TestOrderedWhileBeingMade(t *testing.T) {
	b := create(t, "b", nil, testOptions(1))
	nodes := unlessShort(2, 1)*maxReorder + 100
	bulkAppend(t, b, nodes, newNode, scattered)
	if err := b.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	setOrder(t, b, `["-rank"]`)
	stopAt := func(order string) {
		path := b.path
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
		err := rewrite(path, func(tx *bolt.Tx) error {
			stored := loadOrders(tx)
			if err := stored.keep(nil); err != nil {
				return err
			}
			o, err := stored.begin(parseOrder(t, order))
			if err != nil {
				return err
			}
			if err := o.extend(tx.Bucket([]byte(bucketNodes))); err != nil || o.whole {
				return fmt.Errorf("whole: %v, %w", o.whole, err)
			}
			return o.save()
		})
		if err != nil {
			t.Fatal(err)
		}
		b = open(t, path, testOptions(2))
	}
	for _, order := range []string{"-rank", "title"} { // the wanted one, and another
		stopAt(order)
		for range 100 {
			dispatch(t, b, `{"type":"SET_PROPERTY","id":"node-%012d","property":"rank","value":%d}`, scattered(rand.Uint64N(uint64(nodes))), rand.IntN(1000))
		}
		if err := b.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		items, _, err := b.Ordered(b.Order(), nil, nil, 300)
		if want := sortedItems(t, b, b.Order()); err != nil || !slices.Equal(ids(items), ids(want[:300])) {
			t.Fatal("a page while the order is being made is another", err)
		}
		awaitOrder(t, b)
		if err := b.Check(); err != nil {
			t.Fatal(err)
		}
		if got, scanned := pageThrough(t, b, b.Order(), 1000); scanned || !slices.Equal(got, ids(sortedItems(t, b, b.Order()))) {
			t.Fatal("the order is another", scanned)
		}
	}
}

// TestOrderedStable: who pages sees every node that stays where it is once, whatever others do.
func TestOrderedStable(t *testing.T) {
	o := testOptions(1)
	o.OverlayBytes = 16 << 10 // many flushes
	b := create(t, "b", nil, o)
	setOrder(t, b, `["n"]`)
	awaitOrder(t, b)
	var want []string
	for i := range 600 {
		id := fmt.Sprintf("stays-%04d", i)
		putNode(t, b, id, 10*i)
		want = append(want, id)
	}
	ctx, stop := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for w := range 3 {
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(w), 1))
			for i := 0; ctx.Err() == nil; i++ {
				body := fmt.Sprintf(`{"type":"CREATE_NODE","id":"moves-%d-%d","properties":{"n":%d}}`, w, random.IntN(300), random.IntN(6000))
				if i%5 == 4 {
					body = fmt.Sprintf(`{"actions":[%s,{"type":"DELETE_NODE","id":"moves-%d-%d"}]}`, body, w, i%300)
				}
				if i%7 == 6 { // changes a node where it stands
					body = fmt.Sprintf(`{"type":"SET_PROPERTY","id":"stays-%04d","property":"other","value":%d}`, random.IntN(600), i)
				}
				_, _ = b.Append(context.Background(), Request{Actions: mustParse(body)}) // a node that is not alive is refused
			}
		})
	}
	all.Go(func() { // another reader
		for ctx.Err() == nil {
			if items, _, err := b.Ordered(b.Order(), nil, nil, 3000); err != nil || len(items) < len(want) {
				t.Error(len(items), err)
				return
			}
		}
	})
	for round := range unlessShort(30, 9) {
		got, scanned := pageThrough(t, b, b.Order(), []int{7, 50, 256}[round%3])
		got = slices.DeleteFunc(got, func(id string) bool { return id[:5] != "stays" })
		if scanned || !slices.Equal(got, want) {
			t.Errorf("round %d: %d nodes, want %d; scanned %v", round, len(got), len(want), scanned)
			break
		}
	}
	stop()
	all.Wait()
	wantOrder(t, b)
}

func mustParse(body string) []setlog.Action {
	acts, err := setlog.ParseActions([]byte(body))
	if err != nil {
		panic(err)
	}
	return acts
}

// TestReorderRefused: an order that can't be made is made later, and pages are right meanwhile.
func TestReorderRefused(t *testing.T) {
	b := create(t, "b", nil, testOptions(1))
	for i := range 20 {
		putNode(t, b, fmt.Sprint(i), 20-i)
	}
	if err := b.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	path := b.path
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	damage := func(value []byte) {
		err := rewrite(path, func(tx *bolt.Tx) error {
			if err := loadOrders(tx).keep(nil); err != nil {
				return err
			}
			node := setlog.Node{}
			if value == nil {
				value = node.AppendBinary(nil)
			}
			return tx.Bucket([]byte(bucketNodes)).Put([]byte("bad"), value)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	damage([]byte{9})
	o := testOptions(2)
	o.IdleFlush = time.Millisecond
	b, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(20 * time.Millisecond)
	wantError(t, b.Check(), ErrCorrupt)
	if _, scanned, err := b.Ordered(b.Order(), nil, nil, 5); !scanned || err == nil {
		t.Error("a damaged node is read", scanned, err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	damage(nil)
	b, err = Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	awaitOrder(t, b)
	wantOrder(t, b)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestCheckFindsDisorder: keys that are missing, too many, or of nobody.
func TestCheckFindsDisorder(t *testing.T) {
	key := parseOrder(t).Key("none", nil)
	tests := map[string]func(o *ordering) error{
		"missing": func(o *ordering) error { k, _ := o.keys.Cursor().First(); return o.keys.Delete(bytes.Clone(k)) },
		"surplus": func(o *ordering) error { return o.keys.Put(key, nil) },
		"no key":  func(o *ordering) error { return o.keys.Put([]byte("x"), nil) },
		"record":  func(o *ordering) error { return o.home.Put([]byte(orderInfo), []byte("x")) },
	}
	for name, damage := range tests {
		t.Run(name, func(t *testing.T) {
			b := create(t, "b", nil, testOptions(1))
			putNode(t, b, "0", 0)
			if err := b.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := b.db.Update(func(tx *bolt.Tx) error { return damage(loadOrders(tx).all[0]) }); err != nil {
				t.Fatal(err)
			}
			wantError(t, b.Check(), ErrCorrupt)
			if _, _, err := b.Ordered(b.Order(), nil, nil, 5); (err == nil) != (name == "missing" || name == "record") {
				t.Error(err)
			}
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}
