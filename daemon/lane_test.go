package daemon

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// record holds the times of a lane's rounds since its start.
type record struct {
	mu    sync.Mutex
	times []time.Duration
}

func (r *record) add(at time.Duration) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.times = append(r.times, at)
	return len(r.times)
}

func (r *record) all() []time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.times)
}

// rounds starts a lane in a bubble and answers the lane and the record of its rounds.
func rounds(t *testing.T, local bool, result func(n int) (outcome, error)) (*lane, *record) {
	t.Helper()
	start := time.Now()
	times := &record{}
	l := newLane(paceOf(local), &budget{}, func(context.Context) (outcome, error) {
		return result(times.add(time.Since(start)))
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); l.run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	synctest.Wait()
	return l, times
}

func quietRound(int) (outcome, error) { return outcome{}, nil }

func within(t *testing.T, what string, got, low, high time.Duration) {
	t.Helper()
	if got < low || got > high {
		t.Errorf("%s after %v, want %v to %v", what, got, low, high)
	}
}

func TestLaneStartsAtOnceAndSlowsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, times := rounds(t, false, quietRound)
		if all := times.all(); len(all) != 1 || all[0] != 0 {
			t.Fatalf("first rounds %v", all)
		}
		time.Sleep(3 * time.Hour)
		synctest.Wait()
		all := times.all()
		within(t, "an active poll", all[1]-all[0], 4*time.Second, 5*time.Second)
		for i := 1; i < len(all); i++ {
			gap := all[i] - all[i-1]
			switch last := all[i-1]; {
			case last > activeFor && last < quietFor:
				within(t, "a quiet poll", gap, 24*time.Second, 30*time.Second)
			case last > quietFor:
				within(t, "an idle poll", gap, 4*time.Minute, 5*time.Minute)
			}
		}
	})
}

func TestLaneDebouncesAppends(t *testing.T) {
	for local, debounce := range map[bool]time.Duration{false: 2 * time.Second, true: 50 * time.Millisecond} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			l, times := rounds(t, local, quietRound)
			time.Sleep(2 * time.Hour) // polls are minutes apart
			synctest.Wait()
			before := len(times.all())
			for len(times.all()) == before { // the next poll is minutes away right after one
				time.Sleep(time.Second)
				synctest.Wait()
			}
			before++
			begin := time.Since(start)
			from := time.Now()
			for time.Since(from) < debounce { // a stream does not push the round away
				l.noteAppend()
				time.Sleep(debounce / 10)
			}
			synctest.Wait()
			if len(times.all()) != before+1 {
				t.Fatalf("%d rounds after a burst, want 1", len(times.all())-before)
			}
			within(t, "the round", times.all()[before]-begin, debounce, debounce)
		})
	}
}

// TestLaneStretchesUnderAStream: a stream of appends is sent in ever larger steps, a single one at once again.
func TestLaneStretchesUnderAStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var waiting atomic.Bool
		l, times := rounds(t, true, func(int) (outcome, error) {
			sent := waiting.Swap(false)
			return outcome{moved: sent, sent: sent}, nil
		})
		for range 3000 { // half a minute
			waiting.Store(true)
			l.noteAppend()
			time.Sleep(10 * time.Millisecond)
			synctest.Wait()
		}
		if n := len(times.all()); n < 15 || n > 25 {
			t.Errorf("%d rounds in half a minute of appends, want some 20", n)
		}
		time.Sleep(time.Minute)
		waiting.Store(true)
		l.noteAppend()
		time.Sleep(50 * time.Millisecond)
		synctest.Wait()
		if waiting.Load() {
			t.Error("a single append waits longer than the debounce")
		}
	})
}

func TestLaneBacksOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("no network")
		l, times := rounds(t, false, func(n int) (outcome, error) {
			if n <= 12 {
				return outcome{}, broken
			}
			return outcome{}, nil
		})
		for range 12 {
			l.noteAppend() // does not hurry a remote that fails
			time.Sleep(5 * time.Minute)
			synctest.Wait()
		}
		all := times.all()
		within(t, "the first retry", all[1]-all[0], 4*time.Second, 5*time.Second)
		within(t, "the second retry", all[2]-all[1], 8*time.Second, 10*time.Second)
		within(t, "a late retry", all[10]-all[9], 4*time.Minute, 5*time.Minute)
		if l.look().err != nil || l.look().lastSync.IsZero() {
			t.Errorf("after healing: %+v", l.look())
		}
	})
}

func TestLaneSyncWaitsForALaterRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("full")
		l, times := rounds(t, false, func(n int) (outcome, error) {
			time.Sleep(time.Second) // a round takes its time
			if n == 2 {
				return outcome{}, broken
			}
			return outcome{moved: true}, nil
		})
		if err := l.sync(t.Context()); !errors.Is(err, broken) { // asked within round 1, answered by round 2
			t.Errorf("got %v", err)
		}
		if len(times.all()) != 2 {
			t.Errorf("%d rounds, want 2", len(times.all()))
		}
		if err := l.sync(t.Context()); err != nil {
			t.Errorf("after healing: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := l.sync(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("impatient: %v", err)
		}
	})
}

// TestLaneObeysRetryAfter: a remote that names a time is left alone until then, but not for a year.
func TestLaneObeysRetryAfter(t *testing.T) {
	for asked, least := range map[time.Duration]time.Duration{time.Hour: time.Hour, 365 * 24 * time.Hour: longestPause} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			l, times := rounds(t, false, func(n int) (outcome, error) {
				if n == 1 {
					return outcome{}, pausing{start.Add(asked)}
				}
				return outcome{}, nil
			})
			l.noteAppend()
			time.Sleep(least + time.Minute)
			synctest.Wait()
			within(t, "the next round", times.all()[1], least, least)
		})
	}
}
