package localstore

import (
	"crypto/sha256"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/setlogger/setlogger/setlog"
)

// batch is what one transaction will commit, and the view of the bucket that its items are composed against: its own
// changes, over those of the batch being committed, over the overlay, over the stored nodes.
type batch struct {
	c        *composer
	before   *ledger // that it builds on
	ledger   *ledger
	under    *batch // being committed meanwhile; nil when none is
	nodes    map[string]held
	changed  []string // ids in nodes, in the order they were first changed
	runs     []run
	puts     []put
	files    []storedSegment
	keys     map[[32]byte]keyRecord
	parts    []part
	entries  int
	own      int // of them appended here
	actions  int // of those
	bytes    int
	loaded   int  // bytes of stored nodes that were read
	absorbed int  // bytes of memory that nodes of indexes take
	dirty    bool // the ledger changed otherwise than by entries
	hash     []byte
	last     setlog.Changed // stored node that was read last: composing an entry asks twice
}

// run is lines of one branch that arrive together: one arrival, some blocks.
type run struct {
	offset uint64 // of its first entry
	span
	lines  [][]byte
	chains []setlog.Chain // after each line
}

// put is a record to be written; without a value, to be removed.
type put struct {
	bucket     string
	key, value []byte
}

// part says which items of an operation a batch holds.
type part struct {
	op       *op
	from, to int
}

func newBatch(c *composer, before *ledger, under *batch) *batch {
	b := &batch{nodes: map[string]held{}, keys: map[[32]byte]keyRecord{}}
	if c.spare != nil {
		b, c.spare = c.spare, nil
	}
	b.c, b.before, b.ledger, b.under = c, before, before.clone(), under
	return b
}

// recycle keeps the memory of a published batch for another.
func (c *composer) recycle(b *batch) {
	clear(b.nodes)
	clear(b.keys)
	clear(b.changed)
	clear(b.parts)
	clear(b.puts)
	clear(b.files)
	c.spare = &batch{
		nodes: b.nodes, keys: b.keys, changed: b.changed[:0], parts: b.parts[:0], puts: b.puts[:0], files: b.files[:0],
		runs: b.runs[:0], hash: b.hash,
	}
}

// nextRun is a run of no entries yet, in the memory of an earlier one if there is some.
func (b *batch) nextRun() *run {
	n := len(b.runs)
	if n < cap(b.runs) {
		b.runs = b.runs[:n+1]
	} else {
		b.runs = append(b.runs, run{})
	}
	r := &b.runs[n]
	clear(r.lines)
	*r = run{lines: r.lines[:0], chains: r.chains[:0]}
	return r
}

func (b *batch) full() bool {
	return b.entries >= maxBatchEntries || b.bytes+b.absorbed >= maxBatchBytes
}

// idle tells whether there is nothing to write: all items were no-ops.
func (b *batch) idle() bool {
	return b.entries == 0 && !b.dirty && len(b.puts) == 0 && len(b.files) == 0
}

func (b *batch) empty() bool { return len(b.parts) == 0 }

// Node answers the node of an id as of the last item composed; it is what setlog composes and folds against.
func (b *batch) Node(id string) (*setlog.Node, error) {
	for view := b; view != nil; view = view.under {
		if n, ok := view.nodes[id]; ok {
			return n.get(), nil
		}
	}
	if b.last.ID == id {
		return b.last.Node, nil
	}
	n, err := b.c.node(id)
	if err == nil {
		b.last = setlog.Changed{ID: id, Node: n}
	}
	return n, err
}

// apply lays an entry's change over the view.
func (b *batch) apply(change setlog.Change) {
	for _, c := range change.Nodes {
		b.hold(c.ID, held{node: c.Node})
	}
	b.ledger.alive = uint64(int64(b.ledger.alive) + int64(change.Alive))
	b.ledger.closed = b.ledger.closed || change.Closed
	b.ledger.setSchema(change.Schema)
}

func (b *batch) hold(id string, n held) {
	if _, ok := b.nodes[id]; !ok {
		b.changed = append(b.changed, id)
	}
	b.nodes[id] = n
}

// extend adds a line at the head of a branch of the ledger.
func (b *batch) extend(br *branch, line []byte) {
	l := b.ledger
	b.hash = append(append(b.hash[:0], br.chain[:]...), line...)
	br.chain = sha256.Sum256(b.hash)
	br.head++
	l.offset++
	l.bytes += uint64(len(line))
	b.entries++
	b.bytes += len(line)
	if n := len(b.runs); n > 0 && b.runs[n-1].branch == br.id && b.runs[n-1].last+1 == br.head {
		b.runs[n-1].add(line, br.chain)
		return
	}
	r := b.nextRun()
	r.offset, r.span = l.offset, span{br.id, br.head, br.head - 1}
	r.add(line, br.chain)
}

func (r *run) add(line []byte, after setlog.Chain) {
	r.last++
	r.lines, r.chains = append(r.lines, line), append(r.chains, after)
}

func (b *batch) put(bucket string, key, value []byte) {
	b.puts = append(b.puts, put{bucket, key, value})
	b.bytes += len(key) + len(value)
}

// touches tells whether entries of the writer wait in this batch or the one being committed, unreadable as yet.
func (b *batch) touches(w setlog.Writer) bool {
	for view := b; view != nil; view = view.under {
		for _, r := range view.runs {
			if view.ledger.branch(r.branch).writer == w {
				return true
			}
		}
	}
	return false
}

// commit writes the batch. It runs in the writer's goroutine while nobody changes the batch.
func (b *batch) commit(tx *bolt.Tx, a *arena) error {
	for i := range b.runs {
		if err := b.runs[i].write(tx, a); err != nil {
			return fmt.Errorf("write entries: %w", err)
		}
	}
	if err := b.ledger.save(tx, b.before); err != nil {
		return fmt.Errorf("write heads: %w", err)
	}
	for _, f := range b.files {
		if err := f.write(tx); err != nil {
			return fmt.Errorf("write segment %s: %w", f.name, err)
		}
	}
	for _, p := range b.puts {
		if err := p.write(tx.Bucket([]byte(p.bucket))); err != nil {
			return fmt.Errorf("write %s: %w", p.bucket, err)
		}
	}
	return nil
}

func (p *put) write(b *bolt.Bucket) error {
	if p.value == nil {
		return b.Delete(p.key)
	}
	return b.Put(p.key, p.value)
}

func (r *run) write(tx *bolt.Tx, a *arena) error {
	log := tx.Bucket([]byte(bucketLog))
	log.FillPercent = 1
	for from := 0; from < len(r.lines); {
		n := blockLines(r.lines[from:])
		block := a.take(func(dst []byte) []byte { return appendBlock(dst, r.lines[from:from+n], r.chains[from+n-1]) })
		from += n
		if err := log.Put(logKey(r.branch, r.first+uint64(from)-1), block); err != nil {
			return err
		}
	}
	arrivals := tx.Bucket([]byte(bucketArrivals))
	arrivals.FillPercent = 1
	return arrivals.Put(uint64Key(r.offset), r.encode())
}
