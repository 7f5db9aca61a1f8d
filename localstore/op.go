package localstore

import (
	"context"
	"errors"
)

// op is one caller's request: some items, composed and committed in order, each whole.
type op struct {
	ctx   context.Context // of the caller, who waits
	asked int             // items that the caller has
	items int             // of them to be composed: fewer when one can't be
	// step composes item i onto the batch. It runs in the composer's goroutine, and again for the same item when the
	// batch was not committed. It changes nothing when it fails, unless the error is a broken one.
	step      func(b *batch, i int) error
	next      int // item to compose
	committed int // items that are durable
	err       error
	judged    *batch // that holds what err was judged by; nil: nothing that is not committed
	done      chan struct{}
}

// errDrain is a step's wish to be called again when nothing is waiting or being committed.
var errDrain = errors.New("localstore: not while entries wait")

// brokenError is a step's failure halfway: the batch has to be composed anew without it.
type brokenError struct{ error }

func (e brokenError) Unwrap() error { return e.error }

// do hands an operation to the composer and waits for its end. It answers how many of its items are durable.
func (b *Bucket) do(ctx context.Context, items int, step func(b *batch, i int) error) (committed int, err error) {
	if items == 0 {
		return 0, ctx.Err()
	}
	o := &op{ctx: ctx, items: items, asked: items, step: step, done: make(chan struct{})}
	select {
	case b.c.ops <- o:
	case <-ctx.Done():
		return 0, ctx.Err()
	case <-b.c.stopped:
		return 0, ErrStopped
	}
	select {
	case <-o.done:
	case <-b.c.stopped:
		if !o.finished() {
			return 0, ErrStopped
		}
	}
	return o.committed, o.err
}

// again has the items from one on composed once more, and what the view did not allow judged by another.
func (o *op) again(from int) {
	o.next = from
	if o.judged != nil {
		o.items, o.err, o.judged = o.asked, nil, nil
	}
}

// finish answers the caller once, when all is committed or it failed.
func (o *op) finish(err error) {
	select {
	case <-o.done:
	default:
		o.err = err
		close(o.done)
	}
}

func (o *op) finished() bool {
	select {
	case <-o.done:
		return true
	default:
		return false
	}
}
