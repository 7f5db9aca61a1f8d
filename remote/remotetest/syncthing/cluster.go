package syncthing

import (
	"math/rand/v2"
	"os"
	"sync"
	"time"
)

// Options of a Cluster; the zero value has no delays.
type Options struct {
	Seed uint64
	// Lag bounds how late a change comes to another copy; every third comes up to five times as late.
	Lag time.Duration
	// Returns is the chance that a removal is undone, as by a device that had changed the file.
	Returns float64
}

// Counts tells what happened so far.
type Counts struct{ Changes, Arrivals, Conflicts, Returned int }

// Cluster is the copies of one folder.
type Cluster struct {
	mu      sync.Mutex
	options Options
	chance  *rand.Rand
	latest  map[string]version // by the file's name below the folder
	revives map[string]time.Time
	peers   []*peer
	counts  Counts

	end   chan struct{}
	ended chan struct{}
}

// version is how a file is after so many changes.
type version struct {
	number int
	data   []byte // of the version before, where it is gone
	gone   bool
}

// peer is one device with its copy.
type peer struct {
	folder string
	has    map[string]held
	due    map[string]arrival
}

// held is what a copy has of a file: the version, and by what the file on the disk is told to be that.
type held struct {
	number int
	size   int64
	time   time.Time
	gone   bool
}

// arrival is a change on its way to a copy.
type arrival struct {
	at    time.Time
	begun bool // a temporary file is there
}

// tick is how often folders are looked through.
const tick = 20 * time.Millisecond

// Start begins with no copy.
func Start(o Options) *Cluster {
	c := &Cluster{
		options: o, chance: rand.New(rand.NewPCG(o.Seed, 1)), latest: map[string]version{}, revives: map[string]time.Time{},
		end: make(chan struct{}), ended: make(chan struct{}),
	}
	go c.run()
	return c
}

// Close leaves all copies as they are.
func (c *Cluster) Close() {
	close(c.end)
	<-c.ended
}

// Join makes a device's folder one of the copies. It begins to fill at once.
func (c *Cluster) Join(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	r := &peer{folder: folder, has: map[string]held{}, due: map[string]arrival{}}
	c.peers = append(c.peers, r)
	for _, name := range sorted(c.latest) {
		if !c.latest[name].gone {
			c.schedule(r, name)
		}
	}
	return nil
}

// Heal lets all that is on its way arrive at once, and from then on every change; nothing returns any more.
func (c *Cluster) Heal() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.options = Options{}
	clear(c.revives)
	for _, r := range c.peers {
		for name, a := range r.due {
			a.at = time.Time{}
			r.due[name] = a
		}
	}
}

// Counts answers what happened so far.
func (c *Cluster) Counts() Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.counts
}

func (c *Cluster) run() {
	defer close(c.ended)
	t := time.NewTicker(tick)
	defer t.Stop()
	for {
		select {
		case <-c.end:
			return
		case now := <-t.C:
			c.step(now)
		}
	}
}

// step takes note of what changed in the copies, then brings what is due.
func (c *Cluster) step(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, r := range c.peers {
		c.scan(r)
	}
	for _, name := range sorted(c.revives) {
		if now.After(c.revives[name]) {
			delete(c.revives, name)
			c.revive(name)
		}
	}
	for _, r := range c.peers {
		for _, name := range sorted(r.due) {
			if now.After(r.due[name].at) {
				c.arrive(r, name)
			}
		}
	}
}

// schedule puts a file's latest version on its way to a copy.
func (c *Cluster) schedule(r *peer, name string) {
	r.due[name] = arrival{at: time.Now().Add(c.delay()), begun: r.due[name].begun}
}

func (c *Cluster) delay() time.Duration {
	if c.options.Lag == 0 {
		return 0
	}
	most := c.options.Lag
	if c.chance.IntN(3) == 0 {
		most *= 5
	}
	return time.Duration(c.chance.Int64N(int64(most)))
}
