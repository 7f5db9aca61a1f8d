package replica

import (
	"bytes"
	"context"
	"errors"
	"path"
	"slices"
	"strings"

	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/setlog"
)

// candidate is a file that others may make needless.
type candidate struct {
	name     string // with its folder
	hash     setlog.Hash
	coverage setlog.Coverage
	index    *listed // nil for a segment
	segment  string  // its name in the store, empty for an index
}

// candidates are the indexes, and the segments if history need not stay on the remote.
func (c *collection) candidates(ctx context.Context) ([]candidate, error) {
	var all []candidate
	for hash, index := range c.present {
		all = append(all, candidate{name: indexFolder + "/" + index.name, hash: hash, coverage: index.Coverage, index: index})
	}
	if forgets(c.bucket) {
		past, err := c.listPast(ctx)
		if err != nil {
			return nil, err
		}
		for folder, names := range map[string][]setlog.SegmentName{logFolder: c.inbox, pastFolder: past} {
			for _, name := range names {
				x := candidate{name: folder + "/" + name.String(), hash: name.Hash, segment: name.String()}
				held, err := c.rangeOf(x.segment)
				if err != nil {
					return nil, err
				}
				if held != nil { // this device has its bytes
					x.coverage = setlog.Coverage{*held}
					all = append(all, x)
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b candidate) int { return strings.Compare(a.name, b.name) })
	return all, nil
}

// rangeOf answers the entries of a segment of the store, nil when it is not there.
func (v *visit) rangeOf(name string) (*setlog.Range, error) {
	if known, ok := v.ranges[name]; ok {
		return &known, nil
	}
	segment, err := v.heldSegment(name)
	if err != nil || segment == nil {
		return nil, err
	}
	held := segment.Range()
	v.ranges[name] = held
	return &held, nil
}

// rangesOf answers the entries of those files that are segments of the store.
func (v *visit) rangesOf(files []string) (setlog.Coverage, error) {
	var all setlog.Coverage
	for _, file := range files {
		r, err := v.rangeOf(path.Base(file))
		if err != nil {
			return nil, err
		}
		if r != nil {
			all = append(all, *r)
		}
	}
	return all, nil
}

// heldSegment decodes a segment of the store, nil when it is not there.
func (v *visit) heldSegment(name string) (*setlog.Segment, error) {
	data, err := v.heldData(name)
	if err != nil || data == nil {
		return nil, err
	}
	return v.o.Known.segment(data)
}

// heldData answers the bytes of a segment of the store, nil when it is not there.
func (v *visit) heldData(name string) ([]byte, error) {
	data, err := v.bucket.SegmentData(name)
	if errors.Is(err, localstore.ErrMissing) {
		return nil, nil
	}
	return data, err
}

// judge condemns files, or counts one more listing of those that are. What a file says is looked for in the indexes
// above it when it is condemned, and again before it goes; each index is downloaded once for all of them.
func (c *collection) judge(ctx context.Context, candidates []candidate) error {
	trials := map[*listed][]*said{} // by the index to look into
	nodes := 0
	var all []*said
	for _, x := range candidates {
		witnesses, err := c.witnesses(x)
		if err != nil {
			return err
		}
		if witnesses == nil {
			continue
		}
		before, known := c.condemned[x.name]
		if !known {
			before.Uptime = c.o.Uptime()
		}
		before.Listings++
		if known && !c.isDue(before) {
			c.changes[x.name] = before
			continue
		}
		if nodes > maxJudged { // its turn comes another day
			if known {
				c.changes[x.name] = c.condemned[x.name]
			}
			continue
		}
		what, err := c.read(ctx, x)
		if err != nil {
			return err
		}
		if what == nil {
			continue
		}
		nodes += len(what.ids)
		what.verdict, what.missing = before, len(witnesses)
		all = append(all, what)
		for _, y := range witnesses {
			trials[y] = append(trials[y], what)
		}
	}
	for _, y := range c.present.inOrder() {
		if len(trials[y]) == 0 {
			continue
		}
		if err := c.lookInto(ctx, y, trials[y]); err != nil {
			return err
		}
	}
	for _, x := range all {
		if x.missing == 0 {
			c.changes[x.name] = x.verdict
		}
	}
	return nil
}

// maxJudged is how many nodes of files to be judged are in memory at once.
const maxJudged = 300_000

// witnesses are the indexes that must hold what a file says for it to go; nil when there are too few above it. The
// smallest are cheapest to look into.
func (c *collection) witnesses(x candidate) ([]*listed, error) {
	above, err := c.above(x)
	if err != nil {
		return nil, err
	}
	needed := witnesses
	if !c.isWitnessed(above) {
		needed = loneWitnesses
	}
	if len(above) < needed {
		return nil, nil
	}
	return above[:needed], nil
}

// isDue tells whether a file was needless for long enough.
func (c *collection) isDue(x localstore.Condemned) bool {
	return x.Listings >= fullListings && c.o.Uptime()-x.Uptime >= c.o.Grace
}

// above are the indexes that stand above a file, the smallest first.
func (c *collection) above(x candidate) ([]*listed, error) {
	var above []*listed
	for _, y := range c.present {
		over, err := c.isAbove(y, x)
		if err != nil {
			return nil, err
		}
		if over {
			above = append(above, y)
		}
	}
	slices.SortFunc(above, func(a, b *listed) int {
		if a.Nodes() != b.Nodes() {
			return a.Nodes() - b.Nodes()
		}
		return strings.Compare(a.name, b.name)
	})
	return above, nil
}

// isAbove is a strict order of files: y covers more than x, or the same, and then an index stands above a segment, and
// the greater hash above the other. So of any set of indexes there is one above which none of them stands.
func (c *collection) isAbove(y *listed, x candidate) (bool, error) {
	over, err := c.bucket.Within(x.coverage, y.Coverage)
	if err != nil || !over || x.index == nil {
		return over, err
	}
	under, err := c.bucket.Within(y.Coverage, x.coverage)
	return !under || bytes.Compare(y.hash[:], x.hash[:]) > 0, err
}

// isWitnessed tells whether another device says that it loaded one of the indexes.
func (c *collection) isWitnessed(above []*listed) bool {
	for _, seen := range c.seen.others {
		for _, hash := range seen.Buckets[c.bucket.Name()].Indexes {
			if slices.ContainsFunc(above, func(y *listed) bool { return y.hash == hash }) {
				return true
			}
		}
	}
	return false
}

// judgeChunks condemns the chunks that no index names; none while there is an index that can't be read, for that may name them: it may be
// of a newer version, or not all there yet.
func (c *collection) judgeChunks() {
	if slices.ContainsFunc(c.shelf.names[c.bucket.ID()], func(n setlog.IndexName) bool { return c.indexes[n.String()] == nil }) {
		return
	}
	named := map[string]bool{}
	for _, index := range c.indexes { // also those that are not whole, or no more listed
		if index.Bucket == c.bucket.Name() {
			for _, ref := range index.Chunks {
				named[index.Name(ref).String()] = true
			}
		}
	}
	for name := range c.chunks {
		if named[name] {
			continue
		}
		path := chunkFolder + "/" + name
		before, known := c.condemned[path]
		if !known {
			before.Uptime = c.o.Uptime()
		}
		before.Listings++
		c.changes[path] = before
	}
}
