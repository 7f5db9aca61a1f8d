// Command testreport turns the stream of `go test -json` into what a person reads: a line a package, the output of what
// failed, and at the end the packages that took longest, each skipped test with its reason, and each failed one with the
// last of what it printed. It exits with 1 if anything failed. A test that passed in one run of the stream and skipped
// itself in another one was not skipped.
package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
)

// event is a line of `go test -json`; see `go doc test2json`.
type event struct {
	Action     string
	Package    string
	ImportPath string // of build output
	Test       string
	Output     string
	Elapsed    float64
}

// report gathers the events.
type report struct {
	out     io.Writer
	show    []string // suffixes of the packages whose tests' logs are printed even where they pass
	outputs map[string][]string
	failed  []failure
	times   []took
	skipped []skip
	passed  map[string]bool // by package and name
}

// skip is a test that skipped itself.
type skip struct{ name, reason string }

// failure is a test or package that failed, and what it printed.
type failure struct{ name, output string }

// took is how long the tests of a package ran.
type took struct {
	name    string
	seconds float64
}

func main() {
	show := flag.String("show", "", "suffixes, with commas between, of the packages whose logs are always printed")
	flag.Parse()
	r := &report{out: os.Stdout, show: strings.Split(*show, ","), outputs: map[string][]string{}, passed: map[string]bool{}}
	lines := bufio.NewReader(os.Stdin)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			r.line(line)
		}
		if err != nil {
			break
		}
	}
	if !r.close() {
		os.Exit(1)
	}
}

// shows tells whether the logs of a package are printed.
func (r *report) shows(name string) bool {
	return slices.ContainsFunc(r.show, func(suffix string) bool { return suffix != "" && strings.HasSuffix("/"+name, suffix) })
}

func (r *report) line(line []byte) {
	var e event
	if json.Unmarshal(line, &e) != nil {
		fmt.Fprint(r.out, string(line)) // printed by go itself
		return
	}
	if e.Package == "" {
		e.Package = e.ImportPath
	}
	e.Package = strings.TrimPrefix(e.Package, "github.com/setlogger/setlogger/")
	switch e.Action {
	case "output", "build-output":
		r.output(e)
	case "pass", "fail", "skip", "build-fail":
		r.end(e)
	}
}

func (r *report) output(e event) {
	name := e.Package + " " + e.Test
	r.outputs[name] = append(r.outputs[name], e.Output)
	logged := strings.HasPrefix(e.Output, "    ")
	if e.Action == "build-output" || logged && r.shows(e.Package) {
		fmt.Fprint(r.out, e.Output)
	}
}

func (r *report) end(e event) {
	name := e.Package + " " + e.Test
	output := strings.Join(r.outputs[name], "")
	delete(r.outputs, name)
	if e.Test == "" {
		r.times = append(r.times, took{e.Package, e.Elapsed})
	}
	switch {
	case e.Action == "fail" || e.Action == "build-fail":
		fmt.Fprintf(r.out, "FAIL %s (%.1fs)\n%s", name, e.Elapsed, output)
		r.failed = append(r.failed, failure{name, output})
	case e.Test == "":
		fmt.Fprintf(r.out, "%-4s %s (%.1fs)\n", e.Action, e.Package, e.Elapsed)
	case e.Action == "skip":
		r.skipped = append(r.skipped, skip{name, reason(output)})
	default:
		r.passed[name] = true
	}
}

// reason is what the test said when it skipped itself, on one line.
func reason(output string) string {
	var said []string
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "===") && !strings.HasPrefix(line, "---") {
			said = append(said, line)
		}
	}
	return strings.Join(said, " ")
}

// close prints the sum and tells whether all is well.
func (r *report) close() bool {
	slices.SortFunc(r.times, func(a, b took) int { return cmp.Compare(b.seconds, a.seconds) })
	for _, t := range r.times[:min(len(r.times), 12)] {
		fmt.Fprintf(r.out, "took: %s %.0fs\n", t.name, t.seconds)
	}
	r.skipped = slices.DeleteFunc(r.skipped, func(s skip) bool { return r.passed[s.name] })
	for _, s := range r.skipped {
		fmt.Fprintf(r.out, "skipped: %s: %s\n", s.name, s.reason)
	}
	for _, f := range r.failed {
		fmt.Fprintf(r.out, "failed: %s\n%s", f.name, ending(f.output))
	}
	fmt.Fprintf(r.out, "%d passed, %d failed, %d skipped\n", len(r.passed), len(r.failed), len(r.skipped))
	return len(r.failed) == 0 && len(r.passed) > 0
}

// ending is the last lines of an output.
func ending(output string) string {
	lines := slices.Collect(strings.Lines(output))
	return strings.Join(lines[max(0, len(lines)-20):], "")
}
