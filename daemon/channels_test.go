package daemon

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/remote/disk"
	"github.com/setlogger/setlogger/remote/remotetest/brokers"
)

// stepsOf names the steps of a test that worked, and those that failed with a "!".
func stepsOf(t *api.RemoteTest) (names []string) {
	for _, step := range t.Steps {
		name := step.Name
		if !step.OK {
			name += "!"
		}
		names = append(names, name)
	}
	return names
}

// TestChannelIsSetUpAndTakenDown does so at Google's fake, with a device that cannot find the topic first, and one that is left behind.
func TestChannelIsSetUpAndTakenDown(t *testing.T) {
	b := brokers.Google(t)
	b.Start(t)
	address := b.Channel + "-two" // a topic that nobody made
	share := t.TempDir()
	if err := disk.Make(share); err != nil {
		t.Fatal(err)
	}
	s := serveOptions(t, Options{Data: filepath.Join(t.TempDir(), "data"), Channels: channels()})
	if _, err := s.client.AddRemote(t.Context(), api.Remote{Name: "share", Path: share, Notify: address}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.client.CreateBucket(t.Context(), api.Bucket{Name: "todos", Remote: "share"}); err != nil {
		t.Fatal(err)
	}
	s.sync(t)
	s.awaitsProblem(t, "make it: setlogger remote channel setup share")
	for range 2 {
		test, err := s.client.SetUpChannel(t.Context(), "share")
		if err != nil || !test.OK || !slices.Equal(stepsOf(test), []string{"topic", "open", "message", "trip", "close"}) {
			t.Fatalf("%+v, %v", test, err)
		}
	}
	s.awaits(t, "the channel works", func(f map[string]float64) bool { return f[ofMessages("sent")] > 0 })

	b.Kill()
	if test, err := s.client.SetUpChannel(t.Context(), "share"); err != nil || test.OK || !slices.Equal(stepsOf(test), []string{"topic!", "open!"}) || test.Steps[1].Problem != notifyUnreachable || test.Steps[1].Hint == "" {
		t.Errorf("the service is away: %+v, %v", test, err)
	}
	if err := s.client.TearDownChannel(t.Context(), "share", false); err == nil || s.held(t).Notify != address {
		t.Errorf("the service is away: %v; the channel is %q", err, s.held(t).Notify)
	}
	b.Start(t) // it forgot the topic
	if err := s.client.TearDownChannel(t.Context(), "share", true); err != nil || s.held(t).Notify != "" {
		t.Errorf("taken down: %v; the channel is %q", err, s.held(t).Notify)
	}
	for name, call := range map[string]func() error{
		"set up":     func() error { _, err := s.client.SetUpChannel(t.Context(), "share"); return err },
		"taken down": func() error { return s.client.TearDownChannel(t.Context(), "share", true) },
	} {
		if err := call(); !errors.Is(err, api.ErrConflict) {
			t.Errorf("%s without a channel: %v", name, err)
		}
	}
}

// awaitsProblem waits until the status has a problem of a channel with such a hint.
func (s *served) awaitsProblem(t *testing.T, hint string) {
	t.Helper()
	s.awaits(t, hint, func(map[string]float64) bool {
		status, err := s.client.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return slices.ContainsFunc(status.Problems, func(p api.Problem) bool { return p.Name == notifyUnreachable && strings.HasSuffix(p.Hint, hint) })
	})
}
