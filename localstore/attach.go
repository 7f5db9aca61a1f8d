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
	last := s.First + uint64(len(s.Lines)) - 1
	have := uint64(0)
	for _, id := range ids {
		br := l.branch(id)
		have = max(have, br.head)
		if br.head == s.First-1 && br.chain == s.Previous {
			return br, br.head, nil
		}
	}
	if len(ids) > 0 && f.touches(s.Writer) {
		return nil, 0, errDrain
	}
	for _, id := range ids {
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
		if held == last {
			break
		}
	}
	if best == nil && (s.First > 1 || len(ids) > 0) {
		return nil, 0, &GapError{Writer: s.Writer, Have: have, First: s.First, Previous: s.Previous}
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
		to := min(br.head, s.First+uint64(len(s.Lines))-1)
		return linesOf(tx, f.ledger, br, s.First, to, func(e logged) error {
			if !bytes.Equal(e.line, s.Lines[e.number-s.First]) {
				return errDiffers
			}
			number = e.number
			return nil
		})
	})
	if errors.Is(err, errDiffers) {
		err = nil
	}
	return number, ok, f.c.b.wrap(err)
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
		e := f.entries[len(s.Lines)-len(fresh)+i]
		f.c.clock.Observe(now, e.Stamp)
		change, err := setlog.Fold(f.batch, e)
		if err != nil {
			return err
		}
		f.apply(change)
	}
	if target.chain != s.Chain {
		return fmt.Errorf("%w: %s ends with a wrong chain", ErrSegment, f.in.Name)
	}
	f.result.Entries = len(fresh)
	return nil
}

// target is the branch that takes the new lines.
func (f *folder) target(br *branch, held uint64) (*branch, error) {
	s, l := f.in.Segment, f.ledger
	if br != nil && held == br.head {
		return f.mutable(br), nil
	}
	fresh := &branch{writer: s.Writer, fork: held, head: held, chain: s.Previous}
	copy(fresh.key[:], s.Key)
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
