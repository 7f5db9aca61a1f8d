package replica

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/setlog"
)

// Round says what one round did.
type Round struct {
	Fetched  int       // files downloaded
	Folded   int       // entries that were new here
	Sealed   int       // own entries put into segments
	Uploaded int       // files written
	Checked  int       // uploads that were read back
	Joined   int       // nodes taken in from indexes
	Indexed  int       // indexes written
	Removed  int       // files removed that others make needless
	Missed   int       // files that were needless, and are to be sent again: what made them so is gone
	Unknown  []string  // bucket ids on the share that this device does not hold, sorted
	Problems []Problem // that were gone around
}

// Moved tells whether anything changed here or there.
func (r *Round) Moved() bool {
	return r.Folded+r.Sealed+r.Uploaded+r.Checked+r.Joined+r.Removed+r.Missed > 0
}

// Sync makes one round for the buckets that live on this share: it lists log/ once, pulls, seals and pushes. A bucket
// in trouble does not stop the others, nor does a seen file that can't be read or removed. What a failed round did up to then
// stays done, and the next one goes on.
func (s *Share) Sync(ctx context.Context, buckets []*localstore.Bucket) (Round, error) {
	var r Round
	s.rounds++
	if !s.checked {
		if err := s.check(ctx); err != nil {
			return r, err
		}
	}
	inbox, err := s.list(ctx, &r)
	if err != nil {
		return r, err
	}
	errs := []error{s.readSeen(ctx, inbox.seen)}
	for _, b := range buckets {
		v := &visit{Share: s, bucket: b, round: &r, inbox: inbox.files[b.ID()], names: inbox.names, resized: inbox.resized[b.ID()]}
		if err := v.runUnlessQuiet(ctx); err != nil {
			errs = append(errs, fmt.Errorf("bucket %s: %w", b.Name(), err))
		}
		if ctx.Err() != nil {
			break
		}
	}
	if ctx.Err() == nil {
		errs = append(errs, s.writeSeen(ctx, buckets, inbox.seen))
	}
	r.Unknown = s.unknown(inbox, buckets)
	return r, errors.Join(errs...)
}

// inbox is one listing of log/.
type inbox struct {
	names   sizes                           // of segments
	files   map[string][]setlog.SegmentName // by bucket id
	resized map[string]bool                 // ids of buckets of which a file has another size than the last listing showed
	seen    []setlog.SeenName
}

// sizes are the bytes of files, as a listing shows them, by name; negative: not known.
type sizes map[string]int64

func (s sizes) has(name string) bool {
	_, shown := s[name]
	return shown
}

// list reads log/, and makes sure of the share when names have vanished that the last listing showed.
func (s *Share) list(ctx context.Context, r *Round) (inbox, error) {
	box := inbox{names: sizes{}, files: map[string][]setlog.SegmentName{}, resized: map[string]bool{}}
	var foreign []string
	for object, err := range s.o.Storage.List(ctx, logFolder) {
		if err != nil {
			return box, fmt.Errorf("list %s/: %w", logFolder, err)
		}
		base := strings.TrimPrefix(object.Name, logFolder+"/")
		name, ok := setlog.ParseSegmentName(base)
		seen, isSeen := setlog.ParseSeenName(base)
		switch {
		case isSeen:
			box.seen = append(box.seen, seen)
		case ok && !box.names.has(base):
			box.names[base] = object.Size
			box.files[name.Bucket] = append(box.files[name.Bucket], name)
			last, was := s.shown[base]
			box.resized[name.Bucket] = box.resized[name.Bucket] || was && last != object.Size
		case ok && box.names[base] != object.Size: // two of one name
			box.names[base] = -1
		case !ok:
			foreign = append(foreign, base)
		}
	}
	if len(foreign) > 0 {
		slices.Sort(foreign)
		r.Problems = append(r.Problems, foreignFiles(foreign))
	}
	for name := range s.shown {
		if !box.names.has(name) {
			s.shown = box.names
			return box, s.check(ctx)
		}
	}
	s.shown = box.names
	return box, nil
}

// unknown are the buckets that are there, by their files or by what others saw, and not here.
func (s *Share) unknown(box inbox, buckets []*localstore.Bucket) []string {
	ids := map[string]bool{}
	for id := range box.files {
		ids[id] = true
	}
	for _, seen := range s.seen.others {
		for name := range seen.Buckets {
			ids[setlog.BucketID(name)] = true
		}
	}
	for _, b := range buckets {
		delete(ids, b.ID())
	}
	return slices.Sorted(maps.Keys(ids))
}

// visit is one bucket's part of a round.
type visit struct {
	*Share
	bucket *localstore.Bucket
	round  *Round
	inbox  []setlog.SegmentName
	names  sizes // of all segments in log/
	busy   bool  // it left something for a later round
	grew   bool  // something came, so that files which wait for others may be folded
	awaits bool  // nothing of the bucket is here yet, and it is to be looked for beyond log/ too

	resized bool // a file of the bucket has another size than before
}

// run pushes even where a pull failed: one file that can't be read must not hold back what was acknowledged here.
func (v *visit) run(ctx context.Context) error {
	before := v.round.done()
	err := v.pull(ctx)
	switch {
	case ctx.Err() != nil:
		return errors.Join(err, ctx.Err())
	case len(v.bucket.Births()) == 0 && (err != nil || len(v.inbox) > 0):
		return err // sealing would give a second birth to a bucket that is there and can't be read yet
	}
	err = errors.Join(err, v.push(ctx))
	if err == nil {
		err = v.compactIfDue(ctx)
	}
	switch {
	case errors.Is(err, remote.ErrFull):
		return errors.Join(err, v.makeRoom(ctx))
	case err != nil:
		return err
	}
	v.released = false
	if err := v.collectIfDue(ctx); err != nil {
		return err
	}
	return v.publishIfDue(ctx, before)
}

// Pending counts the entries of a bucket's own writers that no later listing of the remote has shown yet.
func Pending(b *localstore.Bucket, remoteName string) (uint64, error) {
	segments, err := b.Segments()
	if err != nil {
		return 0, err
	}
	sent, err := b.Sent(remoteName)
	if err != nil {
		return 0, err
	}
	pending := b.Stats().PendingUnsealed
	for _, segment := range segments {
		if segment.Own && !segment.Past && sent[segment.Name] < localstore.Listed {
			pending += segment.Last - segment.First + 1
		}
	}
	return pending, nil
}

func inLog(name string) string { return logFolder + "/" + name }

func isAbsent(err error) bool { return errors.Is(err, remote.ErrNotExist) }

// isUnfit tells of an error that is the file's, not the remote's.
func isUnfit(err error) bool { return isAbsent(err) || errors.Is(err, remote.ErrTooLarge) }
