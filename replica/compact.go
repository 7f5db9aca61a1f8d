package replica

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/setlog"
)

// Compaction.
const (
	// mergeFactor: an index is merged into a new one that has at least this part of its nodes. So the sizes of those
	// that stay grow like a power, and a node is rewritten only as often as its index grows by a factor.
	mergeFactor = 2
	// maxChunkLines is how many bytes of lines go into a chunk.
	maxChunkLines = 1 << 20
	// stream: more entries than these between two rounds tell of a log that is being written to without a pause. It is indexed
	// when it rests, or at so many times the limits as streamed says: what is written meanwhile is written once, not once
	// for each index, and whoever writes has the machine.
	stream   = 1000
	streamed = 32
)

// compactIfDue writes an index when the entries that no index covers have passed the limit, or when the remote lost an index
// from which this device has what it holds. It looks at the remote only when so many entries have come since the last look
// that this may be so, and a first time where there is something of an index.
func (v *visit) compactIfDue(ctx context.Context) error {
	limit := v.bucket.Settings().LogLimit
	entries, size := uint64(cmp.Or(limit, v.o.LogLimit)), uint64(v.o.LogBytes)
	stats, last := v.bucket.Stats(), v.looked[v.bucket.Name()]
	if v.isStreaming(stats.Entries) {
		entries, size, v.busy = streamed*entries, streamed*size, true
	}
	if v.wishes.take(v.bucket.Name()) {
		entries, last = 1, look{}
		delete(v.collected, v.bucket.Name())
	}
	grown := stats.Entries-min(stats.Entries, last.entries) >= entries || stats.Bytes-min(stats.Bytes, last.bytes) >= size
	if !grown && !v.relook[v.bucket.Name()] && (last.done || !stats.Adopted) {
		return nil
	}
	v.busy = true
	c, err := v.beginCompaction(ctx)
	if err != nil || c == nil {
		return err
	}
	delete(v.relook, v.bucket.Name())
	isDue := c.rest.Unknown || c.mends && c.rest.Entries > 0
	if c.rest.Entries < entries && c.rest.Bytes < size && !isDue {
		v.looked[v.bucket.Name()] = look{stats.Entries - c.rest.Entries, stats.Bytes - c.rest.Bytes, true}
		return nil
	}
	if whole, err := c.run(ctx); err != nil || !whole {
		return err
	}
	v.looked[v.bucket.Name()] = look{stats.Entries, stats.Bytes, true}
	return nil
}

// isStreaming tells whether the log has grown since the last visit as one does that is written to without a pause.
func (v *visit) isStreaming(entries uint64) bool {
	before, known := v.grown[v.bucket.Name()]
	v.grown[v.bucket.Name()] = entries
	return known && entries-min(entries, before) > stream
}

// wishes are the buckets that a person wants indexed. They may come from any goroutine.
type wishes struct {
	mu      sync.Mutex
	buckets map[string]bool
}

// Compact lets the next round write an index of all that none covers yet, however little, and look for needless files.
func (s *Share) Compact(bucket string) {
	s.wishes.mu.Lock()
	defer s.wishes.mu.Unlock()
	if s.wishes.buckets == nil {
		s.wishes.buckets = map[string]bool{}
	}
	s.wishes.buckets[bucket] = true
}

func (w *wishes) has(bucket string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buckets[bucket]
}

func (w *wishes) take(bucket string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	wished := w.buckets[bucket]
	delete(w.buckets, bucket)
	return wished
}

// look is what a bucket's log had when it was last compared with the indexes, less what these left out.
type look struct {
	entries, bytes uint64
	done           bool
}

// compaction writes one index.
type compaction struct {
	*visit
	rest  localstore.Rest
	live  []*listed
	mends bool // an index was found to lack what it says it covers
	order setlog.Order
	index setlog.Index
}

// beginCompaction finds what no index covers. An index that this device is not known to have is taken in first; it answers nil
// while that can't be.
func (v *visit) beginCompaction(ctx context.Context) (*compaction, error) {
	if _, err := v.join(ctx); err != nil {
		return nil, err
	}
	now, err := v.stand(ctx)
	if err != nil || now == nil {
		return nil, err
	}
	c := &compaction{visit: v, live: now.live, mends: now.mends}
	c.rest, err = v.bucket.Rest(ctx, now.covered)
	return c, err
}

// standing is what the indexes of a bucket hold: those of which the remote shows all chunks, and that are no lie.
type standing struct {
	live    []*listed
	covered setlog.Coverage // by them together
	mends   bool            // one was found just now to lack what it says it covers
}

// stand looks at the indexes; it answers nil while this device lacks what one of them has.
func (v *visit) stand(ctx context.Context) (*standing, error) {
	all, err := v.catalog(ctx)
	if err != nil {
		return nil, err
	}
	lacking, err := v.lacking(all)
	if err != nil || len(lacking) > 0 {
		return nil, err
	}
	shown, err := v.listChunks(ctx)
	if err != nil {
		return nil, err
	}
	for hash, index := range all {
		if !index.isShown(shown) {
			all = all.without(hash)
		}
	}
	honest, mends, err := v.trueOnes(ctx, all)
	if err != nil {
		return nil, err
	}
	now := &standing{live: honest.live(), mends: mends}
	for _, index := range now.live {
		now.covered = setlog.Union(now.covered, index.Coverage)
	}
	return now, nil
}

// listChunks answers the names of this bucket in chunk/, all of which is listed once a round.
func (v *visit) listChunks(ctx context.Context) (map[string]bool, error) {
	if v.pile.round != v.rounds {
		names := map[string]map[string]bool{}
		for object, err := range v.o.Storage.List(ctx, chunkFolder) {
			if err != nil {
				return nil, fmt.Errorf("list %s/: %w", chunkFolder, err)
			}
			base := strings.TrimPrefix(object.Name, chunkFolder+"/")
			if chunk, ok := setlog.ParseChunkName(base); ok {
				if names[chunk.Bucket] == nil {
					names[chunk.Bucket] = map[string]bool{}
				}
				names[chunk.Bucket][base] = true
			}
		}
		v.pile = pile{v.rounds, names}
	}
	return v.pile.names[v.bucket.ID()], nil
}

// pile is one listing of chunk/, by bucket id.
type pile struct {
	round int // in which it was listed
	names map[string]map[string]bool
}

// isShown tells whether a listing has all chunks of an index. One that lags only has an index written twice.
func (l *listed) isShown(chunks map[string]bool) bool {
	return !slices.ContainsFunc(l.Chunks, func(ref setlog.ChunkRef) bool { return !chunks[l.Name(ref).String()] })
}

// run chooses what is merged, writes the chunks, reads them back, and then writes the index that names them. It tells
// whether what is merged was whole; if not, nothing is written.
func (c *compaction) run(ctx context.Context) (whole bool, err error) {
	id := make([]byte, 16)
	if _, err := io.ReadFull(c.o.Random, id); err != nil {
		return false, fmt.Errorf("make an index id: %w", err)
	}
	c.order = c.bucket.Order()
	c.index = setlog.Index{
		ID: hex.EncodeToString(id), Bucket: c.bucket.Name(), Births: c.bucket.Births(), Order: c.order.Names(),
		Coverage: c.rest.Coverage, Schema: c.rest.Schema, Closed: c.rest.Closed,
	}
	ids, whole, err := c.choose(ctx)
	if err != nil || !whole {
		return false, err
	}
	for n := len(ids); n > mergeFactor; n /= mergeFactor + 1 {
		c.index.Level++
	}
	if c.index.Coverage, err = c.bucket.Simplify(c.index.Coverage); err != nil {
		return false, err
	}
	if err := c.ensure(ctx); err != nil {
		return false, err
	}
	if err := c.writeChunks(ctx, ids); err != nil {
		return false, err
	}
	return true, c.writeIndex(ctx)
}

// choose finds the ids of the nodes that go in: those of the entries that no index covers, and those of the indexes
// that are small beside what they are merged with.
func (c *compaction) choose(ctx context.Context) (ids map[string]bool, whole bool, err error) {
	if c.rest.Unknown {
		ids, err = c.chooseAll()
		return ids, true, err
	}
	ids = c.rest.Nodes
	for _, index := range c.live { // the smallest first
		if index.Nodes() > mergeFactor*len(ids) {
			c.index.Before = append(c.index.Before, index.hash)
			continue
		}
		more, whole, err := c.idsOf(ctx, index)
		if err != nil || !whole {
			return nil, false, err
		}
		maps.Copy(ids, more)
		c.index.Merges = append(c.index.Merges, index.hash)
		c.index.Coverage = setlog.Union(c.index.Coverage, index.Coverage)
	}
	return ids, true, nil
}

// chooseAll takes all nodes, and replaces all indexes.
func (c *compaction) chooseAll() (map[string]bool, error) {
	coverage, err := c.bucket.Coverage()
	if err != nil {
		return nil, err
	}
	c.index.Coverage = setlog.Union(c.index.Coverage, coverage)
	for _, index := range c.live {
		c.index.Merges = append(c.index.Merges, index.hash)
		c.index.Coverage = setlog.Union(c.index.Coverage, index.Coverage)
	}
	ids := map[string]bool{}
	for after := ""; ; {
		page, err := c.bucket.IDs(after, 4096)
		if err != nil || len(page) == 0 {
			return ids, err
		}
		for _, id := range page {
			ids[id] = true
		}
		after = page[len(page)-1]
	}
}

// idsOf reads which nodes an index has.
func (c *compaction) idsOf(ctx context.Context, index *listed) (ids map[string]bool, whole bool, err error) {
	ids = make(map[string]bool, index.Nodes())
	whole, err = c.readAll(ctx, index, func(part part) error {
		for _, node := range part.nodes {
			ids[node.ID] = true
		}
		return nil
	})
	return ids, whole, err
}

// keyed is a node's id with what it is sorted by.
type keyed struct {
	key []byte
	id  string
}

// sorted brings ids into the bucket's order.
func (c *compaction) sorted(ids map[string]bool) ([]keyed, error) {
	all := make([]keyed, 0, len(ids))
	for id := range ids {
		n, err := c.bucket.Node(id)
		if err != nil {
			return nil, err
		}
		if n != nil { // an entry that changes nothing names it
			all = append(all, keyed{c.order.Key(id, n), id})
		}
	}
	slices.SortFunc(all, func(a, b keyed) int { return bytes.Compare(a.key, b.key) })
	return all, nil
}

// writeChunks writes the nodes in order.
func (c *compaction) writeChunks(ctx context.Context, ids map[string]bool) error {
	nodes, err := c.sorted(ids)
	if err != nil {
		return err
	}
	limit := cmp.Or(c.bucket.Settings().ChunkLimit, len(nodes))
	chunk := setlog.Chunk{Bucket: c.index.Bucket, Index: c.index.ID}
	size := 0
	for i, k := range nodes {
		n, err := c.bucket.Node(k.id)
		if err != nil {
			return err
		}
		line := n.AppendDelta(nil, k.id)
		chunk.Lines = append(chunk.Lines, line)
		if size += len(line); size >= maxChunkLines || len(chunk.Lines) >= limit || i == len(nodes)-1 {
			if err := c.writeChunk(ctx, &chunk); err != nil {
				return err
			}
			chunk.Lines, size = nil, 0
		}
	}
	return nil
}

// writeChunk writes one chunk and reads it back: the index is to name what is there.
func (c *compaction) writeChunk(ctx context.Context, chunk *setlog.Chunk) error {
	data, err := chunk.Encode()
	if err != nil {
		return fmt.Errorf("bucket %s: %w", chunk.Bucket, err)
	}
	ref := setlog.ChunkRef{Bytes: len(data), Nodes: len(chunk.Lines), Hash: setlog.HashOf(data)}
	if err := c.writeWhole(ctx, chunkFolder+"/"+c.index.Name(ref).String(), data); err != nil {
		return err
	}
	c.index.Chunks = append(c.index.Chunks, ref)
	return nil
}

// writeWhole writes a file, reads it back, and counts it.
func (v *visit) writeWhole(ctx context.Context, name string, data []byte) error {
	if err := writeBack(ctx, v.o.Storage, name, data); err != nil {
		return err
	}
	v.round.Uploaded++
	return nil
}

func (c *compaction) writeIndex(ctx context.Context) error {
	var name setlog.IndexName
	var data []byte
	err := c.bucket.Sign(func(key ed25519.PrivateKey) error {
		var err error
		name, data, err = c.index.Encode(key)
		return err
	})
	if err != nil {
		return fmt.Errorf("bucket %s: %w", c.index.Bucket, err)
	}
	if err := c.bucket.MarkSent(ctx, "", localstore.Verified, name.String()); err != nil {
		return err
	}
	if err := c.vouchOwn(ctx, name.String()); err != nil {
		return err
	}
	if err := c.writeWhole(ctx, indexFolder+"/"+name.String(), data); err != nil {
		return err
	}
	c.round.Indexed++
	c.o.Logger.Info("wrote an index", "remote", c.o.Remote, "bucket", c.index.Bucket, "index", name.String(), "nodes", c.index.Nodes(),
		"chunks", len(c.index.Chunks), "merges", len(c.index.Merges))
	return nil
}
