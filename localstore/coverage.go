package localstore

import (
	"context"
	"errors"
	"slices"

	bolt "go.etcd.io/bbolt"

	"github.com/setlogger/setlogger/setlog"
)

// Coverage answers which entries went into the state.
func (b *Bucket) Coverage() (setlog.Coverage, error) { return b.coverageOf(b.now()) }

func (b *Bucket) coverageOf(l *ledger) (setlog.Coverage, error) {
	all := slices.Clone(l.adopted)
	err := b.view(func(tx *bolt.Tx) error {
		for _, br := range l.branches {
			previous, err := chainAt(tx, l, br, br.fork)
			if err != nil {
				return err
			}
			if br.head > br.fork {
				all = append(all, setlog.Range{Writer: br.writer, First: br.fork + 1, Last: br.head, Previous: previous, Chain: br.chain})
			}
		}
		return nil
	})
	return setlog.Union(all), b.wrap(err)
}

// Lacks answers those ranges of a coverage that are not known to be in the state.
func (b *Bucket) Lacks(c setlog.Coverage) (setlog.Coverage, error) {
	l := b.now()
	state, err := b.coverageOf(l)
	if err != nil {
		return nil, err
	}
	var lacks setlog.Coverage
	err = b.view(func(tx *bolt.Tx) error {
		for _, r := range c {
			within, err := l.within(tx, r, state)
			if err != nil {
				return err
			}
			if !within {
				lacks = append(lacks, r)
			}
		}
		return nil
	})
	return lacks, b.wrap(err)
}

// Missing counts, at least, the entries that this store knows of and does not have: those before others of their writer
// that it has, and those up to a head that another device has.
func (b *Bucket) Missing(theirs []setlog.Head) (uint64, error) {
	l := b.now()
	missing := uint64(0)
	ranges := map[setlog.Writer]setlog.Coverage{}
	for _, r := range l.extents() {
		ranges[r.Writer] = append(ranges[r.Writer], r)
	}
	last := map[setlog.Writer]uint64{}
	for w, of := range ranges {
		slices.SortFunc(of, setlog.Range.Compare)
		for _, r := range of {
			if r.First > last[w]+1 {
				missing += r.First - last[w] - 1
			}
			last[w] = max(last[w], r.Last)
		}
	}
	err := b.view(func(tx *bolt.Tx) error {
		for _, h := range theirs {
			if h.Number > last[h.Writer] {
				missing += h.Number - last[h.Writer]
				continue
			}
			known, err := l.knows(tx, h)
			if err != nil {
				return err
			}
			if !known {
				missing++
			}
		}
		return nil
	})
	return missing, b.wrap(err)
}

// Knows tells whether a head lies on a branch of this store, as far as its log shows.
func (b *Bucket) Knows(h setlog.Head) (known bool, err error) {
	err = b.view(func(tx *bolt.Tx) error {
		known, err = b.now().knows(tx, h)
		return err
	})
	return known, b.wrap(err)
}

// extents are the numbers that the branches and what came by indexes reach over; no chains.
func (l *ledger) extents() []setlog.Range {
	all := make([]setlog.Range, 0, len(l.branches)+len(l.adopted))
	for _, br := range l.branches {
		if br.head > br.fork {
			all = append(all, setlog.Range{Writer: br.writer, First: br.fork + 1, Last: br.head})
		}
	}
	for _, r := range l.adopted {
		all = append(all, setlog.Range{Writer: r.Writer, First: r.First, Last: r.Last})
	}
	return all
}

// Proves tells whether chains show that a head lies on a branch of this store. One within what came by an index, where
// the chain is not known, may be of another branch.
func (b *Bucket) Proves(h setlog.Head) (proven bool, err error) {
	err = b.view(func(tx *bolt.Tx) error {
		proven, err = b.now().proves(tx, h)
		return err
	})
	return proven, b.wrap(err)
}

// knows tells whether a head lies on a branch, or within what came by an index, where the chain is not known.
func (l *ledger) knows(tx *bolt.Tx, h setlog.Head) (bool, error) {
	for _, r := range l.adopted.Of(h.Writer) {
		if r.First <= h.Number && h.Number < r.Last {
			return true, nil
		}
	}
	return l.proves(tx, h)
}

func (l *ledger) proves(tx *bolt.Tx, h setlog.Head) (bool, error) {
	for _, r := range l.adopted.Of(h.Writer) {
		if h.Number == r.Last && h.Chain == r.Chain.Short() || h.Number == r.First-1 && h.Chain == r.Previous.Short() {
			return true, nil
		}
	}
	for _, id := range l.byWriter[h.Writer] {
		br := l.branch(id)
		if h.Number > br.head {
			continue
		}
		chain, err := chainAt(tx, l, br, h.Number)
		if errors.Is(err, errNotHeld) {
			continue
		}
		if err != nil || chain.Short() == h.Chain {
			return err == nil, err
		}
	}
	return false, nil
}

// Logged tells whether the log has all entries of a coverage, as its chains show.
func (b *Bucket) Logged(c setlog.Coverage) (bool, error) {
	l := b.now()
	bare := *l
	bare.adopted = nil
	log, err := b.coverageOf(&bare)
	all := true
	if err == nil {
		err = b.view(func(tx *bolt.Tx) error {
			for _, r := range c {
				within, err := bare.within(tx, r, log)
				if all = all && within; err != nil || !all {
					return err
				}
			}
			return nil
		})
	}
	return all, b.wrap(err)
}

// Entries answers the entries of a coverage that the log has on the branches that lead through its ends: of each range the
// newest, up to a number of them, without those that change nothing.
func (b *Bucket) Entries(ctx context.Context, c setlog.Coverage, most uint64) ([]setlog.Entry, error) {
	l := b.now()
	var entries []setlog.Entry
	for _, r := range c {
		err := b.view(func(tx *bolt.Tx) error {
			lines, err := l.linesThrough(tx, r)
			if err != nil {
				return err
			}
			for _, br := range lines {
				to := min(r.Last, br.head)
				from := max(r.First, l.reach(br)+1, to-min(to, most)+1)
				if err := linesOf(tx, l, br, from, to, func(e logged) error {
					if entry, err := setlog.ReadEntry(br.writer, e.number, e.line); err == nil {
						entries = append(entries, entry)
					}
					return ctx.Err()
				}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, b.wrap(err)
		}
	}
	return entries, nil
}

// Within tells whether all that one coverage has is known to be in another, as the chains of this log show.
func (b *Bucket) Within(part, whole setlog.Coverage) (bool, error) {
	l, all := b.now(), true
	err := b.view(func(tx *bolt.Tx) error {
		for _, r := range part {
			within, err := l.within(tx, r, whole)
			if all = all && within; err != nil {
				return err
			}
		}
		return nil
	})
	return all, b.wrap(err)
}

// within tells whether ranges of a coverage are known to have a range: one after the other, each from where those before
// it have come to, and each on its branch. Equal chains have equal entries before them.
func (l *ledger) within(tx *bolt.Tx, r setlog.Range, c setlog.Coverage) (bool, error) {
	if c.Covers(r) {
		return true, nil
	}
	lines, err := l.linesThrough(tx, r)
	if err != nil {
		return false, err
	}
	at := r.First - 1
	for moved := true; moved && at < r.Last; {
		moved = false
		for _, part := range c.Of(r.Writer) {
			if part.First > at+1 || part.Last <= at {
				continue
			}
			end, err := l.together(tx, lines, part, r)
			if err != nil {
				return false, err
			}
			if end > at {
				at, moved = end, true
			}
		}
	}
	return at >= r.Last, nil
}

// linesThrough are the branches that lead through the end of a range, or begin there.
func (l *ledger) linesThrough(tx *bolt.Tx, r setlog.Range) ([]*branch, error) {
	var lines []*branch
	for _, id := range l.byWriter[r.Writer] {
		br := l.branch(id)
		through := br.loose && br.fork == r.Last && br.previous == r.Chain
		if !through {
			var err error
			if through, err = l.through(tx, br, r.Last, r.Chain); err != nil {
				return nil, err
			}
		}
		if through {
			lines = append(lines, br)
		}
	}
	return lines, nil
}

// together answers how far a part goes along with a range: to its end, or to where their branches fork.
func (l *ledger) together(tx *bolt.Tx, lines []*branch, part, of setlog.Range) (uint64, error) {
	if part.Last == of.Last && part.Chain == of.Chain {
		return part.Last, nil
	}
	for _, br := range lines {
		if on, err := l.through(tx, br, part.Last, part.Chain); err != nil || on && part.Last != of.Last {
			return part.Last, err
		}
	}
	others, err := l.linesThrough(tx, part)
	end := uint64(0)
	for _, br := range lines {
		for _, o := range others {
			end = max(end, min(l.forkOf(br, o), part.Last, of.Last))
		}
	}
	return end, err
}

// forkOf is the last number that two branches have in common, as far as it is known which of them came from which.
func (l *ledger) forkOf(a, b *branch) uint64 {
	ends := map[uint32]uint64{}
	for end := a.head; ; {
		ends[a.id] = end
		if a.loose || a.parent == 0 {
			break
		}
		end, a = min(end, a.fork), l.branch(a.parent)
	}
	for end := b.head; ; {
		if common, ok := ends[b.id]; ok {
			return min(common, end)
		}
		if b.loose || b.parent == 0 {
			return 0
		}
		end, b = min(end, b.fork), l.branch(b.parent)
	}
}

// through tells whether a branch, or one that leads on beyond its head, leads through a point of the chain.
func (l *ledger) through(tx *bolt.Tx, br *branch, number uint64, chain setlog.Chain) (bool, error) {
	if number <= br.head {
		at, err := chainAt(tx, l, br, number)
		if errors.Is(err, errNotHeld) {
			return false, nil
		}
		return at == chain, err
	}
	for _, id := range l.byWriter[br.writer] {
		o := l.branch(id)
		on, err := l.leadsOn(tx, br, o)
		if err != nil {
			return false, err
		}
		if on {
			if through, err := l.through(tx, o, number, chain); through || err != nil {
				return through, err
			}
		}
	}
	return false, nil
}

// leadsOn tells whether a branch leads through the head of another and beyond.
func (l *ledger) leadsOn(tx *bolt.Tx, br, o *branch) (bool, error) {
	if o.id == br.id || o.head <= br.head || o.fork > br.head {
		return false, nil
	}
	chain, err := chainAt(tx, l, o, br.head)
	if errors.Is(err, errNotHeld) {
		return false, nil
	}
	return chain == br.chain, err
}

// isDouble tells whether another branch has all entries of a loose one.
func (l *ledger) isDouble(tx *bolt.Tx, br *branch) (bool, error) {
	for _, id := range l.byWriter[br.writer] {
		o := l.branch(id)
		if id == br.id || o.loose && (o.fork > br.fork || o.fork == br.fork && id > br.id) {
			continue
		}
		if through, err := l.through(tx, o, br.head, br.chain); through || err != nil {
			return through, err
		}
	}
	return false, nil
}

// Rest is what a coverage leaves out of a bucket's state.
type Rest struct {
	Entries, Bytes uint64          // of the log
	Nodes          map[string]bool // ids that these entries name
	Coverage       setlog.Coverage // of what is left out
	Unknown        bool            // some of it came by an index that the coverage does not have: any node may be its
	Schema         setlog.Schema   // of the state at that moment
	Closed         bool            // likewise
}

// IsCovered tells whether all that a segment has is known to be in a coverage, or most likely is.
func (b *Bucket) IsCovered(r setlog.Range, c setlog.Coverage) (bool, error) {
	l := b.now()
	within, err := b.isWithin(l, r, c)
	return within || err == nil && l.isLikely(r, c), err
}

// isLikely tells whether one range of a coverage reaches over another one of a writer whose log is not known to have forked:
// then they are of one branch. No file goes for that; but where no log has both ends, devices would in turn write what is
// there already.
func (l *ledger) isLikely(r setlog.Range, c setlog.Coverage) bool {
	over := slices.ContainsFunc(c.Of(r.Writer), func(part setlog.Range) bool { return part.First <= r.First && r.Last <= part.Last })
	return over && !l.isForked(r, c)
}

// isForked tells whether two branches of a range's writer are known.
func (l *ledger) isForked(r setlog.Range, c setlog.Coverage) bool {
	chains := map[uint64]setlog.Chain{r.Last: r.Chain}
	for _, other := range slices.Concat(l.adopted.Of(r.Writer), c.Of(r.Writer)) {
		if chain, known := chains[other.Last]; known && chain != other.Chain {
			return true
		}
		chains[other.Last] = other.Chain
	}
	return slices.ContainsFunc(l.byWriter[r.Writer], func(id uint32) bool {
		br := l.branch(id)
		chain, known := chains[br.head]
		return l.forksOff(br) || known && chain != br.chain
	})
}

// restPage is how many entries are read in one transaction.
const restPage = 4096

// Rest answers what of the state, as it was at some moment of the call, a coverage most likely leaves out.
func (b *Bucket) Rest(ctx context.Context, c setlog.Coverage) (Rest, error) {
	l := b.now()
	rest := Rest{Nodes: map[string]bool{}, Schema: l.schema, Closed: l.closed}
	for _, br := range l.branches {
		if br.head == br.fork {
			continue
		}
		if err := b.addRest(ctx, l, br, c, &rest); err != nil {
			return rest, b.wrap(err)
		}
	}
	for _, r := range l.adopted {
		within, err := b.isWithin(l, r, c)
		if err != nil {
			return rest, err
		}
		if !within && !l.isLikely(r, c) {
			rest.Unknown = true
			rest.Coverage = append(rest.Coverage, r)
		}
	}
	rest.Coverage = setlog.Union(rest.Coverage)
	return rest, ctx.Err()
}

func (b *Bucket) isWithin(l *ledger, r setlog.Range, c setlog.Coverage) (within bool, err error) {
	err = b.view(func(tx *bolt.Tx) error {
		within, err = l.within(tx, r, c)
		return err
	})
	return within, b.wrap(err)
}

// addRest adds what is left out of one branch.
func (b *Bucket) addRest(ctx context.Context, l *ledger, br *branch, c setlog.Coverage, rest *Rest) error {
	from, chain, err := b.coveredTo(l, br, c)
	if err != nil || from == br.head {
		return err
	}
	rest.Coverage = append(rest.Coverage, setlog.Range{Writer: br.writer, First: from + 1, Last: br.head, Previous: chain, Chain: br.chain})
	for ; from < br.head && ctx.Err() == nil; from = min(br.head, from+restPage) {
		err := b.view(func(tx *bolt.Tx) error {
			return eachLine(tx, br.id, from+1, min(br.head, from+restPage), func(e logged) error {
				rest.Entries++
				rest.Bytes += uint64(len(e.line))
				entry, err := setlog.ReadEntry(br.writer, e.number, e.line)
				if err != nil {
					return nil //nolint:nilerr // it changes nothing
				}
				for _, a := range entry.Actions {
					if a.ID != "" {
						rest.Nodes[a.ID] = true
					}
				}
				return nil
			})
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// coveredTo answers up to which number of a branch's own entries a coverage has them all, and the chain there.
func (b *Bucket) coveredTo(l *ledger, br *branch, c setlog.Coverage) (number uint64, chain setlog.Chain, err error) {
	err = b.view(func(tx *bolt.Tx) error {
		number = br.fork
		if br.loose {
			if double, err := l.isDouble(tx, br); double || err != nil {
				number = br.head
				return err
			}
		}
		if chain, err = chainAt(tx, l, br, number); err != nil {
			return err
		}
		for again := true; again; {
			again = false
			for _, r := range c.Of(br.writer) {
				if r.First > number+1 || r.Last <= number || number == br.head {
					continue
				}
				through, err := l.through(tx, br, r.Last, r.Chain)
				if r.Last >= br.head {
					through = through || l.isLikely(setlog.Range{Writer: br.writer, First: number + 1, Last: br.head, Chain: br.chain}, setlog.Coverage{r})
				}
				switch {
				case err != nil:
					return err
				case through && r.Last >= br.head:
					number, chain = br.head, br.chain
				case through:
					number, chain, again = r.Last, r.Chain, true
				}
			}
		}
		return nil
	})
	return number, chain, err
}

// Simplify answers the same coverage in fewer ranges: those that overlap on one branch, as this log shows it, as one.
func (b *Bucket) Simplify(c setlog.Coverage) (setlog.Coverage, error) {
	l, ranges := b.now(), slices.Clone(setlog.Union(c))
	err := b.view(func(tx *bolt.Tx) error {
		for again := true; again; {
			again = false
			for i := 0; i < len(ranges) && !again; i++ {
				for k := i + 1; k < len(ranges) && !again; k++ {
					whole, ok, err := l.overlap(tx, ranges[i], ranges[k])
					if err != nil {
						return err
					}
					if ok {
						ranges[i], again = whole, true
						ranges = slices.Delete(ranges, k, k+1)
					}
				}
			}
		}
		return nil
	})
	return setlog.Union(ranges), b.wrap(err)
}

// overlap joins two ranges, the first of which begins no later, where the one that ends first does so on the branch of the other.
func (l *ledger) overlap(tx *bolt.Tx, a, b setlog.Range) (setlog.Range, bool, error) {
	if a.Writer != b.Writer || b.First > a.Last+1 {
		return a, false, nil
	}
	shorter, longer := a, b
	if a.Last > b.Last {
		shorter, longer = b, a
	}
	lines, err := l.linesThrough(tx, longer)
	if err != nil {
		return a, false, err
	}
	end, err := l.together(tx, lines, shorter, longer)
	return setlog.Range{Writer: a.Writer, First: a.First, Previous: a.Previous, Last: longer.Last, Chain: longer.Chain}, end == shorter.Last, err
}
