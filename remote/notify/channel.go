package notify

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/setlogger/setlogger/remote"
)

const (
	// closeTime bounds what a service is given to let go.
	closeTime = 2 * time.Second
	// writeTime bounds how long a connection may take nothing.
	writeTime = 5 * time.Second
	// whyTime is how long it may take to hear why a connection was closed.
	whyTime = time.Second
)

// channel is a topic with a subscription, and what they stand on.
type channel struct {
	topic        topic
	subscription subscription
	most         int             // bytes of a message
	alive        context.Context //nolint:containedctx // ends with the connection, for its cause, where the library doesn't tell of that
	free         func() error
}

// Send implements remote.Channel.
func (c *channel) Send(ctx context.Context, message []byte) error {
	if len(message) > c.most {
		return fmt.Errorf("send: %w: %d bytes, the service takes %d", remote.ErrTooLarge, len(message), c.most)
	}
	lasting, stop := c.whileAlive(ctx)
	defer stop()
	return c.failure(ctx, "send", c.topic.send(lasting, message))
}

// Receive implements remote.Channel. What is received is acknowledged at once: what gets lost afterwards is in log/, too.
func (c *channel) Receive(ctx context.Context) ([]byte, error) {
	if err := ctx.Err(); err != nil { // else a message that waits could be taken all the same
		return nil, err
	}
	lasting, stop := c.whileAlive(ctx)
	defer stop()
	m, err := c.subscription.receive(lasting)
	return m, c.failure(ctx, "receive", err)
}

// topic is what takes messages.
type topic interface {
	send(ctx context.Context, message []byte) error
	shutdown(ctx context.Context) error
}

// subscription is what brings messages.
type subscription interface {
	receive(ctx context.Context) ([]byte, error)
	shutdown(ctx context.Context) error
}

// whileAlive is a context that ends with the connection, too.
func (c *channel) whileAlive(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	off := context.AfterFunc(c.alive, cancel)
	return ctx, func() { off(); cancel() }
}

// awaitWhy answers the end of a subscription. Why its connection was closed may be told beside it a moment later, which ends the context.
func awaitWhy(ctx context.Context, err error) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(whyTime):
		return err
	}
}

// Close implements remote.Channel.
func (c *channel) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	return errors.Join(c.topic.shutdown(ctx), c.subscription.shutdown(ctx), c.free())
}

// failure tells what a service's error means to us, unless the service has told that.
func (c *channel) failure(ctx context.Context, verb string, err error) error {
	if err != nil && c.alive.Err() != nil {
		err = context.Cause(c.alive)
	}
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, remote.ErrDenied), errors.Is(err, remote.ErrUnreachable), errors.Is(err, remote.ErrTooLarge):
		return fmt.Errorf("%s: %w", verb, err)
	}
	return fmt.Errorf("%s: %w: %w", verb, remote.ErrUnreachable, err)
}

// hurried is a connection that breaks when it takes nothing for writeTime: nobody waits longer for what it sends.
type hurried struct{ net.Conn }

// Write implements net.Conn.
func (c hurried) Write(data []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
		return 0, err
	}
	return c.Conn.Write(data)
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
