package replica

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/setlog"
)

// join takes in what indexes hold and this device lacks, newest first. It tells whether there was anything. Reads see
// the nodes as they come.
func (v *visit) join(ctx context.Context) (bool, error) {
	all, err := v.catalog(ctx)
	if err != nil {
		return false, err
	}
	taken := false
	for {
		wanted, err := v.lacking(all)
		if err != nil {
			return taken, err
		}
		if len(wanted) == 0 {
			return taken, v.endJoin(ctx)
		}
		broken, err := v.takeAll(ctx, wanted)
		switch {
		case err != nil:
			return taken, err
		case broken == nil:
			return true, nil
		}
		all = all.without(broken.hash) // those that it replaces may be there still
		taken = true
	}
}

// endJoin ends the taking in of an index that broke off, once the entries of all that index/ shows, also of those that
// are not whole, came in another way. One that was tried again and again is given up: else a device would never again look
// after what it holds. What it brought of one is no harm, for entries may be folded twice.
func (v *visit) endJoin(ctx context.Context) error {
	if !v.bucket.Joining() || len(v.bucket.Births()) == 0 {
		return nil
	}
	all := catalog{}
	for _, name := range v.shelf.names[v.bucket.ID()] {
		if index := v.indexes[name.String()]; index != nil && v.ours(index.Births) && !v.isGivenUp(index.name) {
			all[index.hash] = index
		}
	}
	if wanted, err := v.lacking(all); err != nil || len(wanted) > 0 {
		return err
	}
	return v.bucket.EndJoin(ctx)
}

// isGivenUp tells whether an index was tried too often and never whole.
func (v *visit) isGivenUp(name string) bool {
	s := v.unsure[name]
	return s != nil && s.rounds >= patience
}

// lacking are the live indexes with entries that this device has neither in its log nor from an index that was merged into
// them; all of them for one that has nothing. What one wrongly claims is in another, be it one that it says it replaces.
func (v *visit) lacking(all catalog) ([]*listed, error) {
	absorbed, err := v.bucket.Absorbed()
	if err != nil {
		return nil, err
	}
	var wanted []*listed
	for _, index := range v.honest(all).live() {
		if absorbed[index.name] {
			continue
		}
		has, err := v.bucket.Logged(v.unmerged(index, absorbed))
		if err != nil {
			return nil, err
		}
		if !has || len(v.bucket.Births()) == 0 {
			wanted = append(wanted, index)
		}
	}
	return wanted, nil
}

// unmerged answers what an index covers beyond those that it merges and that this device has taken in.
func (v *visit) unmerged(index *listed, absorbed map[string]bool) setlog.Coverage {
	taken := map[string]localstore.Sent{}
	for name := range absorbed {
		taken[name] = localstore.Verified
	}
	return v.fresh(index, taken)
}

// takeAll takes indexes in, up to one that is not whole.
func (v *visit) takeAll(ctx context.Context, wanted []*listed) (broken *listed, err error) {
	joining, err := v.bucket.Join(ctx)
	if err != nil {
		return nil, err
	}
	defer joining.Leave()
	p := &progress{bucket: v.bucket.Name(), tell: v.o.Progress}
	for _, index := range wanted {
		p.total += index.Nodes()
	}
	defer p.end()
	v.o.Logger.Info("taking indexes in", "remote", v.o.Remote, "bucket", v.bucket.Name(), "indexes", len(wanted), "nodes", p.total)
	for _, index := range wanted {
		whole, err := v.take(ctx, joining, index, p)
		if err != nil {
			return nil, err
		}
		if !whole {
			return index, nil
		}
	}
	return nil, nil //nolint:nilnil // all are whole
}

// take absorbs the chunks of an index, and then what it covers. It tells whether the index is whole.
func (v *visit) take(ctx context.Context, joining *localstore.Join, index *listed, p *progress) (bool, error) {
	whole, err := v.readAll(ctx, index, func(part part) error {
		if err := joining.Absorb(ctx, part.nodes); err != nil {
			return err
		}
		v.round.Joined += len(part.nodes)
		p.add(len(part.nodes))
		return nil
	})
	if err != nil || !whole {
		return false, err
	}
	return true, joining.Adopt(ctx, localstore.Adopted{
		Name: index.name, Births: index.Births, Coverage: index.Coverage, Schema: index.Schema, Closed: index.Closed,
	})
}

// progress counts the nodes that were taken in.
type progress struct {
	bucket      string
	done, total int
	tell        func(bucket string, done, total int)
}

func (p *progress) add(nodes int) {
	p.done += nodes
	p.tell(p.bucket, p.done, p.total)
}

// end tells that no more come, also where something failed.
func (p *progress) end() { p.tell(p.bucket, p.total, p.total) }

// unfitError says that a chunk of an index is not there, or not what the index says: the index counts for nothing.
type unfitError struct {
	name  string
	cause error
}

func (e *unfitError) Error() string { return "its chunk " + e.name + ": " + e.cause.Error() }
func (e *unfitError) Unwrap() error { return e.cause }

// part is the nodes of one chunk.
type part struct {
	nodes []setlog.Changed
	err   error
}

// readAll hands on the chunks of an index, in order, up to one that is not what the index says: then the index is not
// whole, counts for nothing for a while, and the next round sees whether another has to be written.
func (v *visit) readAll(ctx context.Context, index *listed, each func(part) error) (whole bool, err error) {
	for part, err := range v.chunks(ctx, index) {
		if err == nil {
			err = each(part)
		}
		if unfit, ok := errors.AsType[*unfitError](err); ok {
			v.doubt(indexFolder, index.name, unfit)
			delete(v.looked, v.bucket.Name())
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	delete(v.unsure, index.name)
	return true, nil
}

// isRotten tells whether an index was found not to be whole, not long ago.
func (s *Share) isRotten(name string) bool {
	known := s.unsure[name]
	if known == nil {
		return false
	}
	_, unfit := errors.AsType[*unfitError](known.cause)
	return unfit && s.rounds < known.last+1<<min(known.rounds, 5)
}

// chunks yields the chunks of an index in order, some of them being fetched and read ahead, unless files are to be fetched one by one.
func (v *visit) chunks(ctx context.Context, index *listed) iter.Seq2[part, error] {
	return func(yield func(part, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel() // those that were begun end by themselves
		var ahead []<-chan part
		for i, ref := range index.Chunks {
			var p part
			if len(ahead) > 0 {
				p, ahead = <-ahead[0], ahead[1:]
			} else { // nothing beside the first: somebody may wait for that page
				p = v.readChunk(ctx, index, ref)
			}
			if p.err != nil {
				yield(p, p.err)
				return
			}
			for next := i + 1 + len(ahead); v.o.Fetches > 1 && len(ahead) < v.o.Fetches && next < len(index.Chunks); next++ {
				ahead = append(ahead, v.readAhead(ctx, index, index.Chunks[next]))
			}
			if !yield(p, nil) {
				return
			}
		}
		if err := ctx.Err(); err != nil {
			yield(part{}, err)
		}
	}
}

// readAhead reads one chunk beside what goes on meanwhile.
func (v *visit) readAhead(ctx context.Context, index *listed, ref setlog.ChunkRef) <-chan part {
	read := make(chan part, 1)
	go func() { read <- v.readChunk(ctx, index, ref) }()
	return read
}

// readChunk fetches and reads one chunk.
func (v *visit) readChunk(ctx context.Context, index *listed, ref setlog.ChunkRef) part {
	chunk, err := v.fetchChunk(ctx, index, ref)
	if err != nil {
		return part{err: err}
	}
	return part{nodes: chunk.all}
}

// fetchChunk downloads a chunk and makes sure that it is the one that its index names.
func (v *visit) fetchChunk(ctx context.Context, index *listed, ref setlog.ChunkRef) (*nodes, error) {
	name := index.Name(ref).String()
	data, err := v.o.Storage.Read(ctx, chunkFolder+"/"+name)
	if err != nil && !isUnfit(err) {
		return nil, fmt.Errorf("read %s/%s: %w", chunkFolder, name, err)
	}
	var chunk *nodes
	switch {
	case err != nil:
	case setlog.HashOf(data) != ref.Hash:
		err = errOtherHash
	default:
		chunk, err = v.o.Known.chunk(data)
	}
	if err == nil && (chunk.bucket != index.Bucket || chunk.index != index.ID || len(chunk.all) != ref.Nodes) {
		err = fmt.Errorf("%w: it is of bucket %s, index %s, %d nodes", setlog.ErrFile, chunk.bucket, chunk.index, len(chunk.all))
	}
	if err != nil {
		return nil, &unfitError{name, err}
	}
	return chunk, nil
}
