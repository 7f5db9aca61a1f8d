package localstore

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

// TestIndexes: all orders of the schema are stored beside each other, whatever comes, goes and is flushed meanwhile.
func TestIndexes(t *testing.T) {
	o := testOptions(1)
	o.Now = time.Now
	b := create(t, "b", nil, o)
	random := rand.New(rand.NewPCG(9, 8))
	for round := range 8 {
		for range 120 {
			id := fmt.Sprint(random.IntN(90))
			switch n, err := b.Node(id); {
			case err != nil:
				t.Fatal(err)
			case n.Alive() && random.IntN(4) == 0:
				dispatch(t, b, `{"type":"DELETE_NODE","id":%q}`, id)
			default:
				putNode(t, b, id, random.IntN(9))
			}
		}
		switch round {
		case 1, 4, 6:
			if err := b.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		case 2:
			setIndexes(t, b, `["n","-created"]`, `[["-n","id"],["-n"],["title","-n"],["n","-created"],["-created"],["created"]]`)
			awaitOrder(t, b)
			if got := len(b.Orders()); got != 5 { // two are the same, and one is the bucket's own
				t.Fatalf("%d orders: %v", got, b.Orders())
			}
		case 5:
			b = reopen(t, b)
		case 7:
			setIndexes(t, b, `["title"]`, `[["n","-created"]]`)
			awaitOrder(t, b)
		}
		wantOrder(t, b)
		for _, o := range b.Orders() {
			wantBetween(t, b, o)
		}
		if err := b.Check(); err != nil {
			t.Fatal(err)
		}
	}
	wantStored(t, b, `["n","-created","id"]`, `["title","id"]`)
}

// wantStored compares the names of the orders that the file has.
func wantStored(t *testing.T, b *Bucket, names ...string) {
	t.Helper()
	var got []string
	err := b.view(func(tx *bolt.Tx) error {
		for _, o := range loadOrders(tx).all {
			got = append(got, o.String())
		}
		return nil
	})
	if err != nil || fmt.Sprint(got) != fmt.Sprint(names) {
		t.Errorf("stored are %v, %v, not %v", got, err, names)
	}
}
