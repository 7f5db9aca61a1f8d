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
)

// googleStream brings the messages of a subscription. gocloud's driver for it asks for each anew, or looks ten times a second.
type googleStream struct {
	*google

	name   string
	coming chan []byte
	heard  atomic.Bool // something came since it was looked
	stop   context.CancelFunc
	ended  chan struct{} // closed after err is set
	err    error
}

func streamGoogle(g *google, name string) *googleStream {
	ctx, stop := context.WithCancel(context.Background())
	s := &googleStream{google: g, name: name, coming: make(chan []byte), stop: stop, ended: make(chan struct{})}
	go s.run(ctx)
	return s
}

// run streams until it is stopped, or the service fails. A stream that ends after a while is begun anew: the subscription lasts, so
// nothing is missed, and what is wrong shows in the new one.
func (s *googleStream) run(ctx context.Context) {
	ctx, fail := context.WithCancelCause(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { s.watch(ctx, fail) })
	for s.err == nil {
		began := time.Now()
		if err := s.pull(ctx); ctx.Err() != nil || time.Since(began) < googleLeast {
			s.err = err
		}
	}
	fail(s.err) // keeps what the watch said
	watching.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		s.err = cause
	}
	close(s.ended)
}

// pull brings the messages of one stream until that ends.
func (s *googleStream) pull(ctx context.Context) error {
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
		if err := s.take(ctx, stream, response.GetReceivedMessages()); err != nil {
			return err
		}
	}
}

// take acknowledges messages, and hands them on.
func (s *googleStream) take(ctx context.Context, stream pubsubpb.Subscriber_StreamingPullClient, messages []*pubsubpb.ReceivedMessage) error {
	if len(messages) == 0 {
		return nil
	}
	ids := make([]string, len(messages))
	for i, m := range messages {
		ids[i] = m.GetAckId()
	}
	_ = stream.Send(&pubsubpb.StreamingPullRequest{AckIds: ids})
	for _, m := range messages {
		select {
		case s.coming <- m.GetMessage().GetData():
		case <-ctx.Done():
			return ctx.Err()
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
		_, err := s.subscriptions.GetSubscription(asking, &pubsubpb.GetSubscriptionRequest{Subscription: s.name}, once())
		cancel()
		if code := status.Code(err); ctx.Err() == nil && (code == codes.Unavailable || code == codes.DeadlineExceeded) {
			fail(err)
			return
		}
	}
}

func (s *googleStream) receive(ctx context.Context) ([]byte, error) {
	select {
	case m := <-s.coming:
		return m, nil
	case <-s.ended:
		if status.Code(s.err) == codes.NotFound { // somebody removed the subscription
			return nil, fmt.Errorf("%w: %w", remote.ErrUnreachable, s.err)
		}
		return nil, googleFailure("stream", s.err)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// shutdown ends the stream, and removes the subscription.
func (s *googleStream) shutdown(ctx context.Context) error {
	s.stop()
	<-s.ended
	return s.unsubscribe(ctx, s.name)
}
