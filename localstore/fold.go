package localstore

import (
	"context"
	"errors"
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"

	"github.com/setlogger/setlogger/setlog"
)

// Folded says what a foreign segment changed.
type Folded struct {
	Entries int           // that were new here
	Latest  setlog.Stamp  // the highest of theirs
	Forked  bool          // they are a new branch: its writer wrote two entries of one number
	Minted  setlog.Writer // the new writer, when the segment shows a second user of the one we had; else zero
}

// Incoming is a segment to fold, decoded and so verified.
type Incoming struct {
	Name    string // of the file
	Data    []byte // its bytes, kept for relay; none: they are not kept
	Segment *setlog.Segment
}

// Fold takes in a segment of any writer: entries, heads and bytes in one transaction. Entries held already are
// skipped, by any overlap; nothing is folded twice. It fails with a *GapError when entries before the segment are
// missing, and with an *OtherBirthError when it is of another bucket of the same name.
func (b *Bucket) Fold(ctx context.Context, name string, data []byte, s *setlog.Segment) (Folded, error) {
	folded, err := b.FoldAll(ctx, Incoming{name, data, s})
	if err != nil {
		return Folded{}, err
	}
	return folded[0], nil
}

// FoldAll folds segments in order, as many in a transaction as fit. It stops at the first that can't be folded; what
// it answers is that of the segments before.
func (b *Bucket) FoldAll(ctx context.Context, incoming ...Incoming) ([]Folded, error) {
	folded := make([]Folded, len(incoming))
	entries := make([][]setlog.Entry, len(incoming))
	var unread error
	for i, in := range incoming {
		if entries[i], unread = b.read(in); unread != nil {
			incoming = incoming[:i]
			break
		}
	}
	var gaps gapNote
	committed, err := b.do(ctx, len(incoming), func(p *batch, i int) error {
		if gaps.before(i) {
			return gaps.gap
		}
		f := folder{batch: p, in: incoming[i], entries: entries[i]}
		err := f.fold()
		folded[i] = f.result
		gaps = gapNote{i, f.gap}
		return err
	})
	switch {
	case err == nil && gaps.gap != nil:
		err = gaps.gap
	case err == nil:
		err = unread
	}
	return folded[:min(committed, gaps.end(committed))], err
}

// gapNote remembers a segment that was not folded and yet changed something, so that its item was committed.
type gapNote struct {
	at  int
	gap *GapError
}

func (n gapNote) before(i int) bool { return n.gap != nil && n.at < i }

func (n gapNote) end(committed int) int {
	if n.gap != nil {
		return n.at
	}
	return committed
}

// read parses a segment's entries. One that this version can't read is kept, and folds to nothing.
func (b *Bucket) read(in Incoming) ([]setlog.Entry, error) {
	s := in.Segment
	if s.Bucket != b.name || s.Writer != setlog.WriterOf(s.Key) || s.First == 0 || len(s.Lines) == 0 {
		return nil, fmt.Errorf("%w: %s is of bucket %q", ErrSegment, in.Name, s.Bucket)
	}
	if s.First == 1 && s.Previous != setlog.FirstChain(b.name, s.Writer) {
		return nil, fmt.Errorf("%w: %s begins with a wrong chain", ErrSegment, in.Name)
	}
	if err := checkBirths(s.Births); err != nil {
		return nil, err
	}
	entries := make([]setlog.Entry, len(s.Lines))
	for i, line := range s.Lines {
		entry, err := setlog.ParseEntry(s.Writer, s.First+uint64(i), line)
		if err != nil {
			b.o.Logger.Warn("an entry folds to nothing", "bucket", b.name, "segment", in.Name, "error", err)
		}
		entries[i] = entry
	}
	return entries, nil
}

// folder folds one segment into a batch.
type folder struct {
	*batch
	in      Incoming
	entries []setlog.Entry
	result  Folded
	gap     *GapError // not folded, but a new writer was minted
}

func (f *folder) fold() error {
	s, l := f.in.Segment, f.ledger
	if len(l.births) > 0 && !slices.ContainsFunc(s.Births, func(birth string) bool { return slices.Contains(l.births, birth) }) {
		return &OtherBirthError{s.Births}
	}
	br, held, err := f.attach()
	if gap, ok := errors.AsType[*GapError](err); ok {
		return f.refuseGap(gap)
	}
	if err != nil {
		return err
	}
	if f.touches(s.Writer) && f.joint(held) != nil {
		return errDrain
	}
	if union := sortedUnion(l.births, s.Births); !slices.Equal(union, l.births) {
		l.births, f.dirty = union, true
	}
	if err := f.extendAlong(br, held); err != nil {
		return brokenError{err}
	}
	return f.keep()
}

// refuseGap answers what is missing. Entries of our own writer that we never wrote show a second user of it, wherever
// they begin: nothing more may be written with it.
func (f *folder) refuseGap(gap *GapError) error {
	if gap.Writer != f.ledger.writer {
		return gap
	}
	if err := f.mint(); err != nil {
		return err
	}
	f.gap = gap
	return nil
}

func (f *folder) mint() error {
	err := f.takeOver()
	f.result.Minted = f.ledger.writer
	return err
}

// takeOver mints a new writer in place of one that somebody else uses too.
func (b *batch) takeOver() error {
	if err := b.ledger.mint(b.c.b.o.Random); err != nil {
		return brokenError{err}
	}
	b.dirty = true
	b.c.b.o.Logger.Warn("another device writes with this bucket's key: a new writer takes over",
		"bucket", b.ledger.name, "writer", b.ledger.writer.String())
	return nil
}

// keep stores the segment's bytes, unless there are none or they are here already.
func (f *folder) keep() error {
	if len(f.in.Data) == 0 {
		return nil
	}
	tx, err := f.c.reads()
	if err != nil {
		return brokenError{err}
	}
	if f.holds(tx, f.in.Name) {
		return nil
	}
	s := f.in.Segment
	f.addFile(storedSegment{
		name: f.in.Name, data: f.in.Data,
		segmentRecord: segmentRecord{writer: s.Writer, first: s.First, last: s.Last(), size: uint64(len(f.in.Data))},
	})
	return nil
}

func (b *batch) addFile(s storedSegment) {
	b.files = append(b.files, s)
	b.bytes += len(s.data)
}

// holds tells whether a segment's bytes are stored, or about to be.
func (b *batch) holds(tx *bolt.Tx, name string) bool {
	for view := b; view != nil; view = view.under {
		if slices.ContainsFunc(view.files, func(s storedSegment) bool { return s.name == name }) {
			return true
		}
	}
	return tx.Bucket([]byte(bucketSegments)).Get([]byte(name)) != nil
}
