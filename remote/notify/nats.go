package notify

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/setlogger/setlogger/remote"
)

const (
	// natsPing is after how long without an answer a silent NATS server is asked for one; two that fail to come end the channel.
	natsPing = 15 * time.Second
	// natsAhead is how many messages come before the first of them is taken, and natsBytes how many bytes of them; what is more is lost.
	natsAhead, natsBytes = 1000, 32 << 20
)

// subject is one of a NATS server, with a subscription that lasts as long as the connection.
type subject struct {
	connection *nats.Conn
	name       string
	coming     *nats.Subscription
}

// openNATS connects to a NATS server. There is nothing to set up. The connection is not mended behind our back, so that whoever
// holds the channel knows when it missed something.
func openNATS(ctx context.Context, u *url.URL, _ string) (remote.Channel, error) {
	alive, end := context.WithCancelCause(context.Background())
	connection, err := within(ctx, func(c *nats.Conn) error { c.Close(); return nil }, func() (*nats.Conn, error) {
		server := url.URL{Scheme: u.Scheme, User: u.User, Host: u.Host}
		return nats.Connect(server.String(), natsOptions(ctx, u, end)...)
	})
	if err != nil {
		end(err)
		return nil, natsFailure("connect to", u.Host, err)
	}
	s := &subject{connection: connection, name: topicOf(u)}
	if err := s.subscribe(ctx); err != nil {
		connection.Close()
		return nil, natsFailure("subscribe to", u.Host, err)
	}
	return &channel{topic: s, subscription: s, most: int(connection.MaxPayload()), alive: alive, free: func() error { connection.Close(); return nil }}, nil
}

// natsOptions end the channel with the connection, which ends when a login may not do what we do.
func natsOptions(ctx context.Context, u *url.URL, end context.CancelCauseFunc) []nats.Option {
	options := []nats.Option{
		nats.NoReconnect(), nats.Timeout(waitFor(ctx, 5*time.Second)), nats.Name("setlogger"), nats.PingInterval(natsPing), nats.MaxPingsOutstanding(2),
		nats.FlusherTimeout(writeTime), nats.SyncQueueLen(natsAhead), nats.ClosedHandler(func(c *nats.Conn) {
			end(natsFailure("hold", u.Host, errors.Join(nats.ErrConnectionClosed, c.LastError())))
		}),
		nats.ErrorHandler(func(c *nats.Conn, _ *nats.Subscription, err error) { // it also hears of messages that found no room
			if errors.Is(err, nats.ErrPermissionViolation) {
				c.Close()
			}
		}),
	}
	if file := u.Query().Get("creds"); file != "" {
		options = append(options, nats.UserCredentials(file))
	}
	return options
}

// subscribe waits for the server: after it nothing is missed.
func (s *subject) subscribe(ctx context.Context) (err error) {
	if s.coming, err = s.connection.SubscribeSync(s.name); err != nil {
		return err
	}
	if err := s.coming.SetPendingLimits(natsAhead, natsBytes); err != nil {
		return err
	}
	err = s.connection.FlushTimeout(waitFor(ctx, 5*time.Second))
	if refused := s.connection.LastError(); refused != nil {
		return refused
	}
	return err
}

// send hands a message to the connection's own goroutine.
func (s *subject) send(_ context.Context, message []byte) error {
	return s.connection.Publish(s.name, message)
}

func (s *subject) receive(ctx context.Context) ([]byte, error) {
	for {
		m, err := s.coming.NextMsgWithContext(ctx)
		switch {
		case err == nil:
			return m.Data, nil
		case errors.Is(err, nats.ErrSlowConsumer): // some were lost
		default:
			return nil, awaitWhy(ctx, err)
		}
	}
}

// shutdown leaves it to the end of the connection.
func (*subject) shutdown(context.Context) error { return nil }

func natsFailure(verb, host string, err error) error {
	is := remote.ErrUnreachable
	if errors.Is(err, nats.ErrAuthorization) || errors.Is(err, nats.ErrAuthExpired) || errors.Is(err, nats.ErrPermissionViolation) {
		is = remote.ErrDenied
	}
	return fmt.Errorf("%s NATS at %s: %w: %w", verb, host, is, err)
}
