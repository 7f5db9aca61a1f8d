package remote

import (
	"context"
	"fmt"
)

// ErrNoTopic is the ErrUnreachable of a channel whose service answers, and has no such topic.
var ErrNoTopic = fmt.Errorf("remote: the channel's topic is missing: %w", ErrUnreachable)

// Channel is a topic of a Pub/Sub service that the devices of a share tell each other of changes by. It promises nothing: a message
// may be lost, late, doubled, reordered or forged, and comes to the device that sent it, too. Both verbs may run at once.
// An error of either but ErrTooLarge ends the channel: it is closed, and opened anew.
type Channel interface {
	// Send answers once the service has taken the message, as far as it tells, or with ErrTooLarge.
	Send(ctx context.Context, message []byte) error
	// Receive waits for the next message.
	Receive(ctx context.Context) ([]byte, error)
	// Close lets go of the connection, and of the device's subscription where that lasts only as long.
	Close() error
}
