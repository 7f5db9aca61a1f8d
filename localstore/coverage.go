package localstore

import (
	"cmp"
	"context"
	"slices"

	bolt "go.etcd.io/bbolt"

	"github.com/setlogger/setlogger/setlog"
)

// Coverage answers which entries went into the state.
func (b *Bucket) Coverage() (setlog.Coverage, error) { return b.coverageOf(b.now()) }

func (b *Bucket) coverageOf(l *ledger) (c setlog.Coverage, err error) {
	err = b.view(func(tx *bolt.Tx) error {
		c, err = l.coverage(tx)
		return err
	})
	return c, b.wrap(err)
}

func (l *ledger) coverage(tx *bolt.Tx) (setlog.Coverage, error) {
	all := slices.Clone(l.adopted)
	for _, br := range l.branches {
		previous, err := chainAt(tx, l, br, br.fork)
		if err != nil {
			return nil, err
		}
		if br.head > br.fork {
			all = append(all, setlog.Range{Writer: br.writer, First: br.fork + 1, Last: br.head, Previous: previous, Chain: br.chain})
		}
	}
	return setlog.Union(all), nil
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

// Knows tells whether heads all lie on branches of this store, as far as its log shows.
func (b *Bucket) Knows(heads ...setlog.Head) (bool, error) {
	unknown, err := b.without(heads, (*ledger).knows)
	return len(unknown) == 0, err
}

// Unproven answers those of some heads of which no chain shows that they lie on a branch of this store. One within what came by an
// index, where the chain is not known, may be of another branch.
func (b *Bucket) Unproven(heads ...setlog.Head) ([]setlog.Head, error) {
	return b.without(heads, (*ledger).proves)
}

// without leaves out the heads that a test finds.
func (b *Bucket) without(heads []setlog.Head, test func(l *ledger, tx *bolt.Tx, h setlog.Head) (bool, error)) ([]setlog.Head, error) {
	if len(heads) == 0 {
		return nil, nil
	}
	var others []setlog.Head
	l := b.now()
	err := b.view(func(tx *bolt.Tx) error {
		for _, h := range heads {
			found, err := test(l, tx, h)
			if err != nil {
				return err
			}
			if !found {
				others = append(others, h)
			}
		}
		return nil
	})
	return others, b.wrap(err)
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
	var entries []setlog.Entry
	err := b.eachStretch(c, most, func(tx *bolt.Tx, l *ledger, br *branch, from, to uint64) error {
		return linesOf(tx, l, br, from, to, func(e logged) error {
			if entry, err := setlog.ReadEntry(br.writer, e.number, slices.Clone(e.line)); err == nil {
				entries = append(entries, entry)
			}
			return ctx.Err()
		})
	})
	return entries, err
}

// Extent is the sum of the numbers of what Entries looks at: another one where the log has come to hold more of a coverage, 0 where
// it has none. The count alone does not tell, for only the newest are looked at, and of a narrower coverage fewer.
func (b *Bucket) Extent(c setlog.Coverage, most uint64) (sum uint64, err error) {
	err = b.eachStretch(c, most, func(_ *bolt.Tx, _ *ledger, _ *branch, from, to uint64) error {
		for ; from <= to; from++ {
			sum += from
		}
		return nil
	})
	return sum, err
}

// eachStretch answers where the log has entries of a coverage, see Entries; each range in a transaction of its own.
func (b *Bucket) eachStretch(c setlog.Coverage, most uint64, do func(tx *bolt.Tx, l *ledger, br *branch, from, to uint64) error) error {
	l := b.now()
	for _, r := range c {
		err := b.view(func(tx *bolt.Tx) error {
			lines, err := l.linesThrough(tx, r)
			if err != nil {
				return err
			}
			for _, br := range lines {
				to := min(r.Last, br.head)
				if err := do(tx, l, br, max(r.First, l.reach(br)+1, to-min(to, most)+1), to); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return b.wrap(err)
		}
	}
	return nil
}

// Unfiled tells whether the log has entries of others of whose numbers no segment that is held has any: a message brought them.
func (b *Bucket) Unfiled() (bool, error) {
	segments, err := b.Segments()
	if err != nil {
		return false, err
	}
	filed := map[setlog.Writer][]StoredSegment{}
	for _, s := range segments {
		filed[s.Writer] = append(filed[s.Writer], s)
	}
	for _, of := range filed {
		slices.SortFunc(of, func(a, b StoredSegment) int { return cmp.Compare(a.First, b.First) })
	}
	l := b.now()
	return slices.ContainsFunc(l.branches, func(br *branch) bool {
		at := max(br.fork, br.own)
		for _, s := range filed[br.writer] {
			if s.First <= at+1 {
				at = max(at, s.Last)
			}
		}
		return at < br.head
	}), nil
}
