package setlog

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
)

// Range is a stretch of a writer's entries with the chain at both of its ends (docs/format.md, Coverage). It says
// nothing of entries of the same numbers that lie on another branch.
type Range struct {
	Writer      Writer
	First, Last uint64
	Previous    Chain // before First
	Chain       Chain // after Last
}

// Coverage says which entries went into something: ranges in order, those that join as one.
type Coverage []Range

// wireRange is a range as an index holds it; its members stand in canonical order.
type wireRange struct {
	Chain    string `json:"chain"`
	First    uint64 `json:"first"`
	Last     uint64 `json:"last"`
	Previous string `json:"previous"`
	Writer   string `json:"writer"`
}

// MarshalJSON writes a range as docs/format.md has it.
func (r Range) MarshalJSON() ([]byte, error) {
	return json.Marshal(wireRange{r.Chain.String(), r.First, r.Last, r.Previous.String(), r.Writer.String()})
}

// UnmarshalJSON reads what MarshalJSON writes, and refuses a range of no entries.
func (r *Range) UnmarshalJSON(data []byte) error {
	var w wireRange
	if err := json.Unmarshal(data, &w); err != nil {
		return err
	}
	writer, err := ParseWriter(w.Writer)
	if err != nil {
		return err
	}
	previous, err := ParseChain(w.Previous)
	if err != nil {
		return err
	}
	chain, err := ParseChain(w.Chain)
	if err != nil {
		return err
	}
	if w.First < 1 || w.First > w.Last || w.Last > MaxNumber {
		return fmt.Errorf("%w: a range from %d to %d", ErrFile, w.First, w.Last)
	}
	*r = Range{writer, w.First, w.Last, previous, chain}
	return nil
}

// Compare orders ranges by writer, first, last and chains.
func (r Range) Compare(o Range) int {
	return cmp.Or(compareWriters(r.Writer, o.Writer), cmp.Compare(r.First, o.First), cmp.Compare(r.Last, o.Last),
		bytes.Compare(r.Chain[:], o.Chain[:]), bytes.Compare(r.Previous[:], o.Previous[:]))
}

// joins tells whether o goes on where r ends.
func (r Range) joins(o Range) bool {
	return r.Writer == o.Writer && r.Last+1 == o.First && r.Chain == o.Previous
}

// Union is the coverage of what both cover.
func Union(parts ...Coverage) Coverage {
	ranges := slices.Concat(parts...)
	for {
		slices.SortFunc(ranges, Range.Compare)
		ranges = slices.Compact(ranges)
		joined := joinOnce(ranges)
		if len(joined) == len(ranges) {
			return ranges
		}
		ranges = joined
	}
}

// joinOnce makes one of each range and the one that goes on where it ends.
func joinOnce(ranges []Range) []Range {
	var joined []Range
	used := make([]bool, len(ranges))
	for i, r := range ranges {
		if used[i] {
			continue
		}
		for {
			next := follower(ranges, used, r)
			if next < 0 {
				break
			}
			used[next] = true
			r.Last, r.Chain = ranges[next].Last, ranges[next].Chain
		}
		joined = append(joined, r)
	}
	return joined
}

// follower finds an unused range that goes on where r ends, -1 for none. The ranges are sorted.
func follower(ranges []Range, used []bool, r Range) int {
	i, _ := slices.BinarySearchFunc(ranges, r, func(a, r Range) int {
		return cmp.Or(compareWriters(a.Writer, r.Writer), cmp.Compare(a.First, r.Last+1))
	})
	for ; i < len(ranges) && ranges[i].Writer == r.Writer && ranges[i].First == r.Last+1; i++ {
		if !used[i] && r.joins(ranges[i]) {
			return i
		}
	}
	return -1
}

// Covers tells whether ranges that join, of a coverage in order, make up r.
func (c Coverage) Covers(r Range) bool {
	of := c.Of(r.Writer)
	if !slices.ContainsFunc(of, func(last Range) bool { return last.Last == r.Last && last.Chain == r.Chain }) {
		return false
	}
	at := map[point]bool{{r.First - 1, r.Previous}: true}
	for _, next := range of { // sorted by First, so that each comes after those it joins
		if at[point{next.First - 1, next.Previous}] {
			at[point{next.Last, next.Chain}] = true
		}
	}
	return at[point{r.Last, r.Chain}]
}

// point is a place in a writer's chain.
type point struct {
	number uint64
	chain  Chain
}

// Of answers the ranges of one writer, of a coverage in order.
func (c Coverage) Of(writer Writer) Coverage {
	from, _ := slices.BinarySearchFunc(c, writer, func(r Range, w Writer) int { return compareWriters(r.Writer, w) })
	to := from
	for to < len(c) && c[to].Writer == writer {
		to++
	}
	return c[from:to:to]
}

// normal tells whether the ranges are as Union leaves them.
func (c Coverage) normal() bool { return slices.Equal(Union(c), c) }
