//go:build !slim || channels

package notify

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	pubsub "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"github.com/googleapis/gax-go/v2"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/setlogger/setlogger/remote"
)

const (
	// googleMost is what we send in a message; the service takes nine times as much.
	googleMost = 1 << 20
	// googleWait bounds a call of Google's.
	googleWait = 10 * time.Second
	// googleExpires is how long the subscription of a device that died stays: the service's least.
	googleExpires = 24 * time.Hour
	// googleKeeps is how long the service keeps a message that no device took: its least.
	googleKeeps = 10 * time.Minute
	// googleAck is how long it waits for a message to be acknowledged, which is done as it comes: its least.
	googleAck = 10 * time.Second
)

func googleService(example string) service {
	return service{example, hasProjectAndTopic, openGoogle, setUpGoogle, tearDownGoogle}
}

// google is a connection to Google Cloud Pub/Sub, with the full name of a topic there.
type google struct {
	topics        *pubsub.TopicAdminClient
	subscriptions *pubsub.SubscriptionAdminClient
	project       string
	topic         string
}

// dialGoogle connects with Application Default Credentials, or with none to the emulator that PUBSUB_EMULATOR_HOST names.
func dialGoogle(ctx context.Context, u *url.URL) (*google, error) {
	g, err := within(ctx, (*google).close, func() (*google, error) {
		lasting := context.Background() // logins are renewed under it
		alive := option.WithGRPCDialOption(grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 5 * time.Minute}))
		topics, err := pubsub.NewTopicAdminClient(lasting, alive)
		if err != nil {
			return nil, err
		}
		subscriptions, err := pubsub.NewSubscriptionAdminClient(lasting, alive)
		if err != nil {
			return nil, errors.Join(err, topics.Close())
		}
		return &google{topics, subscriptions, "projects/" + u.Host, "projects/" + u.Host + "/topics/" + topicOf(u)}, nil
	})
	switch {
	case err == nil:
		return g, nil
	case ctx.Err() != nil:
		return nil, fmt.Errorf("log in to Google Cloud: %w: %w", remote.ErrUnreachable, err)
	}
	return nil, &hinted{ // it connects later: here it looks for the login alone
		fmt.Errorf("log in to Google Cloud: %w: %w", remote.ErrDenied, err),
		"where the daemon runs: gcloud auth application-default login, or GOOGLE_APPLICATION_CREDENTIALS=FILE in its environment; then restart it",
	}
}

func (g *google) close() error { return errors.Join(g.topics.Close(), g.subscriptions.Close()) }

// openGoogle makes the subscription anew, so that nothing comes that was kept while the device was away, and streams from it.
func openGoogle(ctx context.Context, u *url.URL, subscriber string) (remote.Channel, error) {
	g, err := dialGoogle(ctx, u)
	if err != nil {
		return nil, err
	}
	name := g.subscription(subscriber)
	err = g.subscribe(ctx, name)
	if status.Code(err) == codes.AlreadyExists {
		if err = g.unsubscribe(ctx, name); err == nil {
			err = g.subscribe(ctx, name)
		}
	}
	if err != nil {
		return nil, errors.Join(googleFailure("subscribe to "+g.topic, err), g.close())
	}
	return &channel{topic: googleTopic{g}, subscription: streamGoogle(g, name), most: googleMost, alive: context.Background(), free: g.close}, nil
}

// subscription is the full name of a subscriber's.
func (g *google) subscription(subscriber string) string {
	return g.project + "/subscriptions/" + ownPrefix + subscriber
}

func (g *google) subscribe(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, googleWait)
	defer cancel()
	_, err := g.subscriptions.CreateSubscription(ctx, &pubsubpb.Subscription{
		Name: name, Topic: g.topic, AckDeadlineSeconds: int32(googleAck.Seconds()), MessageRetentionDuration: durationpb.New(googleKeeps),
		ExpirationPolicy: &pubsubpb.ExpirationPolicy{Ttl: durationpb.New(googleExpires)},
	}, once())
	return err
}

// unsubscribe removes a subscription. Again is no error.
func (g *google) unsubscribe(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, googleWait)
	defer cancel()
	return unless(codes.NotFound, g.subscriptions.DeleteSubscription(ctx, &pubsubpb.DeleteSubscriptionRequest{Subscription: name}, once()))
}

// setUpGoogle makes the topic, if it is missing.
func setUpGoogle(ctx context.Context, u *url.URL) error {
	g, err := dialGoogle(ctx, u)
	if err != nil {
		return err
	}
	_, err = g.topics.CreateTopic(ctx, &pubsubpb.Topic{Name: g.topic}, once())
	if status.Code(err) == codes.PermissionDenied { // another login may have made it
		if _, missing := g.topics.GetTopic(ctx, &pubsubpb.GetTopicRequest{Topic: g.topic}, once()); missing == nil {
			err = nil
		}
	}
	return errors.Join(googleFailure("make "+g.topic, unless(codes.AlreadyExists, err)), g.close())
}

// tearDownGoogle removes a subscriber's subscription, or all of ours and the topic.
func tearDownGoogle(ctx context.Context, u *url.URL, subscriber string, all bool) error {
	g, err := dialGoogle(ctx, u)
	if err != nil {
		return err
	}
	err = g.unsubscribe(ctx, g.subscription(subscriber))
	if err == nil && all {
		err = g.removeTopic(ctx)
	}
	return errors.Join(googleFailure("remove what is of "+g.topic, err), g.close())
}

func (g *google) removeTopic(ctx context.Context) error {
	names := g.topics.ListTopicSubscriptions(ctx, &pubsubpb.ListTopicSubscriptionsRequest{Topic: g.topic}, once())
	for {
		name, err := names.Next()
		switch {
		case errors.Is(err, iterator.Done):
			return unless(codes.NotFound, g.topics.DeleteTopic(ctx, &pubsubpb.DeleteTopicRequest{Topic: g.topic}, once()))
		case err != nil:
			return unless(codes.NotFound, err)
		}
		if strings.HasPrefix(name, g.subscription("")) {
			if err := g.unsubscribe(ctx, name); err != nil {
				return err
			}
		}
	}
}

// googleTopic is where messages are sent to. It tries again by itself, within bounds.
type googleTopic struct{ *google }

func (t googleTopic) send(ctx context.Context, message []byte) error {
	limited, cancel := context.WithTimeout(ctx, googleWait)
	defer cancel()
	_, err := t.topics.Publish(limited, &pubsubpb.PublishRequest{Topic: t.topic, Messages: []*pubsubpb.PubsubMessage{{Data: message}}})
	return googleFailure("publish", err)
}

func (googleTopic) shutdown(context.Context) error { return nil }

// once has a call not tried again: who holds the channel does that.
func once() gax.CallOption { return gax.WithRetry(func() gax.Retryer { return nil }) }

// unless passes over the error of one code.
func unless(code codes.Code, err error) error {
	if status.Code(err) == code {
		return nil
	}
	return err
}

func googleFailure(verb string, err error) error {
	is := remote.ErrUnreachable
	switch status.Code(err) {
	case codes.OK:
		return nil
	case codes.Unauthenticated:
		is = remote.ErrExpired
	case codes.PermissionDenied:
		is = remote.ErrDenied
	case codes.NotFound:
		is = remote.ErrNoTopic
	}
	return fmt.Errorf("%s: %w: %w", verb, is, err)
}

var (
	googleProject = regexp.MustCompile(`^[a-z][a-z0-9-]{4,28}[a-z0-9]$`)
	googleName    = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._-]+$`)
)

// minGoogleName and maxGoogleName are how long a topic's name may be.
const minGoogleName, maxGoogleName = 3, 255

// hasProjectAndTopic keeps the rules of Google's names.
func hasProjectAndTopic(u *url.URL) bool {
	topic := topicOf(u)
	return u.User == nil && u.RawQuery == "" && googleProject.MatchString(u.Host) && googleName.MatchString(topic) &&
		len(topic) >= minGoogleName && len(topic) <= maxGoogleName && !strings.HasPrefix(topic, "goog")
}
