package localstore

import (
	"slices"
)

// dispatch gives the writer its next job: the batch, or a piece of a flush, in turn.
func (c *composer) dispatch() {
	if c.busy {
		return
	}
	if c.flushErr == nil && (c.b.overlay.bytes >= c.b.overlayBytes() || c.tail >= maxTail) {
		c.startFlush()
	}
	beside := (c.turn || c.next.empty()) && (c.flushing != nil || c.reorders())
	switch {
	case beside:
		c.turn, c.busy = false, true
		c.dispatchBeside()
	case !c.next.empty() && (c.quitting || c.next.full() || !c.gather.waits(len(c.next.parts))):
		c.gather.begin()
		c.turn, c.busy = true, true
		c.inflight = c.next
		c.inflight.ledger.watermark = c.clock.Watermark
		c.inflight.loaded, c.loaded = c.loaded, 0
		c.next = newBatch(c, c.inflight.ledger, c.inflight)
		c.ended = c.settle
		c.jobs <- c.b.commitJob(c.inflight)
	}
}

func (c *composer) reorders() bool { return c.reordering != nil && !c.quitting }

// dispatchBeside gives the writer a piece of the flush or of the new orders, by turns if both wait.
func (c *composer) dispatchBeside() {
	if c.flushing != nil && (c.reordered || !c.reorders()) {
		c.reordered, c.ended = false, c.settleFlush
		c.jobs <- c.flushing.job
		return
	}
	r := c.reordering
	c.reordered, c.ended = true, func(err error) { c.settleReorder(r, err) }
	c.jobs <- r.job
}

// settle ends a commit: publishes what is durable, answers callers, or goes back to before the batch.
func (c *composer) settle(err error) {
	done := c.inflight
	c.inflight, c.next.under = nil, nil
	if err != nil {
		c.fail(done, err)
		return
	}
	c.tail += uint64(done.entries)
	c.b.publish(done)
	for _, p := range done.parts {
		p.op.committed = p.to
		if p.to == p.op.items && (p.op.judged == nil || p.op.judged == done) {
			p.op.finish(p.op.err)
		}
	}
	if done.ledger.schema.Compare(done.before.schema) != 0 {
		c.startReorder()
	}
	c.gather.settled(len(done.parts), len(c.next.parts))
	c.recycle(done)
	c.idle.Reset(c.b.o.IdleFlush)
}

// fail answers the callers of a batch that was not committed, once it is known what is there of it, and composes the batch after it
// anew.
func (c *composer) fail(failed *batch, err error) {
	c.b.o.Logger.Error("commit failed", "bucket", c.b.name, "error", err)
	c.lookAgain()
	for _, p := range failed.parts {
		p.op.finish(err)
	}
	c.goOn()
}

// ascertain looks at what is stored after a commit failed, and goes on from there. Until that succeeds nothing may be
// composed: a number could be given twice.
func (c *composer) ascertain() {
	c.lookAgain()
	c.goOn()
}

func (c *composer) lookAgain() {
	if c.unsure = c.b.reload(); c.unsure != nil {
		c.b.o.Logger.Error("reload after a failed commit failed", "bucket", c.b.name, "error", c.unsure)
	}
}

func (c *composer) goOn() {
	c.startReorder()
	c.recompose()
}

// recompose puts the operations of the batch being composed back, and begins it again.
func (c *composer) recompose() {
	var again, met []*op
	for _, p := range c.next.parts {
		if p.op.finished() || slices.Contains(met, p.op) { // the first part says from where on
			continue
		}
		met = append(met, p.op)
		p.op.again(p.from)
		if !slices.Contains(c.backlog, p.op) {
			again = append(again, p.op)
		}
	}
	c.backlog = append(again, c.backlog...)
	before := c.b.ledger
	if c.inflight != nil {
		before = c.inflight.ledger
	}
	c.next = newBatch(c, before, c.inflight)
}
