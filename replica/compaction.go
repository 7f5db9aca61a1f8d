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

	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/setlog"
)

// compaction writes one index.
type compaction struct {
	*visit
	rest  localstore.Rest
	live  []*listed
	order setlog.Order
	index setlog.Index
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

// writeWhole writes a file, reads it back, and counts it. Those before it may have taken minutes, so it makes sure of the share.
func (v *visit) writeWhole(ctx context.Context, name string, data []byte) error {
	if err := v.ensure(ctx); err != nil {
		return err
	}
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
