package daemon

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/memory"
	"github.com/setlogger/setlogger/replica"
	"github.com/setlogger/setlogger/setlog"
)

// polled is a lane with a real share on a remote in memory, and a bucket, in a bubble.
type polled struct {
	t      *testing.T
	bucket *localstore.Bucket
	lane   *lane
	budget *budget
	start  time.Time
}

func poll(t *testing.T, local bool, limit int) *polled {
	t.Helper()
	b, err := localstore.Create(filepath.Join(t.TempDir(), "b.db"), "b", nil, localstore.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	p := &polled{t: t, bucket: b, budget: &budget{limit: limit}, start: time.Now()}
	storage := &countedStorage{memory.New(), "r", newMetrics("test"), nil, p.budget, &valve{}}
	share := replica.NewShare(replica.Options{Storage: storage, Remote: "r"})
	p.lane = newLane(paceOf(local), p.budget, func(ctx context.Context) (outcome, error) {
		round, err := share.Sync(ctx, []*localstore.Bucket{b})
		return outcome{moved: round.Moved(), sent: round.Uploaded > 0}, err
	})
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); p.lane.run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-ended
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// append appends an action, as a request to the daemon does.
func (p *polled) append() {
	p.t.Helper()
	actions, err := setlog.ParseActions([]byte(`{"type":"INCREMENT","id":"n","property":"x"}`))
	if p.bucket.Stats().Entries == 0 {
		actions, err = setlog.ParseActions([]byte(`{"type":"CREATE_NODE","id":"n"}`))
	}
	if err == nil {
		_, err = p.bucket.Append(p.t.Context(), localstore.Request{Actions: actions})
	}
	if err != nil {
		p.t.Fatal(err)
	}
	p.lane.noteAppend()
}

// waits tells how many entries the remote has not shown.
func (p *polled) waits() uint64 {
	p.t.Helper()
	n, err := replica.Pending(p.bucket, "r")
	if err != nil {
		p.t.Fatal(err)
	}
	return n
}

// lastHour settles the bubble and answers the requests of the last hour.
func (p *polled) lastHour() requests {
	synctest.Wait()
	spent, _ := p.budget.lastHour(time.Now())
	return spent
}

// TestRequestsAnHour holds docs/operations.md to what is sent: a listing for each poll, with real rounds.
func TestRequestsAnHour(t *testing.T) {
	for _, c := range []struct {
		name      string
		local     bool
		before    time.Duration // without a change
		every     time.Duration // an append during the hour; 0: none
		low, high int           // requests an hour
	}{
		{"idle", false, 3 * time.Hour, 0, 12, 16},
		{"quiet", false, 2 * time.Minute, 0, 115, 155},
		{"an append each half a minute", false, 0, 30 * time.Second, 1150, 1500},
		{"a folder, idle", true, 3 * time.Hour, 0, 12, 16},
		{"a folder, an append each half a minute", true, 0, 30 * time.Second, 1150, 1500},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := poll(t, c.local, 0)
			p.append()
			time.Sleep(max(c.before, time.Millisecond))
			synctest.Wait()
			p.budget.forget()
			for range time.Hour / max(c.every, time.Hour/120) {
				if c.every > 0 {
					p.append()
				}
				time.Sleep(max(c.every, time.Hour/120))
			}
			spent := p.lastHour()
			t.Logf("%-40s %5d requests an hour: %d writes and listed pages, %d reads, %d removed; $%.2f a month", c.name, spent.total(), spent.writes, spent.reads, spent.removes, spent.month())
			if n := spent.total(); n < c.low || n > c.high {
				t.Errorf("%s: %d requests an hour, want %d to %d", c.name, n, c.low, c.high)
			}
		})
	}
}

// forget drops what was counted.
func (b *budget) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.minutes = [60]minute{}
}

// TestBudget: polls keep within the budget of each hour, appends are sent within the debounce whatever it says.
func TestBudget(t *testing.T) {
	for _, limit := range []int{20, 100, 500} {
		synctest.Test(t, func(t *testing.T) {
			p := poll(t, false, limit)
			p.append()
			hinting := time.NewTicker(10 * time.Second) // as from a place that many write to
			defer hinting.Stop()
			most := 0
			for range 3 * 360 {
				<-hinting.C
				p.lane.noteHint()
				most = max(most, p.lastHour().total())
			}
			if most > limit+2 { // a round may be of several requests
				t.Errorf("%d requests in an hour of %d", most, limit)
			}
			if least := limit / 2; p.lastHour().total() < least {
				t.Errorf("%d requests of %d: what the budget allows is not used", p.lastHour().total(), limit)
			}
			for range 50 { // more than a small budget has
				p.append()
				time.Sleep(2*time.Second + time.Millisecond)
				synctest.Wait()
				if waits := p.waits(); waits > 1 { // what was just appended may still be looked for
					t.Fatalf("%d entries wait for the budget", waits)
				}
				time.Sleep(20 * time.Second)
			}
		})
	}
}

// TestStretch: the waits between polls by how much of the budget is used.
func TestStretch(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for _, c := range []struct {
		limit, used int
		want        time.Duration
	}{
		{0, 1000, 5 * time.Second},
		{100, 0, 5 * time.Second},
		{100, 50, 5 * time.Second},
		{100, 75, 10 * time.Second},
		{100, 95, 50 * time.Second},
		{1000, 999, 2500 * time.Second},
		{100_000, 99_999, time.Hour},
	} {
		b := &budget{limit: c.limit}
		b.spend(now, requests{writes: c.used})
		if got := b.stretch(now, 5*time.Second).Round(time.Second); got != c.want {
			t.Errorf("%d of %d: %v, want %v", c.used, c.limit, got, c.want)
		}
	}
}

// TestBudgetOverTime: what was sent an hour ago counts no more, and room is told from then on.
func TestBudgetOverTime(t *testing.T) {
	for _, start := range []time.Time{time.Unix(1_800_000_000, 0), time.Unix(0, 0), time.Unix(-90*60, 0)} { // no clock: 1970
		budgetFrom(t, start.Truncate(time.Minute))
	}
	if got := (requests{writes: 3600, reads: 1000}).month(); got != 13.432 {
		t.Errorf("$%v a month", got)
	}
}

func budgetFrom(t *testing.T, start time.Time) {
	t.Helper()
	b := &budget{limit: 10}
	for minute := range 5 {
		b.spend(start.Add(time.Duration(minute)*time.Minute), requests{writes: 1, reads: 1, removes: 1})
	}
	now := start.Add(10 * time.Minute)
	if spent, _ := b.lastHour(now); spent != (requests{5, 5, 5}) {
		t.Errorf("%+v", spent)
	}
	at := b.reached(now)
	if want := start.Add(61 * time.Minute); !at.Equal(want) { // two minutes must go before 15 are less than 10
		t.Errorf("room at %v, want %v", at, want)
	}
	if got := b.stretch(now, time.Second); got != at.Sub(now) {
		t.Errorf("polls wait %v", got)
	}
	if !b.reached(at).IsZero() || b.reached(at.Add(-time.Second)).IsZero() {
		t.Error("the room is not there when it was said to be")
	}
	if spent, _ := b.lastHour(start.Add(2 * time.Hour)); spent.total() != 0 {
		t.Errorf("two hours later: %+v", spent)
	}
}

// spentIn counts the requests to the remote "share" that are stored in a data folder, whether or not a daemon runs.
func spentIn(t *testing.T, data string) (total int) {
	t.Helper()
	stored, err := os.ReadFile(filepath.Join(data, "daemon.db"))
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "daemon.db")
	if err := os.WriteFile(copied, stored, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := localstore.OpenRegistry(copied, localstore.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	all, err := r.Spent("share")
	for _, s := range all {
		total += s.Writes + s.Reads + s.Removes
	}
	if err := errors.Join(err, r.Close()); err != nil {
		t.Fatal(err)
	}
	return total
}

// TestCountIsStored of a budget: at the end of the first round, then a minute apart, and only where something was sent.
func TestCountIsStored(t *testing.T) {
	start := time.Unix(1_800_000_000, 0)
	b := &budget{}
	b.spend(start, requests{writes: 1, reads: 2, removes: 3})
	if got := b.toStore(start, true); got != nil {
		t.Errorf("without a budget: %v", got)
	}
	b.set(10)
	stored := b.toStore(start, false)
	if len(stored) != 1 || b.toStore(start.Add(time.Hour), true) != nil {
		t.Fatalf("%v", stored)
	}
	b.spend(start.Add(30*time.Second), requests{reads: 1})
	if b.toStore(start.Add(30*time.Second), false) != nil || len(b.toStore(start.Add(61*time.Second), false)) == 0 {
		t.Error("it is not stored a minute apart")
	}
	next := &budget{limit: 10}
	next.restore(stored)
	if spent, _ := next.lastHour(start.Add(time.Minute)); spent != (requests{1, 2, 3}) || next.toStore(start, true) == nil {
		t.Errorf("%+v", spent)
	}
}

// TestBudgetIsTold in the status, kept over a restart, and named once it holds polls up; appends still get there.
func TestBudgetIsTold(t *testing.T) {
	a := &asked{Storage: memory.New()}
	local := memory.New()
	looked := false
	o := Options{
		Data: filepath.Join(t.TempDir(), "data"), ObjectStore: func(path string) bool { return path == "there:share" },
		Make: func(context.Context, string) error { return nil },
		Open: func(path string) remote.Storage {
			switch {
			case path != "there:share":
				return local
			case !looked: // the look at a place before it is a remote is no call of a remote
				looked = true
				return a.Storage
			}
			return a
		},
	}
	s := serveOptions(t, o)
	s.share(t, "there:share")
	s.bucket(t, "b")
	budget := 3
	r, err := s.client.ChangeRemote(t.Context(), "share", api.RemoteChange{Budget: &budget})
	if err != nil || r.Budget != 3 || r.EstimatedMonth == nil {
		t.Fatalf("%+v, %v", r, err)
	}
	s.append(t, "b", `{"type":"CREATE_NODE","id":"1"}`)
	s.sync(t)
	status, names := s.status(t)
	if r := status.Remotes[1]; r.RequestsPerHour < 4 || int64(r.RequestsPerHour) != a.calls.Load() || *r.EstimatedMonth <= 0 || r.Pending != 0 || r.State == api.StateProblem {
		t.Errorf("%+v of %d calls", r, a.calls.Load())
	}
	if status.Remotes[0].EstimatedMonth != nil {
		t.Error("a folder costs nothing")
	}
	if !slices.Equal(names, []string{"budget-reached"}) || status.Problems[0].Until == nil || status.State == api.StateProblem {
		t.Errorf("%+v", status)
	}
	if n := spentIn(t, s.data); n < 1 { // what a kill would leave: the first round at least
		t.Errorf("%d requests are stored while it runs", n)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	sent := int(a.calls.Load())
	if n := spentIn(t, s.data); n != sent {
		t.Errorf("%d requests are stored of %d", n, sent)
	}
	s = serveOptions(t, o)
	if status, names := s.status(t); status.Remotes[1].Budget != 3 || status.Remotes[1].RequestsPerHour != sent || !slices.Equal(names, []string{"budget-reached"}) || int(a.calls.Load()) != sent {
		t.Errorf("after a restart: %+v, %v, %d calls", status.Remotes, names, a.calls.Load())
	}
	s.append(t, "b", `{"type":"CREATE_NODE","id":"2"}`)
	s.await(t, func(status api.Status) bool { return int(a.calls.Load()) > sent && status.Pending == 0 })
	none := 0
	if r, err := s.client.ChangeRemote(t.Context(), "share", api.RemoteChange{Budget: &none}); err != nil || r.Budget != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	if bad := s.call(t, "PATCH", "/v1/remotes/share", `{"budget":-1}`, nil); bad.status != 422 {
		t.Errorf("%d %s", bad.status, bad.body)
	}
}
