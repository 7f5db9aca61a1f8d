package localstore

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/setlogger/setlogger/setlog"
)

// attach finds the branch that shares most with the segment, and the last number it shares. The branch is nil when the
// writer is new.
func (f *folder) attach() (best *branch, held uint64, err error) {
	s, l := f.in.Segment, f.ledger
	ids := l.byWriter[s.Writer]
	have := uint64(0)
	for _, r := range l.adopted.Of(s.Writer) {
		have = max(have, r.Last)
	}
	for _, id := range ids {
		br := l.branch(id)
		have = max(have, br.head)
		if br.head == s.First-1 && br.chain == s.Previous && !l.goesOn(br) {
			return br, br.head, nil
		}
	}
	if len(ids) > 0 && f.touches(s.Writer) {
		return nil, 0, errDrain
	}
	if best, held, err = f.closest(); err != nil {
		return nil, 0, err
	}
	if best == nil && s.First > 1 && !f.bridged() {
		return nil, 0, &GapError{Writer: s.Writer, Have: have, First: s.First, Previous: s.Previous}
	}
	return best, held, nil
}

// closest compares the segment with each branch that reaches as far as to where it begins.
func (f *folder) closest() (best *branch, held uint64, err error) {
	s, l := f.in.Segment, f.ledger
	for _, id := range l.byWriter[s.Writer] {
		br := l.branch(id)
		if br.head < s.First-1 {
			continue
		}
		shared, ok, err := f.shared(br)
		if err != nil {
			return nil, 0, err
		}
		longer, ends := shared > held, shared == br.head
		if ok && (best == nil || longer || shared == held && ends) {
			best, held = br, shared
		}
		if held == s.Last() {
			break
		}
	}
	return best, held, nil
}

var errDiffers = errors.New("localstore: lines differ")

// shared answers the last number up to which a branch holds the same entries as the segment; it is not ok when they
// differ before it.
func (f *folder) shared(br *branch) (number uint64, ok bool, err error) {
	s := f.in.Segment
	tx, err := f.c.reads()
	if err != nil {
		return 0, false, err
	}
	err = guard(f.c.b.path, func() error {
		chain, err := chainAt(tx, f.ledger, br, s.First-1)
		if err != nil || chain != s.Previous {
			return err
		}
		number, ok = s.First-1, true
		to := min(br.head, s.Last())
		return linesOf(tx, f.ledger, br, s.First, to, func(e logged) error {
			if !bytes.Equal(e.line, s.Lines[e.number-s.First]) {
				return errDiffers
			}
			number = e.number
			return nil
		})
	})
	if errors.Is(err, errDiffers) || errors.Is(err, errNotHeld) {
		err = nil
	}
	return number, ok, f.c.b.wrap(err)
}

// bridged tells whether the segment goes on where an index ended, or begins among entries that came by one: nothing
// may ever fill the gap before it. Most likely the index had its entries; if they are of another branch, it had not.
func (f *folder) bridged() bool {
	s := f.in.Segment
	return slices.ContainsFunc(f.ledger.adopted.Of(s.Writer), func(r setlog.Range) bool {
		return r.First < s.First && s.First <= r.Last || r.Last+1 == s.First && r.Chain == s.Previous
	})
}

// extendBy adds what is new in the segment: to the branch, or as one that forks from it.
func (f *folder) extendBy(br *branch, held uint64) error {
	s, l := f.in.Segment, f.ledger
	fresh := s.Lines
	if br != nil {
		fresh = s.Lines[held+1-s.First:]
		f.sealed(br, held)
		br = l.branch(br.id)
	}
	if len(fresh) == 0 {
		return nil
	}
	if s.Writer == l.writer {
		if err := f.mint(); err != nil {
			return err
		}
		if br != nil {
			br = l.branch(br.id)
		}
	}
	target, err := f.target(br, held)
	if err != nil {
		return err
	}
	if !slices.Contains(l.unseen, target.id) {
		l.unseen = append(slices.Clip(l.unseen), target.id)
	}
	now := f.c.b.o.Now()
	for i, line := range fresh {
		f.extend(target, line)
		l.pass(target)
		e := f.entries[len(s.Lines)-len(fresh)+i]
		f.c.clock.Observe(now, e.Stamp)
		f.result.Latest = max(f.result.Latest, e.Stamp)
		change, err := setlog.Fold(f.batch, e)
		if err != nil {
			return err
		}
		f.apply(change)
	}
	if target.chain != s.Chain {
		return fmt.Errorf("%w: %s ends with a wrong chain", ErrSegment, f.in.Name)
	}
	f.result.Entries += len(fresh)
	return nil
}

// target is the branch that takes the new lines.
func (f *folder) target(br *branch, held uint64) (*branch, error) {
	s, l := f.in.Segment, f.ledger
	if br != nil && held == br.head {
		f.result.Forked = f.result.Forked || l.goesOn(br)
		return f.mutable(br), nil
	}
	fresh := &branch{writer: s.Writer, fork: held, head: held, chain: s.Previous}
	copy(fresh.key[:], s.Key)
	if br == nil && s.First > 1 {
		fresh.loose, fresh.fork, fresh.head, fresh.previous = true, s.First-1, s.First-1, s.Previous
	}
	if br != nil {
		parent := l.ownerOf(br, held)
		if held > 0 {
			fresh.parent = parent.id
		}
		f.result.Forked = true
		tx, err := f.c.reads()
		if err == nil {
			fresh.chain, err = chainAt(tx, l, br, held)
		}
		if err != nil {
			return nil, err
		}
	}
	return l.addBranch(fresh), nil
}

// sealed notes own entries that are in this segment: they need not be sealed again. That is so when an older copy of
// the file was restored.
func (f *folder) sealed(br *branch, held uint64) {
	if to := min(held, br.own); f.in.Segment.First <= br.sealed+1 && to > br.sealed {
		f.mutable(br).sealed = to
		f.dirty = true
	}
}
