package localstore

import (
	"errors"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/setlogger/setlogger/setlog"
)

// migrate brings a file of an older version up to date. Version 1 knew neither arrays nor schemas: their entries
// folded to nothing. So the state is folded anew from the log, which no version ever changes. Version 2 had no order
// bucket, version 3 one for a single order: they are filled later, beside everything else.
func (b *Bucket) migrate() error {
	old := uint32(schemaVersion)
	err := b.view(func(tx *bolt.Tx) error {
		var err error
		old, err = checkSchema(tx, b.path)
		return err
	})
	if err != nil || old == schemaVersion {
		return err
	}
	b.o.Logger.Info("bringing the file up to a newer version", "bucket", b.path, "from", old, "to", schemaVersion)
	return writeError(b.update(func(tx *bolt.Tx, _ *arena) error {
		p := putter{tx: tx}
		if old < 2 {
			l, err := refold(tx)
			if err != nil {
				return b.wrap(err)
			}
			p.put(bucketMeta, []byte(metaCursor), uint64Key(l.offset))
			p.err = errors.Join(p.err, l.save(tx, nil))
		}
		if old == 3 {
			meta := tx.Bucket([]byte(bucketMeta))
			p.err = errors.Join(p.err, tx.DeleteBucket([]byte("order")), meta.Delete([]byte("order")), meta.Delete([]byte("lagging")))
		}
		p.put(bucketMeta, []byte(metaSchema), uint32Key(schemaVersion))
		_, err := tx.CreateBucket([]byte(bucketOrders))
		return errors.Join(p.err, err)
	}))
}

// refold replaces the stored nodes by what the log folds to, and answers the ledger that goes with them. A process
// killed meanwhile leaves the file as it was. It holds the state in memory.
func refold(tx *bolt.Tx) (*ledger, error) {
	l, err := loadLedger(tx)
	if err != nil {
		return nil, err
	}
	state, alive := foldedState{}, 0
	l.closed, l.schema = false, setlog.Schema{}
	err = eachEntry(tx, 0, func(e logged) error {
		change, err := l.fold(state, e)
		for _, n := range change.Nodes {
			state[n.ID] = n.Node
		}
		alive += change.Alive
		l.closed = l.closed || change.Closed
		l.setSchema(change.Schema)
		return err
	})
	if err != nil {
		return nil, err
	}
	l.alive = uint64(alive)
	if err := tx.DeleteBucket([]byte(bucketNodes)); err != nil {
		return nil, fmt.Errorf("drop the nodes: %w", err)
	}
	nodes, err := tx.CreateBucket([]byte(bucketNodes))
	if err != nil {
		return nil, fmt.Errorf("drop the nodes: %w", err)
	}
	for id, n := range state {
		if err := nodes.Put([]byte(id), n.AppendBinary(nil)); err != nil {
			return nil, fmt.Errorf("store node: %w", err)
		}
	}
	return l, nil
}
