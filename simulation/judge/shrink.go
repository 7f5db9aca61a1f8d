package judge

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// tries is how many orders are tried on a set while shrinking: enough that the same failure shows again.
const tries = 200

// Shrink drops records from a disagreement while it lasts.
func Shrink(d *Disagreement) *Disagreement {
	for again := true; again; {
		again = false
		for i := range d.Records {
			fewer := slices.Delete(slices.Clone(d.Records), i, i+1)
			_, err := Check(rand.New(rand.NewPCG(1, 1)), fewer, tries)
			if smaller := (*Disagreement)(nil); errors.As(err, &smaller) {
				d, again = smaller, true
				break
			}
		}
	}
	return d
}

// Dump tells a disagreement for a person to read.
func (d *Disagreement) Dump() string {
	var text strings.Builder
	fmt.Fprintln(&text, d.Error())
	for _, r := range d.Records {
		fmt.Fprintln(&text, r)
	}
	for id, n := range Want(d.Records).Nodes {
		fmt.Fprintf(&text, "oracle: %q %s %s\n", id, n.Rev, n.Value)
	}
	return text.String()
}
