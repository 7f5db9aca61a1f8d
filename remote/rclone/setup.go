package rclone

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/config/configmap"
	"github.com/rclone/rclone/fs/fspath"

	"github.com/setlogger/setlogger/remote"
)

// setup is a remote.Setup over rclone's own questions: first the options of the kind, then what the backend asks by itself
// (its sign-in among that), then the folder.
type setup struct {
	library *Library
	name    string
	known   string // remote of the settings; "" for a new one
	kind    kind
	info    *fs.RegInfo

	left   []fs.Option // options yet to be asked
	values *draft
	before configmap.Simple // of an earlier setup
	place  string           // the folder

	asked *remote.Question // the question that stands
	take  taker            // takes its answer
	end   func()           // ends the step under way, if there is one
}

// taker takes an answer and asks what comes next.
type taker func(ctx context.Context, text string) (*remote.Question, error)

// Begin answers a setup and its first question; see remote.Setups.
func (l *Library) Begin(ctx context.Context, w remote.Wanted) (remote.Setup, *remote.Question, error) {
	s, err := l.newSetup(w)
	if err != nil {
		return nil, nil, err
	}
	first, err := s.askOption(ctx)
	return s, first, s.hide(err)
}

func (l *Library) newSetup(w remote.Wanted) (*setup, error) {
	s := &setup{library: l, name: w.Name, known: w.Known, before: configmap.Simple{}, end: func() {}}
	name := w.Kind
	if w.Known != "" {
		at := slices.IndexFunc(l.Known(), func(k remote.Known) bool { return k.Name == w.Known })
		if at < 0 {
			return nil, refusal("rclone's settings have no remote "+w.Known, "rclone listremotes shows them")
		}
		name = l.Known()[at].Kind
	}
	var ok bool
	if s.kind, s.info, ok = kindOfName(name); !ok {
		return nil, refusal(fmt.Sprintf("rclone has no kind %q", name), "name one that the list of kinds has")
	}
	if s.known != "" {
		s.kind.asks, s.info = nil, &fs.RegInfo{Name: name} // it is set up already
	}
	if s.writes() {
		if err := l.settings.vacant(w.Name); err != nil {
			return nil, err
		}
	}
	s.values = newDraft(s.info)
	if before, ok := w.Before.(*setup); ok && before.info.Name == s.info.Name {
		s.before = before.values.kept()
		if before.place != "" {
			s.kind.folder.Default = before.place
		}
		if token := s.before[fs.ConfigToken]; token != "" {
			s.values.Set(fs.ConfigToken, token) // rclone asks whether it stays
		}
	}
	for _, name := range s.kind.asks {
		for _, o := range s.info.Options {
			if o.Name == name {
				o.Required = o.Required || slices.Contains(s.kind.must, name)
				s.left = append(s.left, o)
			}
		}
	}
	return s, nil
}

// writes tells whether Keep puts a remote into the settings.
func (s *setup) writes() bool { return s.known == "" && s.info.Name != localKind }

func (s *setup) ask(q *remote.Question, take taker) (*remote.Question, error) {
	s.asked, s.take = q, take
	return q, nil
}

// Answer takes an answer; see remote.Setup.
func (s *setup) Answer(ctx context.Context, text string) (*remote.Question, error) {
	if s.take == nil {
		return nil, nil //nolint:nilnil // no question is left
	}
	if strings.ContainsAny(text, "\n\r\x00") {
		return s.asked, refusal("an answer is one line", "leave out the line breaks")
	}
	next, err := s.take(ctx, text)
	if err != nil {
		return s.asked, s.hide(err)
	}
	return next, nil
}

// askFolder asks for the folder, the last question.
func (s *setup) askFolder() (*remote.Question, error) {
	q := s.kind.folder
	q.Name = "folder"
	return s.ask(&q, func(_ context.Context, text string) (*remote.Question, error) {
		place, err := placeOf(strings.TrimSpace(text), q)
		if err != nil {
			return nil, err
		}
		s.place, s.asked, s.take = place, nil, nil
		return nil, nil //nolint:nilnil // no question is left
	})
}

// placeOf answers the folder that an answer means.
func placeOf(text string, q remote.Question) (string, error) {
	if text == "" {
		text = q.Default
	}
	if text == "" {
		return "", refusal("the folder is missing", "give one")
	}
	if !q.Folder {
		return text, nil
	}
	if rest, ok := strings.CutPrefix(filepath.ToSlash(text), "~/"); ok {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", refusal("this daemon has no home", "give the whole path of the folder")
		}
		return filepath.Join(home, rest), nil
	}
	if !filepath.IsAbs(text) {
		return "", refusal("the folder is not absolute", "give its whole path, or one that begins with ~/")
	}
	return filepath.Clean(text), nil
}

// Path is the place by its connection string; see remote.Setup.
func (s *setup) Path() string {
	switch values := s.values.kept(); {
	case !s.writes():
		return s.kept()
	case len(values) == 0:
		return ":" + s.info.Name + ":" + s.place
	default:
		return ":" + s.info.Name + "," + values.String() + ":" + s.place
	}
}

// kept is the place by the name that it has in the settings.
func (s *setup) kept() string {
	switch {
	case s.known != "":
		return s.known + ":" + s.place
	case s.info.Name == localKind:
		return s.place
	default:
		return s.name + ":" + s.place
	}
}

// Keep writes the settings; see remote.Setup.
func (s *setup) Keep() (path string, undo func() error, err error) {
	if !s.writes() {
		return s.kept(), func() error { return nil }, nil
	}
	if err := s.library.settings.add(s.name, s.info.Name, s.values.kept()); err != nil {
		return "", nil, err
	}
	return s.kept(), func() error { return s.library.settings.drop(s.name) }, nil
}

// Close ends a sign-in that is under way, so that another can begin.
func (s *setup) Close() { s.end() }

// hide takes the answers out of an error's text, and gives it a hint.
func (s *setup) hide(err error) error {
	if err == nil || isAny(err, remote.ErrSigningIn, remote.ErrTaken, context.Canceled, context.DeadlineExceeded) {
		return err
	}
	text := err.Error()
	for _, secret := range secrets(":" + s.info.Name + "," + s.values.kept().String() + ":") {
		text = strings.ReplaceAll(text, secret, hidden)
	}
	hint := "look at the answers that were given"
	if known, ok := errors.AsType[*remote.AnswerError](err); ok {
		hint = known.Advice
	}
	return refusal(strings.Join(strings.Fields(text), " "), hint)
}

func refusal(text, advice string) error { return &remote.AnswerError{Text: text, Advice: advice} }

// checkName refuses a name that the settings can't hold.
func checkName(name string) error {
	if err := fspath.CheckConfigName(name); err != nil {
		return refusal(fmt.Sprintf("%q can't be the name of a remote of rclone's", name), "use letters, digits, _ and -")
	}
	return nil
}
