package replica

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/setlog"
)

// ErrUnsettled tells that a bucket cannot be backed up yet: what is here of it is that of no moment.
var ErrUnsettled = errors.New("replica: nothing of it has arrived yet, or an index is just being taken in")

// Reach makes sure of the share: it finds the one that is there, or makes one in an empty folder.
func (s *Share) Reach(ctx context.Context) error {
	s.rounds++
	return s.check(ctx)
}

// Backup writes what a device holds of a bucket to the share, once: its log as segments and, where a part of the state came by
// an index, an index of all nodes. Each file is read back. It answers how many files it wrote; those that are there stay, so that a
// second backup to one place costs what is new. Whatever was appended before the call is in it, and entries that come meanwhile
// may be. The bucket goes on as if nothing had been: it does not sync with the share.
func (s *Share) Backup(ctx context.Context, b *localstore.Bucket) (files int, err error) {
	if len(b.Births()) == 0 || b.Joining() {
		return 0, fmt.Errorf("bucket %s: %w", b.Name(), ErrUnsettled)
	}
	wanted, err := b.Coverage()
	if err != nil {
		return 0, err
	}
	if err := s.Reach(ctx); err != nil {
		return 0, err
	}
	if _, err := b.Seal(ctx); err != nil {
		return 0, err
	}
	var r Round
	v := &visit{Share: s, bucket: b, round: &r}
	told, err := v.writeLog(ctx)
	if err != nil {
		return r.Uploaded, err
	}
	return r.Uploaded, v.writeRest(ctx, wanted, told)
}

// writeLog writes the segments that are held to log/, where newcomers find them, the large ones for those that they were made of.
// It answers what they cover.
func (v *visit) writeLog(ctx context.Context) (told setlog.Coverage, err error) {
	segments, err := v.bucket.Segments()
	if err != nil {
		return nil, err
	}
	there := sizes{}
	for _, folder := range []string{logFolder, pastFolder} {
		shown, err := sizesIn(ctx, v.o.Storage, folder)
		if err != nil {
			return nil, err
		}
		maps.Copy(there, shown)
	}
	for _, s := range segments {
		if slices.ContainsFunc(segments, func(large localstore.StoredSegment) bool { return holdsAll(large, s) }) {
			continue
		}
		r, err := v.rangeOf(s.Name)
		if err != nil || r == nil {
			return nil, err
		}
		told = append(told, *r)
		if size := int64(s.Size); there[inLog(s.Name)] == size || there[pastFolder+"/"+s.Name] == size {
			continue
		}
		data, err := v.bucket.SegmentData(s.Name)
		if err == nil {
			err = v.writeWhole(ctx, inLog(s.Name), data)
		}
		if err != nil {
			return nil, err
		}
	}
	return setlog.Union(told), nil
}

// holdsAll tells whether one segment was made for past/ of others, this one among them.
func holdsAll(large, s localstore.StoredSegment) bool {
	return large.Past && !s.Past && !s.Forked && s.Own && large.Writer == s.Writer && large.First <= s.First && s.Last <= large.Last
}

// writeRest writes an index of what no segment has.
func (v *visit) writeRest(ctx context.Context, wanted, told setlog.Coverage) error {
	if whole, err := v.bucket.Within(wanted, told); err != nil || whole {
		return err
	}
	c, err := v.beginCompaction(ctx)
	if err != nil {
		return err
	}
	if c == nil {
		return fmt.Errorf("bucket %s: %w", v.bucket.Name(), ErrUnsettled)
	}
	for _, index := range c.live {
		told = setlog.Union(told, index.Coverage)
	}
	if c.rest.Unknown {
		if whole, err := c.run(ctx); err != nil || !whole {
			return errors.Join(err, errOtherHash)
		}
		told = setlog.Union(told, c.index.Coverage)
	}
	if told, err = v.bucket.Simplify(told); err != nil {
		return err
	}
	whole, err := v.bucket.Within(wanted, told)
	if err == nil && !whole {
		err = fmt.Errorf("bucket %s: some of what is held here is in no file of the backup", v.bucket.Name())
	}
	return err
}
