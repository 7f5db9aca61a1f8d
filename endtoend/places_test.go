package endtoend

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/setlogger/setlogger/remote/faulty"
)

// TestEachPlace has two devices do the main job over each kind of place while that fails as its kind does: they make a
// bucket, join it, write from several apps, are killed, and compact. Then the place is healed, and they and a newcomer
// have the same, with all that was acknowledged. It prints what an hour of such work asks of each place. Syncthing itself is
// one of them, too, where it is installed.
func TestEachPlace(t *testing.T) {
	seed := uint64(setting(t, "SETLOGGER_SEED", 1))
	t.Logf("seed %d", seed)
	var mu sync.Mutex
	var table []string
	var all sync.WaitGroup
	play := func(kind string, open func(t *testing.T) place) {
		t.Run(kind, func(t *testing.T) {
			line := testPlace(t, open(t))
			mu.Lock()
			defer mu.Unlock()
			table = append(table, line)
		})
	}
	for _, personality := range faulty.Personalities() { // at once, for they mostly wait
		all.Go(func() { play(personality.Name, func(t *testing.T) place { return lies(t, personality, seed) }) })
	}
	all.Go(func() { play("syncthing itself", syncthingItself) })
	all.Wait()
	slices.Sort(table)
	t.Logf("an edit a second, two devices, while the place fails; an hour of that asks of each:\n%s", strings.Join(table, "\n"))
}

func testPlace(t *testing.T, p place) (line string) {
	j := newJob(t, p)
	line = j.hour(t)
	apps := append(j.rough(t), j.ofA, j.ofB)
	t.Logf("met: %s", p.heal())
	j.a.run(t, "compact", jobBucket)
	newcomer := p.device(t, "c")
	newcomer.run(t, "bucket", "join", jobBucket, "--remote", "share")
	haveAll(t, apps, j.a, j.b, newcomer)
	for _, d := range []*device{j.b, newcomer} {
		verifies(t, d)
	}
	return line
}

// verifies waits until all that a device's place shows is whole: in a mirrored folder an index may come before its chunks.
func verifies(t *testing.T, d *device) {
	t.Helper()
	for ended := time.Now().Add(patience); ; {
		_, err := d.try(t, "verify")
		if err == nil {
			return
		}
		if time.Now().After(ended) {
			t.Fatalf("%s: verify: %v", d.name, err)
		}
		_, _ = d.try(t, "sync") // what comes with it is looked at again
	}
}

// haveAll settles the devices until they have the same, and all that their apps were acknowledged. Numbers alone do not tell:
// what was done has to be sent again where the place spoilt it later.
func haveAll(t *testing.T, apps []*acknowledged, devices ...*device) {
	t.Helper()
	acked := 0
	for _, app := range apps {
		acked += len(app.ids)
	}
	for ended := time.Now().Add(patience); ; {
		settle(t, jobBucket, devices...)
		first := devices[0].export(t, jobBucket)
		same := !slices.ContainsFunc(devices[1:], func(d *device) bool { return !bytes.Equal(d.export(t, jobBucket), first) })
		var lost []string
		for _, app := range apps {
			lost = append(lost, app.missing(t, first)...)
		}
		if same && len(lost) == 0 {
			t.Logf("%d nodes of %d apps were acknowledged and are on %d devices", acked, len(apps), len(devices))
			return
		}
		if time.Now().After(ended) {
			t.Fatalf("%v after the place was healed the devices have the same: %v; LOST: %v", patience, same, lost)
		}
	}
}

// rough has apps of both devices write at once, while one device is killed and the other compacts, time and again.
func (j *job) rough(t *testing.T) []*acknowledged {
	t.Helper()
	times := 1
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

// killAmidWrites kills b once all apps have some writes acknowledged, every other time not before a file goes up, and starts
// it again.
func (j *job) killAmidWrites(t *testing.T, turn int) []*acknowledged {
	t.Helper()
	const each = 20 // writes of an app that are acknowledged before the kill
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
	if turn%2 == 0 {
		running.Go(func() { j.pushing(ctx) })
		j.awaitUpload()
	}
	j.b.kill(t)
	cancel()
	running.Wait()
	j.b.start(t)
	return all
}

// pushing has b sync until it is killed: by itself it may wait for minutes, where the place failed often.
func (j *job) pushing(ctx context.Context) {
	for ctx.Err() == nil {
		_ = j.b.sync(ctx) // what it says does not matter
	}
}

// awaitUpload waits until a file goes up, some seconds at most: at a place that is busy none may.
func (j *job) awaitUpload() {
	before := j.place.uploads()
	deadline := time.After(5 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for j.place.uploads() == before {
		select {
		case <-tick.C:
		case <-deadline:
			return
		}
	}
}

// app is another app of the device, with a token of its own.
func (d *device) app(t *testing.T, name string) *device {
	t.Helper()
	app := *d
	answer, err := d.call(t.Context(), http.MethodPost, "/v1/apps", "application/json",
		strings.NewReader(fmt.Sprintf(`{"name":%q,"scopes":["%s:rw"],"approve":true}`, name, jobBucket)))
	if err != nil {
		t.Fatal(err)
	}
	var let struct{ Token string }
	if err := json.Unmarshal(answer, &let); err != nil || let.Token == "" {
		t.Fatalf("%s: %v", answer, err)
	}
	app.token = let.Token
	return &app
}

// write adds node after node until the context ends or one is not acknowledged, and tells when some are.
func (a *acknowledged) write(ctx context.Context, t *testing.T, some int, ready func()) {
	t.Helper()
	pace := time.NewTicker(20 * time.Millisecond)
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
