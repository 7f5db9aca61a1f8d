package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/term"

	"github.com/setlogger/setlogger/api"
)

// Why a setup ends early.
var (
	errNoAnswer = errors.New("the answers ended before the questions did; nothing was kept")
	errGivenUp  = errors.New("given up; nothing was kept")
	errTooLate  = errors.New("the setup was over when it was given up\nHint: setlogger remote list shows whether the remote was named; setlogger remote remove forgets it")
)

// answers are a person's lines at a terminal, or those of a file.
type answers struct {
	in       io.Reader
	out      io.Writer
	terminal *os.File // nil: what is typed shows nowhere anyway
}

func newAnswers(in io.Reader, out io.Writer) *answers {
	a := &answers{in: in, out: out}
	if file, ok := in.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		a.terminal = file
	}
	return a
}

// ask puts a question and answers what it means: the number of a choice stands for its value.
func (a *answers) ask(ctx context.Context, q *api.SetupQuestion) (string, error) {
	fmt.Fprintf(a.out, "\n%s\n", q.Help)
	for i, c := range q.Choices {
		fmt.Fprintf(a.out, "%4d  %-17s %s\n", i+1, c.Value, firstLine(c.Text))
	}
	prompt := promptOf(q)
	if q.Secret {
		return a.secret(ctx, prompt)
	}
	text, err := a.line(ctx, prompt)
	switch {
	case err != nil:
		return "", err
	case q.Folder:
		return folderOf(text)
	}
	if n, err := strconv.Atoi(strings.TrimSpace(text)); err == nil && n >= 1 && n <= len(q.Choices) {
		return q.Choices[n-1].Value, nil
	}
	return text, nil
}

func firstLine(text string) string {
	first, _, _ := strings.Cut(text, "\n")
	return first
}

// promptOf tells what an empty answer means.
func promptOf(q *api.SetupQuestion) string {
	switch {
	case q.Kept:
		return q.Name + " [as before]: "
	case q.Default != "":
		return q.Name + " [" + q.Default + "]: "
	case q.Required:
		return q.Name + ": "
	default:
		return q.Name + " [none]: "
	}
}

// line reads one line.
func (a *answers) line(ctx context.Context, prompt string) (string, error) {
	return a.read(ctx, prompt, func() (string, error) { return readLine(a.in) })
}

// secret reads a line that a terminal does not show.
func (a *answers) secret(ctx context.Context, prompt string) (string, error) {
	if a.terminal == nil {
		return a.line(ctx, prompt)
	}
	before, err := term.GetState(int(a.terminal.Fd()))
	if err != nil {
		return "", err
	}
	defer func() { _ = term.Restore(int(a.terminal.Fd()), before) }() // also when the person gives up
	defer fmt.Fprintln(a.out)
	return a.read(ctx, prompt, func() (string, error) {
		text, err := term.ReadPassword(int(a.terminal.Fd()))
		return string(text), err
	})
}

// read answers what was read, or that the person gave up: a read from a terminal can't be ended.
func (a *answers) read(ctx context.Context, prompt string, read func() (string, error)) (string, error) {
	fmt.Fprint(a.out, prompt)
	type result struct {
		text string
		err  error
	}
	done := make(chan result, 1)
	go func() {
		text, err := read()
		done <- result{text, err}
	}()
	select {
	case r := <-done:
		if a.terminal == nil {
			fmt.Fprintln(a.out) // no line break came from typing
		}
		if errors.Is(r.err, io.EOF) {
			return "", errNoAnswer
		}
		return r.text, r.err
	case <-ctx.Done():
		fmt.Fprintln(a.out)
		return "", errGivenUp
	}
}

// readLine reads byte by byte: what follows the line belongs to whoever reads next. A last line may lack its end.
func readLine(in io.Reader) (string, error) {
	var line []byte
	one := make([]byte, 1)
	for {
		n, err := in.Read(one)
		switch {
		case n == 1 && one[0] == '\n':
			return strings.TrimSuffix(string(line), "\r"), nil
		case n == 1:
			line = append(line, one[0])
		case errors.Is(err, io.EOF) && len(line) > 0:
			return string(line), nil
		case err != nil:
			return "", err
		}
	}
}
