package notify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gocloud.dev/gcerrors"
	"gocloud.dev/pubsub"

	"github.com/setlogger/setlogger/remote"
)

// closeTime bounds what a service is given to let go.
const closeTime = 2 * time.Second

// channel is a topic with a subscription, and what they stand on.
type channel struct {
	topic        topic
	subscription subscription
	most         int             // bytes of a message
	alive        context.Context //nolint:containedctx // ends with the connection, where the library doesn't tell of that
	free         func() error
}

// Send implements remote.Channel.
func (c *channel) Send(ctx context.Context, message []byte) error {
	if len(message) > c.most {
		return fmt.Errorf("send: %w: %d bytes, the service takes %d", remote.ErrTooLarge, len(message), c.most)
	}
	lasting, stop := c.whileAlive(ctx)
	defer stop()
	return failure(ctx, "send", c.topic.send(lasting, message))
}

// Receive implements remote.Channel. What is received is acknowledged at once: what gets lost afterwards is in log/, too.
func (c *channel) Receive(ctx context.Context) ([]byte, error) {
	if err := ctx.Err(); err != nil { // else a message that waits could be taken all the same
		return nil, err
	}
	lasting, stop := c.whileAlive(ctx)
	defer stop()
	m, err := c.subscription.receive(lasting)
	return m, failure(ctx, "receive", err)
}

// topic is what takes messages: one of gocloud, or of a library beside it.
type topic interface {
	send(ctx context.Context, message []byte) error
	shutdown(ctx context.Context) error
}

// portableTopic is a topic of gocloud.
type portableTopic struct{ *pubsub.Topic }

func (t portableTopic) send(ctx context.Context, message []byte) error {
	return t.Send(ctx, &pubsub.Message{Body: message})
}

func (t portableTopic) shutdown(ctx context.Context) error { return t.Shutdown(ctx) }

// subscription is what brings messages: one of gocloud, or of a library beside it.
type subscription interface {
	receive(ctx context.Context) ([]byte, error)
	shutdown(ctx context.Context) error
}

// portable is a subscription of gocloud.
type portable struct{ *pubsub.Subscription }

func (s portable) receive(ctx context.Context) ([]byte, error) {
	m, err := s.Receive(ctx)
	if err != nil {
		return nil, err
	}
	m.Ack()
	return m.Body, nil
}

func (s portable) shutdown(ctx context.Context) error { return s.Shutdown(ctx) }

// whileAlive is a context that ends with the connection, too.
func (c *channel) whileAlive(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	off := context.AfterFunc(c.alive, cancel)
	return ctx, func() { off(); cancel() }
}

// Close implements remote.Channel.
func (c *channel) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	return errors.Join(c.topic.shutdown(ctx), c.subscription.shutdown(ctx), c.free())
}

// failure tells what a service's error means to us, unless the service has told that.
func failure(ctx context.Context, verb string, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, remote.ErrDenied), errors.Is(err, remote.ErrUnreachable), errors.Is(err, remote.ErrTooLarge):
		return fmt.Errorf("%s: %w", verb, err)
	case gcerrors.Code(err) == gcerrors.PermissionDenied:
		return fmt.Errorf("%s: %w: %w", verb, remote.ErrDenied, err)
	}
	return fmt.Errorf("%s: %w: %w", verb, remote.ErrUnreachable, err)
}

// within opens a connection, unless the context ends before.
func within[C any](ctx context.Context, free func(C) error, open func() (C, error)) (C, error) {
	type result struct {
		connection C
		err        error
	}
	done := make(chan result, 1)
	go func() {
		c, err := open()
		done <- result{c, err}
	}()
	select {
	case r := <-done:
		return r.connection, r.err
	case <-ctx.Done():
		go func() { // it ends by its own limit
			if r := <-done; r.err == nil {
				_ = free(r.connection)
			}
		}()
		var none C
		return none, ctx.Err()
	}
}

// waitFor is as long as a context lasts, and no longer than a limit.
func waitFor(ctx context.Context, limit time.Duration) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return limit
	}
	return max(time.Millisecond, min(limit, time.Until(deadline)))
}
