package localstore

import (
	"context"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/setlogger/setlogger/setlog"
)

// Join is the taking in of indexes: their nodes first, then what they cover. One at a time for each bucket.
type Join struct{ b *Bucket }

// Join begins to take indexes in, once no other does.
func (b *Bucket) Join(ctx context.Context) (*Join, error) {
	select {
	case b.joins <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	j := &Join{b}
	_, err := b.do(ctx, 1, func(p *batch, _ int) error {
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

// Leave lets others take indexes in.
func (j *Join) Leave() { <-j.b.joins }

// Joining tells whether nodes of an index were taken in and not yet all of them: the state is that of no coverage.
func (b *Bucket) Joining() bool { return b.joining.Load() }

// Absorb merges nodes of an index into the state; reads see them at once. They count as the entries of the index's
// coverage, and survive a crash for sure, only after Adopt. size is that of their lines.
func (j *Join) Absorb(ctx context.Context, nodes []setlog.Changed, size int) error {
	items := (len(nodes) + absorbItems - 1) / absorbItems
	_, err := j.b.do(ctx, items, func(p *batch, i int) error {
		part := nodes[i*absorbItems : min(len(nodes), (i+1)*absorbItems)]
		p.bytes += size * len(part) / len(nodes)
		return p.absorb(part)
	})
	return err
}

// absorbItems is how many nodes are merged between two looks at whether the batch is full.
const absorbItems = 256

func (b *batch) absorb(nodes []setlog.Changed) error {
	for _, in := range nodes {
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
		b.apply(setlog.Change{Nodes: []setlog.Changed{{ID: in.ID, Node: after}}, Alive: alive})
	}
	return nil
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
	state, err := b.c.b.coverageOf(l)
	if err != nil {
		return err
	}
	for _, r := range a.Coverage {
		known, err := l.within(tx, r, state)
		if err != nil {
			return err
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
			count(n)
		}
	}
	for id, n := range b.frozenNodes() {
		if _, ok := b.overlay.nodes[id]; !ok && stored.Get([]byte(id)) == nil {
			count(n)
		}
	}
	b.ledger.alive = alive
	return nil
}

func (b *Bucket) frozenNodes() map[string]*setlog.Node {
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
