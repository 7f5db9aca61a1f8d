package localstore

import (
	"bytes"
	"crypto/ed25519"
	"fmt"

	"github.com/setlogger/setlogger/setlog"
)

// arrivals checks that the arrivals name each entry of each branch once, and folds them.
func (c *check) arrivals() error {
	heads := make([]uint64, len(c.stored.branches))
	for i, br := range c.stored.branches {
		heads[i] = br.fork
	}
	offset, size := uint64(0), uint64(0)
	closed, rules := false, ledger{}
	if len(c.stored.adopted) > 0 {
		closed, rules.schema = c.stored.closed, c.stored.schema
	}
	err := eachEntry(c.tx, 0, func(e logged) error {
		offset++
		size += uint64(len(e.line))
		if e.offset != offset || e.branch == 0 || int(e.branch) > len(heads) || heads[e.branch-1]+1 != e.number {
			return fmt.Errorf("arrival %d is entry %d of branch %d: %w", e.offset, e.number, e.branch, errRecord)
		}
		heads[e.branch-1]++
		change, err := c.stored.fold(c.state, e)
		for _, n := range change.Nodes {
			c.state.put(n.ID, n.Node)
		}
		c.alive += change.Alive
		closed = closed || change.Closed
		rules.setSchema(change.Schema)
		return err
	})
	for i, br := range c.stored.branches {
		if heads[i] != br.head {
			c.failf("branch %d has its head at %d, arrivals at %d", br.id, br.head, heads[i])
		}
	}
	got := stateRecord{offset, size, uint64(c.alive), c.stored.watermark, closed}
	if rules.schema.Compare(c.stored.schema) != 0 {
		c.failf("the log gives another schema than the file has")
	}
	if got != c.stored.stateRecord {
		c.failf("the log gives %+v, the file says %+v", got, c.stored.stateRecord)
	}
	return err
}

// branches checks chains and heads.
func (c *check) branches() error {
	for _, br := range c.stored.branches {
		if setlog.WriterOf(ed25519.PublicKey(br.key[:])) != br.writer {
			c.failf("the key of branch %d is not that of writer %v", br.id, br.writer)
		}
		if br.sealed > br.own && br.own > 0 || br.own > br.head || br.seen > br.head || br.fork > br.head {
			c.failf("branch %d has numbers out of order: %+v", br.id, br)
		}
		chain, err := chainAt(c.tx, c.stored, br, br.fork)
		if err != nil {
			return err
		}
		err = eachLine(c.tx, br.id, br.fork+1, br.head, func(e logged) error {
			chain = chain.Next(e.line)
			if e.ends && e.chain != chain {
				return fmt.Errorf("the chain breaks at entry %d of %v: %w", e.number, br.writer, errRecord)
			}
			return nil
		})
		if err != nil {
			return err
		}
		if chain != br.chain {
			c.failf("the chain of branch %d at its head %d is another", br.id, br.head)
		}
	}
	return nil
}

// counts checks that the log holds no block that no branch knows.
func (c *check) counts() error {
	entries := uint64(0)
	err := c.tx.Bucket([]byte(bucketLog)).ForEach(func(_, v []byte) error {
		b, err := decodeBlock(v)
		entries += b.count
		return err
	})
	if entries != c.stored.offset {
		c.failf("the log holds %d entries, %d arrived", entries, c.stored.offset)
	}
	return err
}

// segments checks that every segment decodes and holds the log's lines, and that every sealed entry is in one.
func (c *check) segments() error {
	sealed := make([]uint64, len(c.stored.branches))
	covered := map[setlog.Writer][]segmentRecord{}
	err := c.tx.Bucket([]byte(bucketSegments)).ForEach(func(k, v []byte) error {
		r, err := decodeSegmentRecord(v)
		if err != nil {
			return err
		}
		covered[r.writer] = append(covered[r.writer], r)
		data, err := segmentData(c.tx, string(k))
		if err != nil {
			return err
		}
		s, err := setlog.DecodeSegment(data)
		if err != nil {
			return fmt.Errorf("segment %s: %w", k, err)
		}
		if !c.held(s) {
			c.failf("segment %s is not in the log", k)
		}
		return nil
	})
	for i, br := range c.stored.branches {
		for again := true; again; {
			again = false
			for _, r := range covered[br.writer] {
				if r.first <= sealed[i]+1 && r.last > sealed[i] {
					sealed[i], again = r.last, true
				}
			}
		}
		if sealed[i] < min(br.sealed, br.own) {
			c.failf("branch %d is sealed to %d, its segments reach to %d", br.id, br.sealed, sealed[i])
		}
	}
	return err
}

func (c *check) held(s *setlog.Segment) bool {
	last := s.Last()
	for _, id := range c.stored.byWriter[s.Writer] {
		br := c.stored.branch(id)
		if br.head < last {
			continue
		}
		same := true
		err := linesOf(c.tx, c.stored, br, s.First, last, func(e logged) error {
			same = same && bytes.Equal(e.line, s.Lines[e.number-s.First])
			return nil
		})
		if err == nil && same {
			return true
		}
	}
	return false
}
