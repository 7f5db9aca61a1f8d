package api

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"
)

// How often a call is made again unless Options say otherwise, and the pauses between: ten seconds in all, in which a
// service is started again.
const (
	defaultRetries = 8
	shortestPause  = 100 * time.Millisecond
	longestPause   = 2 * time.Second
	// maxRetryAfter is how long a wait the daemon may ask for: a longer one is the caller's to wait.
	maxRetryAfter = 30 * time.Second
)

// backoff is a pause that doubles, a little by chance so that callers do not come back in step.
type backoff struct{ next, longest time.Duration }

// rest waits, for at least as long as asked; it fails when the context ends.
func (b *backoff) rest(ctx context.Context, atLeast time.Duration) error {
	wait := b.next/2 + rand.N(b.next/2+1)
	b.next = min(2*b.next, b.longest)
	timer := time.NewTimer(max(wait, atLeast))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// repeat makes a call, and makes it again while what went wrong passes by itself.
func (c *Client) repeat(ctx context.Context, call call, try func() error) error {
	pauses := backoff{next: c.pause, longest: longestPause}
	for made, unsure := 0, false; ; made++ {
		err := try()
		if refusal, ok := errors.AsType[*Error](err); ok && unsure && call.method == http.MethodDelete && refusal.Status == http.StatusNotFound {
			return nil // an attempt before it did what was asked, and its answer was lost
		}
		if err == nil || made >= c.retries || !c.passes(ctx, call, err) {
			return err
		}
		unsure = unsure || !errors.Is(err, ErrNoDaemon)
		if pauses.rest(ctx, retryAfter(err)) != nil {
			return err
		}
	}
}

// passes tells whether a call may be made again after an error, and has a chance then. Where nothing ever answered, nothing
// is waited for.
func (c *Client) passes(ctx context.Context, call call, err error) bool {
	switch {
	case ctx.Err() != nil, retryAfter(err) > maxRetryAfter:
		return false
	case errors.Is(err, ErrNoDaemon):
		return c.answered.Load()
	case call.once:
		return false
	}
	refusal, refused := errors.AsType[*Error](err)
	return errors.Is(err, ErrBroken) || refused && refusal.passes()
}

func retryAfter(err error) time.Duration {
	refusal, ok := errors.AsType[*Error](err)
	if !ok {
		return 0
	}
	return refusal.RetryAfter
}
