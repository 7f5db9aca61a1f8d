package replica

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/setlog"
)

// Collection.
const (
	// grace is how much of this device's uptime a file stays after it was found needless.
	grace = 7 * 24 * time.Hour
	// fullListings is in how many full listings it must have been found needless.
	fullListings = 3
	// collectEvery is the uptime between two looks.
	collectEvery = 24 * time.Hour
	// witnesses and loneWitnesses are how many indexes must hold what a file holds: more where no other device tells that
	// it has loaded one of them.
	witnesses, loneWitnesses = 2, 3
)

// collectIfDue looks, once in a while, for files that others make needless, and removes those that were so for long.
// docs/format.md argues why nothing is lost.
func (v *visit) collectIfDue(ctx context.Context) error {
	name := v.bucket.Name()
	last, ok := v.collected[name]
	if v.o.Key == nil || ok && v.o.Uptime()-last < v.o.CollectEvery {
		return nil
	}
	if len(v.bucket.Births()) == 0 || v.bucket.Joining() {
		return nil
	}
	c := &collection{visit: v}
	err := c.run(ctx)
	if err == nil {
		v.collected[name] = v.o.Uptime()
		delete(v.looked, name) // what vanished from the remote may be to be written again
		v.relook[name] = true
		err = v.reserveRoom(ctx)
	}
	return err
}

// collection is one look at all files of a bucket.
type collection struct {
	*visit
	present   catalog // indexes of which all chunks are shown
	chunks    map[string]bool
	condemned map[string]localstore.Condemned
	changes   map[string]localstore.Condemned
}

func (c *collection) run(ctx context.Context) error {
	if err := c.check(ctx); err != nil {
		return err
	}
	if err := c.list(ctx); err != nil {
		return err
	}
	if err := c.audit(ctx); err != nil {
		return err
	}
	candidates, err := c.candidates(ctx)
	if err != nil {
		return err
	}
	if err := c.judge(ctx, candidates); err != nil {
		return err
	}
	c.judgeChunks()
	for name := range c.condemned { // not found needless again
		if _, again := c.changes[name]; !again {
			c.changes[name] = localstore.Condemned{}
		}
	}
	if err := c.bucket.Condemn(ctx, c.o.Remote, c.changes); err != nil {
		return err
	}
	return c.remove(ctx)
}

// list gathers what there is.
func (c *collection) list(ctx context.Context) error {
	all, err := c.catalog(ctx)
	if err != nil {
		return err
	}
	if c.chunks, err = c.listChunks(ctx); err != nil {
		return err
	}
	maps.DeleteFunc(all, func(_ setlog.Hash, index *listed) bool { return !index.isShown(c.chunks) })
	c.present, c.changes = all, map[string]localstore.Condemned{}
	c.condemned, err = c.bucket.Condemned(c.o.Remote)
	return err
}

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
		for _, index := range c.present {
			covered = append(covered, index.Coverage...)
		}
		covered = setlog.Union(covered)
	}
	var lost []*said
	for _, segment := range segments {
		if segment.Past || sent[segment.Name] != localstore.Retired || c.names[segment.Name] || c.isAudited(segment.Name) ||
			isNamed(past, segment) || !segment.Forked && reachesOver(covered, segment) {
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
	return c.bucket.MarkSent(ctx, c.o.Remote, localstore.Uploaded, names...)
}

// doubtful answers what a segment says that a coverage is not known to have; nil if it has.
func (c *collection) doubtful(ctx context.Context, name string, covered setlog.Coverage) (*said, error) {
	held, err := c.rangeOf(name)
	if err != nil || held == nil {
		return nil, err
	}
	known, err := c.bucket.IsCovered(*held, covered)
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
	for _, y := range c.present {
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
	return slices.ContainsFunc(past, func(n setlog.SegmentName) bool {
		return n.Writer == s.Writer && n.First <= s.First && s.Last <= n.Last
	})
}

// reachesOver tells whether a range of a coverage does over a segment of a log that did not fork.
func reachesOver(covered setlog.Coverage, s localstore.StoredSegment) bool {
	return slices.ContainsFunc(covered.Of(s.Writer), func(r setlog.Range) bool { return r.First <= s.First && s.Last <= r.Last })
}

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
func (c *collection) rangeOf(name string) (*setlog.Range, error) {
	if known, ok := c.ranges[name]; ok {
		return &known, nil
	}
	segment, err := c.heldSegment(name)
	if err != nil || segment == nil {
		return nil, err
	}
	held := segment.Range()
	c.ranges[name] = held
	return &held, nil
}

// heldSegment decodes a segment of the store, nil when it is not there.
func (c *collection) heldSegment(name string) (*setlog.Segment, error) {
	data, err := c.bucket.SegmentData(name)
	if errors.Is(err, localstore.ErrMissing) {
		return nil, nil //nolint:nilnil // it is not
	}
	if err != nil {
		return nil, err
	}
	return setlog.RereadSegment(data)
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
	for y, trial := range trials {
		if err := c.lookInto(ctx, y, trial); err != nil {
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

// said is what a file says.
type said struct {
	candidate
	ids     map[string]bool  // of all nodes of which it says anything
	nodes   []setlog.Changed // of an index
	entries []setlog.Entry   // of a segment
	verdict localstore.Condemned
	missing int // witnesses that are still to show all of it
}

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

// lookInto downloads an index and finds the files of which all that they say is in it: folding each onto it alone
// changes nothing. What an index claims to cover proves nothing.
func (c *collection) lookInto(ctx context.Context, y *listed, files []*said) error {
	wanted := map[string]bool{}
	for _, x := range files {
		maps.Copy(wanted, x.ids)
	}
	content := content{}
	whole, err := c.readAll(ctx, y, func(part part) error {
		for _, node := range part.nodes {
			if wanted[node.ID] {
				content[node.ID] = node.Node
			}
		}
		return nil
	})
	if err != nil || !whole {
		return err
	}
	for _, x := range files {
		if content.holds(x, y) {
			x.missing--
		}
	}
	return c.bucket.MarkWhole(ctx, y.name)
}

// read answers what a file says; nil where it is not whole, or says what no state stands for.
func (c *collection) read(ctx context.Context, x candidate) (*said, error) {
	what := &said{candidate: x, ids: map[string]bool{}}
	if x.segment != "" {
		segment, err := c.heldSegment(x.segment)
		if err != nil || segment == nil {
			return nil, err
		}
		what.entries = entriesOf(segment)
		if slices.ContainsFunc(what.entries, func(e setlog.Entry) bool { return !e.Reduced() }) {
			return nil, nil
		}
		what.ids = idsOf(what.entries)
		return what, nil
	}
	whole, err := c.readAll(ctx, x.index, func(part part) error {
		what.nodes = append(what.nodes, part.nodes...)
		for _, node := range part.nodes {
			what.ids[node.ID] = true
		}
		return nil
	})
	if err != nil || !whole {
		return nil, err
	}
	return what, nil
}

// entriesOf reads a segment's entries, without those that change nothing.
func entriesOf(s *setlog.Segment) []setlog.Entry {
	var entries []setlog.Entry
	for i, line := range s.Lines {
		if e, err := setlog.ParseEntry(s.Writer, s.First+uint64(i), line); err == nil {
			entries = append(entries, e)
		}
	}
	return entries
}

// content is nodes of one index alone.
type content map[string]*setlog.Node

// Node implements setlog.State.
func (c content) Node(id string) (*setlog.Node, error) { return c[id], nil }

// holds tells whether what a file says is in the content of an index.
func (c content) holds(x *said, y *listed) bool {
	if x.segment != "" {
		return c.holdsEntries(x.entries, y)
	}
	if x.index.Closed && !y.Closed || x.index.Schema.Compare(y.Schema) > 0 {
		return false
	}
	return !slices.ContainsFunc(x.nodes, func(n setlog.Changed) bool { return !c[n.ID].Holds(n.Node) })
}

// holdsEntries tells whether folding each entry onto the content alone changes nothing.
func (c content) holdsEntries(entries []setlog.Entry, y *listed) bool {
	for _, e := range entries {
		change, err := setlog.Fold(c, e)
		if err != nil || change.Closed && !y.Closed || change.Schema != nil && change.Schema.Compare(y.Schema) > 0 {
			return false
		}
		for _, n := range change.Nodes {
			if c[n.ID] == nil || !c[n.ID].Equal(n.Node) {
				return false
			}
		}
	}
	return true
}

// judgeChunks condemns the chunks that no index names.
func (c *collection) judgeChunks() {
	named := map[string]bool{}
	for name, index := range c.indexes { // also those that are not whole, or no more listed
		if _, ok := setlog.ParseIndexName(name); ok {
			for _, ref := range index.Chunks {
				named[index.Name(ref).String()] = true
			}
		}
	}
	for name := range c.chunks {
		chunk, ok := setlog.ParseChunkName(name)
		if !ok || chunk.Bucket != setlog.BucketID(c.bucket.Name()) || named[name] {
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

// remove deletes what has been condemned for long enough: an index before its chunks, so that none names what is gone
// for longer than a moment.
func (c *collection) remove(ctx context.Context) error {
	for _, name := range slices.Sorted(maps.Keys(c.changes)) {
		if !c.isDue(c.changes[name]) {
			continue
		}
		if err := c.removeFile(ctx, name); err != nil {
			return err
		}
		base, isIndex := strings.CutPrefix(name, indexFolder+"/")
		if !isIndex {
			continue
		}
		for _, ref := range c.indexes[base].Chunks {
			if err := c.removeFile(ctx, chunkFolder+"/"+c.indexes[base].Name(ref).String()); err != nil {
				return err
			}
		}
		delete(c.indexes, base)
	}
	return nil
}

func (c *collection) removeFile(ctx context.Context, name string) error {
	if err := c.o.Storage.Remove(ctx, name); err != nil {
		return fmt.Errorf("remove %s: %w", name, err)
	}
	c.round.Removed++
	c.o.Logger.Info("removed a file that others make needless", "remote", c.o.Remote, "bucket", c.bucket.Name(), "file", name)
	if base, ok := strings.CutPrefix(name, logFolder+"/"); ok {
		if err := c.bucket.MarkSent(ctx, c.o.Remote, localstore.Retired, base); err != nil {
			return err
		}
	}
	return c.bucket.Condemn(ctx, c.o.Remote, map[string]localstore.Condemned{name: {}})
}
