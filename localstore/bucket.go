package localstore

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"

	bolt "go.etcd.io/bbolt"

	"github.com/setlogger/setlogger/setlog"
)

// Bucket is one bucket on this device. All methods may be called concurrently.
type Bucket struct {
	path    string
	name    string
	o       Options
	db      *bolt.DB
	c       *composer
	flushes chan chan error
	arena   arena // of the writer
	running sync.WaitGroup
	closing sync.Once
	sealing sync.Mutex

	lastNumber uint64 // of an entry; then a new writer is minted

	mu      sync.RWMutex
	ledger  *ledger
	overlay *overlay
	frozen  *overlay      // being flushed; nil when no flush is on its way
	cursor  uint64        // offset up to which the stored nodes are whole
	changed chan struct{} // closed at the next publication
}

// Create makes the file of a bucket and opens it. With nil births the bucket is new and gets a random birth; otherwise
// it is one that exists elsewhere, and an empty list takes the births of the first segment folded.
func Create(path, name string, births []string, o Options) (*Bucket, error) {
	if err := errors.Join(setlog.CheckBucketName(name), checkBirths(births)); err != nil {
		return nil, err
	}
	o = o.withDefaults()
	l := &ledger{name: name, keys: map[setlog.Writer][32]byte{}, byWriter: map[setlog.Writer][]uint32{}}
	l.births = sortedUnion(births, nil)
	if births == nil {
		if err := l.bear(o.Random); err != nil {
			return nil, err
		}
	}
	if err := l.mint(o.Random); err != nil {
		return nil, err
	}
	err := createFile(path, o, func(tx *bolt.Tx, temporary string) error { return initialize(tx, l, temporary, o) })
	if err != nil {
		return nil, err
	}
	return Open(path, o)
}

func initialize(tx *bolt.Tx, l *ledger, path string, o Options) error {
	for _, name := range schemaBuckets() {
		if _, err := tx.CreateBucket([]byte(name)); err != nil {
			return err
		}
	}
	id, err := identify(path, o)
	if err != nil {
		return err
	}
	p := putter{tx: tx}
	p.put(bucketMeta, []byte(metaSchema), uint32Key(schemaVersion))
	p.put(bucketMeta, []byte(metaName), []byte(l.name))
	p.put(bucketMeta, []byte(metaIdentity), id.encode())
	p.put(bucketMeta, []byte(metaCursor), uint64Key(0))
	return errors.Join(p.err, l.save(tx, nil))
}

// bear gives a new bucket its birth.
func (l *ledger) bear(random io.Reader) error {
	var b [16]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return fmt.Errorf("make a birth: %w", err)
	}
	l.births = []string{hex.EncodeToString(b[:])}
	return nil
}

func sortedUnion(a, b []string) []string {
	u := slices.Concat(a, b)
	slices.Sort(u)
	return slices.Compact(u)
}

// Open opens a bucket's file and folds what was committed but not yet flushed. A file that was copied, restored or
// moved to another machine gets a new writer.
func Open(path string, o Options) (*Bucket, error) {
	o = o.withDefaults()
	db, err := openFile(path, o)
	if err != nil {
		return nil, err
	}
	b := &Bucket{
		path: path, o: o, db: db, overlay: newOverlay(), flushes: make(chan chan error), changed: make(chan struct{}),
		ledger: &ledger{}, lastNumber: setlog.MaxNumber,
	}
	if err := b.load(); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	b.c = newComposer(b)
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
		if err := checkSchema(tx, b.path); err != nil {
			return err
		}
		meta := tx.Bucket([]byte(bucketMeta))
		copied = !id.sameAs(meta.Get([]byte(metaIdentity)))
		b.name = string(meta.Get([]byte(metaName)))
		var err error
		if b.cursor, err = loadCursor(tx); err != nil {
			return b.wrap(err)
		}
		b.ledger.offset = b.cursor
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
			b.overlay.put(c.ID, c.Node)
		}
		b.overlay.bytes += inMemory(len(e.line))
		return nil
	})
	if err != nil {
		return b.wrap(err)
	}
	b.ledger = stored
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
		return b.catchUp(tx)
	})
}

// publish makes a committed batch visible and wakes who waits.
func (b *Bucket) publish(done *batch) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, id := range done.changed {
		b.overlay.put(id, done.nodes[id])
	}
	b.overlay.bytes += inMemory(done.bytes + done.loaded)
	b.ledger = done.ledger
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *Bucket) commitJob(p *batch) func() error {
	return func() error {
		if p.idle() {
			return nil
		}
		if err := b.fault(false); err != nil {
			return err
		}
		if err := b.update(p.commit); err != nil {
			return err
		}
		return b.fault(true)
	}
}

func (b *Bucket) fault(written bool) error {
	if b.o.commitFault == nil {
		return nil
	}
	return b.o.commitFault(written)
}

// update is one durable transaction. Only the writer and load call it.
func (b *Bucket) update(do func(tx *bolt.Tx, a *arena) error) error {
	b.arena.reset()
	return writeError(guard(b.path, func() error {
		return b.db.Update(func(tx *bolt.Tx) error {
			// growing in steps of an eighth spares an fsync a commit without making small buckets large
			b.db.AllocSize = min(max(int(tx.Size()/8), 256<<10), 16<<20)
			return do(tx, &b.arena)
		})
	}))
}

// view is one short read transaction.
func (b *Bucket) view(do func(tx *bolt.Tx) error) error {
	return guard(b.path, func() error { return b.db.View(do) })
}

// wrap names the file in the error of a bad record.
func (b *Bucket) wrap(err error) error {
	if errors.Is(err, errRecord) {
		return corrupt(b.path, err)
	}
	return err
}

// Name is the bucket's name.
func (b *Bucket) Name() string { return b.name }

// ID stands for the name in file names.
func (b *Bucket) ID() string { return setlog.BucketID(b.name) }

// Births are the births this bucket takes segments of; none while a joined bucket waits for its first segment.
func (b *Bucket) Births() []string { return slices.Clone(b.now().births) }

// now is the published ledger.
func (b *Bucket) now() *ledger {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.ledger
}

// AcceptBirths merges this bucket with others of its name: from now on segments of their births are folded.
func (b *Bucket) AcceptBirths(ctx context.Context, births ...string) error {
	if err := checkBirths(births); err != nil {
		return err
	}
	_, err := b.do(ctx, 1, func(p *batch, _ int) error {
		p.ledger.births = sortedUnion(p.ledger.births, births)
		p.dirty = true
		return nil
	})
	return err
}

func checkBirths(births []string) error {
	for _, birth := range births {
		if birth == "" || strings.Contains(birth, "\n") {
			return fmt.Errorf("%w: birth %q", ErrSegment, birth)
		}
	}
	return nil
}

// Close commits what waits, flushes, and lets go of the file. Reads and writes after it fail with ErrStopped.
func (b *Bucket) Close() error {
	err := ErrStopped
	b.closing.Do(func() {
		close(b.c.quit)
		b.running.Wait()
		err = b.db.Close()
	})
	return err
}
