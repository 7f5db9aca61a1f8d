package daemon

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	mathrand "math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/remote"
)

// Bounds of a channel.
const (
	// noChannel in place of an address takes a remote's channel away.
	noChannel = "none"
	// openTime bounds how long a service may take to let us in.
	openTime = 15 * time.Second
	// reopen is between two tries to open a channel, doubled up to reopenMost.
	reopen, reopenMost = time.Second, 15 * time.Second
	// maxMessage bounds the segment in a message, in bytes: the smallest of the services takes 256 KiB of text.
	maxMessage = 128 << 10
	// maxBurst is how many messages tell what was appended to a bucket in one go; more of it goes by files alone.
	maxBurst = 8
	// streamStep is the time between two tellings of a stream: what is appended meanwhile goes together. The first streamAtOnce
	// wait for nothing, so that only what goes on and on, faster than a person works, is slowed down.
	streamStep, streamAtOnce = 5 * time.Millisecond, 100
)

// courier carries what is appended to a remote's buckets over its channel, both ways, beside the rounds. The files in log/ stay
// what counts: what a message loses, a poll brings.
type courier struct {
	d       *Daemon
	r       *heldRemote
	address string
	stop    context.CancelFunc
	ended   chan struct{} // closed when run ends
	sender  [8]byte       // in its messages, which come back to it
	looks   *rate.Limiter // rounds that messages may call for
	asks    *rate.Limiter // of its own, that others tell again
	answers *rate.Limiter // to those of others
	pace    *rate.Limiter // of tellings

	work   chan struct{}    // holds one note: there is something to tell
	coming chan forthcoming // holds one: what a commit is about to write

	mu     sync.Mutex
	fresh  map[string]*heldBucket // appended to and not told of yet, by name
	untold time.Time              // when something was last left to files; zero: others were told to look for it
	told   bool                   // something was told over the channel that is open
	look   bool                   // others are to be told now to look
	ask    bool                   // others are to tell again
	again  bool                   // they ask for it
	err    error                  // why the channel is not open; nil: it is, or is being opened for the first time

	// its sending goroutine's, by bucket
	places map[string]localstore.Excerpt // up to which entries others were told
	early  map[string]early
}

// carry starts the courier of a remote, if it has a channel.
func (d *Daemon) carry(r *heldRemote, address string) {
	if address == "" || d.o.Channels == nil {
		return
	}
	ctx, stop := context.WithCancel(d.lanes)
	c := &courier{
		d: d, r: r, address: address, stop: stop, looks: rate.NewLimiter(rate.Every(5*time.Second), 3), asks: rate.NewLimiter(1, 2), answers: rate.NewLimiter(1, 2), pace: rate.NewLimiter(rate.Every(streamStep), streamAtOnce), work: make(chan struct{}, 1), coming: make(chan forthcoming, 1), ended: make(chan struct{}), fresh: map[string]*heldBucket{},
		untold: time.Now(), // what was sealed before is told by nobody
		places: map[string]localstore.Excerpt{}, early: map[string]early{},
	}
	_, _ = rand.Read(c.sender[:]) // never fails
	r.courier.Store(c)
	d.running.Go(func() { c.run(ctx) })
}

// run opens the channel, again and again, and works on it while the remote is not paused.
func (c *courier) run(ctx context.Context) {
	defer close(c.ended)
	if !c.d.await(ctx, func() bool { return c.r.look().share != "" }) { // its id makes the key of messages
		return
	}
	wait := reopen
	for c.d.await(ctx, func() bool { return !c.r.valve.closed.Load() }) {
		began := time.Now()
		err := c.openSession(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case c.r.valve.closed.Load():
			c.r.lane.carried.Store(false)
			continue
		}
		if c.stand(err) {
			c.d.log.Warn("a remote's channel does not work; it is polled instead", "remote", c.r.name, "error", err)
		}
		if time.Since(began) > reopenMost { // it worked for a while
			wait = reopen
		}
		if !rest(ctx, wait-wait*time.Duration(mathrand.IntN(20))/100) {
			return
		}
		wait = min(2*wait, reopenMost)
	}
}

// openSession is a session that ends when the remote is paused.
func (c *courier) openSession(ctx context.Context) error {
	inside, leave, ok := c.r.valve.enter(ctx)
	defer leave()
	if !ok {
		return errPaused
	}
	return c.session(inside)
}

// end ends the courier, so that its remote has no channel any more.
func (c *courier) end() {
	if c == nil {
		return
	}
	c.stop()
	<-c.ended
	c.r.courier.Store(nil)
	c.r.lane.carried.Store(false)
	c.r.lane.noteHint()
}

// session opens the channel and works on it until it fails.
func (c *courier) session(ctx context.Context) error {
	device, err := c.d.registry.Device()
	if err != nil {
		return err
	}
	opening, cancel := context.WithTimeout(ctx, openTime)
	channel, err := c.d.o.Channels.Open(opening, c.address, subscriberOf(device.ID, c.r.name))
	cancel()
	if err != nil {
		return err
	}
	c.stand(nil)
	c.want(func() { c.ask = true })
	ctx, stop := context.WithCancel(ctx)
	var sending sync.WaitGroup
	failed := make(chan error, 1)
	sending.Go(func() {
		failed <- c.send(ctx, channel)
		stop()
	})
	err = c.receive(ctx, channel)
	stop()
	sending.Wait()
	c.doubt()
	if errors.Is(err, context.Canceled) {
		err = <-failed
	}
	return errors.Join(err, channel.Close())
}

// subscriberOf names a device's subscription for a remote: two of its remotes may have one topic.
func subscriberOf(device, remote string) string {
	sum := sha256.Sum256([]byte(device + "\x00" + remote))
	return hex.EncodeToString(sum[:16])
}

// stand keeps whether the channel works, and tells whether that is news. Then a round follows at once: for what was missed, or in
// place of messages.
func (c *courier) stand(err error) (news bool) {
	c.mu.Lock()
	news = (c.err == nil) != (err == nil) || err == nil
	c.err = err
	c.mu.Unlock()
	c.r.lane.carried.Store(err == nil)
	if news {
		c.r.lane.noteHint()
	}
	c.d.changed.ring()
	return news
}

// problem is what keeps the channel from working.
func (c *courier) problem() (api.Problem, bool) {
	if c == nil {
		return api.Problem{}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		return api.Problem{}, false
	}
	return named(notifyUnreachable, c.r.name, plain(c.err), "changes travel by polls meanwhile; "+channelHint(c.err, c.r.name)), true
}

// channelHint is what to do about an error of a remote's channel.
func channelHint(err error, name string) string {
	var own interface{ Hint() string }
	switch {
	case errors.As(err, &own):
		return own.Hint()
	case errors.Is(err, remote.ErrNoTopic):
		return "make it: setlogger remote channel setup " + name
	case errors.Is(err, remote.ErrDenied):
		return "look at the login and what it may do; one in the address is named anew: setlogger remote add " + name + " PATH --notify URL"
	}
	return "look whether the broker runs and can be reached"
}

// checkChannel refuses what is no address of a channel.
func (d *Daemon) checkChannel(address string) error {
	switch {
	case address == "" || address == noChannel:
		return nil
	case d.o.Channels == nil:
		return problem(http.StatusUnprocessableEntity, "this daemon knows no Pub/Sub service", "leave notify out")
	}
	err := d.o.Channels.Check(address)
	if err == nil {
		return nil
	}
	return problem(http.StatusUnprocessableEntity, "notify is no address of a channel: "+plain(err), cmp.Or(remote.Hint(err), "for example nats://host:4222/subject"))
}

// setChannel does so under the lock of changes.
func (d *Daemon) setChannel(r *heldRemote, address string) error {
	if err := d.checkChannel(address); err != nil || address == "" {
		return err
	}
	if address == noChannel {
		address = ""
	}
	old := r.courier.Load()
	if old == nil && address == "" || old != nil && old.address == address {
		return nil
	}
	if err := d.keepRemote(r, func(e *localstore.Remote) { e.Notify = address }); err != nil {
		return refused(err)
	}
	old.end()
	d.carry(r, address)
	d.changed.ring()
	return nil
}

// find answers the bucket of a name that syncs with the courier's remote, or nil.
func (c *courier) find(name string) *localstore.Bucket {
	b, err := c.d.bucket(name)
	if err != nil || !slices.Contains(c.d.remotesOf(b), c.r.name) {
		return nil
	}
	return b.Bucket
}
