package localstore

import (
	bolt "go.etcd.io/bbolt"

	"github.com/setlogger/setlogger/setlog"
)

// joint answers the first loose branch whose beginning the segment leads up to, beyond the number that is held already;
// nil when there is none. Such a branch came while only an index had the entries before it.
func (f *folder) joint(held uint64) *branch {
	s := f.in.Segment
	var first *branch
	for _, id := range f.ledger.byWriter[s.Writer] {
		br := f.ledger.branch(id)
		reached := br.loose && s.First <= br.fork && br.fork <= s.Last() && held <= br.fork && (held < br.fork || br.fork < s.Last())
		if reached && (first == nil || br.fork < first.fork) && chainWithin(s, br.fork) == br.previous {
			first = br
		}
	}
	return first
}

// chainWithin is the chain after one of a segment's entries.
func chainWithin(s *setlog.Segment, number uint64) setlog.Chain {
	if number == s.Last() {
		return s.Chain
	}
	chain := s.Previous
	for _, line := range s.Lines[:number+1-s.First] {
		chain = chain.Next(line)
	}
	return chain
}

// extendAlong adds what is new in the segment. Where a loose branch begins in it, that goes on from the entries before it,
// and what the segment has beyond is compared with it. All that was there before is stored, so that it can be read.
func (f *folder) extendAlong(br *branch, held uint64) error {
	loose := f.joint(held)
	if loose == nil {
		return f.extendBy(br, held)
	}
	if err := f.drop(loose, br); err != nil {
		return err
	}
	head, tail := f.split(loose)
	if err := head.extendBy(br, held); err != nil {
		return err
	}
	f.link(loose, br, held)
	f.result, tail.result = head.result, head.result
	if len(tail.entries) == 0 {
		return nil
	}
	br, held, err := tail.closest()
	if err == nil {
		err = tail.extendAlong(br, held)
	}
	f.result = tail.result
	return err
}

// split cuts the segment where a loose branch begins.
func (f *folder) split(loose *branch) (head, tail *folder) {
	s := f.in.Segment
	n := loose.fork + 1 - s.First
	before, after := *s, *s
	before.Lines, before.Chain = s.Lines[:n], loose.previous
	after.Lines, after.First, after.Previous = s.Lines[n:], loose.fork+1, loose.previous
	head, tail = new(*f), new(*f)
	head.in.Segment, head.entries = &before, f.entries[:n]
	tail.in.Segment, tail.entries = &after, f.entries[n:]
	return head, tail
}

// link has a loose branch go on from the one that leads to where it begins: one that held all before, or has just come there.
func (f *folder) link(loose, br *branch, held uint64) {
	l := f.ledger
	for _, id := range l.byWriter[loose.writer] {
		parent := l.branch(id)
		if held == loose.fork {
			parent = l.ownerOf(br, held)
		} else if parent.id == loose.id || parent.head != loose.fork || parent.chain != loose.previous {
			continue
		}
		whole := f.mutable(l.branch(loose.id))
		whole.loose, whole.parent, whole.previous = false, parent.id, setlog.Chain{}
		f.dirty = true
		return
	}
}

// drop forgets what came by indexes and will be in the log, once a loose branch goes on from another.
func (f *folder) drop(loose, br *branch) error {
	l := f.ledger
	reach := f.in.Segment.First - 1
	if br != nil {
		reach = l.reach(br)
	}
	tx, err := f.c.reads()
	if err != nil {
		return err
	}
	left := setlog.Coverage{}
	for _, r := range l.adopted {
		logged := false
		if r.Writer == loose.writer && reach < r.First && loose.fork < r.Last {
			if logged, err = l.leadsThrough(tx, loose, r); err != nil {
				return f.c.b.wrap(err)
			}
		}
		if !logged {
			left = append(left, r)
		}
	}
	if len(left) < len(l.adopted) {
		l.adopted = left
	}
	return nil
}

// leadsThrough tells whether a loose branch, or one that comes from it, leads through the end of a range.
func (l *ledger) leadsThrough(tx *bolt.Tx, loose *branch, r setlog.Range) (bool, error) {
	for _, id := range l.byWriter[r.Writer] {
		br := l.branch(id)
		if br.head < r.Last || l.root(br).id != loose.id {
			continue
		}
		if chain, err := chainAt(tx, l, br, r.Last); err != nil || chain == r.Chain {
			return err == nil, err
		}
	}
	return false, nil
}
