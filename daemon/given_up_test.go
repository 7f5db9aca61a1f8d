package daemon

import (
	"context"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/memory"
)

// slowToLookAt is a place whose lists tell that they began, and last until their context ends.
type slowToLookAt struct {
	remote.Storage
	begun chan<- struct{}
}

func (s slowToLookAt) List(ctx context.Context, _ string) iter.Seq2[remote.Object, error] {
	return func(yield func(remote.Object, error) bool) {
		select {
		case s.begun <- struct{}{}:
		default:
		}
		<-ctx.Done()
		yield(remote.Object{}, ctx.Err())
	}
}

// TestSetupGivenUpAtTheEnd: while the last answer is under way, either the setup is given up and nothing is named, or it is told
// that it was over.
func TestSetupGivenUpAtTheEnd(t *testing.T) {
	begun := make(chan struct{}, 1)
	undone := 0
	offered := countsUndone(&undone)
	all := places{all: map[string]remote.Storage{}}
	s := serveOptions(t, Options{
		Data: filepath.Join(t.TempDir(), "data"), Make: func(context.Context, string) error { return nil }, Setups: offered,
		Open: func(path string) remote.Storage {
			if strings.HasPrefix(path, "x:") {
				return slowToLookAt{memory.New(), begun}
			}
			return all.open(path)
		},
	})
	setup, err := s.client.BeginSetup(t.Context(), api.SetupStart{Name: "x", Known: "office"})
	if err != nil {
		t.Fatal(err)
	}
	answered := make(chan error, 1)
	go func() {
		_, err := s.client.AnswerSetup(t.Context(), setup.ID, api.SetupAnswer{Question: "folder"})
		answered <- err
	}()
	<-begun
	dropped := s.client.DropSetup(t.Context(), setup.ID)
	answer := <-answered
	remotes, err := s.client.Remotes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	named := slices.ContainsFunc(remotes, func(r api.RemoteStatus) bool { return r.Name == "x" })
	if named == (dropped == nil) || named != (answer == nil) || named == (undone == 1) {
		t.Errorf("named: %v, given up: %v, answered: %v, undone %d times", named, dropped, answer, undone)
	}
}

// TestStopWithASetupAtAHungPlace: a place that ignores its context holds up no stop.
func TestStopWithASetupAtAHungPlace(t *testing.T) {
	making, end := make(chan struct{}), make(chan struct{})
	defer close(end)
	s := serveOptions(t, Options{
		Data: filepath.Join(t.TempDir(), "data"), Setups: cloudSetups(), Open: func(string) remote.Storage { return memory.New() },
		Make: func(_ context.Context, path string) error {
			if strings.HasPrefix(path, "tried:") {
				close(making)
				<-end
			}
			return nil
		},
	})
	setup, err := s.client.BeginSetup(t.Context(), api.SetupStart{Name: "x", Known: "office"})
	if err != nil {
		t.Fatal(err)
	}
	go func() { _, _ = s.client.AnswerSetup(t.Context(), setup.ID, api.SetupAnswer{Question: "folder"}) }()
	<-making
	stopped := make(chan error, 1)
	go func() { stopped <- s.stop() }()
	select {
	case err := <-stopped:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(finishTime + closeTime + 5*time.Second):
		t.Fatal("the daemon does not stop")
	}
}
