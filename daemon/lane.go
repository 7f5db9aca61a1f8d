package daemon

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// pace is when a lane visits its remote.
type pace struct {
	debounce time.Duration // after an append
	active   time.Duration // between polls, for a minute after the last change
	quiet    time.Duration // for an hour after it
	idle     time.Duration // later
	retry    time.Duration // after the first failure; doubled up to idle
}

const (
	activeFor = time.Minute
	quietFor  = time.Hour
)

// paceOf is the pace for a remote: a folder of this machine costs nothing to visit.
func paceOf(local bool) pace {
	p := pace{debounce: 2 * time.Second, active: 5 * time.Second, quiet: 30 * time.Second, idle: 5 * time.Minute, retry: 5 * time.Second}
	if local {
		p.debounce = 50 * time.Millisecond
	}
	return p
}

// lane visits one remote, one round at a time: after appends, when asked, and by the clock.
type lane struct {
	pace  pace
	round func(ctx context.Context) (moved bool, err error)

	appended chan struct{}   // holds one note
	asked    chan chan error // who waits for a round that begins later

	mu   sync.Mutex
	view laneView
}

// laneView is what the status shows of a lane.
type laneView struct {
	busy     bool
	lastSync time.Time // when a round last ended well
	err      error     // of the last round
}

func newLane(p pace, round func(ctx context.Context) (bool, error)) *lane {
	return &lane{pace: p, round: round, appended: make(chan struct{}, 1), asked: make(chan chan error)}
}

// noteAppend says that there is something to push. It never waits.
func (l *lane) noteAppend() {
	select {
	case l.appended <- struct{}{}:
	default:
	}
}

// sync waits for a round that begins now or later.
func (l *lane) sync(ctx context.Context) error {
	done := make(chan error, 1)
	select {
	case l.asked <- done:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *lane) look() laneView {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.view
}

// run visits the remote at once, then by its pace until the context ends.
func (l *lane) run(ctx context.Context) {
	var (
		due      = time.NewTimer(0)
		at       = time.Now() // when due fires
		changed  = time.Now() // last append or round that moved something
		failures int
		waiting  []chan error
	)
	defer due.Stop()
	defer func() {
		for _, done := range waiting {
			done <- context.Canceled
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.appended:
			changed = time.Now()
			if soon := changed.Add(l.pace.debounce); failures == 0 && soon.Before(at) {
				at = soon
				due.Reset(l.pace.debounce)
			}
			continue
		case done := <-l.asked:
			waiting = append(waiting, done)
		case <-due.C:
		}
		moved, err := l.visit(ctx)
		for _, done := range waiting {
			done <- err
		}
		waiting = nil
		if moved {
			changed = time.Now()
		}
		failures++
		if err == nil {
			failures = 0
		}
		wait := l.pace.next(time.Since(changed), failures)
		at = time.Now().Add(wait)
		due.Reset(wait)
	}
}

// visit makes one round and keeps what came of it.
func (l *lane) visit(ctx context.Context) (bool, error) {
	l.mu.Lock()
	l.view.busy = true
	l.mu.Unlock()
	moved, err := l.round(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.view.busy = false
	if ctx.Err() == nil {
		l.view.err = err
	}
	if err == nil {
		l.view.lastSync = time.Now()
	}
	return moved, err
}

// next is the time until the next poll, a little by chance so that devices do not move in step.
func (p pace) next(sinceChange time.Duration, failures int) time.Duration {
	wait := p.idle
	switch {
	case failures > 0:
		wait = min(p.retry<<min(failures-1, 10), p.idle)
	case sinceChange < activeFor:
		wait = p.active
	case sinceChange < quietFor:
		wait = p.quiet
	}
	return wait - time.Duration(rand.Float64()*float64(wait)/5)
}
