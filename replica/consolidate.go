package replica

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/setlog"
)

// Consolidation.
const (
	// maxFresh is how many files a writer may have in log/ for a bucket before they become one in past/.
	maxFresh = 16
	// idleAfter is after how much uptime without news the last ones do too, so that an idle bucket has no file there.
	idleAfter = 5 * time.Minute
	// maxJoined is how many bytes files may have together to be sure to fit into one, which takes 1 MiB.
	maxJoined = 7 << 17
)

// pastState is the name under which a store keeps how far a segment has come in past/.
func pastState(name string) string { return pastFolder + "/" + name }

// consolidate joins own fresh segments into one in past/, a step a round: write it, see it listed and read it back, say what
// was seen, and only then remove the small ones. So the one listing of log/ always tells a late reader that there is more.
func (v *visit) consolidate(ctx context.Context, segments []localstore.StoredSegment, sent map[string]localstore.Sent) error {
	if v.o.Key == nil {
		return nil
	}
	for _, group := range v.groups(segments, sent) {
		v.busy = true
		if err := v.consolidateGroup(ctx, group, segments, sent); err != nil {
			return err
		}
	}
	return v.removeCopies(ctx, segments)
}

// removeCopies removes own files of past/ from log/, where others have put them while past/ lacked them; and writes those that it
// still lacks.
func (v *visit) removeCopies(ctx context.Context, segments []localstore.StoredSegment) error {
	for _, s := range segments {
		if !s.Own || !s.Past || !v.names.has(s.Name) {
			continue
		}
		shown, err := v.isShownInPast(ctx, s.Name)
		switch {
		case err != nil:
		case shown:
			err = v.retire(ctx, []localstore.StoredSegment{s}, s)
		default:
			err = v.verifyPast(ctx, s)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// groups are the runs of own segments that log/ shows and that are due. Those of a log that forked stay where they are: one
// branch must not go for the other.
func (v *visit) groups(segments []localstore.StoredSegment, sent map[string]localstore.Sent) [][]localstore.StoredSegment {
	var fresh []localstore.StoredSegment
	for _, s := range segments {
		if s.Own && !s.Forked && !s.Past && v.names.has(s.Name) && sent[s.Name] == localstore.Verified {
			fresh = append(fresh, s)
		}
	}
	slices.SortFunc(fresh, compareStored)
	var due [][]localstore.StoredSegment
	for len(fresh) > 0 {
		n := 1
		for n < len(fresh) && fresh[n].Writer == fresh[0].Writer && fresh[n].First == fresh[n-1].Last+1 {
			n++
		}
		if n >= maxFresh || v.isIdle() {
			due = append(due, fitting(fresh[:n]))
		}
		fresh = fresh[n:]
	}
	return due
}

// fitting are the first of a run, as many as fit into one file: a joined one that holds less than the first has would be no step. One
// that is large by itself moves as it is.
func fitting(run []localstore.StoredSegment) []localstore.StoredSegment {
	size := 0
	for i, s := range run {
		if size += s.Size; size > maxJoined && i > 0 {
			return run[:i]
		}
	}
	return run
}

// isIdle tells whether the bucket has had no news for a while.
func (v *visit) isIdle() bool {
	name, entries := v.bucket.Name(), v.bucket.Stats().Entries
	last, ok := v.moved[name]
	if !ok || last.entries != entries {
		last = movement{entries, v.o.Uptime()}
		v.moved[name] = last
	}
	return v.o.Uptime()-last.at >= idleAfter
}

// movement is when a bucket's log was last seen to grow, in uptime.
type movement struct {
	entries uint64
	at      time.Duration
}

// consolidateGroup takes the next step for one run.
func (v *visit) consolidateGroup(ctx context.Context, group, segments []localstore.StoredSegment, sent map[string]localstore.Sent) error {
	first, last := group[0], group[len(group)-1]
	i := slices.IndexFunc(segments, func(s localstore.StoredSegment) bool {
		return (s.Past || len(group) == 1) && s.Own && s.Writer == first.Writer && s.First == first.First && s.Last <= last.Last && s.Last >= first.Last
	})
	var past localstore.StoredSegment
	if i >= 0 {
		past = segments[i]
	} else {
		var err error
		if past, err = v.bucket.Consolidate(ctx, first.Writer, first.First, last.Last); err != nil {
			return err
		}
	}
	switch sent[pastState(past.Name)] {
	case localstore.Unsent:
		return v.writePast(ctx, past)
	case localstore.Uploaded, localstore.Listed:
		return v.verifyPast(ctx, past)
	}
	if !v.saw(past.Writer, past.Last) {
		v.seen.wanted = true
		return nil
	}
	shown, err := v.isShownInPast(ctx, past.Name)
	if err != nil {
		return err
	}
	if shown {
		return v.retire(ctx, group, past)
	}
	return v.bucket.MarkSent(ctx, v.o.Remote, localstore.Uploaded, pastState(past.Name)) // it was there, and may come again
}

func (v *visit) isShownInPast(ctx context.Context, name string) (bool, error) {
	shown, err := v.listPast(ctx)
	return slices.ContainsFunc(shown, func(n setlog.SegmentName) bool { return n.String() == name }), err
}

func (v *visit) writePast(ctx context.Context, past localstore.StoredSegment) error {
	if err := v.ensure(ctx); err != nil {
		return err
	}
	data, err := v.bucket.SegmentData(past.Name)
	if err != nil {
		return err
	}
	if err := v.o.Storage.Write(ctx, pastFolder+"/"+past.Name, data); err != nil {
		return fmt.Errorf("write %s/%s: %w", pastFolder, past.Name, err)
	}
	v.round.Uploaded++
	return v.bucket.MarkSent(ctx, v.o.Remote, localstore.Uploaded, pastState(past.Name))
}

// verifyPast reads back what a listing shows; what it does not show in time is written again.
func (v *visit) verifyPast(ctx context.Context, past localstore.StoredSegment) error {
	shown, err := v.isShownInPast(ctx, past.Name)
	if err != nil {
		return err
	}
	name := pastFolder + "/" + past.Name
	if !shown {
		if v.absent[name]++; v.absent[name] < patience {
			return nil
		}
		delete(v.absent, name)
		return v.writePast(ctx, past)
	}
	data, err := v.bucket.SegmentData(past.Name)
	if err != nil {
		return err
	}
	back, err := v.o.Storage.Read(ctx, name)
	switch {
	case err != nil && !isUnfit(err):
		return fmt.Errorf("read back %s: %w", name, err)
	case err != nil || !bytes.Equal(back, data):
		return v.writePast(ctx, past)
	}
	v.round.Checked++
	v.seen.wanted = v.seen.wanted || !v.saw(past.Writer, past.Last)
	return v.bucket.MarkSent(ctx, v.o.Remote, localstore.Verified, pastState(past.Name))
}

// retire removes the small ones whose entries are in past/.
func (v *visit) retire(ctx context.Context, group []localstore.StoredSegment, past localstore.StoredSegment) error {
	if err := v.ensure(ctx); err != nil {
		return err
	}
	for _, s := range group {
		if s.Last > past.Last {
			break
		}
		if err := v.o.Storage.Remove(ctx, inLog(s.Name)); err != nil {
			return fmt.Errorf("remove %s: %w", inLog(s.Name), err)
		}
		if err := v.bucket.MarkSent(ctx, v.o.Remote, localstore.Retired, s.Name); err != nil {
			return err
		}
		v.round.Removed++
	}
	return nil
}

// isCovered tells whether an index that this device has loaded holds the entries of a segment, in a bucket whose history
// need not stay on the remote: then they may have been removed. An index that it has not loaded is loaded for that. Of a log
// that forked the numbers are enough, until an audit has looked closer.
func (v *visit) isCovered(ctx context.Context, s localstore.StoredSegment) (bool, error) {
	if !forgets(v.bucket) {
		return false, nil
	}
	data, err := v.bucket.SegmentData(s.Name)
	if err != nil {
		return false, err
	}
	segment, err := v.o.Known.segment(data)
	if err != nil {
		return false, err
	}
	all, err := v.catalog(ctx)
	if err != nil {
		return false, err
	}
	for _, index := range v.honest(all).live() { // the smallest first
		covered, err := v.reaches(index, s, segment.Range())
		if err != nil {
			return false, err
		}
		if !covered {
			continue
		}
		if loaded, err := v.load(ctx, index); loaded || err != nil {
			return loaded, err
		}
	}
	return false, nil
}

// reaches tells whether an index covers a segment, as far as that is known; of one that an audit missed, for sure.
func (v *visit) reaches(index *listed, s localstore.StoredSegment, r setlog.Range) (bool, error) {
	if v.missed[s.Name] {
		return v.bucket.Within(setlog.Coverage{r}, index.Coverage)
	}
	if s.Forked && reachesOver(index.Coverage, s) {
		return true, nil
	}
	return v.bucket.IsCovered(r, index.Coverage)
}

// forgets tells whether entries that indexes hold need not stay on the remote.
func forgets(b *localstore.Bucket) bool {
	keep := b.Settings().KeepHistory
	return keep == "local" || keep == "none"
}

// load makes sure that an index is whole: it reads all its chunks, once.
func (v *visit) load(ctx context.Context, index *listed) (bool, error) {
	whole, err := v.bucket.Whole()
	if err != nil || whole[index.name] {
		return err == nil, err
	}
	ok, err := v.readAll(ctx, index, func(part) error { return nil })
	if err != nil || !ok {
		return false, err
	}
	return true, v.bucket.MarkWhole(ctx, index.name)
}
