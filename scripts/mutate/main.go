// Command mutate breaks one rule of the model after the other in a copy, and shows which tests catch it. It exits with 1
// if a broken rule is caught by none, or if the tests fail on the model as it is.
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

func suites() []suite {
	return []suite{
		{"vectors", "simulation/judge", "^TestVectors$", nil},
		{"histories", "simulation/history", "^TestHistories$", []string{"SETLOGGER_HISTORIES=12000"}},
		{"exhaustive", "simulation/exhaustive", "^TestExhaustive$", nil},
		{"unit tests", "setlog", ".", nil},
	}
}

func main() {
	only := flag.String("only", "", "part of the names of the mutants to try; all if empty")
	flag.Parse()
	work, err := os.MkdirTemp("", "mutate")
	if err == nil {
		err = run(work, *only)
		err = errors.Join(err, os.RemoveAll(work))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutate:", err)
		os.Exit(1)
	}
}

func run(work, only string) error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	b := bench{root: root, work: work}
	if caught, err := b.try(mutant{name: "none"}); err != nil || len(caught) > 0 {
		return errors.Join(err, fmt.Errorf("without a mutant fail: %v", caught))
	}
	fmt.Printf("%-6s%-62s%s\n", "rule", "mutant", "caught by")
	tried, survived := 0, 0
	for _, m := range mutants() {
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
		fmt.Printf("%-6s%-62s%s\n", m.rule, m.name, strings.Join(caught, ", "))
	}
	fmt.Printf("%d mutants, %d survive\n", tried, survived)
	if survived > 0 || tried == 0 {
		return errors.New("the tests are blind to a broken rule")
	}
	return nil
}

func moduleRoot() (string, error) {
	file, err := exec.Command("go", "env", "GOMOD").Output()
	return filepath.Dir(strings.TrimSpace(string(file))), err
}

// bench tries mutants of the module at root; its files lie in work.
type bench struct{ root, work string }

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
	for _, s := range suites() {
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
		original := filepath.Join(b.root, "setlog", m.file)
		source, err := os.ReadFile(original)
		if err != nil {
			return "", err
		}
		if n := bytes.Count(source, []byte(m.old)); n != 1 {
			return "", fmt.Errorf("its source stands %d times in %s", n, m.file)
		}
		changed := filepath.Join(b.work, m.file)
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
	for _, s := range suites() {
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
