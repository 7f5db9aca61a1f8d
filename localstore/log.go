package localstore

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	bolt "go.etcd.io/bbolt"

	"github.com/setlogger/setlogger/setlog"
)

// LogEntry is one entry as it reached this device.
type LogEntry struct {
	Offset uint64 // in the order of arrival here; opaque, only rises
	Writer setlog.Writer
	Number uint64
	Line   []byte // canonical, as in a segment; setlog.ParseEntry reads it
}

// Log answers up to limit entries after an offset, 0 for the beginning, in the order in which they arrived.
func (b *Bucket) Log(after uint64, limit int) ([]LogEntry, error) {
	l := b.now()
	var entries []LogEntry
	err := b.view(func(tx *bolt.Tx) error {
		return eachEntry(tx, after, func(e logged) error {
			if e.offset > l.offset || len(entries) >= limit {
				return errEnough
			}
			entries = append(entries, LogEntry{e.offset, l.branch(e.branch).writer, e.number, slices.Clone(e.line)})
			return nil
		})
	})
	return entries, b.wrap(err)
}

// Wait returns when there is an entry after the offset, or with the context's error.
func (b *Bucket) Wait(ctx context.Context, after uint64) error {
	return b.waitFor(ctx, func(l *ledger) bool { return l.offset > after })
}

// WaitOrJoin is Wait that returns too when indexes were taken in, which no entry tells, since they were so many times.
func (b *Bucket) WaitOrJoin(ctx context.Context, after, joined uint64) error {
	return b.waitFor(ctx, func(l *ledger) bool { return l.offset > after || b.joined.Load() != joined })
}

// Joined counts, since the bucket was opened, how often indexes were taken in.
func (b *Bucket) Joined() uint64 { return b.joined.Load() }

func (b *Bucket) waitFor(ctx context.Context, come func(l *ledger) bool) error {
	for {
		b.mu.RLock()
		l, changed := b.ledger, b.changed
		b.mu.RUnlock()
		if come(l) {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		case <-b.c.stopped:
			return ErrStopped
		}
	}
}

// logged is an entry in the log; its line is as short-lived as the transaction.
type logged struct {
	offset uint64
	branch uint32
	number uint64
	line   []byte
	chain  setlog.Chain // after it; only where a block ends
	ends   bool         // a block ends here
}

// errEnough ends a walk through the log without an error.
var errEnough = fmt.Errorf("localstore: enough")

// eachEntry walks through the entries after an offset in the order of arrival.
func eachEntry(tx *bolt.Tx, after uint64, do func(e logged) error) error {
	if after == math.MaxUint64 {
		return nil
	}
	arrivals := tx.Bucket([]byte(bucketArrivals)).Cursor()
	k, v := arrivals.Seek(uint64Key(after + 1))
	if k == nil || binary.BigEndian.Uint64(k) > after+1 {
		// the span before may reach over
		if k == nil {
			k, v = arrivals.Last()
		} else {
			k, v = arrivals.Prev()
		}
		if k == nil {
			k, v = arrivals.First()
		}
	}
	for ; k != nil; k, v = arrivals.Next() {
		s, err := decodeSpan(v)
		if err != nil {
			return err
		}
		offset := binary.BigEndian.Uint64(k)
		skip := uint64(0)
		if after+1 > offset {
			skip = after + 1 - offset
		}
		if skip >= s.count() {
			continue
		}
		err = eachLine(tx, s.branch, s.first+skip, s.last, func(e logged) error {
			e.offset = offset + e.number - s.first
			return do(e)
		})
		if err == errEnough { //nolint:errorlint // never wrapped
			return nil
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// eachLine walks through the lines of a branch from one number to another, both of which must be stored there.
func eachLine(tx *bolt.Tx, branch uint32, from, to uint64, do func(e logged) error) error {
	if from > to {
		return nil
	}
	c := tx.Bucket([]byte(bucketLog)).Cursor()
	next := from
	for k, v := c.Seek(logKey(branch, from)); next <= to; k, v = c.Next() {
		if len(k) != 12 || binary.BigEndian.Uint32(k) != branch {
			return fmt.Errorf("entry %d of branch %d is missing: %w", next, branch, errRecord)
		}
		b, err := decodeBlock(v)
		if err != nil {
			return err
		}
		last := binary.BigEndian.Uint64(k[4:])
		if b.count > last || last-b.count >= next {
			return fmt.Errorf("entry %d of branch %d is missing: %w", next, branch, errRecord)
		}
		for ; next <= min(last, to); next++ {
			e := logged{branch: branch, number: next, line: b.line(next - 1 - (last - b.count))}
			if e.ends = next == last; e.ends {
				e.chain = b.chain
			}
			if err := do(e); err != nil {
				return err
			}
		}
	}
	return nil
}

// errNotHeld: an entry is not in this log, so that its line and its chain are not known.
var errNotHeld = errors.New("localstore: the entry is not in the log")

// chainAt answers the chain after a number of a branch: the nearest one stored below, and the lines from there. It fails
// with errNotHeld below a loose branch.
func chainAt(tx *bolt.Tx, l *ledger, br *branch, number uint64) (setlog.Chain, error) {
	if number == br.head {
		return br.chain, nil
	}
	if br.loose && number == br.fork {
		return br.previous, nil
	}
	if br.loose && number < br.fork {
		return setlog.Chain{}, errNotHeld
	}
	if number <= br.fork {
		if br.parent == 0 {
			return setlog.FirstChain(l.name, br.writer), nil
		}
		return chainAt(tx, l, l.branch(br.parent), number)
	}
	c := tx.Bucket([]byte(bucketLog)).Cursor()
	k, v := c.Seek(logKey(br.id, number))
	if len(k) != 12 || binary.BigEndian.Uint32(k) != br.id {
		return setlog.Chain{}, fmt.Errorf("entry %d of branch %d is missing: %w", number, br.id, errRecord)
	}
	b, err := decodeBlock(v)
	last := binary.BigEndian.Uint64(k[4:])
	if err != nil || last == number {
		return b.chain, err
	}
	below := last - b.count
	var chain setlog.Chain
	if below == br.fork {
		chain, err = chainAt(tx, l, br, below)
	} else if k, v = c.Prev(); k != nil {
		var previous block
		previous, err = decodeBlock(v)
		chain = previous.chain
	}
	for i := uint64(0); i < number-below && err == nil; i++ {
		chain = chain.Next(b.line(i))
	}
	return chain, err
}

// ownerOf answers the branch that stores a number of a branch: the branch itself, or one it forked from.
func (l *ledger) ownerOf(br *branch, number uint64) *branch {
	for number <= br.fork && br.parent != 0 {
		br = l.branch(br.parent)
	}
	return br
}

// linesOf walks through the lines of a branch, those it shares with its parents included.
func linesOf(tx *bolt.Tx, l *ledger, br *branch, from, to uint64, do func(e logged) error) error {
	for from <= to {
		owner := l.ownerOf(br, from)
		if from <= owner.fork {
			return errNotHeld
		}
		end := to
		for b := br; b != owner; b = l.branch(b.parent) {
			end = min(end, b.fork)
		}
		if err := eachLine(tx, owner.id, from, end, do); err != nil {
			return err
		}
		from = end + 1
	}
	return nil
}
