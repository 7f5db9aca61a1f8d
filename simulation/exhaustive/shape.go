package exhaustive

import (
	"fmt"
	"slices"
	"strings"
)

// writers is how many write at most.
const writers = 3

// event is one entry of a shape: who writes it, and how many entries of each writer he has seen then, all of his own
// among them.
type event struct {
	writer int
	saw    [writers]int
}

// shape is who writes how many entries in which causal order. Each event stands behind those it saw.
type shape []event

// shapes lists every shape of n events by up to the given number of writers.
func shapes(n, by int) []shape {
	all := []shape{{}}
	for range n {
		found := map[string]bool{}
		var longer []shape
		for _, s := range all {
			for w := range by {
				for _, saw := range s.pasts(w, by) {
					next := append(slices.Clone(s), event{w, saw})
					if key := next.key(); !found[key] {
						found[key] = true
						longer = append(longer, next)
					}
				}
			}
		}
		all = longer
	}
	return all
}

// key is equal for two orders of the same events.
func (s shape) key() string {
	names := make([]string, len(s))
	for i, e := range s {
		names[i] = fmt.Sprint(e)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// pasts lists what a writer can have seen when it writes next: of whoever it saw, all that he had seen.
func (s shape) pasts(w, by int) [][writers]int {
	var counts [writers]int
	for _, e := range s {
		counts[e.writer]++
	}
	all := [][writers]int{{}}
	for v := range by {
		var longer [][writers]int
		for _, saw := range all {
			for n := range counts[v] + 1 {
				saw[v] = n
				if v != w || n == counts[v] {
					longer = append(longer, saw)
				}
			}
		}
		all = longer
	}
	return slices.DeleteFunc(all, func(saw [writers]int) bool { return !s.closed(saw) })
}

// closed tells whether all that the seen events saw is seen.
func (s shape) closed(saw [writers]int) bool {
	for _, e := range s {
		if e.saw[e.writer] >= saw[e.writer] {
			continue // not seen
		}
		for v := range writers {
			if e.saw[v] > saw[v] {
				return false
			}
		}
	}
	return true
}

// past is the set of the events before the i-th that it saw, as bits.
func (s shape) past(i int) (bits uint) {
	for j, e := range s[:i] {
		if e.saw[e.writer] < s[i].saw[e.writer] {
			bits |= 1 << j
		}
	}
	return bits
}
