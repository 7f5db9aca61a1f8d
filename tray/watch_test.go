package tray

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/setlogger/setlogger/api"
)

// fakeDaemon is a daemon in the test's own time, which a real one can't be in.
type fakeDaemon struct {
	status atomic.Pointer[api.Status] // nil: not running
	rounds chan error                 // what each Sync answers, when
	asked  int
}

func (d *fakeDaemon) connect() (Daemon, error) {
	if d.status.Load() == nil {
		return nil, api.ErrNoDaemon
	}
	return d, nil
}

func (d *fakeDaemon) Status(context.Context) (*api.Status, error) {
	if status := d.status.Load(); status != nil {
		return status, nil
	}
	return nil, api.ErrNoDaemon
}

func (d *fakeDaemon) Sync(ctx context.Context, _ string) ([]api.RemoteStatus, error) {
	d.asked++
	select {
	case err := <-d.rounds:
		return nil, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// watching runs steps beside a watcher and answers the views it drew.
func watching(t *testing.T, d *fakeDaemon, steps func(sync chan<- struct{})) (drawn []View) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		d.rounds = make(chan error)
		ctx, cancel := context.WithCancel(t.Context())
		sync, done := make(chan struct{}), make(chan struct{})
		w := watcher{options: Options{Connect: d.connect}.filled(), draw: func(v View) { drawn = append(drawn, v) }}
		go func() { w.watch(ctx, sync); close(done) }()
		synctest.Wait()
		steps(sync)
		cancel()
		<-done
	})
	return drawn
}

func pass(span time.Duration) {
	time.Sleep(span) // of the bubble
	synctest.Wait()
}

func icons(views []View) (all []Icon) {
	for _, v := range views {
		all = append(all, v.Icon)
	}
	return all
}

func TestWatchSurvivesRestarts(t *testing.T) {
	idle := &api.Status{State: api.StateIdle}
	d := &fakeDaemon{}
	drawn := watching(t, d, func(chan<- struct{}) {
		pass(time.Minute)
		d.status.Store(idle)
		pass(time.Minute)
		d.status.Store(nil)
		pass(2 * time.Second)
		d.status.Store(idle)
		pass(2 * time.Second)
	})
	if got, want := icons(drawn), []Icon{IconStopped, IconIdle, IconStopped, IconIdle}; !slices.Equal(got, want) {
		t.Errorf("drew %v, not %v", got, want)
	}
}

func TestWatchSyncs(t *testing.T) {
	d := &fakeDaemon{}
	d.status.Store(&api.Status{State: api.StateIdle, Remotes: []api.RemoteStatus{{Name: "disk"}}})
	drawn := watching(t, d, func(sync chan<- struct{}) {
		sync <- struct{}{}
		synctest.Wait()
		sync <- struct{}{} // dropped: one is under way
		pass(3 * time.Second)
		d.rounds <- errors.New("no space left")
		synctest.Wait()
		sync <- struct{}{}
		synctest.Wait()
		d.rounds <- nil
		synctest.Wait()
	})
	if d.asked != 2 {
		t.Errorf("%d rounds, not 2", d.asked)
	}
	if got, want := icons(drawn), []Icon{IconIdle, IconSyncing, IconIdle, IconSyncing, IconIdle}; !slices.Equal(got, want) {
		t.Fatalf("drew %v, not %v", got, want)
	}
	if drawn[1].CanSync || !drawn[2].CanSync {
		t.Error("a round can be asked for while one is under way")
	}
	if drawn[2].Detail != "Sync failed: no space left" || drawn[4].Detail != "Never synced" {
		t.Errorf("details are %q and %q", drawn[2].Detail, drawn[4].Detail)
	}
}
