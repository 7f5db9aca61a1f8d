//go:build !slim || channels

package notify

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/setlogger/setlogger/remote"
)

const (
	// azureAhead is how many messages come before the first of them is taken.
	azureAhead = 100
	// azureAgain is before a link that the service ended is made anew.
	azureAgain = 100 * time.Millisecond
	// azureSilence is after how long without a message it is looked whether Azure is there.
	azureSilence = 30 * time.Second
)

// errRemoved is the end of a channel whose subscription somebody removed.
var errRemoved = errors.New("the subscription is gone")

// azureStream brings the messages of a subscription. They are gone from it as they are sent to us.
type azureStream struct {
	*azure
	*pump

	receiver *azservicebus.Receiver
	name     string
	heard    atomic.Bool // something came since it was looked
}

func (a *azure) stream(receiver *azservicebus.Receiver, name string) *azureStream {
	s := &azureStream{azure: a, receiver: receiver, name: name}
	s.pump = startPump(s.run)
	return s
}

// run brings messages until it is stopped, or the service fails.
func (s *azureStream) run(ctx context.Context, hand give) error {
	ctx, fail := context.WithCancelCause(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { s.watch(ctx, fail) })
	for ctx.Err() == nil {
		if err := s.poll(ctx, hand); err != nil {
			fail(err)
		}
	}
	watching.Wait()
	err := context.Cause(ctx)
	if isGone(err) {
		return fmt.Errorf("receive: %w: %w: %w", remote.ErrUnreachable, errRemoved, err)
	}
	return azureFailure("receive", err)
}

// poll brings what comes next, which is nothing when the service ended the link. Unless it is told otherwise the client waits for a
// second after the first message for others.
func (s *azureStream) poll(ctx context.Context, hand give) error {
	messages, err := s.receiver.ReceiveMessages(ctx, azureAhead, &azservicebus.ReceiveMessagesOptions{TimeAfterFirstMessage: time.Nanosecond})
	if err != nil {
		return err
	}
	if len(messages) == 0 {
		select {
		case <-time.After(azureAgain):
		case <-ctx.Done():
		}
		return nil
	}
	s.heard.Store(true)
	for _, m := range messages {
		if err := hand(ctx, m.Body); err != nil {
			return err
		}
	}
	return nil
}

// watch asks for the subscription when nothing came for a while: a dead connection is silent, too, and the client would make it anew
// without end.
func (s *azureStream) watch(ctx context.Context, fail context.CancelCauseFunc) {
	tick := time.NewTicker(azureSilence)
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
		asking, cancel := context.WithTimeout(ctx, azureWait)
		got, err := s.admin.GetSubscription(asking, s.topic, s.name, nil)
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && statusOf(err) == 0:
			fail(err)
		case err == nil && got == nil:
			fail(errRemoved)
		}
	}
}

// shutdown ends the stream, and removes the subscription. Its link ends with the client.
func (s *azureStream) shutdown(ctx context.Context) error {
	s.end()
	return azureFailure("let go of "+s.topic, s.unsubscribe(ctx, s.name))
}
