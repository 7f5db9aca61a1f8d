package replica

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/setlog"
)

// Restore takes in what the share has of a bucket, and writes nothing there: the log first, so that what was at a moment can be
// told, then, by indexes, what the log lacks. The store may hold the bucket already, or be one that joins.
func (s *Share) Restore(ctx context.Context, b *localstore.Bucket) (Round, error) {
	var r Round
	if s.o.Key != nil {
		return r, errors.New("replica: a share that is restored from is one without a key")
	}
	s.rounds++
	inbox, err := s.find(ctx, &r)
	if err != nil {
		return r, err
	}
	v := &visit{Share: s, bucket: b, round: &r, inbox: inbox.files[b.ID()], names: inbox.names}
	if err := v.pullLog(ctx); err != nil {
		return r, err
	}
	if _, err := v.join(ctx); err != nil {
		return r, err
	}
	return r, v.pull(ctx)
}

// find lists the share and reads what its devices have seen; one that is not there is not made.
func (s *Share) find(ctx context.Context, r *Round) (inbox, error) {
	ids, _, err := s.listShares(ctx)
	if err == nil && len(ids) == 0 {
		err = fmt.Errorf("%w: there is no %s", ErrShareMissing, shareFileName("*"))
	}
	if err == nil {
		err = s.adopt(ctx, ids)
	}
	if err != nil {
		return inbox{}, err
	}
	box, err := s.list(ctx, r)
	if err != nil {
		return box, err
	}
	return box, s.readSeen(ctx, box.seen)
}

// pullLog folds all of log/ and past/ that can be folded.
func (v *visit) pullLog(ctx context.Context) error {
	past, err := v.listPast(ctx)
	if err != nil {
		return err
	}
	for {
		before := v.round.Folded
		wanted, err := v.wanted(pastFolder, past)
		if err != nil {
			return err
		}
		inLog, err := v.wanted(logFolder, v.inbox)
		if err != nil {
			return err
		}
		wanted = append(wanted, inLog...)
		slices.SortFunc(wanted, compareFiles)
		if _, err := v.fold(ctx, wanted); err != nil || v.round.Folded == before {
			return err
		}
	}
}

// BucketNames answers the names of the buckets that the share holds, sorted: by the first file of each.
func (s *Share) BucketNames(ctx context.Context) ([]string, error) {
	s.rounds++
	if _, err := s.find(ctx, &Round{}); err != nil {
		return nil, err
	}
	names := map[string]string{} // by id
	for _, seen := range s.seen.others {
		for name := range seen.Buckets {
			names[setlog.BucketID(name)] = name
		}
	}
	for _, folder := range []string{logFolder, pastFolder, indexFolder} {
		paths, err := sizesIn(ctx, s.o.Storage, folder)
		if err != nil {
			return nil, err
		}
		for path := range paths {
			if err := s.addName(ctx, path, names); err != nil {
				return nil, err
			}
		}
	}
	return slices.Sorted(maps.Values(names)), nil
}

// addName reads a file of a bucket whose name is not known yet.
func (s *Share) addName(ctx context.Context, path string, names map[string]string) error {
	id := bucketIn(path)
	if id == "" || names[id] != "" {
		return nil
	}
	data, err := s.o.Storage.Read(ctx, path)
	if isUnfit(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	name := ""
	if strings.HasPrefix(path, indexFolder) {
		if index, err := setlog.DecodeIndex(data); err == nil {
			name = index.Bucket
		}
	} else if segment, err := setlog.DecodeSegment(data); err == nil {
		name = segment.Bucket
	}
	if setlog.BucketID(name) == id {
		names[id] = name
	}
	return nil
}

// Pour folds what one store holds of a bucket's log into another one.
func Pour(ctx context.Context, from, to *localstore.Bucket) error {
	segments, err := from.Segments()
	if err != nil {
		return err
	}
	slices.SortFunc(segments, compareStored)
	for again := true; again; {
		again = false
		for _, s := range segments {
			folded, err := pourOne(ctx, from, to, s.Name)
			if err != nil {
				return err
			}
			again = again || folded
		}
	}
	return nil
}

// pourOne folds one segment, unless it is there or waits for others. It tells whether it did.
func pourOne(ctx context.Context, from, to *localstore.Bucket, name string) (bool, error) {
	if has, err := to.HasSegment(name); has || err != nil {
		return false, err
	}
	data, err := from.SegmentData(name)
	if err != nil {
		return false, err
	}
	segment, err := setlog.RereadSegment(data)
	if err != nil {
		return false, err
	}
	_, err = to.Fold(ctx, name, data, segment)
	if errors.Is(err, localstore.ErrGap) {
		return false, nil
	}
	return err == nil, err
}
