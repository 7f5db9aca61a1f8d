package endtoend

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/setlogger/setlogger/remote/faulty"
)

// TestEachPlace has two devices do the main job over each kind of place while that fails as its kind does: they make a
// bucket, join it, write from several apps, are killed, and compact. Then the place is healed, and they and a newcomer
// have the same, with all that was acknowledged. It prints what an hour of such work asks of each place.
func TestEachPlace(t *testing.T) {
	seed := uint64(setting(t, "SETLOGGER_SEED", 1))
	t.Logf("seed %d", seed)
	var mu sync.Mutex
	var table []string
	var all sync.WaitGroup
	for _, personality := range faulty.Personalities() { // at once, for they mostly wait
		all.Go(func() {
			t.Run(personality.Name, func(t *testing.T) {
				line := testPlace(t, quirky(t, personality, seed))
				mu.Lock()
				defer mu.Unlock()
				table = append(table, line)
			})
		})
	}
	all.Wait()
	slices.Sort(table)
	t.Logf("an edit a second, two devices, while the place fails; an hour of that asks of each:\n%s", strings.Join(table, "\n"))
}

func testPlace(t *testing.T, p place) (line string) {
	j := newJob(t, p)
	line = j.hour(t)
	apps := j.rough(t)
	t.Logf("met: %s", p.heal())
	newcomer := p.device(t, "c")
	newcomer.run(t, "bucket", "join", jobBucket, "--remote", "share")
	devices := []*device{j.a, j.b, newcomer}
	agree(t, jobBucket, devices...)
	count := 0
	for _, app := range append(apps, j.ofA, j.ofB) {
		count += len(app.ids)
		for _, d := range devices {
			app.check(t, d)
		}
	}
	for _, d := range devices {
		d.run(t, "verify")
	}
	t.Logf("%d nodes of %d apps were acknowledged and are on %d devices", count, len(apps)+2, len(devices))
	return line
}

// rough has apps of both devices write at once, while one device is killed and the other compacts, time and again.
func (j *job) rough(t *testing.T) []*acknowledged {
	t.Helper()
	times := 2
	if soak() {
		times = 40
	}
	var all []*acknowledged
	for turn := range times {
		all = append(all, j.killAmidWrites(t, turn)...)
		if _, err := j.a.try(t, "compact", jobBucket); err != nil {
			t.Logf("a does not compact: %v", err) // it may, at such a place; it is tried again by itself
		}
	}
	return all
}

// killAmidWrites kills b once each of its apps has some writes acknowledged, and starts it again.
func (j *job) killAmidWrites(t *testing.T, turn int) []*acknowledged {
	t.Helper()
	const each = 20 // writes of an app of b before the kill
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var all []*acknowledged
	var running, ready sync.WaitGroup
	for _, d := range []*device{j.a, j.b} {
		for n := range 2 {
			app := &acknowledged{device: d.app(t, fmt.Sprintf("app-%d-%d", turn, n)), bucket: jobBucket, prefix: fmt.Sprintf("%s-%d-%d-", d.name, turn, n)}
			all = append(all, app)
			ready.Add(1)
			running.Go(func() { app.write(ctx, t, each, ready.Done) })
		}
	}
	ready.Wait()
	j.b.kill(t)
	cancel()
	running.Wait()
	j.b.start(t)
	return all
}

// app is another app of the device, with a token of its own.
func (d *device) app(t *testing.T, name string) *device {
	t.Helper()
	app := *d
	app.token = strings.TrimSpace(string(d.run(t, "app", "add", name, "--scope", jobBucket+":rw")))
	return &app
}

// write adds node after node until the context ends or one is not acknowledged, and tells when some are.
func (a *acknowledged) write(ctx context.Context, t *testing.T, some int, ready func()) {
	t.Helper()
	pace := time.NewTicker(5 * time.Millisecond)
	defer pace.Stop()
	told := false
	defer func() {
		if !told {
			t.Errorf("%s had only %d writes acknowledged", a.prefix, len(a.ids))
			ready()
		}
	}()
	for ctx.Err() == nil && a.add(t) == nil {
		if !told && len(a.ids) == some {
			told = true
			ready()
		}
		<-pace.C
	}
}
