package replica

import (
	"context"
	"slices"

	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/setlog"
)

// audit looks whether what made held segments needless in log/ is still there: a remote may have been set back. Those that
// lack it are looked for, and sent again, like any that vanished.
func (c *collection) audit(ctx context.Context) error {
	sent, err := c.bucket.Sent(c.o.Remote)
	if err != nil {
		return err
	}
	segments, err := c.bucket.Segments()
	if err != nil {
		return err
	}
	past, err := c.listPast(ctx)
	if err != nil {
		return err
	}
	var covered setlog.Coverage
	if forgets(c.bucket) {
		for _, index := range c.honest(c.present) {
			covered = append(covered, index.Coverage...)
		}
		covered = setlog.Union(covered)
	}
	var lost []*said
	for _, segment := range segments {
		if segment.Past || sent[segment.Name] != localstore.Retired || c.names.has(segment.Name) || c.isAudited(segment.Name) ||
			!segment.Forked && (isNamed(past, segment) || reachesOver(covered, segment)) {
			continue
		}
		if moved, err := c.isInPast(ctx, segment); err != nil {
			return err
		} else if moved {
			continue
		}
		what, err := c.doubtful(ctx, segment.Name, covered)
		if err != nil {
			return err
		}
		if what != nil {
			lost = append(lost, what)
		}
	}
	if lost, err = c.lookForAll(ctx, lost); err != nil {
		return err
	}
	names := make([]string, len(lost))
	for i, what := range lost {
		names[i] = what.name
		c.missed[what.name] = true
	}
	c.round.Missed += len(lost)
	return c.bucket.MarkSent(ctx, c.o.Remote, localstore.Uploaded, names...)
}

// doubtful answers what a segment says that a coverage is not known to have; nil if it has. What is most likely is not
// enough here: of a log that forked unseen it is wrong.
func (c *collection) doubtful(ctx context.Context, name string, covered setlog.Coverage) (*said, error) {
	held, err := c.rangeOf(name)
	if err != nil || held == nil {
		return nil, err
	}
	known, err := c.bucket.Within(setlog.Coverage{*held}, covered)
	if err != nil || known {
		return nil, err
	}
	what, err := c.read(ctx, candidate{name: name, segment: name})
	if err == nil && what == nil {
		what = &said{candidate: candidate{name: name}}
	}
	return what, err
}

// isAudited tells whether an index that is still there was found to hold a segment since the start.
func (c *collection) isAudited(name string) bool {
	holder, ok := c.audited[name]
	return ok && c.present[holder] != nil
}

// lookForAll leaves out what an index holds, whatever it says that it covers.
func (c *collection) lookForAll(ctx context.Context, files []*said) ([]*said, error) {
	for _, y := range c.present.inOrder() {
		var left []*said
		for _, x := range files {
			if x.missing = 1; x.segment != "" {
				left = append(left, x)
			}
		}
		if len(left) == 0 || !forgets(c.bucket) {
			break
		}
		if err := c.lookInto(ctx, y, left); err != nil {
			return nil, err
		}
		files = slices.DeleteFunc(files, func(x *said) bool {
			if x.missing == 0 {
				c.audited[x.name] = y.hash
			}
			return x.missing == 0
		})
	}
	return files, nil
}

// isNamed tells whether the name of a file of past/ reaches over a segment.
func isNamed(past []setlog.SegmentName, s localstore.StoredSegment) bool {
	return slices.ContainsFunc(past, func(n setlog.SegmentName) bool { return spans(n, s) })
}

// spans tells whether a file's name says that it has all entries of a segment.
func spans(name setlog.SegmentName, s localstore.StoredSegment) bool {
	return name.Writer == s.Writer && name.First <= s.First && s.Last <= name.Last
}

// reachesOver tells whether a range of a coverage does over a segment of a log that did not fork.
func reachesOver(covered setlog.Coverage, s localstore.StoredSegment) bool {
	return slices.ContainsFunc(covered.Of(s.Writer), func(r setlog.Range) bool { return r.First <= s.First && s.Last <= r.Last })
}
