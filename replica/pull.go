package replica

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
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

// suspect is a file that could not be folded yet.
type suspect struct {
	folder string
	since  time.Time
	last   int   // round in which it was tried
	rounds int   // in which it was tried
	next   int   // rounds to let pass before the next try
	cause  error // a *GapError waits for other files, an *OtherBirthError for a person
}

// pull folds what the inbox has and this device lacks.
func (v *visit) pull(ctx context.Context) error {
	defer v.report()
	if len(v.bucket.Births()) == 0 { // it was joined and has nothing yet
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
	if missing == 0 && len(v.bucket.Births()) > 0 {
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

// lack is what others have and this device has not.
type lack struct {
	rounds  int // in a row
	entries uint64
}

// missing counts the entries that two listings have lacked before ones that are there.
func (v *visit) missing(ctx context.Context) (uint64, error) {
	id, missing := setlog.BucketID(v.bucket.Name()), uint64(0)
	behind, err := v.behind(ctx)
	lagging := lack{v.lagging[v.bucket.Name()].rounds + 1, behind}
	if behind == 0 {
		delete(v.lagging, v.bucket.Name())
	} else if v.lagging[v.bucket.Name()] = lagging; v.isTurn(lagging.rounds) {
		missing = behind
	}
	for name, s := range v.unsure {
		gap, ok := errors.AsType[*localstore.GapError](s.cause)
		if ok && v.isTurn(s.rounds) && strings.HasPrefix(name, id) {
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

// due tells whether a file is to be tried in this round: one that failed is tried ever less often, one of another
// birth when the bucket's births have changed.
func (v *visit) due(name string) bool {
	s := v.unsure[name]
	if s == nil {
		return true
	}
	if other, ok := errors.AsType[*localstore.OtherBirthError](s.cause); ok {
		return slices.ContainsFunc(other.Births, func(birth string) bool { return slices.Contains(v.bucket.Births(), birth) })
	}
	s.next--
	return s.next <= 0 || errors.Is(s.cause, localstore.ErrGap)
}

// fold fetches and folds files, a window at a time. It tells whether any of them waits for a file that is not there.
func (v *visit) fold(ctx context.Context, wanted []file) (waits bool, err error) {
	var early []localstore.Incoming
	for part := range slices.Chunk(wanted, window) {
		incoming, unread := v.fetch(ctx, part)
		gaps, err := v.foldAll(ctx, append(early, incoming...))
		if err := errors.Join(unread, err); err != nil {
			return false, err
		}
		early = gaps[:min(len(gaps), window)] // the rest is fetched again once its time has come
	}
	return len(early) > 0, nil
}

// fetch downloads files side by side and answers those that verify, also beside an error.
func (v *visit) fetch(ctx context.Context, files []file) (whole []localstore.Incoming, err error) {
	results := make([]localstore.Incoming, len(files))
	errs := make([]error, len(files))
	slots := make(chan struct{}, v.o.Fetches)
	var running sync.WaitGroup
	for i, f := range files {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			results[i], errs[i] = v.fetchOne(ctx, f)
		})
	}
	running.Wait()
	for i, f := range files {
		var broken *brokenError
		switch {
		case errs[i] == nil:
			v.round.Fetched++
			whole = append(whole, results[i])
		case errors.As(errs[i], &broken), isUnfit(errs[i]):
			v.doubt(f.folder, f.String(), errs[i])
		case err == nil:
			err = errs[i]
		}
	}
	return whole, err
}

// brokenError says that a file's content is not what its name says.
type brokenError struct{ cause error }

func (e *brokenError) Error() string { return e.cause.Error() }
func (e *brokenError) Unwrap() error { return e.cause }

func (v *visit) fetchOne(ctx context.Context, f file) (localstore.Incoming, error) {
	name := f.String()
	data, err := v.o.Storage.Read(ctx, f.folder+"/"+name)
	if err != nil {
		return localstore.Incoming{}, fmt.Errorf("read %s/%s: %w", f.folder, name, err)
	}
	if setlog.HashOf(data) != f.Hash {
		return localstore.Incoming{}, &brokenError{errOtherHash}
	}
	segment, err := v.o.Known.segment(data)
	if err == nil && segment.Name != f.SegmentName {
		err = fmt.Errorf("%w: it holds %s", setlog.ErrFile, segment.Name)
	}
	if err != nil {
		return localstore.Incoming{}, &brokenError{err}
	}
	return localstore.Incoming{Name: name, Data: data, Segment: segment}, nil
}

// foldAll folds what can be folded, in whatever order that takes, and answers what waits for entries before it.
func (v *visit) foldAll(ctx context.Context, incoming []localstore.Incoming) ([]localstore.Incoming, error) {
	for {
		gaps, progress, err := v.foldOnce(ctx, incoming)
		if err != nil || len(gaps) == 0 || !progress {
			return gaps, err
		}
		incoming = gaps
	}
}

func (v *visit) foldOnce(ctx context.Context, incoming []localstore.Incoming) (gaps []localstore.Incoming, progress bool, err error) {
	for len(incoming) > 0 {
		writer := v.bucket.Writer()
		folded, err := v.bucket.FoldAll(ctx, incoming...)
		names := make([]string, len(folded))
		for i, f := range folded {
			names[i] = incoming[i].Name
			v.round.Folded += f.Entries
			if f.Forked {
				v.notice(forked, inLog(names[i]))
			}
			v.noticeLead(f.Latest, inLog(names[i]))
			delete(v.unsure, names[i])
		}
		progress = progress || len(folded) > 0
		if v.bucket.Writer() != writer {
			v.notice(copied, inLog(incoming[max(len(folded), 1)-1].Name))
		}
		if err := v.bucket.MarkSent(ctx, v.o.Remote, localstore.Verified, names...); err != nil {
			return nil, progress, err
		}
		if err == nil {
			return gaps, progress, nil
		}
		if len(folded) == len(incoming) {
			return nil, progress, err
		}
		failed := incoming[len(folded)]
		switch {
		case errors.Is(err, localstore.ErrGap):
			gaps = append(gaps, failed)
			v.doubt(logFolder, failed.Name, err)
		case errors.Is(err, localstore.ErrOtherBirth), errors.Is(err, localstore.ErrSegment):
			v.doubt(logFolder, failed.Name, err)
		default:
			return nil, progress, err
		}
		incoming = incoming[len(folded)+1:]
	}
	return gaps, progress, nil
}

// doubt notes a file that is to be tried again later.
func (s *Share) doubt(folder, name string, cause error) {
	known := s.unsure[name]
	if known == nil {
		known = &suspect{folder: folder, since: s.o.Now()}
		s.unsure[name] = known
	}
	if known.cause = cause; known.last == s.rounds {
		return
	}
	known.last = s.rounds
	known.rounds++
	known.next = 1 << min(known.rounds, 5)
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

// report turns what is unsure about this bucket's files into problems.
func (v *visit) report() {
	id := setlog.BucketID(v.bucket.Name())
	delete(v.births, v.bucket.Name())
	v.reportLiars()
	seen := map[string]bool{}
	suspects := v.suspects(id)
	v.busy = v.busy || len(suspects) > 0 || len(v.bucket.Births()) == 0 || v.lagging[v.bucket.Name()].rounds > 0 || v.doubting[v.bucket.Name()] > 0
	for _, name := range suspects {
		s := v.unsure[name]
		p, ok := v.problem(name, s)
		if ok && !seen[p.Name] {
			seen[p.Name] = true
			v.round.Problems = append(v.round.Problems, p)
		}
	}
	if behind := v.lagging[v.bucket.Name()]; behind.rounds >= patience && !seen["entries-missing"] {
		detail := fmt.Sprintf("%d entries or more that other devices have are not on the remote", behind.entries)
		v.round.Problems = append(v.round.Problems, missingEntries(v.bucket.Name(), detail))
	}
	v.reportNotices()
}

func (v *visit) suspects(id string) []string {
	var names []string
	for name := range v.unsure {
		if !strings.HasPrefix(name, id+".") {
			continue
		}
		if has, err := v.bucket.HasSegment(name); err == nil && has {
			delete(v.unsure, name)
			continue
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (v *visit) problem(name string, s *suspect) (Problem, bool) {
	bucket := v.bucket.Name()
	var other *localstore.OtherBirthError
	var gap *localstore.GapError
	switch {
	case errors.As(s.cause, &other):
		births := slices.Concat(v.births[bucket], other.Births)
		slices.Sort(births)
		v.births[bucket] = slices.Compact(births)
		return otherBirth(bucket), true
	case errors.As(s.cause, &gap):
		detail := fmt.Sprintf("entries %d to %d of writer %s are not on the remote", gap.Have+1, gap.First-1, gap.Writer)
		return missingEntries(bucket, detail), s.rounds >= patience
	case errors.Is(s.cause, setlog.ErrNewer):
		return newerFile(bucket, name), true
	}
	return brokenFile(s.folder+"/"+name, s.cause), v.o.Now().Sub(s.since) >= reportAfter
}
