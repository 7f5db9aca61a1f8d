//go:build unix

// Command peers replays an editing trace, and sets of properties, through SetLogger and through other CRDTs, and prints
// one table of what it takes: figures S3 and S4 of the project. Run it in its own folder, after npm ci: scripts/bench-peers peers.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/setlogger/setlogger/bench"
)

func main() {
	runs := flag.Int("runs", 3, "how often each figure is taken; the best counts")
	name := flag.String("trace", "automerge-paper", "name of the trace")
	flag.Parse()
	if err := run(*name, *runs, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(name string, runs int, out io.Writer) error {
	path, err := bench.Find("../..", name)
	if err != nil {
		return err
	}
	trace, err := bench.Read(path)
	if err != nil {
		return err
	}
	if trace.Writers() != 1 {
		return fmt.Errorf("peers: %s has %d writers, and the peers replay one", name, trace.Writers())
	}
	t := table{own: figures{}}
	for range runs { // in turn, so that a busy spell of the machine meets all of them
		if err := measure(trace, t.own); err != nil {
			return err
		}
		if err := measureSets(t.own); err != nil {
			return err
		}
		if err := t.measurePeers(path); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "%s: %d edits, each a transaction of its own; best of %d\n\n", name, len(trace.Edits), runs)
	return t.print(out)
}

// figures is the least of what was measured, by name.
type figures map[string]float64

func (f figures) note(name string, value float64) {
	if least, ok := f[name]; !ok || value < least {
		f[name] = value
	}
}

// rows are the figures in the order they are printed; a target of 0 is none.
func rows() []row {
	return []row{
		{"parse", "ms", 0, "read the JSON of all actions"},
		{"compose", "ms", 0, "make an entry of each and take it in"},
		{"edit", "ms", 0, "both; peers: edit by index, a transaction each"},
		{"edit-cpu", "ms", 0, "the same, of all threads"},
		{"fold", "ms", 1000, "fold all entries into nothing, read the text"},
		{"fold-cpu", "ms", 0, "the same, of all threads"},
		{"read+fold", "ms", 1000, "the same from lines; peers: from updates"},
		{"read+fold-cpu", "ms", 0, "the same, of all threads"},
		{"state", "B", 65_000, "gzip of the delta line; peers: of what they save"},
		{"state-raw", "B", 0, "the same, not compressed"},
		{"state+history", "B", 0, "where a peer can leave the history out"},
		{"load-first", "ms", 0, "gunzip, read the state, read the text"},
		{"load", "ms", 20, "the same, warm: the best of 9"},
		{"load-raw", "ms", 0, "the same without gunzip"},
		{"heap", "B", 8_000_000, "growth after a load and a collection"},
		{"set", "ns", 1e9 / 1_500_000, "S3: fold a SET_PROPERTY, of 20,000 on 100 nodes"},
		{"read+set", "ns", 0, "the same from a line; peers: from an update"},
		{"json.Unmarshal", "ns", 0, "of the same action"},
	}
}

type row struct {
	name, unit string
	target     float64
	what       string
}

// table is what was measured, of SetLogger and of each peer.
type table struct {
	own   figures
	names []string
	peers map[string]figures
}

func (t *table) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "figure\tunit\ttarget\tSetLogger\tverdict\t%s\twhat\n", strings.Join(t.names, "\t"))
	for _, r := range rows() {
		target, verdict := "-", "-"
		if r.target > 0 {
			target, verdict = number(r.target), "met"
			if t.own[r.name] > r.target {
				verdict = "missed"
			}
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s", r.name, r.unit, target, cell(t.own, r.name), verdict)
		for _, name := range t.names {
			fmt.Fprintf(w, "\t%s", cell(t.peers[name], r.name))
		}
		fmt.Fprintf(w, "\t%s\n", r.what)
	}
	return w.Flush()
}

func cell(f figures, name string) string {
	value, ok := f[name]
	if !ok {
		return "-"
	}
	return number(value)
}

// number writes three digits at least, and no fraction of a great one.
func number(value float64) string {
	if value < 100 {
		return fmt.Sprintf("%.3g", value)
	}
	return fmt.Sprintf("%.0f", value)
}
