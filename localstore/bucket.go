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
	"sync/atomic"

	bolt "go.etcd.io/bbolt"

	"github.com/setlogger/setlogger/localstore/schema"
	"github.com/setlogger/setlogger/setlog"
)

// Bucket is one bucket on this device. All methods may be called concurrently.
type Bucket struct {
	path    string
	name    string
	o       Options
	db      *boltFile
	c       *composer
	flushes chan chan error
	arena   arena // of the writer
	running sync.WaitGroup
	closing sync.Once
	sealing sync.Mutex
	undoing sync.Mutex
	joins   chan struct{}         // holds one while an index is being taken in
	joining atomic.Bool           // its nodes may be there without its coverage
	joined  atomic.Uint64         // how often indexes were taken in since it was opened
	ordered string                // names of the order that was stored whole at the open
	rules   atomic.Pointer[rules] // of the schema that was asked for last
	orders  atomic.Pointer[schemaOrders]
	lining  sync.Mutex // held before mu

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
	if p.err != nil {
		return p.err
	}
	order, err := loadOrders(tx).begin(schema.OrderOf(nil))
	if err != nil {
		return err
	}
	order.whole = true
	return errors.Join(order.save(), l.save(tx, nil))
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
		err = b.db.close()
	})
	return err
}
