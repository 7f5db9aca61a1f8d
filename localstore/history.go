package localstore

import (
	"context"
	"errors"
	"slices"

	bolt "go.etcd.io/bbolt"

	"github.com/setlogger/setlogger/setlog"
)

// History answers up to limit entries that name a node and come before a mark, zero for the end, the last first; fewer
// mean that there are no more. It reads the log once. Whole is false when the bucket has a part of its state from an
// index: what came before is not in this log.
func (b *Bucket) History(ctx context.Context, id string, before setlog.Mark, limit int) (touches []setlog.Touch, whole bool, err error) {
	h, l := setlog.NewHistory(id, before, limit), b.now()
	err = b.eachWanted(ctx, l, 0, h.Wants, func(e setlog.Entry) error { h.Add(e); return nil })
	if err != nil {
		return nil, false, err
	}
	for writer, number := range h.Deleters() {
		if err := b.eachOf(ctx, l, writer, number, h.See); err != nil {
			return nil, false, err
		}
	}
	return h.Touches(), len(l.adopted) == 0, nil
}

// logPage is how many entries are read in one transaction: long ones hold up commits.
const logPage = 4096

// eachWanted reads the entries of the log after an offset whose lines are wanted, in the order of arrival, in memory of
// their own. Those that change nothing are left out.
func (b *Bucket) eachWanted(ctx context.Context, l *ledger, after uint64, wants func(line []byte) bool, do func(e setlog.Entry) error) error {
	for ; after < l.offset && ctx.Err() == nil; after += logPage {
		err := b.view(func(tx *bolt.Tx) error {
			return eachEntry(tx, after, func(e logged) error {
				if e.offset > min(l.offset, after+logPage) {
					return errEnough
				}
				if !wants(e.line) {
					return nil
				}
				entry, err := setlog.ReadEntry(l.branch(e.branch).writer, e.number, slices.Clone(e.line))
				if err != nil {
					return nil //nolint:nilerr // it changes nothing
				}
				return do(entry)
			})
		})
		if err != nil {
			return b.wrap(err)
		}
	}
	return ctx.Err()
}

// eachOf reads a writer's entries up to a number, as far as they are in the log.
func (b *Bucket) eachOf(ctx context.Context, l *ledger, writer setlog.Writer, to uint64, do func(e setlog.Entry)) error {
	for _, id := range l.byWriter[writer] {
		br := l.branch(id)
		for from := l.reach(br) + 1; from <= min(to, br.head) && ctx.Err() == nil; from += logPage {
			err := b.view(func(tx *bolt.Tx) error {
				return linesOf(tx, l, br, from, min(to, br.head, from+logPage-1), func(e logged) error {
					if entry, err := setlog.ReadEntry(writer, e.number, slices.Clone(e.line)); err == nil {
						do(entry)
					}
					return nil
				})
			})
			if err != nil && !errors.Is(err, errNotHeld) {
				return b.wrap(err)
			}
		}
	}
	return ctx.Err()
}
