package main

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// figures are what each round measured, by name.
type figures map[string][]float64

func (f figures) note(name string, value float64) { f[name] = append(f[name], value) }

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

// ratio is the median of the ratios that each round had, so that a busy spell of the machine meets both.
func (f figures) ratio(name, beside string) float64 {
	ratios := make([]float64, len(f[name]))
	for i, value := range f[name] {
		ratios[i] = value / f[beside][i]
	}
	return median(ratios)
}

// Targets of docs/performance.md. A bucket ten times as large may cost a fifth more (S13), so one of a thousand times 1.2³.
const (
	ofRedis  = 0.5
	ofPocket = 5
	ofPouch  = 20
	nodeTime = 150  // µs
	pageTime = 1000 // µs
	flat     = 1.2 * 1.2 * 1.2
)

// report prints one line a figure: name, value, unit, target, verdict.
type report struct{ *tabwriter.Writer }

func newReport(out io.Writer) report { return report{tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)} }

func (r report) plain(name string, value float64, unit string) {
	fmt.Fprintf(r, "%s\t%s\t%s\t-\t-\n", name, number(value), unit)
}

func (r report) atLeast(name string, value float64, unit string, target float64) {
	r.judged(name, value, unit, "≥ "+number(target), value >= target)
}

func (r report) atMost(name string, value float64, unit string, target float64) {
	r.judged(name, value, unit, "≤ "+number(target), value <= target)
}

func (r report) judged(name string, value float64, unit, target string, met bool) {
	verdict := "missed"
	if met {
		verdict = "met"
	}
	fmt.Fprintf(r, "%s\t%s\t%s\t%s\t%s\n", name, number(value), unit, target, verdict)
}

// number writes three digits at least, and no fraction of a great one.
func number(value float64) string {
	if value < 100 {
		return fmt.Sprintf("%.3g", value)
	}
	return fmt.Sprintf("%.0f", value)
}

// printWrites prints S1: each server, then how many times the writes of each peer are ours.
func (f figures) printWrites(out io.Writer, all *servers) error {
	r := newReport(out)
	r.plain("S1/fsync", median(f["S1/fsync"]), "µs")
	r.plain("S1/cpu/generator", median(f["S1/cpu/generator"]), "µs")
	for _, s := range append([]*server{all.own}, all.peers...) {
		r.plain("S1/"+s.name, median(f["S1/"+s.name]), "writes/s")
		r.plain("S1/cpu/"+s.name, median(f["S1/cpu/"+s.name]), "µs")
	}
	for _, s := range all.peers {
		r.atLeast("S1/of-"+s.name, f.ratio("S1/"+own, "S1/"+s.name), "×", s.target)
	}
	return r.Flush()
}

// printReads prints S7.
func (f figures) printReads(out io.Writer, o options) error {
	r := newReport(out)
	for _, what := range []struct {
		name   string
		target float64
	}{{"node", nodeTime}, {"page", pageTime}} {
		f.printRead(r, what.name, what.target, sizes(o.nodes))
	}
	return r.Flush()
}

// printRead prints what a read takes by the size of the bucket.
func (f figures) printRead(r report, what string, target float64, sizes []int) {
	of := func(nodes int, server string) string { return fmt.Sprintf("S7/%s/%d/%s", what, nodes, server) }
	for _, nodes := range sizes {
		r.atMost(of(nodes, own), median(f[of(nodes, own)]), "µs", target)
		for _, server := range []string{bare, redis, pocket, durable, pouch} {
			if values := f[of(nodes, server)]; len(values) > 0 {
				r.plain(of(nodes, server), median(values), "µs")
			}
		}
		r.plain(of(nodes, "of-"+bare), f.ratio(of(nodes, own), of(nodes, bare)), "×")
	}
	least, most := sizes[0], sizes[len(sizes)-1]
	r.atMost(fmt.Sprintf("S7/%s/%d-of-%d", what, most, least), f.ratio(of(most, own), of(least, own)), "×", flat)
}
