package localstore

import (
	"context"
	"fmt"
	"hash/maphash"
	"strings"

	bolt "go.etcd.io/bbolt"

	"github.com/setlogger/setlogger/setlog"
)

// Join is the taking in of indexes: their nodes first, then what they cover. One at a time for each bucket.
type Join struct {
	b    *Bucket
	from uint64              // offset of the log when it began
	met  map[uint64]struct{} // hashes of the ids that it brought; nil: there were nodes before
	seed maphash.Seed
}

// Join begins to take indexes in, once no other does.
func (b *Bucket) Join(ctx context.Context) (*Join, error) {
	select {
	case b.joins <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	j := &Join{b: b, seed: maphash.MakeSeed()}
	_, err := b.do(ctx, 1, func(p *batch, _ int) error {
		empty, err := p.isEmpty()
		if err != nil {
			return brokenError{err}
		}
		if j.from = p.ledger.offset; empty {
			j.met = map[uint64]struct{}{}
		}
		p.put(bucketMeta, []byte(metaJoining), []byte{1})
		return nil
	})
	if err != nil {
		j.Leave()
		return nil, err
	}
	b.joining.Store(true)
	return j, nil
}

// EndJoin ends the taking in of indexes that broke off, unless one is under way. It is for who knows that all entries of theirs
// came in another way: then what was taken in is of these, and the state is that of a coverage again.
func (b *Bucket) EndJoin(ctx context.Context) error {
	select {
	case b.joins <- struct{}{}:
	default:
		return nil
	}
	j := &Join{b: b}
	defer j.Leave()
	return j.Adopt(ctx)
}

// Leave lets others take indexes in.
func (j *Join) Leave() { <-j.b.joins }

// Joining tells whether nodes of an index were taken in and not yet all of them: the state is that of no coverage.
func (b *Bucket) Joining() bool { return b.joining.Load() }

// Absorb merges nodes of an index into the state; reads see them at once. They count as the entries of the index's
// coverage, and survive a crash for sure, only after Adopt.
func (j *Join) Absorb(ctx context.Context, nodes []setlog.Changed) error {
	binary, ends := pack(nodes)
	items := (len(nodes) + absorbItems - 1) / absorbItems
	_, err := j.b.do(ctx, items, func(p *batch, i int) error {
		for k := i * absorbItems; k < min(len(nodes), (i+1)*absorbItems); k++ {
			own := binary[ends[k]:ends[k+1]]
			p.absorbed += heldBytes + len(nodes[k].ID) + len(own)
			if err := p.absorb(j, nodes[k], own); err != nil {
				return err
			}
		}
		return nil
	})
	return err
}

// pack answers the binary forms of nodes, one behind the other, and where each ends; the first begins at 0.
func pack(nodes []setlog.Changed) (binary string, ends []int) {
	ends = make([]int, 1, len(nodes)+1)
	all := strings.Builder{}
	all.Grow(nodeBytes * len(nodes))
	var one []byte
	for _, n := range nodes {
		one = n.Node.AppendBinary(one[:0])
		all.Write(one)
		ends = append(ends, all.Len())
	}
	return all.String(), ends
}

// nodeBytes is about what the binary form of a small node takes.
const nodeBytes = 128

// heldBytes is about what a node in binary form takes beside id and form, in the maps and lists of an overlay.
const heldBytes = 120

// absorbItems is how many nodes are merged between two looks at whether the batch is full.
const absorbItems = 256

// absorb merges one node. One that can't be there yet is taken in as it came.
func (b *batch) absorb(j *Join, in setlog.Changed, binary string) error {
	if j.isNew(in.ID) && b.ledger.offset == j.from {
		if in.Node.Alive() {
			b.ledger.alive++
		}
		b.hold(in.ID, held{binary: binary})
		return nil
	}
	before, err := b.Node(in.ID)
	if err != nil {
		return brokenError{err}
	}
	after := setlog.Merge(before, in.Node)
	alive := 0
	if after.Alive() != before.Alive() {
		alive = 1
		if before.Alive() {
			alive = -1
		}
	}
	b.absorbed += inMemory(len(binary))
	b.apply(setlog.Change{Nodes: []setlog.Changed{{ID: in.ID, Node: after}}, Alive: alive})
	return nil
}

// isNew tells whether the bucket was empty and the join has not brought that id. It may be wrong in saying no.
func (j *Join) isNew(id string) bool {
	if j.met == nil {
		return false
	}
	hash := maphash.String(j.seed, id)
	if _, met := j.met[hash]; met {
		return false
	}
	j.met[hash] = struct{}{}
	return true
}

// isEmpty tells whether the bucket has no entry and no node.
func (b *batch) isEmpty() (bool, error) {
	if b.ledger.offset > 0 || len(b.c.b.overlay.nodes) > 0 || b.c.b.frozen != nil {
		return false, nil
	}
	tx, err := b.c.reads()
	if err != nil {
		return false, err
	}
	first, _ := tx.Bucket([]byte(bucketNodes)).Cursor().First()
	return first == nil, nil
}

// Adopted is what an index says beside its nodes.
type Adopted struct {
	Name     string // of its file
	Births   []string
	Coverage setlog.Coverage
	Schema   setlog.Schema
	Closed   bool
}

// Adopt makes the entries of indexes count as folded, once all their nodes were absorbed.
func (j *Join) Adopt(ctx context.Context, indexes ...Adopted) error {
	b := j.b
	if err := b.Flush(ctx); err != nil {
		return err
	}
	_, err := b.do(ctx, 1, func(p *batch, _ int) error {
		for _, a := range indexes {
			if err := p.adopt(a); err != nil {
				return brokenError{err}
			}
		}
		p.dirty = true
		p.put(bucketMeta, []byte(metaJoining), []byte{0})
		b.joined.Add(1)
		return nil
	})
	if err == nil {
		b.joining.Store(false)
	}
	return err
}

func (b *batch) adopt(a Adopted) error {
	l := b.ledger
	tx, err := b.c.reads()
	if err != nil {
		return err
	}
	state, err := l.coverage(tx)
	if err != nil {
		return b.c.b.wrap(err)
	}
	for _, r := range a.Coverage {
		known, err := l.within(tx, r, state)
		if err != nil {
			return b.c.b.wrap(err)
		}
		if known {
			continue
		}
		l.adopted = setlog.Union(l.adopted, setlog.Coverage{r})
		l.named = false
		if r.Writer == l.writer {
			if err := b.takeOver(); err != nil {
				return err
			}
		}
	}
	l.births = sortedUnion(l.births, a.Births)
	l.closed = l.closed || a.Closed
	if a.Schema.Mark != (setlog.Mark{}) {
		l.setSchema(&a.Schema)
	}
	b.put(bucketSent, sentKey("", a.Name), []byte{byte(Verified)})
	return nil
}

// Absorbed answers the names of the indexes that were taken in, or made of this state.
func (b *Bucket) Absorbed() (map[string]bool, error) { return b.indexes(Verified) }

// Whole answers the names of the indexes that were read, and were whole.
func (b *Bucket) Whole() (map[string]bool, error) { return b.indexes(Listed) }

func (b *Bucket) indexes(least Sent) (map[string]bool, error) {
	sent, err := b.Sent("")
	names := make(map[string]bool, len(sent))
	for name, state := range sent {
		if state >= least {
			names[name] = true
		}
	}
	return names, err
}

// MarkWhole notes that an index was read and is whole.
func (b *Bucket) MarkWhole(ctx context.Context, name string) error {
	whole, err := b.Whole()
	if err != nil || whole[name] {
		return err
	}
	return b.MarkSent(ctx, "", Listed, name)
}

// recount counts the nodes that are alive: while an index is being taken in, what is stored tells it of no one moment.
func (b *Bucket) recount(tx *bolt.Tx) error {
	alive := uint64(0)
	count := func(n *setlog.Node) {
		if n.Alive() {
			alive++
		}
	}
	stored := tx.Bucket([]byte(bucketNodes))
	err := stored.ForEach(func(k, v []byte) error {
		n, ok := b.lookup(string(k))
		if !ok {
			var err error
			if n, err = setlog.DecodeNode(v); err != nil {
				return fmt.Errorf("node %q: %w", k, err)
			}
		}
		count(n)
		return nil
	})
	if err != nil {
		return corrupt(b.path, err)
	}
	for id, n := range b.overlay.nodes {
		if stored.Get([]byte(id)) == nil {
			count(n.get())
		}
	}
	for id, n := range b.frozenNodes() {
		if _, ok := b.overlay.nodes[id]; !ok && stored.Get([]byte(id)) == nil {
			count(n.get())
		}
	}
	b.ledger.alive = alive
	return nil
}

func (b *Bucket) frozenNodes() map[string]held {
	if b.frozen == nil {
		return nil
	}
	return b.frozen.nodes
}

// IDs answers up to limit ids of nodes after one, in byte order, those that are not alive too.
func (b *Bucket) IDs(after string, limit int) ([]string, error) {
	var ids []string
	for len(ids) < limit {
		before := len(ids)
		w, err := b.startWalk(after)
		if err != nil {
			return nil, err
		}
		err = guard(b.path, func() error {
			defer endRead(w.tx)
			w.seek(after)
			for range min(limit-len(ids)+1, overlayPage) {
				id, _, err := w.next()
				if err != nil || id == "" {
					return err
				}
				if id != after {
					ids = append(ids, id)
				}
			}
			return nil
		})
		if err != nil {
			return nil, b.wrap(err)
		}
		if len(ids) == before {
			break
		}
		after = ids[len(ids)-1]
	}
	return ids[:min(limit, len(ids))], nil
}
