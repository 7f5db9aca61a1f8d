package notify

import (
	"context"
)

// ownPrefix begins the names of what we make at a service for a subscriber.
const ownPrefix = "setlogger-"

// SetUp makes what all devices share at an address, if it is missing: the topic. Again changes nothing. An error wraps
// remote.ErrDenied or remote.ErrUnreachable.
func SetUp(ctx context.Context, address string) error {
	u, s, err := parse(address)
	if err != nil || s.setUp == nil {
		return err
	}
	return s.setUp(ctx, u)
}

// TearDown removes what a subscriber left at an address; with all, what any left there, and the topic. Its channel is to be closed
// before. Again is no error. Errors are as those of SetUp.
func TearDown(ctx context.Context, address, subscriber string, all bool) error {
	u, s, err := parse(address)
	if err != nil || s.tearDown == nil {
		return err
	}
	return s.tearDown(ctx, u, subscriber, all)
}

// hinted is an error that knows what to do.
type hinted struct {
	error

	hint string
}

// Unwrap answers the error.
func (e *hinted) Unwrap() error { return e.error }

// Hint says what to do.
func (e *hinted) Hint() string { return e.hint }
