package daemon

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/setlogger/setlogger/api"
)

// TestNodesAreLinearizable: many clients read a few nodes and append to them, with If-Match and without, give up waiting, repeat
// under a key, and see the daemon go and come again. One order of all calls explains, node by node, what each client heard.
func TestNodesAreLinearizable(t *testing.T) {
	c := newCrowd(t, 24, 6)
	c.each, c.impatient = 200, 20
	if os.Getenv("SETLOGGER_SOAK") != "" {
		c.each = 3000
	}
	history := c.run(t, true)
	c.print(t)
	linearizable(t, history)
}

// crowd is many clients of one daemon.
type crowd struct {
	seed      uint64
	clients   int
	nodes     int
	each      int // calls of a client
	impatient int // in a hundred calls, those that are given up
	curious   int // in a hundred calls, those that are repeated though they were answered
	wrap      func(http.RoundTripper) http.RoundTripper

	begin   time.Time
	calls   atomic.Int64
	repeats atomic.Int64
	half    chan struct{} // closed when half of all calls were made

	mu      sync.Mutex
	daemon  *served
	reached *api.Client   // of the daemon that runs
	http    *http.Client  // the same, for calls that the client has not
	changed chan struct{} // closed when another daemon runs
	heard   map[string]int
	history []porcupine.Operation
}

func newCrowd(t *testing.T, clients, nodes int) *crowd {
	t.Helper()
	seed := uint64(time.Now().UnixNano() & 0xffffff)
	if text := os.Getenv("SETLOGGER_SEED"); text != "" {
		var err error
		if seed, err = strconv.ParseUint(text, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("seed %d", seed)
	return &crowd{
		seed: seed, clients: clients, nodes: nodes, curious: 12, half: make(chan struct{}), heard: map[string]int{},
		wrap: func(r http.RoundTripper) http.RoundTripper { return r },
	}
}

// run has all clients make their calls, and answers the history. The daemon is stopped and started again in the middle.
func (c *crowd) run(t *testing.T, restart bool) []porcupine.Operation {
	t.Helper()
	s := serveDaemon(t)
	s.bucket(t, "b")
	c.reach(t, s)
	c.begin = time.Now()
	var calling sync.WaitGroup
	for i := range c.clients {
		calling.Go(func() { c.client(t, i) })
	}
	if restart {
		<-c.half
		c.reach(t, s.restart(t))
	}
	calling.Wait()
	return c.settle(t, c.history)
}

// settle has the log say what became of the calls of which nothing was heard: without it, each might have come true at any time
// after, in more ways than can be tried. What was acknowledged must be there too, once.
func (c *crowd) settle(t *testing.T, history []porcupine.Operation) []porcupine.Operation {
	t.Helper()
	writes := c.writes(t)
	var settled []porcupine.Operation
	for _, o := range history {
		w, h := o.Input.(wish), o.Output.(heard) //nolint:errcheck // they are no others
		there := writes[w.name]
		switch {
		case len(there) > 1, h.status == http.StatusOK && w.kind != get && len(there) == 0:
			o.Output = heard{status: contradicted}
		case h.status == nothing && len(there) == 0:
			continue
		case h.status == nothing:
			o.Output, o.Return = heard{status: logged, count: there[0]}, math.MaxInt64
		}
		settled = append(settled, o)
	}
	return settled
}

// writes tells of each wish in the log which writes of its node it is there, from 1. It should be one.
func (c *crowd) writes(t *testing.T) map[string][]uint64 {
	t.Helper()
	counts, writes := map[string]uint64{}, map[string][]uint64{}
	for after := ""; ; {
		page, err := c.line().client.Log(t.Context(), "b", after, maxPage)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range page.Entries {
			var entry struct{ Actions []struct{ ID, Name string } }
			if err := json.Unmarshal(e.Entry, &entry); err != nil || len(entry.Actions) != 1 {
				t.Fatalf("%s: %v", e.Entry, err)
			}
			a := entry.Actions[0]
			counts[a.ID]++
			writes[a.Name] = append(writes[a.Name], counts[a.ID])
		}
		if after = page.Next; len(page.Entries) == 0 {
			return writes
		}
	}
}

// reach leads the clients to a daemon.
func (c *crowd) reach(t *testing.T, s *served) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	transport := &http.Transport{MaxIdleConnsPerHost: c.clients}
	t.Cleanup(transport.CloseIdleConnections)
	c.daemon, c.http = s, &http.Client{Transport: c.wrap(transport)}
	var err error
	if c.reached, err = api.NewClient(api.Options{Address: s.address, Token: s.token, HTTPClient: c.http}); err != nil {
		t.Error(err)
	}
	if c.changed != nil {
		close(c.changed)
	}
	c.changed = make(chan struct{})
}

// client makes its calls one after the other. What it asks depends on the seed, and on the revs that it heard of.
func (c *crowd) client(t *testing.T, number int) {
	chance := rand.New(rand.NewPCG(c.seed, uint64(number)))
	revs := map[string]string{} // that it heard of last
	for i := range c.each {
		w := c.wish(chance, number, i)
		conditional, fresh := chance.IntN(2) == 0, chance.IntN(4) > 0
		if conditional && fresh && w.kind != get {
			c.call(t, number, wish{node: w.node, kind: get}, 0, false, revs)
		}
		if conditional {
			w.match = revs[w.node]
		}
		var patience time.Duration
		if chance.IntN(100) < c.impatient {
			patience = time.Duration(chance.IntN(4000)) * time.Microsecond
		}
		c.call(t, number, w, patience, chance.IntN(100) < c.curious, revs)
		if c.calls.Add(1) == int64(c.clients*c.each/2) {
			close(c.half)
		}
	}
}

// call makes a call and keeps it for the history. A call without an answer is repeated under its key until there is one. If that is
// a refusal, the calls before may still come true: they stay in the history beside it, as one without an answer.
func (c *crowd) call(t *testing.T, client int, w wish, patience time.Duration, again bool, revs map[string]string) {
	first := c.now()
	begin, h := first, c.ask(t, w, patience)
	for h.status == nothing && w.key != "" && !t.Failed() {
		c.repeats.Add(1)
		begin = c.now()
		h = c.ask(t, w, 0)
	}
	end := c.now()
	if begin > first && h.status != http.StatusOK {
		c.keep(porcupine.Operation{ClientId: client, Input: w, Output: heard{status: nothing}, Call: first})
		first = begin
	}
	if again && w.key != "" && h.status == http.StatusOK {
		h = c.repeat(t, w, h)
	}
	if h.rev != "" {
		revs[w.node] = h.rev
	}
	c.keep(porcupine.Operation{ClientId: client, Input: w, Output: h, Call: first, Return: end})
}

// repeat makes a call again that was answered: it is to be answered in the same way.
func (c *crowd) repeat(t *testing.T, w wish, h heard) heard {
	c.repeats.Add(1)
	if second := c.ask(t, w, 0); second.status != nothing && second != h {
		h.status = contradicted
	}
	return h
}

func (c *crowd) now() int64 { return int64(time.Since(c.begin)) }

func (c *crowd) keep(o porcupine.Operation) {
	w, h := o.Input.(wish), o.Output.(heard) //nolint:errcheck // they are no others
	name := w.kind
	if w.match != "" {
		name += " if"
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heard[fmt.Sprintf("%s %d", name, h.status)]++
	c.history = append(c.history, o)
}

// wish chooses what to ask next.
func (c *crowd) wish(chance *rand.Rand, client, i int) wish {
	w := wish{node: fmt.Sprintf("node-%d", chance.IntN(c.nodes)), name: fmt.Sprintf("%d-%d", client, i), value: (client*c.each + i + 1) * 1_000_000}
	switch p := chance.IntN(100); {
	case p < 40:
		w.kind = get
	case p < 65:
		w.kind = set
	case p < 80:
		w.kind, w.value = add, 1
	case p < 93:
		w.kind = create
	default:
		w.kind = remove
	}
	if w.kind != get && chance.IntN(2) == 0 {
		w.key = w.name
	}
	return w
}

// ask makes a call once. When the daemon is gone it waits for the next.
func (c *crowd) ask(t *testing.T, w wish, patience time.Duration) heard {
	ctx := t.Context()
	if patience > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	l := c.line()
	var h heard
	var err error
	if w.kind == get {
		h, err = l.get(ctx, w)
	} else {
		h, err = l.append(ctx, w)
	}
	if err != nil && ctx.Err() == nil && !l.answers(t.Context(), err) {
		select {
		case <-l.changed:
		case <-time.After(time.Minute):
			t.Errorf("%+v: %v, and no other daemon came", w, err)
		}
	}
	return h
}

// print tells what was asked and heard.
func (c *crowd) print(t *testing.T) {
	t.Helper()
	t.Logf("%d clients, %d nodes, %d repeats under a key, %v", c.clients, c.nodes, c.repeats.Load(), time.Since(c.begin).Round(time.Millisecond))
	for _, what := range slices.Sorted(maps.Keys(c.heard)) {
		t.Logf("%-12s %6d", what, c.heard[what])
	}
}
