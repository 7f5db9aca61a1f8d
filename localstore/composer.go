package localstore

import (
	"errors"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/setlogger/setlogger/setlog"
)

// composer owns a bucket's future: only its goroutine composes batches and publishes what was committed. It is at
// most one batch ahead of the writer. It never blocks while it holds a read transaction, since the writer may wait for
// all of these to end.
type composer struct {
	b       *Bucket
	ops     chan *op
	quit    chan struct{} // closed: finish what waits, flush, stop
	stopped chan struct{}
	jobs    chan func() error // to the writer, one at a time
	results chan error        // of each job

	backlog  []*op
	next     *batch // being composed
	inflight *batch // being committed
	spare    *batch // published, its memory to be used again
	flushing *flush
	moves    lateMoves   // that a flush which failed left to the next one
	ended    func(error) // takes the result of the writer's job

	ordered    string   // names of the orders that are stored, or being made
	reordering *reorder // nil: they are stored whole, or can't be for now
	reordered  bool     // the last job beside commits was of it

	unsure   error // what is stored could not be read after a failed commit; nil: it is known
	flushErr error // of the last flush; nil: it went well
	busy     bool  // the writer has a job
	quitting bool
	turn     bool // the next job is the flush's, if both wait
	clock    setlog.Clock
	runs     setlog.Runs // of array elements
	tail     uint64      // entries published since the last flush began
	forced   []chan error
	idle     *time.Timer
	gather   gathering
	tx       *bolt.Tx     // for reads of this burst
	stored   *bolt.Cursor // in its nodes
	loaded   int          // bytes of the nodes read
}

func newComposer(b *Bucket) *composer {
	return &composer{
		b: b, ops: make(chan *op, 128), quit: make(chan struct{}), stopped: make(chan struct{}),
		jobs: make(chan func() error), results: make(chan error, 1), idle: time.NewTimer(b.o.IdleFlush),
		gather: newGathering(),
	}
}

// write is the writer's goroutine: one transaction after the other.
func (c *composer) write() {
	for job := range c.jobs {
		c.results <- job()
	}
}

// run is the composer's goroutine.
func (c *composer) run() {
	c.clock.Watermark = c.b.ledger.watermark
	c.next = newBatch(c, c.b.ledger, nil)
	c.startReorder()
	quit := c.quit
	for {
		c.compose()
		c.dispatch()
		if quit == nil && !c.busy && len(c.backlog) == 0 && c.flushing == nil {
			break
		}
		ops := c.ops
		if c.quitting || len(c.backlog) >= cap(c.ops) {
			ops = nil
		}
		select {
		case o := <-ops:
			c.take(o)
		case err := <-c.results:
			c.busy = false
			c.ended(err)
		case <-c.idle.C:
			c.relax()
			c.startFlush()
			c.startReorder()
		case <-c.gather.over.C:
			c.gather.end()
		case done := <-c.b.flushes:
			c.forced = append(c.forced, done)
			c.startFlush()
		case <-quit:
			quit, c.quitting = nil, true
			c.takeMore() // who asks later is refused: else who never stops would keep this from its end
			c.startFlush()
		}
	}
	c.stop()
}

// relax gives memory back that only a busy bucket needs.
func (c *composer) relax() {
	if c.busy || !c.next.empty() {
		return
	}
	c.spare, c.b.arena = nil, arena{}
	c.next = newBatch(c, c.b.ledger, nil)
}

func (c *composer) stop() {
	c.idle.Stop()
	c.gather.end()
	close(c.jobs)
	close(c.stopped)
	for {
		select {
		case o := <-c.ops:
			o.finish(ErrStopped)
		case done := <-c.b.flushes:
			done <- ErrStopped
		default:
			return
		}
	}
}

// take queues an operation, and all others that wait.
func (c *composer) take(o *op) {
	c.backlog = append(c.backlog, o)
	c.takeMore()
}

func (c *composer) takeMore() {
	for len(c.backlog) < cap(c.ops) {
		select {
		case o := <-c.ops:
			c.backlog = append(c.backlog, o)
		default:
			return
		}
	}
}

// compose composes what waits until the batch is full or must be committed first.
func (c *composer) compose() {
	defer c.endReads()
	if c.unsure != nil && len(c.backlog) > 0 {
		c.ascertain()
	}
	for len(c.backlog) > 0 && !c.next.full() && !c.overfull() {
		o := c.backlog[0]
		if o.finished() {
			c.backlog = c.backlog[1:]
			continue
		}
		if err := c.stuck(); err != nil {
			c.end(o, err)
		}
		from := o.next
		err := c.steps(o)
		if o.next > from {
			c.next.parts = append(c.next.parts, part{o, from, o.next})
		}
		var broken brokenError
		switch {
		case errors.Is(err, errDrain):
			if c.next.empty() && !c.busy {
				continue
			}
			return
		case errors.As(err, &broken):
			c.end(o, broken.error)
			c.recompose()
			continue
		case err != nil:
			c.refuse(o, err)
		}
		if o.next == o.items {
			c.backlog = c.backlog[1:]
		}
	}
}

// steps composes items of one operation until it ends, fails, or the batch is full.
func (c *composer) steps(o *op) error {
	for o.next < o.items && !c.next.full() {
		if err := o.ctx.Err(); err != nil {
			return err
		}
		if err := c.step(o); err != nil {
			return err
		}
		o.next++
	}
	return nil
}

// step composes the next item of an operation. A damaged page ends it halfway, and nothing else.
func (c *composer) step(o *op) error {
	ended := false
	err := guard(c.b.path, func() error {
		err := o.step(c.next, o.next)
		ended = true
		return err
	})
	if !ended {
		return brokenError{err}
	}
	return err
}

// end ends an operation at the item that failed; the caller is answered when the items before it are committed.
func (c *composer) end(o *op, err error) {
	o.items = o.next
	o.err = err
	if o.committed == o.items {
		o.finish(err)
	}
}

// refuse ends an operation at an item that the view does not allow. The caller is answered when the view is committed too: sooner,
// a refusal would tell of what nobody can read as yet, and of what is never there when the commit fails.
func (c *composer) refuse(o *op, err error) {
	if c.inflight == nil && c.next.idle() {
		c.end(o, err)
		return
	}
	o.items, o.err, o.judged = o.next, err, c.next
	if n := len(c.next.parts); n == 0 || c.next.parts[n-1].op != o { // else its items there end it
		c.next.parts = append(c.next.parts, part{o, o.next, o.next})
	}
}

// node answers a node as of the last publication.
func (c *composer) node(id string) (*setlog.Node, error) {
	if n, ok := c.b.lookup(id); ok {
		return n, nil
	}
	tx, err := c.reads()
	if err != nil {
		return nil, err
	}
	if c.stored == nil {
		c.stored = tx.Bucket([]byte(bucketNodes)).Cursor()
	}
	n, size, err := c.b.readNode(c.stored, id)
	c.loaded += size
	return n, err
}

// reads is the read transaction of this burst.
func (c *composer) reads() (*bolt.Tx, error) {
	if c.tx == nil {
		tx, err := c.b.begin()
		if err != nil {
			return nil, err
		}
		c.tx = tx
	}
	return c.tx, nil
}

func (c *composer) endReads() {
	if c.tx != nil {
		endRead(c.tx)
		c.tx, c.stored = nil, nil
	}
}
