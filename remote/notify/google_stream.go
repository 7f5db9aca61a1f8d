//go:build !slim || channels

package notify

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/setlogger/setlogger/remote"
)

const (
	// googleAhead is how many messages come before the first of them is acknowledged.
	googleAhead = 1000
	// googleSilence is after how long without a message it is looked whether Google is there.
	googleSilence = 30 * time.Second
	// googleLeast is how long a stream lasts at least: Google ends each after half an hour at most.
	googleLeast = 10 * time.Second
	// googleNoTopic is what Google says the topic of a subscription is when it was removed.
	googleNoTopic = "_deleted-topic_"
)

// errDetached is the end of a channel whose topic somebody removed: nothing comes to the subscription, even where there is one of its
// name again.
var errDetached = errors.New("the subscription is of no topic any more")

// googleStream brings the messages of a subscription. gocloud's driver for it asks for each anew, or looks ten times a second.
type googleStream struct {
	*google
	*pump

	name  string
	heard atomic.Bool // something came since it was looked
}

func streamGoogle(g *google, name string) *googleStream {
	s := &googleStream{google: g, name: name}
	s.pump = startPump(s.run)
	return s
}

// run streams until it is stopped, or the service fails. A stream that ends after a while is begun anew: the subscription lasts, so
// nothing is missed, and what is wrong shows in the new one.
func (s *googleStream) run(ctx context.Context, hand give) error {
	ctx, fail := context.WithCancelCause(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { s.watch(ctx, fail) })
	for ctx.Err() == nil {
		began := time.Now()
		if err := s.pull(ctx, hand); ctx.Err() == nil && time.Since(began) < googleLeast {
			fail(err)
		}
	}
	watching.Wait()
	err := context.Cause(ctx)
	if status.Code(err) == codes.NotFound { // somebody removed the subscription
		return fmt.Errorf("%w: %w", remote.ErrUnreachable, err)
	}
	return googleFailure("stream", err)
}

// pull brings the messages of one stream until that ends.
func (s *googleStream) pull(ctx context.Context, hand give) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := s.subscriptions.StreamingPull(ctx)
	if err != nil {
		return err
	}
	// What fails to be sent shows in what is received.
	_ = stream.Send(&pubsubpb.StreamingPullRequest{Subscription: s.name, StreamAckDeadlineSeconds: int32(googleAck.Seconds()), MaxOutstandingMessages: googleAhead})
	for {
		response, err := stream.Recv()
		if err != nil {
			return err
		}
		s.heard.Store(true)
		if err := take(ctx, stream, response.GetReceivedMessages(), hand); err != nil {
			return err
		}
	}
}

// take acknowledges messages, and hands them on.
func take(ctx context.Context, stream pubsubpb.Subscriber_StreamingPullClient, messages []*pubsubpb.ReceivedMessage, hand give) error {
	if len(messages) == 0 {
		return nil
	}
	ids := make([]string, len(messages))
	for i, m := range messages {
		ids[i] = m.GetAckId()
	}
	_ = stream.Send(&pubsubpb.StreamingPullRequest{AckIds: ids})
	for _, m := range messages {
		if err := hand(ctx, m.GetMessage().GetData()); err != nil {
			return err
		}
	}
	return nil
}

// watch asks for a sign of life when nothing came for a while: a dead connection is silent, too.
func (s *googleStream) watch(ctx context.Context, fail context.CancelCauseFunc) {
	tick := time.NewTicker(googleSilence)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if s.heard.Swap(false) {
			continue
		}
		asking, cancel := context.WithTimeout(ctx, googleWait)
		got, err := s.subscriptions.GetSubscription(asking, &pubsubpb.GetSubscriptionRequest{Subscription: s.name}, once())
		cancel()
		if code := status.Code(err); ctx.Err() == nil && (code == codes.Unavailable || code == codes.DeadlineExceeded) {
			fail(err)
			return
		}
		if got.GetTopic() == googleNoTopic {
			fail(errDetached)
			return
		}
	}
}

// shutdown ends the stream, and removes the subscription.
func (s *googleStream) shutdown(ctx context.Context) error {
	s.end()
	return s.unsubscribe(ctx, s.name)
}
