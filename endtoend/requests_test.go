package endtoend

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/setlogger/setlogger/remote/remotetest/servers"
)

// counter stands before an S3 server and counts the requests of one device.
type counter struct {
	*httptest.Server
	mu   sync.Mutex
	seen map[string]int // by what they ask for
}

func newCounter(t *testing.T, server string) *counter {
	t.Helper()
	c := &counter{seen: map[string]int{}}
	to := &url.URL{Scheme: "http", Host: server}
	pass := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host // it is signed
	}}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		c.seen[kindOf(r)]++
		c.mu.Unlock()
		pass.ServeHTTP(w, r)
	}))
	t.Cleanup(c.Close)
	return c
}

// kindOf names what a request asks for.
func kindOf(r *http.Request) string {
	query := r.URL.Query()
	switch {
	case r.Method == http.MethodGet && strings.Trim(r.URL.Path, "/") == "share":
		if query.Has("continuation-token") || query.Has("marker") {
			return "LIST, another page"
		}
		return "LIST " + query.Get("prefix")
	case query.Has("delete"):
		return "DELETE"
	}
	folder, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/share/"), "/")
	return r.Method + " " + folder
}

// take answers what was counted since it was called last.
func (c *counter) take() map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := c.seen
	c.seen = map[string]int{}
	return seen
}

// all answers how many requests there were.
func (c *counter) all() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return total(c.seen, "")
}

// counted is a device whose requests are counted.
type counted struct {
	*device
	requests *counter
}

// restTime bounds the wait until devices have nothing left to do: what is in log/ beyond one page stays there until its
// bucket was without news for five minutes.
const restTime = 30 * time.Minute

var endpoint = regexp.MustCompile(`http://[0-9.:]+`)

func newCounted(t *testing.T, name string, server *servers.Server) *counted {
	t.Helper()
	address := endpoint.FindString(server.Path)
	c := newCounter(t, strings.TrimPrefix(address, "http://"))
	return &counted{newStarted(t, name, strings.Replace(server.Path, address, c.URL, 1)), c}
}

// TestRequestsCounted counts what an S3 server is asked for: an idle poll is one LIST, however many buckets and devices
// there are; and a burst of a thousand actions is two PUT, and to each other device one LIST and two GET.
func TestRequestsCounted(t *testing.T) {
	sizes := [][2]int{{1, 2}, {100, 3}, {2, 20}}
	if soak() {
		sizes = append(sizes, [2]int{1, 50}, [2]int{10_000, 2})
	}
	for _, size := range sizes {
		t.Run(fmt.Sprintf("%d buckets, %d devices", size[0], size[1]), func(t *testing.T) {
			server := servers.S3(t)
			all := newCountedFleet(t, server, size[0], size[1])
			rest(t, all)
			idle(t, all)
			burst(t, all)
		})
	}
}

// newCountedFleet has each of the devices write to one of the buckets, and hold all of them.
func newCountedFleet(t *testing.T, server *servers.Server, buckets, devices int) []*counted {
	t.Helper()
	var all []*counted
	for i := range devices {
		all = append(all, newCounted(t, fmt.Sprint("d", i), server))
	}
	all[0].hold(t, buckets, false)
	all[0].rounds(t, 1)
	for i, d := range all[1:] {
		d.hold(t, buckets, true)
		d.rounds(t, 1)
		d.create(t, i%buckets, fmt.Sprint("of-", i), 1)
	}
	return all
}

// hold makes buckets with a node each, or joins them: some at once, for each waits for a round.
func (c *counted) hold(t *testing.T, buckets int, join bool) {
	t.Helper()
	var next atomic.Int64
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			for b := int(next.Add(1)) - 1; b < buckets && !t.Failed(); b = int(next.Add(1)) - 1 {
				if err := c.holdOne(t.Context(), b, join); err != nil {
					t.Errorf("bucket %d: %v", b, err)
				}
			}
		})
	}
	if all.Wait(); t.Failed() {
		t.FailNow()
	}
}

func (c *counted) holdOne(ctx context.Context, b int, join bool) error {
	body := fmt.Sprintf(`{"name":"b%d","remote":"share","join":%v}`, b, join)
	if _, err := c.call(ctx, http.MethodPost, "/v1/buckets", "application/json", strings.NewReader(body)); err != nil || join {
		return err
	}
	return c.append(ctx, b, "first", 1)
}

// create appends nodes.
func (c *counted) create(t *testing.T, b int, id string, n int) {
	t.Helper()
	if err := c.append(t.Context(), b, id, n); err != nil {
		t.Fatal(err)
	}
}

func (c *counted) append(ctx context.Context, b int, id string, n int) error {
	var lines bytes.Buffer
	for i := range n {
		fmt.Fprintf(&lines, `{"type":"CREATE_NODE","id":"%s-%d"}`+"\n", id, i)
	}
	_, err := c.appendLines(ctx, fmt.Sprint("b", b), lines.Bytes())
	return err
}

func (c *counted) rounds(t *testing.T, n int) {
	t.Helper()
	for range n {
		if err := c.sync(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// rest lets the devices sync until all of them have nothing left to do.
func rest(t *testing.T, all []*counted) {
	t.Helper()
	begin := time.Now()
	var last string
	for quiet, rounds := 0, 0; quiet < 3; rounds++ {
		quiet++
		for _, c := range all {
			c.requests.take()
			c.rounds(t, 1)
			if seen := c.requests.take(); len(seen) != 1 || seen["LIST log/"] == 0 {
				quiet, last = 0, text(seen)
			}
		}
		if time.Since(begin) > restTime {
			t.Fatalf("after %d rounds the devices still have something to do: %s", rounds, last)
		}
	}
}

// idle counts what polls ask for that find nothing.
func idle(t *testing.T, all []*counted) {
	t.Helper()
	const polls = 5
	for _, c := range all {
		c.requests.take()
		c.rounds(t, polls)
		seen := c.requests.take() // it polls by itself, too
		if len(seen) != 1 || seen["LIST log/"] < polls || seen["LIST log/"] > 2*polls {
			t.Errorf("%s asked in %d idle polls for %v", c.name, polls, seen)
		}
	}
	t.Logf("an idle poll: 1 LIST on each of %d devices", len(all))
}

// burst counts what a thousand actions at once cost.
func burst(t *testing.T, all []*counted) {
	t.Helper()
	a := all[0]
	for _, c := range all {
		c.requests.take()
	}
	a.create(t, 0, "burst", 1000)
	a.rounds(t, 1)
	seen := a.requests.take()
	if puts := total(seen, "PUT"); puts > 2 {
		t.Errorf("1,000 actions are %d PUT: %v", puts, seen)
	}
	t.Logf("1,000 actions: %v", text(seen))
	last := ""
	for _, c := range all[1:] {
		for c.status(t, "b0").Nodes < a.status(t, "b0").Nodes {
			c.rounds(t, 1)
		}
		seen := c.requests.take()
		if gets := total(seen, "GET log"); gets > 2 {
			t.Errorf("%s read 1,000 actions with %v", c.name, text(seen))
		}
		last = text(seen)
	}
	t.Logf("and on the last of the others: %v", last)
}

func total(seen map[string]int, prefix string) (n int) {
	for kind, times := range seen {
		if strings.HasPrefix(kind, prefix) {
			n += times
		}
	}
	return n
}

func text(seen map[string]int) string {
	var parts []string
	for _, kind := range slices.Sorted(maps.Keys(seen)) {
		parts = append(parts, fmt.Sprintf("%d × %s", seen[kind], kind))
	}
	return strings.Join(parts, ", ")
}
