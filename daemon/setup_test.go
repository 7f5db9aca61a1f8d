package daemon

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/remote"
)

// cloudSetups set up one kind of remote, which is asked about like WebDAV: this package knows no rclone.
func cloudSetups() remote.Setups {
	return remote.Setups{
		Kinds: func() []remote.Kind {
			return []remote.Kind{{Name: "webdav", Title: "WebDAV, Nextcloud", Text: "A folder of a Nextcloud, an ownCloud or another WebDAV server."}}
		},
		Known: func() []remote.Known { return []remote.Known{{Name: "office", Kind: "sftp"}} },
		Begin: func(_ context.Context, w remote.Wanted) (remote.Setup, *remote.Question, error) {
			c := &cloudSetup{wanted: w, given: map[string]string{}}
			if before, ok := w.Before.(*cloudSetup); ok {
				c.before = before.given
			}
			switch {
			case w.Kind == "browser":
				c.left = []string{"browser"}
			case w.Kind == "webdav":
				c.left = []string{"url", "pass", "folder"}
			case w.Known == "office":
				c.left = []string{"folder"}
			default:
				return nil, nil, &remote.AnswerError{Text: "there is no such kind", Advice: "name one of the list"}
			}
			return c, c.question(), nil
		},
	}
}

type cloudSetup struct {
	wanted        remote.Wanted
	left          []string // names of questions
	given, before map[string]string
	kept, closed  sync.Once
}

func (c *cloudSetup) question() *remote.Question {
	if len(c.left) == 0 {
		return nil
	}
	before := c.before[c.left[0]]
	switch c.left[0] {
	case "url":
		return &remote.Question{Name: "url", Help: "URL of http host to connect to.", Required: true, Default: before}
	case "pass":
		return &remote.Question{Name: "pass", Help: "Password.", Secret: true, Kept: before != ""}
	case "browser":
		return &remote.Question{Name: "browser", Help: "Open this address.", Address: "http://127.0.0.1:53682/auth?state=x"}
	default:
		return &remote.Question{Name: "folder", Help: "Folder there for what is synced.", Default: "setlogger", Required: true}
	}
}

func (c *cloudSetup) Answer(ctx context.Context, text string) (*remote.Question, error) {
	q := c.question()
	switch {
	case q.Address != "":
		<-ctx.Done()
		return q, nil
	case text == "" && q.Kept:
		text = c.before[q.Name]
	case text == "":
		text = q.Default
	}
	if text == "" && q.Required {
		return q, &remote.AnswerError{Text: q.Name + " is missing", Advice: "it can't be left out"}
	}
	c.given[q.Name], c.left = text, c.left[1:]
	return c.question(), nil
}

func (c *cloudSetup) Path() string { return "tried:" + c.given["pass"] + c.given["folder"] }

func (c *cloudSetup) Keep() (path string, undo func() error, err error) {
	err = remote.ErrTaken
	c.kept.Do(func() { err = nil })
	return c.wanted.Name + ":" + c.given["folder"], func() error { return nil }, err
}

func (c *cloudSetup) Close() { c.closed.Do(func() {}) }

func wantProblem(t *testing.T, err error, status int, word string) {
	t.Helper()
	refused, ok := errors.AsType[*api.Error](err)
	if !ok || refused.Status != status || refused.Hint == "" || !strings.Contains(refused.Detail, word) {
		t.Errorf("%v, want %d with %q", err, status, word)
	}
}

// TestSetupsAreBounded: there are few at once, none under the name of a remote, and each is gone once it is given up.
func TestSetupsAreBounded(t *testing.T) {
	s := serveOptions(t, Options{Data: filepath.Join(t.TempDir(), "data"), Setups: cloudSetups()})
	s.share(t, t.TempDir())
	_, err := s.client.BeginSetup(t.Context(), api.SetupStart{Name: "share", Kind: "webdav"})
	wantProblem(t, err, 409, "another place")
	var last *api.Setup
	for range maxSetups {
		if last, err = s.client.BeginSetup(t.Context(), api.SetupStart{Name: "x", Kind: "webdav"}); err != nil {
			t.Fatal(err)
		}
	}
	_, err = s.client.BeginSetup(t.Context(), api.SetupStart{Name: "x", Kind: "webdav"})
	wantProblem(t, err, 429, "too many")
	if err := s.client.DropSetup(t.Context(), last.ID); err != nil {
		t.Fatal(err)
	}
	_, err = s.client.Setup(t.Context(), last.ID)
	wantProblem(t, err, 404, "no such setup")
	_, err = s.client.AnswerSetup(t.Context(), last.ID, api.SetupAnswer{Question: "url", Answer: "x"})
	wantProblem(t, err, 404, "no such setup")
	if _, err = s.client.BeginSetup(t.Context(), api.SetupStart{Name: "x", Kind: "webdav"}); err != nil {
		t.Error(err)
	}
}

// TestSetupWaitsForTheBrowser until it is given up from elsewhere, or the daemon stops.
func TestSetupWaitsForTheBrowser(t *testing.T) {
	s := serveOptions(t, Options{Data: filepath.Join(t.TempDir(), "data"), Setups: cloudSetups()})
	for _, end := range []func(id string) error{
		func(id string) error { return s.client.DropSetup(t.Context(), id) },
		func(string) error { return s.stop() },
	} {
		begun, err := s.client.BeginSetup(t.Context(), api.SetupStart{Name: "x", Kind: "browser"})
		if err != nil || begun.Question.Address == "" {
			t.Fatalf("%+v, %v", begun, err)
		}
		ended := make(chan error, 1)
		go func() {
			_, err := s.client.AnswerSetup(t.Context(), begun.ID, api.SetupAnswer{Question: "browser"})
			ended <- err
		}()
		if err := end(begun.ID); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; err == nil {
			t.Error("the answer came")
		}
	}
}

// TestSetupEndsByItself a quarter of an hour after its last answer.
func TestSetupEndsByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var all setups
		h := newHeldSetup(t.Context(), remote.Wanted{Name: "x"}, api.Remote{Name: "x"})
		h.flow = &cloudSetup{}
		if err := all.add(h); err != nil {
			t.Fatal(err)
		}
		time.Sleep(setupTime - time.Second)
		held, err := all.lock(h.id)
		if err != nil {
			t.Fatal(err)
		}
		held.prolong()
		held.mu.Unlock()
		time.Sleep(setupTime - time.Second)
		if held, err = all.lock(h.id); err != nil {
			t.Fatal("it ended although it was answered")
		}
		held.mu.Unlock()
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if _, err := all.lock(h.id); err == nil || h.life.Err() == nil {
			t.Error("it goes on")
		}
	})
}

// TestSetupIsNeverHalf: where the name was taken meanwhile, what was kept is taken back, and the verdict is asked again.
func TestSetupIsNeverHalf(t *testing.T) {
	undone := 0
	offered := countsUndone(&undone)
	all := places{all: map[string]remote.Storage{}}
	s := serveOptions(t, Options{
		Data: filepath.Join(t.TempDir(), "data"), Open: all.open, Make: func(context.Context, string) error { return nil }, Setups: offered,
	})
	begun, err := s.client.BeginSetup(t.Context(), api.SetupStart{Name: "x", Known: "office"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.client.AddRemote(t.Context(), api.Remote{Name: "x", Path: "elsewhere:"}); err != nil {
		t.Fatal(err)
	}
	_, err = s.client.AnswerSetup(t.Context(), begun.ID, api.SetupAnswer{Question: "folder"})
	wantProblem(t, err, 409, "another place")
	if undone != 1 {
		t.Errorf("undone %d times", undone)
	}
	if stands, err := s.client.Setup(t.Context(), begun.ID); err != nil || stands.Question.Name != api.VerdictQuestion || !stands.Test.OK {
		t.Errorf("%+v, %v", stands, err)
	}
	if err := s.client.RemoveRemote(t.Context(), "x"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.client.AnswerSetup(t.Context(), begun.ID, api.SetupAnswer{Question: api.VerdictQuestion, Answer: "nonsense"}); err == nil {
		t.Error("a verdict that is none")
	}
	again, err := s.client.AnswerSetup(t.Context(), begun.ID, api.SetupAnswer{Question: api.VerdictQuestion})
	if err != nil || again.Question.Name != "folder" || again.Test != nil {
		t.Errorf("%+v, %v", again, err)
	}
	again, err = s.client.AnswerSetup(t.Context(), begun.ID, api.SetupAnswer{Question: api.VerdictQuestion, Answer: api.VerdictAgain}) // at any time
	if err != nil || again.Question.Name != "folder" {
		t.Errorf("%+v, %v", again, err)
	}
	done, err := s.client.AnswerSetup(t.Context(), begun.ID, api.SetupAnswer{Question: "folder"})
	if err != nil || done.Remote == nil || done.Question != nil {
		t.Errorf("%+v, %v", done, err)
	}
}

// countsUndone are setups that count how often they were taken back.
func countsUndone(undone *int) remote.Setups {
	offered := cloudSetups()
	begin := offered.Begin
	offered.Begin = func(ctx context.Context, w remote.Wanted) (remote.Setup, *remote.Question, error) {
		flow, q, err := begin(ctx, w)
		return &undoneSetup{flow, undone}, q, err
	}
	return offered
}

// undoneSetup counts how often it was taken back.
type undoneSetup struct {
	remote.Setup

	undone *int
}

func (u *undoneSetup) Keep() (path string, undo func() error, err error) {
	path, _, err = u.Setup.Keep()
	return path, func() error { *u.undone++; return nil }, err
}
