package endtoend

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/setlogger/setlogger/remote/remotetest/dropbox"
	"github.com/setlogger/setlogger/remote/remotetest/servers"
)

// place is where a share lies, and how a device is led there.
type place struct {
	kind     string
	path     string
	folder   func(device string) string // of a device that has one of its own; nil where all have the path
	settings func() string              // of rclone, for one device
	environ  []string
	requests func() int // that reached the server so far; nil where it is not asked over HTTP
	cloud    *dropbox.Server
	uploads  func() int    // that began so far; nil where nobody asks
	fails    bool          // all the time, until it is healed
	heal     func() string // ends that, and tells how it failed
}

// run has a device carry out a command line. At a place that fails a person tries again.
func (p place) run(t *testing.T, d *device, args ...string) {
	t.Helper()
	for ended := time.Now().Add(patience); p.fails && time.Now().Before(ended); {
		if _, err := d.try(t, args...); err == nil {
			return
		}
	}
	d.run(t, args...)
}

// places opens a place of every kind, by the kind's name.
func places() map[string]func(t *testing.T) place {
	all := map[string]func(t *testing.T) place{"dropbox": dropboxPlace}
	for _, kind := range servers.All() {
		all[kind.Name] = func(t *testing.T) place { return placeOf(t, kind) }
	}
	return all
}

// placeOf is a place of its own on a server; the requests are counted where they come as HTTP.
func placeOf(t *testing.T, kind servers.Kind) place {
	t.Helper()
	server := kind.Start(t)
	p := place{kind: kind.Name, path: server.Path, settings: func() string { return "" }}
	if address := endpoint.FindString(server.Path); address != "" {
		c := newCounter(t, strings.TrimPrefix(address, "http://"))
		p.path = strings.Replace(server.Path, address, c.URL, 1)
		p.requests = func() int { return c.all() }
	}
	return p
}

func dropboxPlace(t *testing.T) place {
	t.Helper()
	cloud, err := dropbox.Start(t.TempDir(), dropbox.Options{PageLimit: 10})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cloud.Close)
	return place{
		kind: "dropbox", path: "cloud:share", settings: func() string { return cloud.Settings("cloud") }, environ: cloud.Environ(), cloud: cloud,
		requests: func() (n int) {
			for _, times := range cloud.Requests() {
				n += times
			}
			return n
		},
	}
}

// device is one whose daemon runs and knows the place as "share".
func (p place) device(t *testing.T, name string) *device {
	t.Helper()
	d, path := newDevice(t, name), p.path
	if p.folder != nil {
		path = p.folder(name)
	}
	if err := os.WriteFile(filepath.Join(filepath.Dir(d.data), "rclone.conf"), []byte(p.settings()), 0o600); err != nil {
		t.Fatal(err)
	}
	d.env = append(d.env, p.environ...)
	d.start(t)
	p.run(t, d, "remote", "add", "share", path)
	return d
}

// TestEachKind has two devices do the main job over each kind of remote at once: one makes a bucket, the other joins it,
// both write, and have the same. It prints what an hour of such work asks of each remote.
func TestEachKind(t *testing.T) {
	var mu sync.Mutex
	var table []string
	var all sync.WaitGroup
	for name, open := range places() { // at once, for they mostly wait; t.Parallel would let two of them
		all.Go(func() {
			t.Run(name, func(t *testing.T) {
				line := testKind(t, open(t))
				mu.Lock()
				defer mu.Unlock()
				table = append(table, line)
			})
		})
	}
	all.Wait()
	slices.Sort(table)
	t.Logf("an edit a second, two devices; an hour of that asks of each kind of remote:\n%s", strings.Join(table, "\n"))
}

func testKind(t *testing.T, p place) (line string) {
	j := newJob(t, p)
	line = j.hour(t)
	if p.cloud != nil {
		j.storm(t)
	}
	for _, d := range []*device{j.a, j.b} {
		j.ofA.check(t, d)
		j.ofB.check(t, d)
		d.run(t, "verify")
	}
	return line
}

// job is two devices at work in one bucket.
type job struct {
	place    place
	a, b     *device
	ofA, ofB *acknowledged
}

const jobBucket = "todos"

func newJob(t *testing.T, p place) *job {
	t.Helper()
	j := &job{place: p, a: p.device(t, "a"), b: p.device(t, "b")}
	j.ofA = &acknowledged{device: j.a, bucket: jobBucket, prefix: "a-"}
	j.ofB = &acknowledged{device: j.b, bucket: jobBucket, prefix: "b-"}
	p.run(t, j.a, "bucket", "create", jobBucket, "--remote", "share")
	var lines bytes.Buffer
	for i := range 1000 {
		fmt.Fprintf(&lines, `{"type":"CREATE_NODE","id":"n%d","properties":{"n":%d}}`+"\n", i, i)
	}
	if _, err := j.a.appendLines(t.Context(), jobBucket, lines.Bytes()); err != nil {
		t.Fatal(err)
	}
	settle(t, jobBucket, j.a)
	p.run(t, j.b, "bucket", "join", jobBucket, "--remote", "share")
	agree(t, jobBucket, j.a, j.b)
	return j
}

// hour lets the devices work for some seconds, at their own pace, and tells what an hour of it would ask for.
func (j *job) hour(t *testing.T) string {
	t.Helper()
	window := 6 * time.Second
	if soak() {
		window = 5 * time.Minute
	}
	calls, requests := j.calls(t), 0
	if j.place.requests != nil {
		requests = j.place.requests()
	}
	begin := time.Now()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for turn := 0; time.Since(begin) < window; turn++ {
		<-tick.C
		if err := []*acknowledged{j.ofA, j.ofB}[turn%2].add(t); err != nil {
			t.Fatal(err)
		}
	}
	anHour := float64(time.Hour) / float64(time.Since(begin))
	after := j.calls(t)
	var text strings.Builder
	fmt.Fprintf(&text, "%-16s", j.place.kind)
	for _, verb := range []string{"list", "read", "write", "remove"} {
		fmt.Fprintf(&text, "%7.0f %s", float64(after[verb]-calls[verb])*anHour, verb)
	}
	if j.place.requests != nil {
		fmt.Fprintf(&text, "  = %.0f HTTP requests", float64(j.place.requests()-requests)*anHour)
	}
	if !j.place.fails { // else numbers may be the same by chance, while each lacks something
		agree(t, jobBucket, j.a, j.b)
	}
	return text.String()
}

// calls counts what both devices called the remote for, by verb.
func (j *job) calls(t *testing.T) map[string]int {
	t.Helper()
	calls := map[string]int{}
	for _, d := range []*device{j.a, j.b} {
		text, err := d.call(t.Context(), http.MethodGet, "/metrics", "", nil)
		if err != nil {
			t.Fatal(err)
		}
		for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
			if !strings.HasPrefix(lines.Text(), "setlogger_remote_calls_total{") {
				continue
			}
			labels, value, _ := strings.Cut(lines.Text(), "} ")
			n, err := strconv.Atoi(value)
			if err != nil {
				t.Fatalf("%s: %v", lines.Text(), err)
			}
			_, verb, _ := strings.Cut(labels, `verb="`)
			calls[strings.TrimSuffix(verb, `"`)] += n
		}
	}
	return calls
}

// storm lets Dropbox refuse every call for a while: the devices say so and wait as long as they are told, what is
// appended meanwhile is acknowledged at once, and once that is over it is everywhere.
func (j *job) storm(t *testing.T) {
	t.Helper()
	times := 1
	if soak() {
		times = 10
	}
	j.place.cloud.Storm(dropbox.Storm{After: 2, Pause: 4 * time.Second, Times: times})
	ended := time.Now().Add(patience)
	for during := 0; ; {
		if time.Now().After(ended) {
			t.Fatalf("no device says that the remote is busy in %v", patience)
		}
		before := j.place.cloud.Refused().Calls
		if err := j.ofA.add(t); err != nil {
			t.Fatalf("while the remote refuses: %v", err)
		}
		if before > 0 {
			during++
		}
		if during > 10 && (j.a.hasProblem(t, "remote-busy") || j.b.hasProblem(t, "remote-busy")) {
			break
		}
		time.Sleep(20 * time.Millisecond) // an app's own pace
	}
	for j.a.hasProblem(t, "remote-busy") || j.b.hasProblem(t, "remote-busy") {
		if time.Now().After(ended) {
			t.Fatalf("the remote is still busy after %v", patience)
		}
		time.Sleep(100 * time.Millisecond) // the devices come back at their own pace
	}
	agree(t, jobBucket, j.a, j.b)
	refused := j.place.cloud.Refused()
	t.Logf("storm: %d requests refused, %d of them before Retry-After was over; %d nodes acknowledged", refused.Calls, refused.Early, len(j.ofA.ids)+len(j.ofB.ids))
	if refused.Calls == 0 || refused.Early > 0 {
		t.Errorf("requests refused: %+v", refused)
	}
}

// hasProblem tells whether the device's status names a problem.
func (d *device) hasProblem(t *testing.T, name string) bool {
	t.Helper()
	var s struct{ Problems []struct{ Name string } }
	d.get(t, "/v1/status", &s)
	return slices.ContainsFunc(s.Problems, func(p struct{ Name string }) bool { return p.Name == name })
}
