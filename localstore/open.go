package localstore

import (
	"errors"
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"

	"github.com/setlogger/setlogger/setlog"
)

// Open opens a bucket's file and folds what was committed but not yet flushed. A file that was copied, restored or
// moved to another machine gets a new writer.
func Open(path string, o Options) (*Bucket, error) {
	o = o.withDefaults()
	db, err := openFile(path, o)
	if err != nil {
		return nil, err
	}
	b := &Bucket{
		path: path, o: o, db: db, overlay: newOverlay(), flushes: make(chan chan error), changed: make(chan struct{}), joins: make(chan struct{}, 1),
		ledger: &ledger{}, lastNumber: setlog.MaxNumber,
	}
	if err := b.migrate(); err != nil {
		return nil, errors.Join(err, db.close())
	}
	if err := errors.Join(b.amend(), b.load()); err != nil {
		return nil, errors.Join(err, db.close())
	}
	b.c = newComposer(b)
	b.c.ordered = b.ordered
	b.running.Go(b.c.write)
	b.running.Go(b.c.run)
	return b, nil
}

// load reads the ledger and the log's tail, and mints a writer for a copied file.
func (b *Bucket) load() error {
	copied := false
	id, err := identify(b.path, b.o)
	if err != nil {
		return fmt.Errorf("identify %s: %w", b.path, err)
	}
	err = b.view(func(tx *bolt.Tx) error {
		meta := tx.Bucket([]byte(bucketMeta))
		copied = !id.sameAs(meta.Get([]byte(metaIdentity)))
		b.name = string(meta.Get([]byte(metaName)))
		var err error
		if b.cursor, err = loadCursor(tx); err != nil {
			return b.wrap(err)
		}
		b.ledger.offset = b.cursor
		b.ordered = loadOrders(tx).settled()
		b.joining.Store(slices.Equal(meta.Get([]byte(metaJoining)), []byte{1}))
		return b.catchUp(tx)
	})
	if err != nil || !copied {
		return err
	}
	before, after := b.ledger, b.ledger.clone()
	if err := after.mint(b.o.Random); err != nil {
		return err
	}
	b.o.Logger.Warn("the file or the machine changed: a new writer takes over", "bucket", b.name, "writer", after.writer.String())
	b.ledger = after
	return writeError(b.update(func(tx *bolt.Tx, _ *arena) error {
		return errors.Join(tx.Bucket([]byte(bucketMeta)).Put([]byte(metaIdentity), id.encode()), after.save(tx, before))
	}))
}

// catchUp takes over the ledger as it is stored, and folds the entries that are not yet in the overlay.
func (b *Bucket) catchUp(tx *bolt.Tx) error {
	stored, err := loadLedger(tx)
	if err != nil {
		return b.wrap(err)
	}
	view := tailView{b, tx}
	err = eachEntry(tx, b.ledger.offset, func(e logged) error {
		change, err := stored.fold(view, e)
		if err != nil {
			return err
		}
		for _, c := range change.Nodes {
			b.overlay.put(c.ID, held{node: c.Node})
		}
		b.overlay.bytes += inMemory(len(e.line))
		return nil
	})
	if err != nil {
		return b.wrap(err)
	}
	b.ledger = stored
	if b.joining.Load() {
		return b.recount(tx)
	}
	return nil
}

// fold folds a line of the log. One of others that this version can't read folds to nothing.
func (l *ledger) fold(s setlog.State, e logged) (setlog.Change, error) {
	br := l.branch(e.branch)
	entry, err := setlog.ReadEntry(br.writer, e.number, e.line)
	if err != nil && e.number <= br.own {
		return setlog.Change{}, fmt.Errorf("%w: %w", err, errRecord)
	}
	return setlog.Fold(s, entry)
}

// tailView is the state while the tail is folded.
type tailView struct {
	b  *Bucket
	tx *bolt.Tx
}

// Node looks into the overlay, then into the file.
func (v tailView) Node(id string) (*setlog.Node, error) {
	if n, ok := v.b.lookup(id); ok {
		return n, nil
	}
	n, size, err := v.b.readNode(v.tx.Bucket([]byte(bucketNodes)).Cursor(), id)
	v.b.overlay.bytes += inMemory(size)
	return n, err
}

// reload takes over what is stored after a commit failed: the failed one may be there all the same, when only the
// last fsync was refused.
func (b *Bucket) reload() error {
	if b.o.reloadFault != nil {
		if err := b.o.reloadFault(); err != nil {
			return err
		}
	}
	return b.view(func(tx *bolt.Tx) error {
		b.mu.Lock()
		defer b.mu.Unlock()
		defer b.wake() // what the failed commit wrote all the same is seen from now on
		return b.catchUp(tx)
	})
}
