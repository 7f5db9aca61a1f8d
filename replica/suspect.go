package replica

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/setlog"
)

// suspect is a file that could not be folded yet.
type suspect struct {
	folder string
	since  time.Time
	last   int   // round in which it was tried
	rounds int   // in which it was tried
	next   int   // rounds to let pass before the next try
	absent int   // listings in a row that did not show it
	cause  error // a *GapError waits for other files, an *OtherBirthError for a person
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
	if behind := v.lagging[v.bucket.Name()]; behind.rounds >= patience && behind.entries > 0 && !seen["entries-missing"] {
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
		if has, err := v.bucket.HasSegment(name); err == nil && has || v.isGone(name, v.unsure[name]) {
			delete(v.unsure, name)
			continue
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// isGone tells whether listings in a row no longer show a file: it went to past/ with those that it waited for, others made it needless, or
// a person removed it. Else it would be looked for, and named, for ever.
func (v *visit) isGone(name string, s *suspect) bool {
	switch shown, known := v.isListed(name, s.folder); {
	case shown:
		s.absent = 0
	case known:
		s.absent++
	}
	return s.absent >= patience
}

// isListed tells whether this round's listing of a folder shows a file; it is not known where none was made.
func (v *visit) isListed(name, folder string) (shown, known bool) {
	id := v.bucket.ID()
	switch folder {
	case logFolder:
		return v.names.has(name), true
	case pastFolder:
		shown = slices.ContainsFunc(v.archive.names[id], func(n setlog.SegmentName) bool { return n.String() == name })
		return shown, v.archive.round == v.rounds
	}
	shown = slices.ContainsFunc(v.shelf.names[id], func(n setlog.IndexName) bool { return n.String() == name })
	return shown, v.shelf.round == v.rounds
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
