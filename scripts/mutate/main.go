// Command mutate breaks one rule of the model after the other in a copy, then one safeguard of the sync after the other,
// and shows which tests catch it. It exits with 1 if something broken is caught by none, or if the tests fail on the
// sources as they are.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// suite is a test that is to catch mutants.
type suite struct {
	name, folder, test string
	env                []string
}

// trial is mutants, and the suites that are to catch each of them.
type trial struct {
	name, of string // of: what a mutant breaks
	mutants  []mutant
	suites   []suite
}

func trials() []trial {
	quick := []string{"SETLOGGER_SHRINK=no", "SETLOGGER_FLEETS=600"}
	return []trial{
		{"model", "rule", rules(), []suite{
			{"vectors", "simulation/judge", "^TestVectors$", nil},
			{"histories", "simulation/history", "^TestHistories$", []string{"SETLOGGER_HISTORIES=12000"}},
			{"exhaustive", "simulation/exhaustive", "^TestExhaustive$", nil},
			{"unit tests", "setlog", ".", nil},
		}},
		{"sync", "floor", safeguards(), []suite{
			{"fleets", "simulation/fleet", "^TestFleet$", quick},
			{"forks", "simulation/fleet", "^TestFleet$", []string{"SETLOGGER_SHRINK=no", "SETLOGGER_FLEETS=300", "SETLOGGER_FAULTS=20,21"}},
			{"each fault", "simulation/fleet", "^TestEachFault$", quick},
			{"interleavings", "simulation/fleet", "^TestInterleavings$", quick},
		}},
	}
}

func main() {
	only := flag.String("only", "", "part of the names of the mutants to try; all if empty")
	of := flag.String("of", "", "what to break: model or sync; both if empty")
	flag.Parse()
	work, err := os.MkdirTemp("", "mutate")
	for _, t := range trials() {
		if err == nil && (*of == "" || *of == t.name) {
			err = run(work, t, *only)
		}
	}
	if err = errors.Join(err, os.RemoveAll(work)); err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

func run(work string, t trial, only string) error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	b := bench{root, work, t.suites}
	if caught, err := b.try(mutant{name: "none"}); err != nil || len(caught) > 0 {
		return errors.Join(err, fmt.Errorf("without a mutant fail: %v", caught))
	}
	fmt.Printf("%-12s%-62s%s\n", t.of, "mutant", "caught by")
	tried, survived := 0, 0
	for _, m := range t.mutants {
		if !strings.Contains(m.name, only) {
			continue
		}
		caught, err := b.try(m)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		tried++
		if len(caught) == 0 {
			survived++
			caught = []string{"SURVIVES"}
		}
		fmt.Printf("%-12s%-62s%s\n", m.breaks, m.name, strings.Join(caught, ", "))
	}
	fmt.Printf("%d mutants, %d survive\n", tried, survived)
	if survived > 0 || tried == 0 {
		return fmt.Errorf("the tests are blind to a broken %s", t.of)
	}
	return nil
}

func moduleRoot() (string, error) {
	file, err := exec.Command("go", "env", "GOMOD").Output()
	return filepath.Dir(strings.TrimSpace(string(file))), err
}

// bench tries mutants of the module at root; its files lie in work.
type bench struct {
	root, work string
	suites     []suite
}

// try answers the suites that fail on a mutant.
func (b bench) try(m mutant) ([]string, error) {
	overlay, err := b.overlay(m)
	if err != nil {
		return nil, err
	}
	if err := b.build(overlay); err != nil {
		return nil, err
	}
	var caught []string
	for _, s := range b.suites {
		fails, err := b.fails(s)
		if err != nil {
			return nil, err
		}
		if fails {
			caught = append(caught, s.name)
		}
	}
	return caught, nil
}

// overlay writes the changed source, and the file that tells the compiler to take it.
func (b bench) overlay(m mutant) (string, error) {
	replace := map[string]string{}
	if m.file != "" {
		original := filepath.Join(b.root, m.file)
		source, err := os.ReadFile(original)
		if err != nil {
			return "", err
		}
		if n := bytes.Count(source, []byte(m.old)); n != 1 {
			return "", fmt.Errorf("its source stands %d times in %s", n, m.file)
		}
		changed := filepath.Join(b.work, filepath.Base(m.file))
		if err := os.WriteFile(changed, bytes.Replace(source, []byte(m.old), []byte(m.new), 1), 0o600); err != nil {
			return "", err
		}
		replace[original] = changed
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	name := filepath.Join(b.work, "overlay.json")
	return name, os.WriteFile(name, text, 0o600)
}

// build builds the suites with the overlay.
func (b bench) build(overlay string) error {
	args := []string{"test", "-c", "-vet=off", "-overlay", overlay, "-o", b.work + "/"}
	for _, s := range b.suites {
		args = append(args, "./"+s.folder)
	}
	build := exec.Command("go", args...)
	build.Dir = b.root
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("it does not compile: %w: %s", err, out)
	}
	return nil
}

// fails runs a suite that was built. A mutant that hangs fails it.
func (b bench) fails(s suite) (bool, error) {
	binary := filepath.Join(b.work, filepath.Base(s.folder)+".test")
	test := exec.Command(binary, "-test.run", s.test, "-test.timeout", "5m")
	test.Dir = filepath.Join(b.root, s.folder)
	test.Env = append(os.Environ(), s.env...)
	err := test.Run()
	if _, failed := errors.AsType[*exec.ExitError](err); failed {
		return true, nil
	}
	return false, err
}
