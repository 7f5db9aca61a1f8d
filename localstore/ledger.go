package localstore

import (
	"cmp"
	"crypto/ed25519"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	bolt "go.etcd.io/bbolt"

	"github.com/setlogger/setlogger/setlog"
)

// ledger is what a bucket knows beside lines and nodes: heads, births, keys. One that was published never changes.
type ledger struct {
	stateRecord
	name     string
	births   []string // sorted; none: a joined bucket that has seen no entry yet
	writer   setlog.Writer
	keys     map[setlog.Writer][32]byte // seeds: the current writer's and all before it
	branches []*branch                  // by id, from 1; a branch is replaced, not changed
	byWriter map[setlog.Writer][]uint32 // branches of a writer, oldest first
	current  uint32                     // branch of the current writer; 0 until its first entry
	schema   setlog.Schema              // JSON Schema
	adopted  setlog.Coverage            // what came by indexes, and is in the state but not in the log
	named    bool                       // an entry of the current writer named all heads of adopted
	unseen   []uint32                   // branches whose heads the next own entry names
}

// clone is a ledger to compose the next batch on.
func (l *ledger) clone() *ledger {
	c := *l
	c.branches = slices.Clone(l.branches)
	return &c
}

func (l *ledger) branch(id uint32) *branch { return l.branches[id-1] }

// change answers a copy of the branch, now part of the ledger, to be changed until the ledger is published.
func (l *ledger) change(id uint32) *branch {
	b := *l.branches[id-1]
	l.branches[id-1] = &b
	return &b
}

// addBranch gives a branch its id.
func (l *ledger) addBranch(b *branch) *branch {
	b.id = uint32(len(l.branches) + 1)
	l.branches = append(l.branches, b)
	l.byWriter = maps.Clone(l.byWriter)
	l.byWriter[b.writer] = append(slices.Clone(l.byWriter[b.writer]), b.id)
	return b
}

// mint makes a new writer the current one. Its first entry names all heads, so none counts as seen.
func (l *ledger) mint(random io.Reader) error {
	var seed [ed25519.SeedSize]byte
	if _, err := io.ReadFull(random, seed[:]); err != nil {
		return fmt.Errorf("mint a writer: %w", err)
	}
	l.writer = setlog.WriterOf(publicKey(seed))
	l.keys = maps.Clone(l.keys)
	l.keys[l.writer] = seed
	l.current, l.unseen, l.named = 0, nil, false
	for _, b := range l.branches {
		l.change(b.id).seen = 0
		l.unseen = append(l.unseen, b.id)
	}
	return nil
}

func publicKey(seed [32]byte) ed25519.PublicKey {
	return ed25519.NewKeyFromSeed(seed[:]).Public().(ed25519.PublicKey) //nolint:errcheck,forcetypeassert // by its contract
}

// own answers the branch that own entries go to.
func (l *ledger) own() *branch {
	if l.current == 0 {
		b := l.addBranch(&branch{writer: l.writer, chain: setlog.FirstChain(l.name, l.writer)})
		copy(b.key[:], publicKey(l.keys[l.writer]))
		l.current = b.id
		return b
	}
	return l.branch(l.current)
}

// only answers the one branch of a writer whose key is here, nil where there are more.
func (l *ledger) only(w setlog.Writer) *branch {
	ids := l.byWriter[w]
	if _, own := l.keys[w]; !own || len(ids) != 1 {
		return nil
	}
	return l.branch(ids[0])
}

// heads are the heads of all branches, and of what came by indexes, but those from which another is known to go on.
func (l *ledger) heads() []setlog.Head {
	heads := make([]setlog.Head, 0, len(l.branches))
	for _, b := range l.branches {
		if !l.passed(b) {
			heads = append(heads, b.headOf())
		}
	}
	return append(heads, l.adoptedHeads()...)
}

// adoptedHeads are those of what came by indexes which no branch goes on from.
func (l *ledger) adoptedHeads() []setlog.Head {
	var heads []setlog.Head
	for _, r := range l.adopted {
		if !slices.ContainsFunc(l.byWriter[r.Writer], func(id uint32) bool { return l.branch(id).from(r.Last, r.Chain) }) {
			heads = append(heads, setlog.Head{Writer: r.Writer, Number: r.Last, Chain: r.Chain.Short()})
		}
	}
	return heads
}

// from tells whether a branch begins or ends at a point of its writer's chain, or most likely leads through it.
func (b *branch) from(number uint64, chain setlog.Chain) bool {
	return b.loose && b.fork < number && number < b.head || b.loose && b.fork == number && b.previous == chain || b.head == number && b.chain == chain
}

// passed tells whether something else is known to go on from the head of a branch, or to be the same.
func (l *ledger) passed(b *branch) bool {
	adopted := slices.ContainsFunc(l.adopted.Of(b.writer), func(r setlog.Range) bool {
		within := b.loose && r.First <= b.fork && b.head < r.Last // most likely
		return within || r.First == b.head+1 && r.Previous == b.chain
	})
	return adopted || slices.ContainsFunc(l.byWriter[b.writer], func(id uint32) bool {
		o := l.branch(id)
		switch {
		case id == b.id:
			return false
		case o.head == b.head && o.chain == b.chain:
			return id < b.id
		}
		return o.from(b.head, b.chain) || o.parent == b.id && o.fork == b.head
	})
}

// goesOn tells whether another branch goes on from the head of one.
func (l *ledger) goesOn(b *branch) bool {
	return slices.ContainsFunc(l.byWriter[b.writer], func(id uint32) bool {
		o := l.branch(id)
		return o.id != b.id && o.fork == b.head && (o.parent == b.id || o.loose && o.previous == b.chain)
	})
}

// forksOff tells whether a branch and another one go on from one entry.
func (l *ledger) forksOff(b *branch) bool {
	if b.loose || b.parent == 0 {
		return false
	}
	return l.branch(b.parent).head > b.fork || slices.ContainsFunc(l.byWriter[b.writer], func(id uint32) bool {
		o := l.branch(id)
		return o.id != b.id && !o.loose && o.parent == b.parent && o.fork == b.fork
	})
}

// root is the first of the branches that a branch forked from, or itself.
func (l *ledger) root(b *branch) *branch {
	for !b.loose && b.parent != 0 {
		b = l.branch(b.parent)
	}
	return b
}

// reach is the number before the first entry that a branch, with those that it forked from, goes back to.
func (l *ledger) reach(b *branch) uint64 {
	if root := l.root(b); root.loose {
		return root.fork
	}
	return 0
}

// pass drops what came by indexes once a branch that reaches back as far has grown up to its end.
func (l *ledger) pass(b *branch) {
	ends := func(r setlog.Range) bool {
		return r.Writer == b.writer && r.Last == b.head && r.Chain == b.chain && l.reach(b) < r.First
	}
	if slices.ContainsFunc(l.adopted, ends) {
		l.adopted = slices.DeleteFunc(slices.Clone(l.adopted), ends)
	}
}

// unsealed counts the own entries that are in no segment yet.
func (l *ledger) unsealed() uint64 {
	n := uint64(0)
	for _, b := range l.branches {
		n += b.pending()
	}
	return n
}

func (b *branch) pending() uint64 {
	if b.own <= b.sealed {
		return 0
	}
	return b.own - b.sealed
}

// save writes what differs from the ledger before; before nil writes all.
func (l *ledger) save(tx *bolt.Tx, before *ledger) error {
	if before == nil {
		before = &ledger{}
	}
	p := putter{tx: tx}
	p.put(bucketMeta, []byte(metaState), l.encode())
	if !slices.Equal(l.births, before.births) {
		p.put(bucketMeta, []byte(metaBirths), []byte(strings.Join(l.births, "\n")))
	}
	if l.named != before.named || !slices.Equal(l.adopted, before.adopted) {
		record, err := json.Marshal(adoptedRecord{l.named, l.adopted})
		p.err = cmp.Or(p.err, err)
		p.put(bucketMeta, []byte(metaAdopted), record)
	}
	if l.schema.Compare(before.schema) != 0 {
		p.put(bucketMeta, []byte(metaRules), encodeSchema(l.schema))
	}
	if l.writer != before.writer {
		seed := l.keys[l.writer]
		p.put(bucketMeta, []byte(metaWriter), l.writer[:])
		p.put(bucketWriters, l.writer[:], seed[:])
	}
	for i, b := range l.branches {
		if i >= len(before.branches) || before.branches[i] != b {
			p.put(bucketBranches, uint32Key(b.id), b.append(nil))
		}
	}
	return p.err
}

// adoptedRecord is what came by indexes, as it is stored.
type adoptedRecord struct {
	Named    bool            `json:"named"`
	Coverage setlog.Coverage `json:"coverage"`
}

// putter puts until something fails.
type putter struct {
	tx  *bolt.Tx
	err error
}

func (p *putter) put(bucket string, key, value []byte) {
	if p.err == nil {
		p.err = p.tx.Bucket([]byte(bucket)).Put(key, value)
	}
}

// loadLedger reads what save wrote.
func loadLedger(tx *bolt.Tx) (*ledger, error) {
	meta := tx.Bucket([]byte(bucketMeta))
	l := &ledger{keys: map[setlog.Writer][32]byte{}, byWriter: map[setlog.Writer][]uint32{}}
	l.name = string(meta.Get([]byte(metaName)))
	if births := string(meta.Get([]byte(metaBirths))); births != "" {
		l.births = strings.Split(births, "\n")
	}
	copy(l.writer[:], meta.Get([]byte(metaWriter)))
	var err error
	var adopted adoptedRecord
	if record := meta.Get([]byte(metaAdopted)); record != nil && json.Unmarshal(record, &adopted) != nil {
		return nil, fmt.Errorf("adopted: %w", errRecord)
	}
	l.adopted, l.named = adopted.Coverage, adopted.Named
	if l.stateRecord, err = decodeState(meta.Get([]byte(metaState))); err != nil {
		return nil, err
	}
	if l.schema, err = decodeSchema(meta.Get([]byte(metaRules))); err != nil {
		return nil, err
	}
	err = tx.Bucket([]byte(bucketWriters)).ForEach(func(k, v []byte) error {
		if len(k) != len(l.writer) || len(v) != ed25519.SeedSize {
			return fmt.Errorf("writer: %w", errRecord)
		}
		l.keys[setlog.Writer(k)] = [32]byte(v)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return l, l.loadBranches(tx)
}

func (l *ledger) loadBranches(tx *bolt.Tx) error {
	err := tx.Bucket([]byte(bucketBranches)).ForEach(func(k, v []byte) error {
		b, err := decodeBranch(k, v)
		if err != nil || b.id != uint32(len(l.branches)+1) {
			return fmt.Errorf("branch %x: %w", k, errRecord)
		}
		l.branches = append(l.branches, b)
		l.byWriter[b.writer] = append(l.byWriter[b.writer], b.id)
		return nil
	})
	if ids := l.byWriter[l.writer]; len(ids) > 0 {
		l.current = ids[0]
	}
	for _, b := range l.branches {
		if b.id != l.current && b.head > b.seen {
			l.unseen = append(l.unseen, b.id)
		}
	}
	return err
}

func loadCursor(tx *bolt.Tx) (uint64, error) {
	v := tx.Bucket([]byte(bucketMeta)).Get([]byte(metaCursor))
	if len(v) != 8 {
		return 0, fmt.Errorf("cursor: %w", errRecord)
	}
	return binary.BigEndian.Uint64(v), nil
}

// writers counts those of which entries are in the state.
func (l *ledger) writers() int {
	all := maps.Clone(l.byWriter)
	for _, r := range l.adopted {
		all[r.Writer] = nil
	}
	return len(all)
}

// forks counts the heads beside the first of each writer.
func (l *ledger) forks() int { return len(l.heads()) - l.writers() }
