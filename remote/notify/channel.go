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
	topic        *pubsub.Topic
	subscription *pubsub.Subscription
	most         int // bytes of a message
	free         func() error
}

// Send implements remote.Channel.
func (c *channel) Send(ctx context.Context, message []byte) error {
	if len(message) > c.most {
		return fmt.Errorf("send: %w: %d bytes, the service takes %d", remote.ErrTooLarge, len(message), c.most)
	}
	return failure(ctx, "send", c.topic.Send(ctx, &pubsub.Message{Body: message}))
}

// Receive implements remote.Channel. What is received is acknowledged at once: what gets lost afterwards is in log/, too.
func (c *channel) Receive(ctx context.Context) ([]byte, error) {
	m, err := c.subscription.Receive(ctx)
	if err != nil {
		return nil, failure(ctx, "receive", err)
	}
	m.Ack()
	return m.Body, nil
}

// Close implements remote.Channel.
func (c *channel) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	return errors.Join(c.topic.Shutdown(ctx), c.subscription.Shutdown(ctx), c.free())
}

// failure tells what a service's error means to us.
func failure(ctx context.Context, verb string, err error) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case gcerrors.Code(err) == gcerrors.PermissionDenied:
		return fmt.Errorf("%s: %w: %w", verb, remote.ErrDenied, err)
	}
	return fmt.Errorf("%s: %w: %w", verb, remote.ErrUnreachable, err)
}
