package rclone

import (
	"context"
	"fmt"
	"time"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/lib/pacer"

	"github.com/setlogger/setlogger/remote"
)

// longestRest bounds for how long a remote is left alone on its own wish.
const longestRest = time.Hour

// opened is an Fs in use.
type opened struct {
	fs.Fs
	life context.Context // ends, with the cause, when the Fs is given up
	give func(cause error)
	end  func() // lets go of what the Fs holds

	forget func() // has Stop leave it alone
}

// rest leaves the remote alone for a while, as it asked for, whoever calls: until then each call answers ErrBusy and
// makes no request, those under way too. The opened Fs is given up, because after such a wish rclone's own pace holds
// up call after call, in sum for four times as long, and does not look at contexts.
func (s *storage) rest(wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	wait = min(wait, longestRest)
	s.busy = time.Now().Add(wait)
	if o := s.opened; o != nil {
		s.opened = nil
		o.give(tooSoon(wait))
		_ = s.library.spawn(o.end) // after Stop it has been called
	}
}

// resting answers the error of a call that comes too soon, or too late, or nil.
func (s *storage) resting() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return errClosed
	}
	if wait := time.Until(s.busy); wait > 0 {
		return tooSoon(wait)
	}
	return nil
}

// ownRefusal is a refusal of ours, not the remote's.
type ownRefusal struct{ error }

func (r *ownRefusal) Unwrap() error { return r.error }

func tooSoon(wait time.Duration) error {
	return &ownRefusal{pacer.RetryAfterError(fmt.Errorf("%w: it asked to be left alone", remote.ErrBusy), wait)}
}

// while answers a context that ends when the Fs is given up, too. The caller must call end.
func (o *opened) while(ctx context.Context) (call context.Context, end func()) {
	call, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(o.life, func() { cancel(context.Cause(o.life)) })
	return call, func() { stop(); cancel(nil) }
}
