//go:build !slim || channels

package notify

import (
	"context"
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"

	"github.com/setlogger/setlogger/remote"
)

// azureAhead is how many messages come before the first of them is taken.
const azureAhead = 100

// azureStream brings the messages of a subscription. They are gone from it as they are sent to us.
type azureStream struct {
	*azure
	*pump

	receiver *azservicebus.Receiver
	name     string
}

func (a *azure) stream(receiver *azservicebus.Receiver, name string) *azureStream {
	s := &azureStream{azure: a, receiver: receiver, name: name}
	s.pump = startPump(s.run)
	return s
}

// run brings messages until it is stopped, or the service fails. Unless it is told otherwise the client waits for a second after the
// first message for others.
func (s *azureStream) run(ctx context.Context, hand give) error {
	for {
		messages, err := s.receiver.ReceiveMessages(ctx, azureAhead, &azservicebus.ReceiveMessagesOptions{TimeAfterFirstMessage: time.Nanosecond})
		if isGone(err) { // somebody removed the subscription
			return fmt.Errorf("receive: %w: %w", remote.ErrUnreachable, err)
		}
		if err != nil {
			return azureFailure("receive", err)
		}
		for _, m := range messages {
			if err := hand(ctx, m.Body); err != nil {
				return err
			}
		}
	}
}

// shutdown ends the stream, and removes the subscription. Its link ends with the client.
func (s *azureStream) shutdown(ctx context.Context) error {
	s.end()
	return azureFailure("let go of "+s.topic, s.unsubscribe(ctx, s.name))
}
