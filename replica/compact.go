package replica

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

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
	wished := v.wishes.take(v.bucket.Name())
	if wished {
		entries, last = 1, look{}
		delete(v.collected, v.bucket.Name())
	}
	grown := stats.Entries-min(stats.Entries, last.entries) >= entries || stats.Bytes-min(stats.Bytes, last.bytes) >= size
	if !grown && !v.relook[v.bucket.Name()] && (last.done || !stats.Adopted) {
		return nil
	}
	v.busy = true
	done, err := v.compact(ctx, entries, size)
	if wished && !done {
		v.Compact(v.bucket.Name())
	}
	return err
}

// compact writes an index where what none covers has passed the limits, or what the remote lost is to be written again. It tells
// whether the look came to its end; if not, the next round looks again.
func (v *visit) compact(ctx context.Context, entries, size uint64) (done bool, err error) {
	name, stats := v.bucket.Name(), v.bucket.Stats()
	c, err := v.beginCompaction(ctx)
	if err != nil || c == nil {
		return false, err
	}
	found := look{stats.Entries, stats.Bytes, true}
	isDue := c.rest.Unknown || v.mends[name] && c.rest.Entries > 0
	if c.rest.Entries < entries && c.rest.Bytes < size && !isDue {
		found.entries, found.bytes = stats.Entries-min(stats.Entries, c.rest.Entries), stats.Bytes-min(stats.Bytes, c.rest.Bytes)
	} else if whole, err := c.run(ctx); err != nil || !whole {
		return false, err
	}
	v.looked[name] = found
	delete(v.relook, name)
	delete(v.mends, name)
	return true, nil
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
	c := &compaction{visit: v, live: now.live}
	c.rest, err = v.bucket.Rest(ctx, now.covered)
	return c, err
}

// standing is what the indexes of a bucket hold: those of which the remote shows all chunks, and that are no lie.
type standing struct {
	live    []*listed
	covered setlog.Coverage // by them together
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
	honest, err := v.trueOnes(ctx, all)
	if err != nil {
		return nil, err
	}
	if lacking, err = v.lacking(honest); err != nil || len(lacking) > 0 { // what a lie says that it replaces
		return nil, err
	}
	now := &standing{live: honest.live()}
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
