package daemon

import (
	"context"
	"crypto/rand"
	"errors"
	"time"

	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/replica"
	"github.com/setlogger/setlogger/setlog"
)

// note says that a bucket was appended to. It never waits. It may be called where there is no courier.
func (c *courier) note(b *heldBucket) {
	if c == nil {
		return
	}
	c.want(func() { c.fresh[b.Name()] = b })
}

// want notes what there is to do for the sending goroutine.
func (c *courier) want(change func()) {
	c.mu.Lock()
	change()
	c.mu.Unlock()
	note(c.work)
}

// uploaded says that a round which began then has sent files: others are told to look, if something was left to them.
func (c *courier) uploaded(began time.Time) {
	if c == nil {
		return
	}
	c.want(func() {
		c.look = c.look || !c.untold.IsZero()
		if began.After(c.untold) {
			c.untold = time.Time{}
		}
	})
}

// doubt leaves to files what was told over a channel that ended: the last of it may have reached nobody. Others are told to look when
// the next one is open, and again when more was uploaded.
func (c *courier) doubt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.told {
		c.told, c.look, c.untold = false, true, time.Now()
	}
}

// duty is what the sending goroutine has to do.
type duty struct {
	fresh            map[string]*heldBucket
	look, ask, again bool
}

func (c *courier) take() duty {
	c.mu.Lock()
	defer c.mu.Unlock()
	due := duty{c.fresh, c.look, c.ask, c.again}
	c.told = c.told || len(c.fresh) > 0 || c.look || c.again
	c.fresh, c.look, c.ask, c.again = map[string]*heldBucket{}, false, false, false
	return due
}

// do does what is due. What was appended while the channel did not work, and is not too much, is told, too; for the rest others look.
func (c *courier) do(ctx context.Context, channel remote.Channel, due duty) error {
	if due.ask {
		if err := c.post(ctx, channel, setlog.Message{Ask: true}); err != nil {
			return err
		}
	}
	if due.again {
		clear(c.places) // begins after what is sealed
		for _, b := range c.d.allBuckets() {
			if c.find(b.Name()) != nil {
				due.fresh[b.Name()] = b
			}
		}
	}
	for _, b := range due.fresh {
		if err := c.tell(ctx, channel, b); err != nil {
			return err
		}
	}
	if due.look {
		return c.post(ctx, channel, setlog.Message{})
	}
	return nil
}

// send tells others until the channel fails.
func (c *courier) send(ctx context.Context, channel remote.Channel) error {
	for {
		if err := c.do(ctx, channel, c.take()); err != nil {
			return err
		}
		if err := c.awaitWork(ctx); err != nil {
			return err
		}
	}
}

// awaitWork waits for something to tell, and makes what letters it can meanwhile.
func (c *courier) awaitWork(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case f := <-c.coming:
			c.makeEarly(f)
		case <-c.work:
			return c.pace.Wait(ctx)
		}
	}
}

// tell sends what was appended to a bucket since the last time.
func (c *courier) tell(ctx context.Context, channel remote.Channel, b *heldBucket) error {
	place := c.places[b.Name()]
	defer func() { c.places[b.Name()] = place }()
	for range maxBurst {
		l, err := c.write(b, place)
		switch {
		case err != nil: // the store's trouble is told by those who need it
			c.d.log.Warn("what was appended goes by files alone", "remote", c.r.name, "bucket", b.Name(), "error", err)
			return nil
		case l.Last == 0:
			return nil
		case l.sealed == nil:
			c.leave()
		default:
			err = c.postSealed(ctx, channel, l.sealed)
		}
		if errors.Is(err, remote.ErrTooLarge) {
			c.leave()
			err = nil
		}
		if err != nil {
			return err
		}
		if place = l.Excerpt; place.Last == place.Head {
			return nil
		}
	}
	place.Last = place.Head
	c.leave()
	return nil
}

// leave notes that something goes by files alone.
func (c *courier) leave() {
	c.mu.Lock()
	c.untold = time.Now()
	c.mu.Unlock()
}

// post sends a message.
func (c *courier) post(ctx context.Context, channel remote.Channel, m setlog.Message) error {
	sealed, err := c.sealMessage(m)
	if err != nil {
		return err
	}
	return c.postSealed(ctx, channel, sealed)
}

func (c *courier) sealMessage(m setlog.Message) ([]byte, error) {
	m.Sender = c.sender
	return setlog.SealMessage(c.r.look().share, m, rand.Reader)
}

func (c *courier) postSealed(ctx context.Context, channel remote.Channel, sealed []byte) error {
	err := channel.Send(ctx, sealed)
	switch {
	case err == nil:
		c.count("sent")
	case errors.Is(err, remote.ErrTooLarge):
		c.count("too-large")
	}
	return err
}

// receive takes in what others tell until the channel fails.
func (c *courier) receive(ctx context.Context, channel remote.Channel) error {
	for {
		message, err := channel.Receive(ctx)
		if err != nil {
			return err
		}
		if outcome := c.hear(ctx, message); outcome != "" {
			c.count(outcome)
		}
	}
}

// hear takes in one message, and answers what became of it; "" for one of its own.
func (c *courier) hear(ctx context.Context, message []byte) (outcome string) {
	m, err := setlog.OpenMessage(c.r.look().share, message)
	switch {
	case err != nil:
		return "refused"
	case m.Sender == c.sender:
		return ""
	case m.Ask:
		if c.answers.Allow() {
			c.want(func() { c.again = true })
		}
		return "ask"
	case len(m.Segment) == 0:
		if c.looks.Allow() {
			c.r.lane.noteHint()
		}
		return "look"
	}
	return c.offer(ctx, m.Segment)
}

// offer takes in the segment of a message. Where entries before it are missing, others are asked for them, and log/ is.
func (c *courier) offer(ctx context.Context, segment []byte) (outcome string) {
	folded, err := c.r.share.Offer(ctx, c.find, segment)
	if folded > 0 {
		c.d.changed.ring()
	}
	switch {
	case errors.Is(err, replica.ErrEarly):
		if c.asks.Allow() {
			c.want(func() { c.ask = true })
		}
		if c.looks.Allow() {
			c.r.lane.noteHint()
		}
		return "early"
	case errors.Is(err, replica.ErrNotHeld):
		return "not-held"
	case errors.Is(err, setlog.ErrFile), errors.Is(err, localstore.ErrSegment):
		return "refused"
	case err != nil:
		c.d.log.Warn("a message could not be taken in; a poll brings what it says", "remote", c.r.name, "error", err)
		return "refused"
	case folded == 0:
		return "known"
	}
	return "folded"
}

func (c *courier) count(outcome string) {
	c.d.metrics.messages.WithLabelValues(c.r.name, outcome).Inc()
}
