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
	"github.com/setlogger/setlogger/remote"
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
	since  time.Time
	last   int   // round in which it was tried
	rounds int   // in which it was tried
	next   int   // rounds to let pass before the next try
	cause  error // a *GapError waits for other files, an *OtherBirthError for a person
}

// pull folds what the inbox has and this device lacks.
func (v *visit) pull(ctx context.Context) error {
	defer v.report()
	wanted, err := v.wanted(logFolder, v.inbox)
	if err != nil {
		return err
	}
	waits, err := v.fold(ctx, wanted)
	if err != nil {
		return err
	}
	if waits {
		if err := v.searchPast(ctx); err != nil {
			return err
		}
	}
	return nil
}

// file is one file of this bucket on the remote.
type file struct {
	folder string
	setlog.SegmentName
}

// wanted are the files to fetch, each writer's in number order.
func (v *visit) wanted(folder string, names []setlog.SegmentName) ([]file, error) {
	var wanted []file
	for _, name := range names {
		has, err := v.bucket.HasSegment(name.String())
		if err != nil {
			return nil, err
		}
		if !has && v.due(name.String()) {
			wanted = append(wanted, file{folder, name})
		}
	}
	slices.SortFunc(wanted, func(a, b file) int {
		return cmp.Or(bytes.Compare(a.Writer[:], b.Writer[:]), cmp.Compare(a.First, b.First), cmp.Compare(a.Last, b.Last))
	})
	return wanted, nil
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
		case errors.As(errs[i], &broken), isAbsent(errs[i]), errors.Is(errs[i], remote.ErrTooLarge):
			v.doubt(f.String(), errs[i])
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
		return localstore.Incoming{}, &brokenError{errors.New("its content has another hash than its name")}
	}
	segment, err := setlog.DecodeSegment(data)
	if err == nil && segment.Name != f.SegmentName {
		err = fmt.Errorf("%w: it holds %s", setlog.ErrSegment, segment.Name)
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
		folded, err := v.bucket.FoldAll(ctx, incoming...)
		names := make([]string, len(folded))
		for i, f := range folded {
			names[i] = incoming[i].Name
			v.round.Folded += f.Entries
			delete(v.unsure, names[i])
		}
		progress = progress || len(folded) > 0
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
			v.doubt(failed.Name, err)
		case errors.Is(err, localstore.ErrOtherBirth), errors.Is(err, localstore.ErrSegment):
			v.doubt(failed.Name, err)
		default:
			return nil, progress, err
		}
		incoming = incoming[len(folded)+1:]
	}
	return gaps, progress, nil
}

// doubt notes a file that is to be tried again later.
func (v *visit) doubt(name string, cause error) {
	s := v.unsure[name]
	if s == nil {
		s = &suspect{since: v.o.Now()}
		v.unsure[name] = s
	}
	if s.cause = cause; s.last == v.rounds {
		return
	}
	s.last = v.rounds
	s.rounds++
	s.next = 1 << min(s.rounds, 5)
}

// searchPast looks for missing entries among the consolidated segments, once two listings have lacked them.
func (v *visit) searchPast(ctx context.Context) error {
	id := setlog.BucketID(v.bucket.Name())
	waited := false
	for name, s := range v.unsure {
		waited = waited || s.rounds >= 2 && errors.Is(s.cause, localstore.ErrGap) && strings.HasPrefix(name, id)
	}
	if !waited {
		return nil
	}
	var names []setlog.SegmentName
	for object, err := range v.o.Storage.List(ctx, pastFolder) {
		if err != nil {
			return fmt.Errorf("list %s/: %w", pastFolder, err)
		}
		name, ok := setlog.ParseSegmentName(strings.TrimPrefix(object.Name, pastFolder+"/"))
		if ok && name.Bucket == id {
			names = append(names, name)
		}
	}
	wanted, err := v.wanted(pastFolder, names)
	if err != nil {
		return err
	}
	_, err = v.fold(ctx, wanted)
	return err
}

// report turns what is unsure about this bucket's files into problems.
func (v *visit) report() {
	id := setlog.BucketID(v.bucket.Name())
	delete(v.births, v.bucket.Name())
	seen := map[string]bool{}
	for _, name := range v.suspects(id) {
		s := v.unsure[name]
		p, ok := v.problem(name, s)
		if ok && !seen[p.Name] {
			seen[p.Name] = true
			v.round.Problems = append(v.round.Problems, p)
		}
	}
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
	return brokenFile(inLog(name), s.cause), v.o.Now().Sub(s.since) >= reportAfter
}
