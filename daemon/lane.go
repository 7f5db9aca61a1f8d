package daemon

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// pace is when a lane visits its remote.
type pace struct {
	debounce time.Duration // after an append, and from sending to looking whether it has arrived
	hint     time.Duration // after a hint, for those that come together
	stream   time.Duration // what debounce grows to under a continuous stream, for fewer and larger files
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
	p := pace{debounce: 2 * time.Second, stream: 10 * time.Second, active: 5 * time.Second, quiet: 30 * time.Second, idle: 5 * time.Minute, retry: 5 * time.Second, hint: 10 * time.Millisecond}
	if local {
		p.debounce, p.stream = 50*time.Millisecond, 2*time.Second
	}
	return p
}

// carried is the pace while a channel carries what is appended: files gather for longer, and polls only bring what messages lost.
func (p pace) carried() pace {
	p.debounce, p.stream = max(p.debounce, 5*time.Second), 15*time.Second
	p.active, p.quiet = 30*time.Second, 2*time.Minute
	return p
}

// lane visits one remote, one round at a time: after appends, when asked, and by the clock.
type lane struct {
	pace   pace
	budget *budget
	round  func(ctx context.Context) (outcome, error)

	changed  func()          // called when the view is another
	appended chan struct{}   // holds one note
	hinted   chan struct{}   // likewise
	woken    chan struct{}   // likewise
	asked    chan chan error // who waits for a round that begins later
	ended    chan struct{}   // closed when run ends

	carried atomic.Bool // a channel carries what is appended

	mu   sync.Mutex
	view laneView
}

// outcome is what a lane must know of a round.
type outcome struct {
	moved bool // anything changed here or there
	sent  bool // files were sent, which a later listing is to show
}

// laneView is what the status shows of a lane.
type laneView struct {
	busy     bool
	lastSync time.Time // when a round last ended well
	err      error     // of the last round
}

// isWell tells whether the last round ended well.
func (v laneView) isWell() bool { return v.err == nil && !v.lastSync.IsZero() }

func newLane(p pace, b *budget, round func(ctx context.Context) (outcome, error)) *lane {
	return &lane{pace: p, budget: b, woken: make(chan struct{}, 1), round: round, changed: func() {}, appended: make(chan struct{}, 1), hinted: make(chan struct{}, 1), asked: make(chan chan error), ended: make(chan struct{})}
}

func (l *lane) paceNow() pace {
	if l.carried.Load() {
		return l.pace.carried()
	}
	return l.pace
}

// noteAppend says that there is something to push. It never waits.
func (l *lane) noteAppend() { note(l.appended) }

// noteHint says that there may be something to pull. It never waits.
func (l *lane) noteHint() { note(l.hinted) }

// wake has a round come at once, whatever came before: what is set of the remote is another. It never waits.
func (l *lane) wake() { note(l.woken) }

func note(notes chan struct{}) {
	select {
	case notes <- struct{}{}:
	default:
	}
}

// sync waits for a round that begins now or later.
func (l *lane) sync(ctx context.Context) error {
	done := make(chan error, 1)
	select {
	case l.asked <- done:
	case <-l.ended:
		return context.Canceled
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

// run visits the remote at once, or as soon as its budget has room, then by its pace until the context ends.
func (l *lane) run(ctx context.Context) {
	defer close(l.ended)
	now := time.Now()
	table := &timetable{pace: l.pace, budget: l.budget, next: now, changed: now, debounce: l.pace.debounce}
	if at := l.budget.reached(now); !at.IsZero() {
		table.next = at
	}
	due := time.NewTimer(time.Until(table.next))
	defer due.Stop()
	for {
		table.pace = l.paceNow()
		var waiting []chan error
		select {
		case <-ctx.Done():
			return
		case <-l.appended:
			table.appended(time.Now())
			due.Reset(time.Until(table.next))
			continue
		case <-l.hinted:
			table.hint(time.Now())
			due.Reset(time.Until(table.next))
			continue
		case <-l.woken:
			table.failures, table.next = 0, time.Now()
			due.Reset(0)
			continue
		case done := <-l.asked:
			waiting = append(waiting, done)
		case <-due.C:
		}
		waiting = append(waiting, l.alsoAsked()...)
		begin := time.Now()
		did, err := l.visit(ctx)
		for _, done := range waiting {
			done <- err
		}
		table.visited(begin, time.Now(), did, err)
		due.Reset(time.Until(table.next))
	}
}

// alsoAsked answers who else waits already: one round does for all.
func (l *lane) alsoAsked() []chan error {
	var more []chan error
	for {
		select {
		case done := <-l.asked:
			more = append(more, done)
		default:
			return more
		}
	}
}

// visit makes one round and keeps what came of it.
func (l *lane) visit(ctx context.Context) (outcome, error) {
	l.show(func(v *laneView) { v.busy = true })
	did, err := l.round(ctx)
	l.show(func(v *laneView) {
		v.busy = false
		if ctx.Err() == nil && !errors.Is(err, errPaused) {
			v.err = err
		}
		if err == nil {
			v.lastSync = time.Now()
		}
	})
	return did, err
}

func (l *lane) show(change func(v *laneView)) {
	l.mu.Lock()
	change(&l.view)
	l.mu.Unlock()
	l.changed()
}

// timetable tells when the next round is due.
type timetable struct {
	pace     pace
	budget   *budget
	next     time.Time     // of the next round
	changed  time.Time     // last append, or round that changed something
	sent     time.Time     // end of the last round that sent something
	debounce time.Duration // of the pace, or what a stream has stretched it to
	failures int           // in a row
}

// appended hurries the next round, unless the remote fails: then it has its own pace.
func (t *timetable) appended(now time.Time) {
	t.changed = now
	t.rest(now)
	t.hurry(now, t.debounce)
}

// hurry has the next round come after a while, if it would come later and the remote does not fail.
func (t *timetable) hurry(now time.Time, after time.Duration) {
	if soon := now.Add(after); t.failures == 0 && soon.Before(t.next) {
		t.next = soon
	}
}

// hint hurries the next round for what others may have sent, unless the budget holds polls up.
func (t *timetable) hint(now time.Time) {
	if t.budget.reached(now).IsZero() {
		t.hurry(now, t.pace.hint)
	}
}

// visited sets the next round after one that lasted from begin to now.
func (t *timetable) visited(begin, now time.Time, did outcome, err error) {
	if did.moved {
		t.changed = now
	}
	t.failures++
	if err == nil {
		t.failures = 0
	}
	wait := t.wait(now)
	if did.sent {
		if streaming := !t.rest(begin); streaming {
			t.debounce = min(2*t.debounce, t.pace.stream)
		}
		t.sent = now
		if err == nil {
			wait = min(wait, t.debounce)
		}
	}
	t.next = now.Add(wait)
	if asked := retryAfter(err); asked.After(t.next) {
		t.next = now.Add(min(asked.Sub(now), longestPause))
	}
}

// longestPause bounds what a remote can ask for: one that names a year is asked again tomorrow.
const longestPause = 24 * time.Hour

// rest ends what a stream has stretched, once nothing was sent for long enough; it tells whether that is so.
func (t *timetable) rest(now time.Time) bool {
	if now.Sub(t.sent) <= 2*t.debounce {
		return false
	}
	t.debounce = t.pace.debounce
	return true
}

// wait is the time until the next poll, a little by chance so that devices do not move in step.
func (t *timetable) wait(now time.Time) time.Duration {
	wait := t.pace.idle
	switch since := now.Sub(t.changed); {
	case t.failures > 0:
		wait = min(t.pace.retry<<min(t.failures-1, 10), t.pace.idle)
	case since < activeFor:
		wait = t.pace.active
	case since < quietFor:
		wait = t.pace.quiet
	}
	wait -= time.Duration(rand.Float64() * float64(wait) / 5)
	if t.failures > 0 {
		return wait // slow by itself, and what was written here may wait for it
	}
	return t.budget.stretch(now, wait)
}
