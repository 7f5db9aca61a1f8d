package notify

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/nats-io/nats.go"
	"gocloud.dev/pubsub/natspubsub"

	"github.com/setlogger/setlogger/remote"
)

// natsPing is after how long without an answer a silent NATS server is asked for one; two that fail to come end the channel.
const natsPing = 15 * time.Second

// openNATS connects to a NATS server. There is nothing to set up: the subscription lasts as long as the connection, which is not
// mended behind our back, so that whoever holds the channel knows when it missed something.
func openNATS(ctx context.Context, u *url.URL, _ string) (remote.Channel, error) {
	server := url.URL{Scheme: u.Scheme, User: u.User, Host: u.Host}
	options := []nats.Option{
		nats.NoReconnect(), nats.Timeout(waitFor(ctx, 5*time.Second)), nats.Name("setlogger"), nats.PingInterval(natsPing), nats.MaxPingsOutstanding(2),
	}
	if file := u.Query().Get("creds"); file != "" {
		options = append(options, nats.UserCredentials(file))
	}
	connection, err := within(ctx, func(c *nats.Conn) error { c.Close(); return nil }, func() (*nats.Conn, error) {
		return nats.Connect(server.String(), options...)
	})
	if err != nil {
		return nil, natsFailure(u.Host, err)
	}
	free := func() error { connection.Close(); return nil }
	topic, err := natspubsub.OpenTopicV2(connection, topicOf(u), nil)
	if err != nil {
		return nil, errors.Join(natsFailure(u.Host, err), free())
	}
	subscription, err := natspubsub.OpenSubscriptionV2(connection, topicOf(u), nil)
	if err == nil {
		err = connection.FlushTimeout(waitFor(ctx, 5*time.Second)) // from here on nothing is missed
	}
	if err != nil {
		return nil, errors.Join(natsFailure(u.Host, err), topic.Shutdown(ctx), free())
	}
	return &channel{topic: portableTopic{topic}, subscription: portable{subscription}, most: int(connection.MaxPayload()), alive: context.Background(), free: free}, nil
}

func natsFailure(host string, err error) error {
	is := remote.ErrUnreachable
	if errors.Is(err, nats.ErrAuthorization) || errors.Is(err, nats.ErrAuthExpired) || errors.Is(err, nats.ErrPermissionViolation) {
		is = remote.ErrDenied
	}
	return fmt.Errorf("connect to NATS at %s: %w: %w", host, is, err)
}
