package replica

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/setlog"
)

// shelf is one listing of index/, by bucket id.
type shelf struct {
	round int // in which it was listed
	names map[string][]setlog.IndexName
}

// listIndexes lists index/, once a round.
func (s *Share) listIndexes(ctx context.Context) (map[string][]setlog.IndexName, error) {
	if s.shelf.round == s.rounds {
		return s.shelf.names, nil
	}
	names := map[string][]setlog.IndexName{}
	for object, err := range s.o.Storage.List(ctx, indexFolder) {
		if err != nil {
			return nil, fmt.Errorf("list %s/: %w", indexFolder, err)
		}
		name, ok := setlog.ParseIndexName(strings.TrimPrefix(object.Name, indexFolder+"/"))
		if ok && !slices.Contains(names[name.Bucket], name) {
			names[name.Bucket] = append(names[name.Bucket], name)
		}
	}
	s.shelf = shelf{s.rounds, names}
	return names, nil
}

// catalog is the indexes of one bucket that are there and whole, as far as they were read.
type catalog map[setlog.Hash]*listed

// listed is an index with its name.
type listed struct {
	*setlog.Index
	name string
	hash setlog.Hash
	size int // bytes of its file
}

// catalog reads the indexes that index/ shows of this bucket; their chunks were not read yet.
func (v *visit) catalog(ctx context.Context) (catalog, error) {
	shelf, err := v.listIndexes(ctx)
	if err != nil {
		return nil, err
	}
	all := catalog{}
	for _, name := range shelf[setlog.BucketID(v.bucket.Name())] {
		index := v.indexes[name.String()]
		if index == nil && v.due(name.String()) {
			if index, err = v.readIndex(ctx, name); err != nil {
				return nil, err
			}
		}
		if index != nil && v.ours(index.Births) && !v.isRotten(name.String()) {
			all[name.Hash] = index
		}
	}
	return all, nil
}

// ours tells whether a file of these births is of this bucket, or may become so.
func (v *visit) ours(births []string) bool {
	own := v.bucket.Births()
	return len(own) == 0 || slices.ContainsFunc(births, func(birth string) bool { return slices.Contains(own, birth) })
}

// readIndex reads one index; nil for one that is not whole, which is noted.
func (v *visit) readIndex(ctx context.Context, name setlog.IndexName) (*listed, error) {
	data, err := v.o.Storage.Read(ctx, indexFolder+"/"+name.String())
	var index *setlog.Index
	switch {
	case isUnfit(err):
	case err != nil:
		return nil, fmt.Errorf("read %s/%s: %w", indexFolder, name, err)
	case setlog.HashOf(data) != name.Hash:
		err = &brokenError{errOtherHash}
	default:
		if index, err = v.o.Known.index(data); err == nil && (index.Bucket != v.bucket.Name() || index.Level != name.Level) {
			err = fmt.Errorf("%w: it is of bucket %s, level %d", setlog.ErrFile, index.Bucket, index.Level)
		}
	}
	if err != nil {
		v.doubt(indexFolder, name.String(), err)
		return nil, nil //nolint:nilnil // it is not there yet
	}
	delete(v.unsure, name.String())
	read := &listed{index, name.String(), name.Hash, len(data)}
	v.indexes[read.name] = read
	return read, nil
}

var errOtherHash = errors.New("its content has another hash than its name")

// writeBack writes a file and reads it back.
func writeBack(ctx context.Context, storage remote.Storage, name string, data []byte) error {
	if err := storage.Write(ctx, name, data); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	back, err := storage.Read(ctx, name)
	if err == nil && !bytes.Equal(back, data) {
		err = errOtherHash
	}
	if err != nil {
		return fmt.Errorf("read back %s: %w", name, err)
	}
	return nil
}

// live are the indexes that none of the others replaces, newest first: each is larger than the ones after it were
// when it was written. One that says that it replaces what has more nodes than itself does not.
func (c catalog) live() []*listed {
	replaced := map[setlog.Hash]bool{}
	for _, index := range c {
		for _, hash := range index.Merges {
			if old := c[hash]; old != nil && old.Nodes() <= index.Nodes() {
				replaced[hash] = true
			}
		}
	}
	var live []*listed
	for hash, index := range c {
		if !replaced[hash] {
			live = append(live, index)
		}
	}
	slices.SortFunc(live, func(a, b *listed) int {
		return cmp.Or(cmp.Compare(a.Nodes(), b.Nodes()), strings.Compare(a.name, b.name))
	})
	return live
}

// honest leaves out the indexes that were found to lack what they say they cover: those that one of them replaced count again.
func (v *visit) honest(all catalog) catalog {
	rest := catalog{}
	for hash, index := range all {
		if !v.liars[index.name] {
			rest[hash] = index
		}
	}
	return rest
}

// inOrder are the indexes by name, so that they are asked for in the same order each time.
func (c catalog) inOrder() []*listed {
	return slices.SortedFunc(maps.Values(c), func(a, b *listed) int { return strings.Compare(a.name, b.name) })
}

// without is the catalog less one index.
func (c catalog) without(hash setlog.Hash) catalog {
	rest := catalog{}
	for h, index := range c {
		if h != hash {
			rest[h] = index
		}
	}
	return rest
}
