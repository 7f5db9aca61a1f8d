package endtoend

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	soakBucket = "soak"
	healthy    = 190
	halted     = 10 // subscribers that read nothing
)

// TestSubscribersSoak: 64 writers, 190 healthy subscribers and 10 stalled ones on one bucket. No change is lost or told twice,
// the stalled ones are cut off, and the memory stays as it is.
func TestSubscribersSoak(t *testing.T) {
	long, pause := 20*time.Second, 100*time.Millisecond
	if soak() {
		long, pause = time.Duration(setting(t, "SETLOGGER_MINUTES", 30))*time.Minute, 2*time.Second
	}
	seed := uint64(setting(t, "SETLOGGER_SEED", int(time.Now().UnixNano()&0xffffff)))
	t.Logf("seed %d", seed)
	s := newSoak(t, seed)
	s.begin(t)
	sampling, stop := context.WithCancel(t.Context())
	var samples memory
	s.others.Go(func() {
		var err error
		if samples, err = s.device.watchMemory(sampling, pause, s.appends.Load); err != nil {
			t.Error(err)
		}
	})
	without := s.rate(t, long/5)
	with := s.withStalled(t, long*4/5)
	stop()
	s.end(t)
	s.print(t)
	t.Logf("appends a second: %.0f without stalled subscribers, then %.0f with %d of them", without, with, halted)
	s.gallery.print(t)
	samples.keep(t, "soak", "Memory of a daemon with 64 writers, 190 subscribers and 10 stalled ones")
	samples.judge(t)
	s.device.run(t, "verify")
	s.device.stop(t)
}

// soakRun is a daemon with its writers and subscribers.
type soakRun struct {
	device      *device
	writers     []*soakWriter
	subscribers []*subscriber
	gallery     gallery
	appends     atomic.Int64
	arrived     chan struct{} // a note of each subscriber, at its first ready

	stopWriters      context.CancelFunc
	writing, reading sync.WaitGroup
	others           sync.WaitGroup
}

func newSoak(t *testing.T, seed uint64) *soakRun {
	t.Helper()
	share := filepath.Join(t.TempDir(), "share")
	if err := os.Mkdir(share, 0o755); err != nil {
		t.Fatal(err)
	}
	s := &soakRun{device: newStarted(t, "s", share), arrived: make(chan struct{}, healthy)}
	s.device.run(t, "bucket", "create", soakBucket, "--remote", "share")
	for i := range hotNodes {
		if _, err := s.device.appendOne(t.Context(), soakBucket, fmt.Sprintf(`{"type":"CREATE_NODE","id":%q,"properties":{"n":0}}`, hotID(i))); err != nil {
			t.Fatal(err)
		}
	}
	socket := s.device.onSocket()
	t.Cleanup(socket.client.CloseIdleConnections)
	for i := range soakWriters {
		s.writers = append(s.writers, &soakWriter{number: i, device: socket, appends: &s.appends, toldMade: newLowest(healthy), toldGone: newLowest(healthy)})
	}
	for i := range healthy {
		arrive := sync.OnceFunc(func() { s.arrived <- struct{}{} })
		s.subscribers = append(s.subscribers, &subscriber{
			device: s.device, chance: rand.New(rand.NewPCG(seed, uint64(i))), habit: habitOf(i),
			report: func(told *[soakWriters]sequence) { arrive(); s.report(i, told) },
		})
	}
	s.gallery.device = s.device
	return s
}

// habitOf has one in ten subscribers resume now and then, and four of all begin anew.
func habitOf(i int) habit {
	switch {
	case i%10 == 1:
		return resumes
	case i%50 == 2:
		return restarts
	}
	return stays
}

func (s *soakRun) report(subscriber int, told *[soakWriters]sequence) {
	for i, w := range s.writers {
		w.toldMade.raise(subscriber, told[i].made)
		w.toldGone.raise(subscriber, told[i].gone)
	}
}

// begin starts the subscribers and, once all are there, the writers.
func (s *soakRun) begin(t *testing.T) {
	t.Helper()
	writing, cancel := context.WithCancel(t.Context())
	s.stopWriters = cancel
	for i, one := range s.subscribers {
		s.reading.Go(func() {
			if err := one.follow(t.Context()); err != nil {
				t.Errorf("subscriber %d: %v", i, err)
				cancel()
			}
		})
	}
	for range healthy {
		select {
		case <-s.arrived:
		case <-time.After(patience):
			t.Fatalf("not all subscribers are there after %v", patience)
		}
	}
	for _, w := range s.writers {
		s.writing.Go(func() {
			if err := w.write(t.Context(), writing); err != nil {
				t.Errorf("writer %d: %v", w.number, err)
				cancel()
			}
		})
	}
}

// rate lets a time pass, and answers the appends a second in it.
func (s *soakRun) rate(t *testing.T, long time.Duration) float64 {
	t.Helper()
	begun, from := time.Now(), s.appends.Load()
	select {
	case <-time.After(long): // the rate over it is what is asked for
	case <-t.Context().Done():
	}
	return float64(s.appends.Load()-from) / time.Since(begun).Seconds()
}

// withStalled is rate beside stalled subscribers.
func (s *soakRun) withStalled(t *testing.T, long time.Duration) float64 {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var keeping sync.WaitGroup
	keeping.Go(func() {
		if err := s.gallery.keep(ctx, halted); err != nil {
			t.Errorf("stalled subscribers: %v", err)
		}
	})
	rate := s.rate(t, long)
	cancel()
	keeping.Wait()
	return rate
}

// end stops the writers, waits until all subscribers were told of all, and judges what each was told.
func (s *soakRun) end(t *testing.T) {
	t.Helper()
	s.stopWriters()
	s.writing.Wait()
	if _, err := s.device.appendOne(t.Context(), soakBucket, fmt.Sprintf(`{"type":"CREATE_NODE","id":%q}`, lastNode)); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { s.reading.Wait(); close(done) }()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatalf("LOST: not all subscribers were told of the last node after %v", patience)
	}
	s.others.Wait()
	var made, gone []int
	for _, w := range s.writers {
		made, gone = append(made, w.made), append(gone, w.gone)
	}
	hot := s.hot(t)
	for i, one := range s.subscribers {
		one.tally.finish(made, gone, hot)
		if one.tally.complaint != "" {
			t.Errorf("subscriber %d: %s", i, one.tally.complaint)
		}
	}
	s.gallery.empty(t)
}

// hot is how the hot nodes are, which is as often as they were counted up.
func (s *soakRun) hot(t *testing.T) (hot [hotNodes]hotNode) {
	t.Helper()
	for i := range hot {
		var n toldNode
		s.device.get(t, "/v1/buckets/"+soakBucket+"/nodes/"+hotID(i), &n)
		want := 0
		for _, w := range s.writers {
			want += w.increments[i]
		}
		if n.Value.N != want {
			t.Errorf("%s is %d after %d increments", n.ID, n.Value.N, want)
		}
		hot[i] = hotNode{rev: n.Rev, n: n.Value.N}
		if _, err := fmt.Sscanf(n.Rev, "%d-", &hot[i].count); err != nil {
			t.Error(err)
		}
	}
	return hot
}

// print tells what all subscribers were told.
func (s *soakRun) print(t *testing.T) {
	t.Helper()
	var all tally
	var breaks, resets int
	for _, one := range s.subscribers {
		all.told += one.tally.told
		all.lost += one.tally.lost
		all.doubled += one.tally.doubled
		all.again += one.tally.again
		all.hotTold += one.tally.hotTold
		all.backwards += one.tally.backwards
		breaks += one.breaks
		resets += one.resets
	}
	t.Logf("appended %d; told %d changes of nodes that change once a life, %d of hot nodes; lost %d, doubled %d, gone back %d", s.appends.Load(), all.told, all.hotTold, all.lost, all.doubled, all.backwards)
	t.Logf("%d connections broken off and taken up again; %d changes told again after a snapshot that had them; %d resets not asked for", breaks, all.again, resets)
	if resets > 0 {
		t.Error("a subscriber that was not far behind was sent all nodes anew")
	}
}

// print tells how long the stalled ones were borne with.
func (g *gallery) print(t *testing.T) {
	t.Helper()
	if len(g.lasted) < halted {
		t.Errorf("only %d stalled subscribers were cut off", len(g.lasted))
		return
	}
	slices.Sort(g.lasted)
	t.Logf("stalled subscribers: %d cut off after %v to %v, median %v", len(g.lasted), g.lasted[0].Round(time.Second),
		g.lasted[len(g.lasted)-1].Round(time.Second), g.lasted[len(g.lasted)/2].Round(time.Second))
}
