package daemon

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"sync"
	"time"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/localstore"
)

// S3's list prices for requests, in US dollars: class Standard, region us-east-1, as of November 2026. Storage and traffic come
// on top. TestRequestsOfS3 in remote/rclone shows what each call makes of requests: one, and a listing one for each page.
const (
	priceOfWrite = 0.005 / 1000  // PUT, and LIST for each page of up to 1,000 names
	priceOfRead  = 0.0004 / 1000 // GET; DELETE is free
	hoursOfMonth = 730
	listPage     = 1000
)

// requests counts those that a remote was sent, by price.
type requests struct{ writes, reads, removes int }

func (r requests) total() int { return r.writes + r.reads + r.removes }

func (r *requests) add(o requests) {
	r.writes, r.reads, r.removes = r.writes+o.writes, r.reads+o.reads, r.removes+o.removes
}

// month is what S3 asks for when each hour of a month is like the one that was counted, in US dollars, rounded to cents of cents.
func (r requests) month() float64 {
	price := hoursOfMonth * (float64(r.writes)*priceOfWrite + float64(r.reads)*priceOfRead)
	return math.Round(price*1e4) / 1e4
}

// budget knows the requests that a remote was sent in the last hour, by minutes, and how many it may be sent in one.
type budget struct {
	mu      sync.Mutex
	limit   int // requests an hour; 0: no budget
	minutes [60]minute
	fresh   bool      // something was sent since it was stored
	stored  time.Time // last
}

// minute is one of the last hour; an older one is void.
type minute struct {
	number int64 // since 1970
	spent  requests
}

func numberOf(at time.Time) int64 { return at.Truncate(time.Minute).Unix() / 60 }

// placeOf tells where a minute is kept: those before 1970 too, where a device that knows no time starts.
func placeOf(number int64) int64 { return (number%60 + 60) % 60 }

// set sets the limit.
func (b *budget) set(limit int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.limit = limit
}

// spend counts requests that were just sent.
func (b *budget) spend(now time.Time, spent requests) {
	b.mu.Lock()
	defer b.mu.Unlock()
	number := numberOf(now)
	m := &b.minutes[placeOf(number)]
	if m.number != number {
		*m = minute{number: number}
	}
	m.spent.add(spent)
	b.fresh = true
}

// recent are the minutes of the last hour, the present one included, in no order. The caller holds b.mu.
func (b *budget) recent(now time.Time) iter.Seq[minute] {
	return func(yield func(minute) bool) {
		for _, m := range b.minutes {
			if m.number > numberOf(now)-60 && m.number <= numberOf(now) && !yield(m) {
				return
			}
		}
	}
}

// storeEvery is how much of the count a kill may lose, beyond that of the first round.
const storeEvery = time.Minute

// toStore answers what is to be stored now of a count that a budget is held against; nil while that has time. A restart is no
// reason to send more.
func (b *budget) toStore(now time.Time, atOnce bool) []localstore.Spent {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.limit == 0 || !b.fresh || !atOnce && now.Sub(b.stored) < storeEvery {
		return nil
	}
	b.fresh, b.stored = false, now
	var all []localstore.Spent
	for m := range b.recent(now) {
		all = append(all, localstore.Spent{Minute: m.number, Writes: m.spent.writes, Reads: m.spent.reads, Removes: m.spent.removes})
	}
	return all
}

// restore takes in what an earlier run has stored.
func (b *budget) restore(all []localstore.Spent) {
	for _, s := range all {
		b.spend(time.Unix(s.Minute*60, 0), requests{s.Writes, s.Reads, s.Removes})
	}
}

// storeSpent stores the count of a remote, where it is time.
func (d *Daemon) storeSpent(r *heldRemote, atOnce bool) {
	all := r.budget.toStore(time.Now(), atOnce)
	if all == nil {
		return
	}
	if err := d.registry.PutSpent(r.name, all); err != nil && !errors.Is(err, localstore.ErrMissing) {
		d.log.Error("the count of requests cannot be stored", "remote", r.name, "error", err)
	}
}

// budgetOf is the budget of a remote, with the count that an earlier run has stored.
func (d *Daemon) budgetOf(r localstore.Remote) *budget {
	b := &budget{limit: r.Budget}
	spent, err := d.registry.Spent(r.Name)
	if err != nil {
		d.log.Error("the count of requests cannot be read", "remote", r.Name, "error", err)
	}
	b.restore(spent)
	return b
}

// lastHour answers what was sent within the last 60 minutes, the present one included, and the limit.
func (b *budget) lastHour(now time.Time) (spent requests, limit int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for m := range b.recent(now) {
		spent.add(m.spent)
	}
	return spent, b.limit
}

// reached answers when there is room in the budget again; zero while there is.
func (b *budget) reached(now time.Time) time.Time {
	spent, limit := b.lastHour(now)
	left := spent.total()
	if limit == 0 || left < limit {
		return time.Time{}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for number := numberOf(now) - 59; number <= numberOf(now); number++ {
		if m := b.minutes[placeOf(number)]; m.number == number {
			left -= m.spent.total()
		}
		if left < limit {
			return time.Unix((number+60)*60, 0)
		}
	}
	return now.Add(time.Hour)
}

// stretch slows polls down as the use nears the budget: they are as they were up to half of it, then ever slower. Once it is
// reached they wait until there is room.
func (b *budget) stretch(now time.Time, wait time.Duration) time.Duration {
	if at := b.reached(now); !at.IsZero() {
		return max(wait, at.Sub(now))
	}
	spent, limit := b.lastHour(now)
	if limit == 0 || 2*spent.total() <= limit {
		return wait
	}
	free := 1 - float64(spent.total())/float64(limit)
	return min(time.Duration(float64(wait)/(2*free)), time.Hour)
}

// problems names a budget that holds polls up.
func (b *budget) problems(remote string, now time.Time) []api.Problem {
	at := b.reached(now)
	if at.IsZero() {
		return nil
	}
	spent, limit := b.lastHour(now)
	p := named(budgetReached, remote, fmt.Sprintf("%d requests were sent in the last hour, of %d that the budget allows", spent.total(), limit), "")
	at = at.UTC()
	p.Until = &at
	return []api.Problem{p}
}
