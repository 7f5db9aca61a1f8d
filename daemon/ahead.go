package daemon

import (
	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/setlog"
)

// letter is an excerpt, and its message as it is sent; nil where it is to go by files alone.
type letter struct {
	localstore.Excerpt

	sealed []byte
}

// forthcoming is what a bucket's commit is about to write.
type forthcoming struct {
	bucket   string
	upcoming *localstore.Upcoming
}

// early is a letter that is made before what it tells is written.
type early struct {
	letter

	upcoming *localstore.Upcoming
}

// noteCommitting has the letters of what a commit is about to write made while the disk is waited for. It never waits: who has the lock
// may wait for the commit.
func (d *Daemon) noteCommitting(bucket string, u *localstore.Upcoming) {
	if !d.mu.TryRLock() {
		return
	}
	defer d.mu.RUnlock()
	for r := range d.below(d.buckets[bucket]) {
		r.courier.Load().prepare(bucket, u)
	}
}

// prepare hands it to the sending goroutine, if that has time. It may be called where there is no courier.
func (c *courier) prepare(bucket string, u *localstore.Upcoming) {
	if c == nil || c.pace.Tokens() < streamAtOnce/2 { // a stream's commits go together
		return
	}
	select {
	case c.coming <- forthcoming{bucket, u}:
	default:
	}
}

// makeEarly makes the letter of what is to be written, if others know all before it.
func (c *courier) makeEarly(f forthcoming) {
	if !f.upcoming.Follows(c.places[f.bucket]) {
		return
	}
	e, err := f.upcoming.Excerpt(maxMessage)
	if err != nil || e.Data == nil {
		return // once it is written, it fails again, or goes by several messages
	}
	if l, err := c.seal(e); err == nil {
		c.early[f.bucket] = early{l, f.upcoming}
	}
}

// write makes the letter of what comes after a place in the bucket; Last is 0 where nothing does.
func (c *courier) write(b *heldBucket, place localstore.Excerpt) (letter, error) {
	if e, ok := c.early[b.Name()]; ok && e.upcoming.Follows(place) && b.Wrote(e.upcoming) {
		delete(c.early, b.Name())
		return e.letter, nil
	}
	e, err := b.Excerpt(place, maxMessage)
	if err != nil {
		return letter{}, err
	}
	return c.seal(e)
}

// seal makes a letter of an excerpt.
func (c *courier) seal(e localstore.Excerpt) (letter, error) {
	if e.Data == nil {
		return letter{Excerpt: e}, nil
	}
	sealed, err := c.sealMessage(setlog.Message{Segment: e.Data})
	e.Data = nil
	return letter{e, sealed}, err
}
