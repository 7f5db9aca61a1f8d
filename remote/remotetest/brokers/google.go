package brokers

import (
	"context"
	"fmt"
	"testing"
	"time"

	pubsub "cloud.google.com/go/pubsub/v2/apiv1"
	"cloud.google.com/go/pubsub/v2/apiv1/pubsubpb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

const (
	googleProject = "setlogger-test"
	googleTopic   = "projects/" + googleProject + "/topics/share"
)

// Google is Google's fake of its Cloud Pub/Sub, with the topic of its Channel. It forgets all when it ends. The test, and the
// processes that it starts, find it by the environment.
func Google(t testing.TB) *Broker {
	t.Helper()
	address := "127.0.0.1:" + freePort(t)
	t.Setenv("PUBSUB_EMULATOR_HOST", address)
	return &Broker{
		Name: "Google Cloud Pub/Sub", Channel: "gcppubsub://" + googleProject + "/share", address: address,
		line:  []string{tool(t, "googlefake"), address},
		ready: func() error { return makeGoogleTopic(t.Context(), address) },
		raw:   func(t testing.TB) func() time.Duration { return rawGoogle(t, address) },
	}
}

// GoogleSubscriptions answers the full names of the subscriptions of the topic of Google's Channel.
func GoogleSubscriptions(t testing.TB, b *Broker) (names []string) {
	t.Helper()
	topics, _ := dialGoogle(t, b.address)
	for name, err := range topics.ListTopicSubscriptions(t.Context(), &pubsubpb.ListTopicSubscriptionsRequest{Topic: googleTopic}).All() {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

// GoogleMakesAnew removes the topic of Google's Channel, not the subscriptions to it, and makes it again.
func GoogleMakesAnew(t testing.TB, b *Broker) {
	t.Helper()
	topics, _ := dialGoogle(t, b.address)
	if err := topics.DeleteTopic(t.Context(), &pubsubpb.DeleteTopicRequest{Topic: googleTopic}); err != nil {
		t.Fatal(err)
	}
	if err := makeGoogleTopic(t.Context(), b.address); err != nil {
		t.Fatal(err)
	}
}

// dialGoogle answers clients on a connection of their own.
func dialGoogle(t testing.TB, address string) (*pubsub.TopicAdminClient, *pubsub.SubscriptionAdminClient) {
	t.Helper()
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() }) // the server may have been killed
	topics, err := pubsub.NewTopicAdminClient(t.Context(), option.WithGRPCConn(connection))
	if err != nil {
		t.Fatal(err)
	}
	subscriptions, err := pubsub.NewSubscriptionAdminClient(t.Context(), option.WithGRPCConn(connection))
	if err != nil {
		t.Fatal(err)
	}
	return topics, subscriptions
}

func makeGoogleTopic(ctx context.Context, address string) (err error) {
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close() }()
	_, err = pubsubpb.NewPublisherClient(connection).CreateTopic(ctx, &pubsubpb.Topic{Name: googleTopic})
	if status.Code(err) == codes.AlreadyExists {
		return nil
	}
	return err
}

func rawGoogle(t testing.TB, address string) func() time.Duration {
	t.Helper()
	topics, _ := dialGoogle(t, address)
	_, subscriptions := dialGoogle(t, address)
	name := "projects/" + googleProject + "/subscriptions/raw"
	if _, err := subscriptions.CreateSubscription(t.Context(), &pubsubpb.Subscription{Name: name, Topic: googleTopic, AckDeadlineSeconds: 10}); err != nil {
		t.Fatal(err)
	}
	stream, err := subscriptions.StreamingPull(t.Context())
	if err == nil {
		err = stream.Send(&pubsubpb.StreamingPullRequest{Subscription: name, StreamAckDeadlineSeconds: 10})
	}
	if err != nil {
		t.Fatal(err)
	}
	payload := make([]byte, rawSize)
	return func() time.Duration {
		began := time.Now()
		if _, err := topics.Publish(t.Context(), &pubsubpb.PublishRequest{Topic: googleTopic, Messages: []*pubsubpb.PubsubMessage{{Data: payload}}}); err != nil {
			t.Fatal(err)
		}
		got, err := stream.Recv()
		took := time.Since(began)
		if err == nil {
			err = stream.Send(&pubsubpb.StreamingPullRequest{AckIds: []string{got.GetReceivedMessages()[0].GetAckId()}})
		}
		if err != nil {
			t.Fatal(fmt.Errorf("Google brings no message: %w", err))
		}
		return took
	}
}
