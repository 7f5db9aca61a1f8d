package tray

import (
	"context"
	"reflect"
	"sync"
	"time"

	"github.com/setlogger/setlogger/api"
)

// patience bounds one question for the status.
const patience = 5 * time.Second

// watcher asks the daemon and tells what to draw.
type watcher struct {
	options Options
	daemon  Daemon     // nil until connected, and after a failure
	draw    func(View) // called from one goroutine, with a view that differs from the last
	drawn   View
}

// watch draws until ctx ends. Each value received from sync asks for a round
// with all remotes; while one is under way, further ones are dropped.
func (w *watcher) watch(ctx context.Context, sync <-chan struct{}) {
	ticks := time.NewTicker(w.options.Every)
	defer ticks.Stop()
	var round roundTrip
	defer round.wait()
	for {
		status, err := w.ask(ctx)
		if ctx.Err() != nil {
			return
		}
		w.show(Look(status, err, time.Now()), &round)
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		case err := <-round.done:
			round.end(err)
		case <-sync:
			if w.daemon != nil {
				round.start(ctx, w.daemon, w.options)
			}
		}
	}
}

// ask answers the status, over a new connection where the last one failed.
func (w *watcher) ask(ctx context.Context) (*api.Status, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if w.daemon == nil {
		daemon, err := w.options.Connect()
		if err != nil {
			return nil, err
		}
		w.daemon = daemon
	}
	status, err := w.daemon.Status(ctx)
	if err != nil {
		w.daemon = nil
	}
	return status, err
}

func (w *watcher) show(view View, round *roundTrip) {
	view = round.over(view)
	if reflect.DeepEqual(view, w.drawn) {
		return
	}
	w.drawn = view
	w.draw(view)
}

// roundTrip is the sync that the person asked for.
type roundTrip struct {
	done   chan error // how it ended; nil while none is under way
	failed error      // how the last one ended
	group  sync.WaitGroup
}

// start begins a round unless one is under way.
func (r *roundTrip) start(ctx context.Context, daemon Daemon, o Options) {
	if r.done != nil {
		return
	}
	done := make(chan error, 1)
	r.done, r.failed = done, nil
	r.group.Go(func() {
		_, err := daemon.Sync(ctx, "")
		if err != nil && ctx.Err() == nil {
			o.Logger.Warn("sync asked for in the tray failed", "error", err)
		}
		done <- err
	})
}

// end takes note of how the round ended.
func (r *roundTrip) end(err error) { r.done, r.failed = nil, err }

// over lays what is known about the round over a view.
func (r *roundTrip) over(view View) View {
	switch {
	case r.done != nil:
		view.Icon, view.CanSync = IconSyncing, false
	case r.failed != nil && view.CanSync:
		view.Detail = "Sync failed: " + r.failed.Error()
	}
	return view
}

func (r *roundTrip) wait() { r.group.Wait() }
