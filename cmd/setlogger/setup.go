package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/setlogger/setlogger/api"
)

const setUpHelp = `Name a folder on any storage that rclone reaches, or on this disk.

Without REMOTE:PATH it asks for what it needs: the kind of storage (Dropbox, Google Drive, OneDrive, S3, WebDAV, SFTP, SMB, a folder,
or any other of rclone's), or one of the remotes that rclone knows already; then what that kind takes. It tries the place with a file,
and says whether it works. What you answer is kept in rclone's settings, for your eyes alone. Answers may also come from a
file or a pipe, a line each.`

// interview is one guided setup: a client, and a person who answers.
type interview struct {
	c         *api.Client
	out       io.Writer
	in        *answers
	noBrowser bool

	choose  func(*api.Remote) error // gives it the key that is wanted
	discard func() error            // undoes that where nothing came of the setup

	kinds *api.SetupKinds
	last  string // address that was shown
}

// setUp asks for what a remote needs, tries it and names it.
func (g *globals) setUp(cmd *cobra.Command, as api.Remote, k *keyFlags, noBrowser bool) error {
	c, err := g.client(cmd)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt)
	defer stop()
	out := cmd.OutOrStdout()
	if g.json {
		out = cmd.ErrOrStderr()
	}
	i := &interview{
		c: c, out: out, in: newAnswers(cmd.InOrStdin(), out), noBrowser: noBrowser,
		choose: func(r *api.Remote) error { return g.chooseKey(cmd, r, k) }, discard: k.discard,
	}
	if i.kinds, err = c.SetupKinds(ctx); err != nil {
		return err
	}
	done, err := i.lead(ctx, as)
	if err != nil {
		return err
	}
	return i.conclude(done)
}

// lead begins a setup and goes through it; one that is given up is over at once. A new key goes only where no remote can have
// come to need it: an answer that was lost may have named one.
func (i *interview) lead(ctx context.Context, as api.Remote) (*api.Setup, error) {
	setup, err := i.begin(ctx, as)
	if err != nil {
		return nil, errors.Join(err, i.discard())
	}
	done, err := i.talk(ctx, setup)
	switch {
	case err == nil && done.Remote == nil:
		return done, i.discard()
	case err == nil:
		return done, nil
	}
	if ctx.Err() != nil {
		err = errGivenUp
	}
	// A sign-in that waits would keep others from theirs.
	dropped := i.c.DropSetup(context.WithoutCancel(ctx), setup.ID)
	switch {
	case dropped == nil:
		return nil, errors.Join(err, i.discard())
	case !errors.Is(dropped, api.ErrNotFound):
		return nil, errors.Join(err, dropped)
	case ctx.Err() != nil:
		err = errTooLate
	}
	return nil, err
}

// begin asks what to set up and under which name, until that is one that nothing else has.
func (i *interview) begin(ctx context.Context, as api.Remote) (*api.Setup, error) {
	start, err := i.chooseKind(ctx)
	if err != nil {
		return nil, err
	}
	start.Notify = as.Notify
	for name := as.Name; ; name = "" {
		if start.Name = name; name == "" {
			usual := usualName(start)
			if start.Name, err = i.in.line(ctx, fmt.Sprintf("\nName of the remote here [%s]: ", usual)); err != nil {
				return nil, err
			}
			start.Name = cmp.Or(strings.TrimSpace(start.Name), usual)
		}
		setup, err := i.beginAs(ctx, &start)
		if !isRefusal(err) {
			return setup, err
		}
		i.complain(err)
	}
}

// beginAs begins under a name, with the key that is wanted; it is asked for once.
func (i *interview) beginAs(ctx context.Context, start *api.SetupStart) (*api.Setup, error) {
	if !start.Encrypt {
		r := api.Remote{Name: start.Name}
		if err := i.choose(&r); err != nil {
			return nil, err
		}
		start.Encrypt, start.Key = r.Encrypt, r.Key
	}
	return i.c.BeginSetup(ctx, *start)
}

// usualName is what the remote is called unless the person has a better name.
func usualName(start api.SetupStart) string {
	if start.Kind == "local" {
		return "folder" // the daemon's own is called local
	}
	return strings.ToLower(cmp.Or(start.Known, start.Kind))
}

// isRefusal tells what another answer may mend.
func isRefusal(err error) bool {
	return errors.Is(err, api.ErrRefused) || errors.Is(err, api.ErrConflict)
}

func (i *interview) complain(err error) { fmt.Fprintf(i.out, "! %s\n", words(err)) }

// offered is how many kinds are listed: those for most people.
const offered = 8

// chooseKind asks for a kind, or for a remote that rclone knows.
func (i *interview) chooseKind(ctx context.Context) (api.SetupStart, error) {
	fmt.Fprintln(i.out, "Where shall it sync to?")
	var starts []api.SetupStart
	for _, k := range i.kinds.Kinds[:min(offered, len(i.kinds.Kinds))] {
		starts = append(starts, api.SetupStart{Kind: k.Name})
		fmt.Fprintf(i.out, "%4d  %-17s %s\n", len(starts), k.Title, k.Text)
	}
	for _, k := range i.kinds.Known {
		starts = append(starts, api.SetupStart{Known: k.Name})
		fmt.Fprintf(i.out, "%4d  %-17s one that rclone knows already (%s)\n", len(starts), k.Name+":", k.Kind)
	}
	fmt.Fprintln(i.out, "   ?  lists all other kinds that rclone has; name one by its word")
	for {
		text, err := i.in.line(ctx, "Number or word: ")
		if err != nil {
			return api.SetupStart{}, err
		}
		text = strings.TrimSpace(text)
		if start, ok := i.chosen(text, starts); ok {
			return start, nil
		}
		if text == "?" {
			for _, k := range i.kinds.Kinds {
				fmt.Fprintf(i.out, "      %-17s %s\n", k.Name, k.Text)
			}
			continue
		}
		fmt.Fprintf(i.out, "! %q is no number and no word of the list\n", text)
	}
}

func (i *interview) chosen(text string, starts []api.SetupStart) (api.SetupStart, bool) {
	if n, err := strconv.Atoi(text); err == nil && n >= 1 && n <= len(starts) {
		return starts[n-1], true
	}
	if known, ok := strings.CutSuffix(text, ":"); ok {
		return api.SetupStart{Known: known}, slices.ContainsFunc(i.kinds.Known, func(k api.KnownRemote) bool { return k.Name == known })
	}
	return api.SetupStart{Kind: text}, slices.ContainsFunc(i.kinds.Kinds, func(k api.RemoteKind) bool { return k.Name == text })
}

// talk answers questions until the setup is over.
func (i *interview) talk(ctx context.Context, s *api.Setup) (*api.Setup, error) {
	for s.Question != nil {
		q := s.Question
		text, err := i.answer(ctx, q)
		if err != nil {
			return nil, err
		}
		next, err := i.c.AnswerSetup(ctx, s.ID, api.SetupAnswer{Question: q.Name, Answer: text})
		switch {
		case isRefusal(err) || errors.Is(err, api.ErrRemote):
			i.complain(err)
			if next, err = i.after(ctx, s, q); err != nil {
				return nil, err
			}
		case err != nil:
			return nil, err
		case next.Test != nil && q.Name != api.VerdictQuestion: // else it was told
			i.tell(next.Test)
		}
		s = next
	}
	return s, nil
}

// after answers how a setup stands whose answer was refused. A sign-in that failed may be the fault of any answer before it.
func (i *interview) after(ctx context.Context, s *api.Setup, q *api.SetupQuestion) (*api.Setup, error) {
	if q.Address == "" {
		return i.c.Setup(ctx, s.ID)
	}
	i.last = ""
	return i.c.AnswerSetup(ctx, s.ID, api.SetupAnswer{Question: api.VerdictQuestion, Answer: api.VerdictAgain})
}

// answer asks one question. The address of a sign-in is shown once, and waited for.
func (i *interview) answer(ctx context.Context, q *api.SetupQuestion) (string, error) {
	if q.Address == "" {
		return i.in.ask(ctx, q)
	}
	if q.Address != i.last {
		i.last = q.Address
		fmt.Fprintf(i.out, "\n%s\n    %s\nWaiting for it; Ctrl-C gives up.\n", q.Help, q.Address)
		if show := browser(runtime.GOOS, os.Getenv, q.Address); show != nil && !i.noBrowser {
			_, _ = launch(ctx, show) // where that fails the person opens it
		}
	}
	return "", nil
}

// tell prints what the test of the place found.
func (i *interview) tell(t *api.RemoteTest) {
	fmt.Fprintln(i.out, "\nTrying it with a small file:")
	for _, step := range t.Steps {
		fmt.Fprintln(i.out, stepLine(step))
	}
}

// conclude says what came of it.
func (i *interview) conclude(s *api.Setup) error {
	switch {
	case s.Remote == nil:
		fmt.Fprintln(i.out, "Given up. Nothing was kept.")
		return errFindings
	case !s.Test.OK:
		fmt.Fprintf(i.out, "Remote %s is %s, and does not work yet. Try it again: setlogger remote test %s\n", s.Remote.Name, placeShown(*s.Remote), s.Remote.Name)
		return errFindings
	}
	_, err := fmt.Fprintf(i.out, "It works. Remote %s is %s. Sync a bucket with it: setlogger bucket create BUCKET --remote %s\n", s.Remote.Name, placeShown(*s.Remote), s.Remote.Name)
	return err
}

// folderOf is a folder as the daemon, which stands elsewhere, understands it; ~/ is the daemon's to know.
func folderOf(text string) (string, error) {
	text = strings.TrimSpace(text)
	if text == "" || strings.HasPrefix(filepath.ToSlash(text), "~/") {
		return text, nil
	}
	return filepath.Abs(text)
}
