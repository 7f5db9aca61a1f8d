package judge

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
)

// Disagreement is a set of records that the model folds to something else than the oracle.
type Disagreement struct {
	Way     string // in which it was folded
	Records []Record
	Err     error
}

// Error names the way and the difference.
func (d *Disagreement) Error() string { return d.Way + ": " + d.Err.Error() }

// Check folds a set of records in several random orders and ways and compares each outcome with the oracle. It answers
// how many it tried, and a *Disagreement.
func Check(random *rand.Rand, records []Record, orders int) (tried int, err error) {
	want := Want(records)
	var first *State
	for ; tried < orders; tried++ {
		w := ways[tried%len(ways)]
		s, err := w.fold(random, records)
		if err == nil {
			err = s.Compare(want)
		}
		if err == nil && first != nil {
			err = s.sameBytes(first)
		}
		if err != nil {
			return tried, &Disagreement{w.name, records, err}
		}
		first = s
	}
	return tried, nil
}

// way is one way to come to a state.
type way struct {
	name string
	fold func(*rand.Rand, []Record) (*State, error)
}

var ways = []way{
	{"in a random order", inOrder},
	{"in a random order, with repetitions", repeated},
	{"in a random order, stored in between", stored},
	{"in parts that are merged", merged},
}

func inOrder(random *rand.Rand, records []Record) (*State, error) {
	s := &State{}
	for _, i := range random.Perm(len(records)) {
		if err := s.Fold(records[i]); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func repeated(random *rand.Rand, records []Record) (*State, error) {
	again := slices.Clone(records)
	for range records {
		again = append(again, records[random.IntN(len(records))])
	}
	return inOrder(random, again)
}

// stored takes nodes through the forms in which they are kept and sent while folding.
func stored(random *rand.Rand, records []Record) (*State, error) {
	s := &State{}
	for _, i := range random.Perm(len(records)) {
		if err := s.Fold(records[i]); err != nil {
			return nil, err
		}
		for _, id := range slices.Sorted(maps.Keys(s.Nodes)) {
			if random.IntN(3) > 0 {
				continue
			}
			n, err := anyForm(random)(id, s.Nodes[id])
			if err != nil {
				return nil, err
			}
			s.Nodes[id] = n
		}
	}
	return s, nil
}

// merged folds parts of the records, which may overlap, apart from each other, and merges them in any order, folding
// some records again.
func merged(random *rand.Rand, records []Record) (*State, error) {
	parts := make([]*State, 2+random.IntN(3))
	for i := range parts {
		parts[i] = &State{}
	}
	for _, i := range random.Perm(len(records)) {
		for range 1 + random.IntN(2) {
			if err := parts[random.IntN(len(parts))].Fold(records[i]); err != nil {
				return nil, err
			}
		}
	}
	for len(parts) > 1 {
		random.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		if err := parts[0].Merge(anyForm(random), parts[1]); err != nil {
			return nil, err
		}
		parts = slices.Delete(parts, 1, 2)
		if random.IntN(4) == 0 && len(records) > 0 {
			if err := parts[0].Fold(records[random.IntN(len(records))]); err != nil {
				return nil, err
			}
		}
	}
	return parts[0], nil
}

// sameBytes compares the nodes' binary forms: what does not show must be equal, too.
func (s *State) sameBytes(o *State) error {
	for id, n := range s.Nodes {
		if a, b := n.AppendBinary(nil), o.Nodes[id].AppendBinary(nil); !bytes.Equal(a, b) {
			return fmt.Errorf("node %q has one value and two binary forms:\n%q\n%q", id, a, b)
		}
	}
	return nil
}
