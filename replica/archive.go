package replica

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/setlog"
)

// listPast lists this bucket's files in past/; all of it once a round.
func (v *visit) listPast(ctx context.Context) ([]setlog.SegmentName, error) {
	if v.archive.round != v.rounds {
		names := map[string][]setlog.SegmentName{}
		for object, err := range v.o.Storage.List(ctx, pastFolder) {
			if err != nil {
				return nil, fmt.Errorf("list %s/: %w", pastFolder, err)
			}
			if name, ok := setlog.ParseSegmentName(strings.TrimPrefix(object.Name, pastFolder+"/")); ok {
				names[name.Bucket] = append(names[name.Bucket], name)
			}
		}
		v.archive = archive{v.rounds, names}
	}
	return v.archive.names[setlog.BucketID(v.bucket.Name())], nil
}

// archive is one listing of past/, by bucket id.
type archive struct {
	round int // in which it was listed
	names map[string][]setlog.SegmentName
}

// isInPast tells whether a file in past/ holds the very lines of a segment that log/ lacks: then its writer has
// consolidated it.
func (v *visit) isInPast(ctx context.Context, s localstore.StoredSegment) (bool, error) {
	_, found, err := v.findInPast(ctx, s)
	return found, err
}

// findInPast finds the file in past/ that holds the very lines of a segment. What is in that file is folded.
func (v *visit) findInPast(ctx context.Context, s localstore.StoredSegment) (name setlog.SegmentName, found bool, err error) {
	shown, err := v.listPast(ctx)
	if err != nil {
		return name, false, err
	}
	for _, name := range shown {
		if !spans(name, s) {
			continue
		}
		holds, err := v.pastHolds(ctx, file{pastFolder, name}, s)
		if holds || err != nil {
			return name, holds, err
		}
	}
	return name, false, nil
}

func (v *visit) pastHolds(ctx context.Context, past file, s localstore.StoredSegment) (bool, error) {
	data, err := v.bucket.SegmentData(s.Name)
	if err != nil {
		return false, err
	}
	if past.String() == s.Name { // it moved as it is: the bytes that are held tell nothing of those that are there
		return v.isThere(ctx, past, data)
	}
	small, err := v.o.Known.segment(data)
	if err != nil {
		return false, err
	}
	whole, err := v.pastSegment(ctx, past)
	if err != nil || whole == nil {
		return false, err
	}
	from := small.First - whole.First
	return slices.EqualFunc(small.Lines, whole.Lines[from:from+uint64(len(small.Lines))], bytes.Equal), nil
}

// isThere tells whether a file of the remote has these bytes.
func (v *visit) isThere(ctx context.Context, f file, data []byte) (bool, error) {
	name := f.folder + "/" + f.String()
	back, err := v.o.Storage.Read(ctx, name)
	if err != nil && !isUnfit(err) {
		return false, fmt.Errorf("read %s: %w", name, err)
	}
	return err == nil && bytes.Equal(back, data), nil
}

// pastSegment answers a file of past/, folded and kept; nil for one that is not whole.
func (v *visit) pastSegment(ctx context.Context, past file) (*setlog.Segment, error) {
	if has, err := v.bucket.HasSegment(past.String()); err != nil {
		return nil, err
	} else if has {
		data, err := v.bucket.SegmentData(past.String())
		if err != nil {
			return nil, err
		}
		return v.o.Known.segment(data)
	}
	whole, err := v.fetch(ctx, []file{past})
	if err != nil || len(whole) == 0 {
		return nil, err
	}
	if _, err := v.foldAll(ctx, whole); err != nil {
		return nil, err
	}
	return whole[0].Segment, nil
}
