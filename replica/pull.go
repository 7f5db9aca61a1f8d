package replica

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/setlog"
)

const (
	// window is how many files are in memory at once.
	window = 16
	// patience is how many listings in a row must lack a file before its absence is acted on.
	patience = 3
	// reportAfter is how long a file may be broken before a person hears of it: it may still be on its way.
	reportAfter = time.Hour
)

// pull folds what the inbox has and this device lacks.
func (v *visit) pull(ctx context.Context) error {
	defer v.report()
	v.grew = v.hasGrown()
	v.awaits = v.isAwaited()
	if v.awaits {
		if _, err := v.join(ctx); err != nil {
			return err
		}
	}
	if _, err := v.foldInbox(ctx); err != nil {
		return err
	}
	if err := v.settleTold(ctx); err != nil {
		return err
	}
	if err := v.settleHeard(ctx); err != nil {
		return err
	}
	return v.search(ctx)
}

// foldInbox folds what log/ shows. It tells whether anything of it waits for entries that are not there.
func (v *visit) foldInbox(ctx context.Context) (bool, error) {
	wanted, err := v.wanted(logFolder, v.inbox)
	if err != nil {
		return false, err
	}
	return v.fold(ctx, wanted)
}

// search looks for missing entries in past/ and index/, once two listings have lacked them, or one after a start: few of them first as
// segments, many first as nodes.
func (v *visit) search(ctx context.Context) error {
	missing, err := v.missing(ctx)
	if err != nil {
		return err
	}
	if missing == 0 && (!v.awaits || len(v.bucket.Births()) > 0) {
		return v.searchForks(ctx)
	}
	looks := []func(context.Context) (bool, error){v.searchPast, v.join}
	if missing > uint64(v.o.LogLimit) {
		slices.Reverse(looks)
	}
	for _, look := range looks {
		found, err := look(ctx)
		if err != nil || !found {
			if err != nil {
				return err
			}
			continue
		}
		v.grew = true
		waits, err := v.foldInbox(ctx)
		if err != nil {
			return err
		}
		if behind, err := v.behind(ctx); err != nil || !waits && behind == 0 {
			return err
		}
	}
	return nil
}

// awaitEvery is in how many rounds a bucket of which nothing is to be seen is looked for once.
const awaitEvery = 8

// isAwaited tells whether a bucket that was joined, and has nothing yet, is to be looked for beyond log/ too: where that has files of it,
// or somebody has seen more, at once; else ever less often, for nobody may have it.
func (v *visit) isAwaited() bool {
	if len(v.bucket.Births()) > 0 {
		return false
	}
	last := v.lagging[v.bucket.Name()]
	return len(v.inbox) > 0 || last.news != v.seen.news || v.isTurn(last.rounds) || last.rounds%awaitEvery == 0
}

// lack is what others have and this device has not.
type lack struct {
	rounds  int // in a row
	entries uint64
	news    int // of the seen files
}

// missing counts the entries that two listings have lacked before ones that are there. What of an index was taken in and not
// all of it is lacked until it is whole, or came by the log.
func (v *visit) missing(ctx context.Context) (uint64, error) {
	id, missing := setlog.BucketID(v.bucket.Name()), uint64(0)
	behind, err := v.behind(ctx)
	lagging := lack{v.lagging[v.bucket.Name()].rounds + 1, behind, v.seen.news}
	if behind == 0 && !v.bucket.Joining() && len(v.bucket.Births()) > 0 {
		delete(v.lagging, v.bucket.Name())
	} else if v.lagging[v.bucket.Name()] = lagging; behind > 0 && len(v.bucket.Births()) == 0 || v.isTurn(lagging.rounds) {
		missing = max(behind, 1)
	}
	for name, s := range v.unsure {
		gap, ok := errors.AsType[*localstore.GapError](s.cause)
		if ok && s.last == v.rounds && v.isTurn(s.rounds) && strings.HasPrefix(name, id) {
			missing = max(missing, gap.First-1-min(gap.Have, gap.First-1), 1)
		}
	}
	return missing, err
}

// isTurn picks the rounds of a lack in which it is looked into: the second, then ever fewer; and the first after a start,
// for a program that never makes two.
func (s *Share) isTurn(rounds int) bool {
	return s.rounds == 1 || rounds >= 2 && rounds&(rounds-1) == 0
}

// file is one file of this bucket on the remote.
type file struct {
	folder string
	setlog.SegmentName
}

// wanted are the files to fetch, each writer's in number order.
func (v *visit) wanted(folder string, names []setlog.SegmentName) ([]file, error) {
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = name.String()
	}
	has, err := v.bucket.HasSegments(texts...)
	if err != nil {
		return nil, err
	}
	var wanted []file
	for i, name := range names {
		if !has[i] && v.due(texts[i]) {
			wanted = append(wanted, file{folder, name})
		}
	}
	slices.SortFunc(wanted, compareFiles)
	return wanted, nil
}

// compareFiles is the order of files by their place in the logs.
func compareFiles(a, b file) int {
	return comparePlaces(a.Writer, b.Writer, a.First, b.First, a.Last, b.Last)
}

// compareStored is the same order, of held segments.
func compareStored(a, b localstore.StoredSegment) int {
	return comparePlaces(a.Writer, b.Writer, a.First, b.First, a.Last, b.Last)
}

func comparePlaces(writerA, writerB setlog.Writer, firstA, firstB, lastA, lastB uint64) int {
	return cmp.Or(bytes.Compare(writerA[:], writerB[:]), cmp.Compare(firstA, firstB), cmp.Compare(lastA, lastB))
}

// due tells whether a file is to be tried in this round: one that failed is tried ever less often, one that waits for others also
// when something came, one of another birth when the bucket's births have changed.
func (v *visit) due(name string) bool {
	s := v.unsure[name]
	if s == nil {
		return true
	}
	if other, ok := errors.AsType[*localstore.OtherBirthError](s.cause); ok {
		return slices.ContainsFunc(other.Births, func(birth string) bool { return slices.Contains(v.bucket.Births(), birth) })
	}
	s.next--
	return s.next <= 0 || (v.grew || s.rounds < patience) && errors.Is(s.cause, localstore.ErrGap)
}

// attempt is what was there when the files of a bucket were last folded that wait for others.
type attempt struct {
	offset uint64 // in the bucket's log
	inbox  []setlog.SegmentName
}

// hasGrown tells whether what such files wait for may have come since.
func (v *visit) hasGrown() bool {
	last, known := v.attempts[v.bucket.Name()]
	if known && last.offset == v.bucket.Offset() && slices.Equal(last.inbox, v.inbox) {
		return false
	}
	v.attempts[v.bucket.Name()] = attempt{v.bucket.Offset(), v.inbox}
	return true
}

// searchPast folds what past/ has and this device lacks. It tells whether there was anything.
func (v *visit) searchPast(ctx context.Context) (bool, error) {
	before := v.round.Folded
	names, err := v.listPast(ctx)
	if err != nil {
		return false, err
	}
	wanted, err := v.wanted(pastFolder, names)
	if err != nil {
		return false, err
	}
	if _, err = v.fold(ctx, wanted); err != nil {
		return false, err
	}
	return v.round.Folded > before, v.markRetired(ctx, wanted)
}

// markRetired notes that files of past/ which were folded need not be in log/.
func (v *visit) markRetired(ctx context.Context, files []file) error {
	var names []string
	for _, f := range files {
		if has, err := v.bucket.HasSegment(f.String()); err != nil {
			return err
		} else if has {
			names = append(names, f.String())
		}
	}
	return v.bucket.MarkSent(ctx, v.o.Remote, localstore.Retired, names...)
}
