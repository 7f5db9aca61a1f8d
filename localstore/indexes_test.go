package localstore

import (
	"errors"
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
		shuffleNodes(t, b, random, 120, 90)
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

// TestOrderOfVersion3: a file that had one order, and no room for others, is brought up to date, with all that its schema wants.
func TestOrderOfVersion3(t *testing.T) {
	b := create(t, "b", nil, testOptions(1))
	setIndexes(t, b, `["n"]`, `[["-n","created"]]`)
	for i := range 50 {
		putNode(t, b, fmt.Sprint(i), i*7%50)
	}
	path := b.path
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	err := rewrite(path, func(tx *bolt.Tx) error {
		order := parseOrder(t, "n")
		old, err := tx.CreateBucket([]byte("order"))
		if err != nil {
			return err
		}
		err = loadOrder(tx, order).keys.ForEach(func(k, _ []byte) error { return old.Put(k, nil) })
		meta := tx.Bucket([]byte(bucketMeta))
		return errors.Join(err, tx.DeleteBucket([]byte(bucketOrders)), meta.Put([]byte("order"), []byte(order.String())),
			meta.Put([]byte("lagging"), []byte{1}), meta.Put([]byte(metaSchema), uint32Key(3)))
	})
	if err != nil {
		t.Fatal(err)
	}
	b = open(t, path, testOptions(2))
	awaitOrder(t, b)
	wantOrder(t, b)
	wantStored(t, b, `["-n","created","id"]`, `["n","id"]`)
	err = b.view(func(tx *bolt.Tx) error {
		meta := tx.Bucket([]byte(bucketMeta))
		if tx.Bucket([]byte("order")) != nil || meta.Get([]byte("order")) != nil || meta.Get([]byte("lagging")) != nil {
			t.Error("something of the old form is left")
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
