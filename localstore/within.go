package localstore

import (
	"errors"
	"slices"

	bolt "go.etcd.io/bbolt"

	"github.com/setlogger/setlogger/setlog"
)

// Within tells whether all that one coverage has is known to be in another, as the chains of this log show.
func (b *Bucket) Within(part, whole setlog.Coverage) (bool, error) {
	var unsure setlog.Coverage
	for _, r := range part {
		within, known := onItsFace(r, whole)
		if known && !within {
			return false, nil
		}
		if !known {
			unsure = append(unsure, r)
		}
	}
	if len(unsure) == 0 {
		return true, nil
	}
	l, all := b.now(), true
	err := b.view(func(tx *bolt.Tx) error {
		for _, r := range unsure {
			within, err := l.within(tx, r, whole)
			if all = all && within; err != nil {
				return err
			}
		}
		return nil
	})
	return all, b.wrap(err)
}

// onItsFace tells whether a coverage has a range, where that is known without a look at the log: its ranges join to that one, or do not
// even reach over its numbers.
func onItsFace(r setlog.Range, c setlog.Coverage) (within, known bool) {
	if c.Covers(r) {
		return true, true
	}
	at := r.First - 1
	for _, part := range c.Of(r.Writer) { // sorted by First
		if part.First <= at+1 {
			at = max(at, part.Last)
		}
	}
	return false, at < r.Last
}

// within tells whether ranges of a coverage are known to have a range: one after the other, each from where those before
// it have come to, and each on its branch. Equal chains have equal entries before them.
func (l *ledger) within(tx *bolt.Tx, r setlog.Range, c setlog.Coverage) (bool, error) {
	if within, known := onItsFace(r, c); known {
		return within, nil
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

// knows tells whether a head lies on a branch, or within what came by an index, where the chain is not known.
func (l *ledger) knows(tx *bolt.Tx, h setlog.Head) (bool, error) {
	for _, r := range l.adopted.Of(h.Writer) {
		if r.First <= h.Number && h.Number < r.Last {
			return true, nil
		}
	}
	return l.proves(tx, h)
}

// proves tells whether chains show that a head lies on a branch.
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
