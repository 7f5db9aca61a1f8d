package localstore

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"

	"github.com/setlogger/setlogger/setlog"
)

// Bounds of one segment: of its file, and of its lines, so that any reader can hold it.
const (
	maxSegmentFile  = 1 << 20
	maxSegmentLines = 4 << 20
)

// Seal puts the own entries that are in no segment yet into segments, and their bytes into the store, in the same
// transaction as the note that they are sealed. It answers how many entries it sealed.
func (b *Bucket) Seal(ctx context.Context) (sealed int, err error) {
	b.sealing.Lock()
	defer b.sealing.Unlock()
	if err := b.settleBirth(ctx); err != nil {
		return 0, err
	}
	for {
		if err := ctx.Err(); err != nil {
			return sealed, err
		}
		l := b.now()
		i := slices.IndexFunc(l.branches, func(br *branch) bool { return br.pending() > 0 })
		if i < 0 {
			return sealed, nil
		}
		n, err := b.sealSome(ctx, l, l.branches[i])
		if err != nil {
			return sealed, err
		}
		sealed += n
	}
}

// settleBirth gives a joined bucket a birth when something is to be sealed and no segment has shown one: by then a
// round has looked for the bucket and found nothing.
func (b *Bucket) settleBirth(ctx context.Context) error {
	if l := b.now(); len(l.births) > 0 || l.unsealed() == 0 {
		return nil
	}
	_, err := b.do(ctx, 1, func(p *batch, _ int) error {
		if len(p.ledger.births) > 0 {
			return nil
		}
		p.dirty = true
		return p.ledger.bear(b.o.Random)
	})
	return err
}

// sealSome makes the next segment of a branch.
func (b *Bucket) sealSome(ctx context.Context, l *ledger, br *branch) (int, error) {
	header, lines, err := b.linesFrom(l, br, br.sealed+1, br.own)
	if err != nil {
		return 0, err
	}
	name, data, lines, err := encodeBounded(header, lines, ed25519.NewKeyFromSeed(keyOf(l, br.writer)))
	if err != nil {
		return 0, fmt.Errorf("seal entries from %d of %v: %w", header.First, br.writer, err)
	}
	last := header.First + uint64(len(lines)) - 1
	record := segmentRecord{writer: br.writer, first: header.First, last: last, size: uint64(len(data))}
	sealed := 0
	_, err = b.do(ctx, 1, func(p *batch, _ int) error {
		if p.ledger.branch(br.id).sealed != br.sealed {
			sealed = 0
			return nil // a folded segment held them
		}
		sealed = len(lines)
		p.mutable(p.ledger.branch(br.id)).sealed = last
		p.dirty = true
		p.addFile(storedSegment{segmentRecord: record, name: name.String(), data: data})
		return nil
	})
	return sealed, err
}

// Consolidate makes one segment, for past/, of entries of a writer of this store that stand in several: from a number on
// up to another one, or as many as fit. It fails with ErrMissing where the writer's log forked.
func (b *Bucket) Consolidate(ctx context.Context, w setlog.Writer, first, last uint64) (StoredSegment, error) {
	b.sealing.Lock()
	defer b.sealing.Unlock()
	l := b.now()
	br := l.only(w)
	if br == nil || br.fork >= first || br.head < last {
		return StoredSegment{}, fmt.Errorf("%w: own entries %d to %d of %v", ErrMissing, first, last, w)
	}
	header, lines, err := b.linesFrom(l, br, first, last)
	if err != nil {
		return StoredSegment{}, err
	}
	name, data, lines, err := encodeBounded(header, lines, ed25519.NewKeyFromSeed(keyOf(l, w)))
	if err != nil {
		return StoredSegment{}, fmt.Errorf("consolidate entries from %d of %v: %w", first, w, err)
	}
	made := StoredSegment{name.String(), w, first, first + uint64(len(lines)) - 1, len(data), true, true, false}
	_, err = b.do(ctx, 1, func(p *batch, _ int) error {
		tx, err := p.c.reads()
		if err != nil || p.holds(tx, made.Name) {
			return err
		}
		p.dirty = true
		p.addFile(storedSegment{
			segmentRecord: segmentRecord{writer: w, first: first, last: made.Last, size: uint64(len(data)), past: true}, name: made.Name, data: data,
		})
		return nil
	})
	return made, err
}

// TakeOver mints a new writer: somebody else wrote with the current one.
func (b *Bucket) TakeOver(ctx context.Context) error {
	_, err := b.do(ctx, 1, func(p *batch, _ int) error { return p.takeOver() })
	return err
}

// Sign lends the key of the bucket's current writer.
func (b *Bucket) Sign(with func(key ed25519.PrivateKey) error) error {
	l := b.now()
	return with(ed25519.NewKeyFromSeed(keyOf(l, l.writer)))
}

func keyOf(l *ledger, w setlog.Writer) []byte {
	seed := l.keys[w]
	return seed[:]
}

// linesFrom answers the header and the lines of a segment of a branch.
func (b *Bucket) linesFrom(l *ledger, br *branch, first, last uint64) (setlog.Header, [][]byte, error) {
	h := setlog.Header{Bucket: l.name, Births: l.births, Writer: br.writer, Key: br.key[:], First: first}
	var lines [][]byte
	err := b.view(func(tx *bolt.Tx) error {
		var err error
		if h.Previous, err = chainAt(tx, l, br, first-1); err != nil {
			return err
		}
		size := 0
		err = linesOf(tx, l, br, first, last, func(e logged) error {
			if size += len(e.line); size > maxSegmentLines && len(lines) > 0 {
				return errEnough
			}
			lines = append(lines, slices.Clone(e.line))
			return nil
		})
		if err == errEnough { //nolint:errorlint // never wrapped
			err = nil
		}
		return err
	})
	return h, lines, b.wrap(err)
}

// encodeBounded encodes as many of the lines as fit a file, one at least.
func encodeBounded(h setlog.Header, lines [][]byte, key ed25519.PrivateKey) (setlog.SegmentName, []byte, [][]byte, error) {
	return encodeUpTo(maxSegmentFile, setlog.EncodeSegment, h, lines, key)
}

// encoder is EncodeSegment or EncodeExcerpt.
type encoder func(h setlog.Header, lines [][]byte, key ed25519.PrivateKey) (setlog.SegmentName, []byte, error)

// encodeUpTo encodes as many of the lines as fit so many bytes, one at least.
func encodeUpTo(most int, encode encoder, h setlog.Header, lines [][]byte, key ed25519.PrivateKey) (setlog.SegmentName, []byte, [][]byte, error) {
	for {
		name, data, err := encode(h, lines, key)
		if err != nil || len(data) <= most || len(lines) == 1 {
			return name, data, lines, err
		}
		fit := len(lines) * most / len(data) * 9 / 10
		lines = lines[:max(1, min(fit, len(lines)-1))]
	}
}
