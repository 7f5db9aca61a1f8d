package localstore

import (
	"slices"

	bolt "go.etcd.io/bbolt"

	"github.com/setlogger/setlogger/setlog"
)

// reorder makes the stored orders those that the schema sets, some nodes a transaction. Until one is whole, pages in it
// are found by looking at all nodes.
type reorder struct {
	b      *Bucket
	wanted []setlog.Order
	whole  bool
}

// job is the next transaction.
func (r *reorder) job() error {
	return r.b.update(func(tx *bolt.Tx, _ *arena) error {
		stored := loadOrders(tx)
		if err := stored.keep(r.wanted); err != nil {
			return err
		}
		o, err := stored.unfinished(r.wanted)
		if err != nil {
			return err
		}
		if o != nil {
			if err := o.extend(tx.Bucket([]byte(bucketNodes))); err != nil {
				return r.b.wrap(err)
			}
		}
		r.whole = stored.settled() == namesOf(r.wanted)
		return stored.save()
	})
}

// amend begins the orders anew that lagged behind the nodes when the process that wrote them ended.
func (b *Bucket) amend() error {
	lags := false
	err := b.view(func(tx *bolt.Tx) error {
		for _, o := range loadOrders(tx).all {
			lags = lags || o.lags
		}
		return nil
	})
	if err != nil || !lags {
		return err
	}
	return b.update(func(tx *bolt.Tx, _ *arena) error {
		stored := loadOrders(tx)
		for _, o := range slices.Clone(stored.all) {
			if !o.lags {
				continue
			}
			if _, err := stored.begin(o.Order); err != nil {
				return err
			}
		}
		return stored.save()
	})
}

// startReorder begins to make the stored orders anew, unless they are those of the schema.
func (c *composer) startReorder() {
	wanted := c.b.ordersOf(c.b.ledger.schema)
	if names := namesOf(wanted); c.ordered != names {
		c.ordered = names
		c.reordering = &reorder{b: c.b, wanted: wanted}
	}
}

// settleReorder goes on after one transaction of it, or gives it up until later.
func (c *composer) settleReorder(r *reorder, err error) {
	if r != c.reordering || err == nil && !r.whole {
		return
	}
	c.reordering = nil
	if err != nil {
		c.ordered = ""
		c.b.o.Logger.Error("the nodes can't be put in order", "bucket", c.b.name, "error", err)
		c.idle.Reset(c.b.o.IdleFlush)
	}
}
