package localstore

import (
	"context"
	"slices"

	bolt "go.etcd.io/bbolt"

	"github.com/setlogger/setlogger/setlog"
)

// Rest is what a coverage leaves out of a bucket's state.
type Rest struct {
	Entries, Bytes uint64          // of the log
	Nodes          map[string]bool // ids that these entries name
	Coverage       setlog.Coverage // of what is left out
	Unknown        bool            // some of it came by an index that the coverage does not have: any node may be its
	Schema         setlog.Schema   // of the state at that moment
	Closed         bool            // likewise
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
