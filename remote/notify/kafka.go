//go:build !slim || channels

package notify

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"github.com/setlogger/setlogger/remote"
)

const (
	// kafkaMost is what we send in a message; servers take twice as much, unless they are told otherwise.
	kafkaMost = 512 << 10
	// kafkaPartition is where all messages of a topic go, so that they keep their order.
	kafkaPartition = 0
	// kafkaKeeps is how long a topic that we make keeps a message.
	kafkaKeeps = 10 * time.Minute
	// kafkaPoll is how long a server holds a question for messages.
	kafkaPoll = 10 * time.Second
	// kafkaWait bounds a call of Kafka, beside what kafkaPoll takes.
	kafkaWait = 10 * time.Second
	// kafkaIdle is how long a connection is kept that nothing is sent over; servers end theirs after 4 minutes or more.
	kafkaIdle = 3 * time.Minute
	// kafkaFetch is what one answer is to bring, in bytes. kafkaBound ends a channel over which more comes, packed or unpacked.
	kafkaFetch, kafkaBound = 4 << 20, 16 << 20
	// kafkaAgain is between two tries of a call, and least between two looks at who leads a partition.
	kafkaAgain = 200 * time.Millisecond
)

func kafkaService(example string) service {
	return service{example, hasBrokersAndTopic, openKafka, setUpKafka, tearDownKafka}
}

// kafka is a connection to a Kafka cluster, with a topic there.
type kafka struct {
	client *kgo.Client
	admin  *kadm.Client
	topic  string
	pulse  *kafkaPulse
}

// dialKafka makes no call yet. Messages are sent as they are: sealed ones do not pack.
func dialKafka(u *url.URL) (*kafka, error) {
	brokers := strings.Split(u.Host, ",")
	pulse := newKafkaPulse()
	options := []kgo.Opt{
		kgo.SeedBrokers(brokers...), kgo.ClientID("setlogger"), kgo.DisableClientMetrics(), kgo.WithHooks(pulse),
		kgo.DialTimeout(kafkaWait), kgo.RequestTimeoutOverhead(kafkaWait), kgo.ConnIdleTimeout(kafkaIdle), kgo.MetadataMinAge(kafkaAgain),
		kgo.RequestRetries(len(brokers)), kgo.RetryTimeout(kafkaWait), kgo.RetryBackoffFn(func(int) time.Duration { return kafkaAgain }),
		kgo.ProducerLinger(0), kgo.ProducerBatchCompression(kgo.NoCompression()), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.DisableIdempotentWrite(), kgo.RequiredAcks(kgo.LeaderAck()), kgo.UnknownTopicRetries(1),
		kgo.FetchMaxWait(kafkaPoll), kgo.FetchMaxBytes(kafkaFetch), kgo.FetchMaxPartitionBytes(kafkaFetch), kgo.BrokerMaxReadBytes(kafkaBound), kgo.MaxDecompressBatchBytes(kafkaBound),
		kgo.ConsumeResetOffset(kgo.NoResetOffset()), kgo.KeepRetryableFetchErrors(),
	}
	if u.Scheme == "kafkas" {
		options = append(options, kgo.DialTLSConfig(&tls.Config{MinVersion: tls.VersionTLS12}))
	}
	if password, ok := u.User.Password(); ok {
		options = append(options, kgo.SASL(kafkaLogin(u.Query().Get("sasl"), u.User.Username(), password)))
	}
	client, err := kgo.NewClient(options...)
	if err != nil {
		return nil, kafkaFailure("connect to "+u.Host, err)
	}
	return &kafka{client, kadm.NewClient(client), topicOf(u), pulse}, nil
}

// kafkaLogin is by one mechanism: Kafka ends the connection of who tries one that it does not know.
func kafkaLogin(mechanism, user, password string) sasl.Mechanism {
	switch mechanism {
	case "scram-sha-256":
		return scram.Auth{User: user, Pass: password}.AsSha256Mechanism()
	case "scram-sha-512":
		return scram.Auth{User: user, Pass: password}.AsSha512Mechanism()
	}
	return plain.Auth{User: user, Pass: password}.AsMechanism()
}

func (k *kafka) close() error { k.client.Close(); return nil }

// openKafka reads the topic from its end on. It needs no group of consumers, so that nothing stays of a device that dies.
func openKafka(ctx context.Context, u *url.URL, _ string) (remote.Channel, error) {
	k, err := dialKafka(u)
	if err != nil {
		return nil, err
	}
	first, err := k.next(ctx)
	if err != nil {
		return nil, errors.Join(kafkaFailure("subscribe to "+k.topic+" at "+u.Host, err), k.close())
	}
	return &channel{topic: kafkaTopic{k}, subscription: k.stream(first), most: kafkaMost, alive: context.Background(), free: k.close}, nil
}

// next is the number of the next message.
func (k *kafka) next(ctx context.Context) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, kafkaWait)
	defer cancel()
	listed, err := k.admin.ListEndOffsets(ctx, k.topic)
	if end, ok := listed.Lookup(k.topic, kafkaPartition); ok { // what is wrong with others is nothing to us
		return end.Offset, end.Err
	}
	if err == nil {
		err = listed.Error()
	}
	if err == nil {
		err = kerr.UnknownTopicOrPartition
	}
	return 0, err
}

// setUpKafka makes the topic, if it is missing, and waits until the server that answers knows of it.
func setUpKafka(ctx context.Context, u *url.URL) error {
	k, err := dialKafka(u)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, kafkaWait)
	defer cancel()
	err = k.makeTopic(ctx)
	if err == nil {
		err = k.awaitTopic(ctx)
	}
	return errors.Join(kafkaFailure("make "+k.topic+" at "+u.Host, err), k.close())
}

// makeTopic has one partition, and as many copies of it as the cluster makes by itself.
func (k *kafka) makeTopic(ctx context.Context) error {
	kept := new(strconv.FormatInt(kafkaKeeps.Milliseconds(), 10))
	_, err := k.admin.CreateTopic(ctx, 1, -1, map[string]*string{"cleanup.policy": new("delete"), "retention.ms": kept, "segment.ms": kept}, k.topic)
	switch {
	case errors.Is(err, kerr.TopicAlreadyExists):
		return nil
	case isDenied(err): // another login may have made it
		if _, missing := k.next(ctx); missing == nil {
			return nil
		}
	case errors.Is(err, kerr.PolicyViolation), errors.Is(err, kerr.InvalidConfig):
		return &hinted{err, "the service wants other settings: make the topic by its own tools, with one partition, that keeps messages for some minutes"}
	}
	return err
}

func (k *kafka) awaitTopic(ctx context.Context) error {
	tick := time.NewTicker(kafkaAgain)
	defer tick.Stop()
	for {
		_, err := k.next(ctx)
		if !isNoTopic(err) {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return err
		}
	}
}

// tearDownKafka removes the topic; of a device nothing stays.
func tearDownKafka(ctx context.Context, u *url.URL, _ string, all bool) error {
	if !all {
		return nil
	}
	k, err := dialKafka(u)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, kafkaWait)
	defer cancel()
	_, err = k.admin.DeleteTopic(ctx, k.topic)
	if isNoTopic(err) {
		err = nil
	}
	return errors.Join(kafkaFailure("remove "+k.topic+" at "+u.Host, err), k.close())
}

// kafkaTopic is where messages are sent to.
type kafkaTopic struct{ *kafka }

// send waits no longer than the context lasts: the client does, for a call that is under way.
func (t kafkaTopic) send(ctx context.Context, message []byte) error {
	limited, cancel := context.WithTimeout(ctx, kafkaWait)
	defer cancel()
	sent := make(chan error, 1)
	t.client.Produce(limited, &kgo.Record{Topic: t.topic, Partition: kafkaPartition, Value: message}, func(_ *kgo.Record, err error) { sent <- err })
	select {
	case err := <-sent:
		return kafkaFailure("publish", err)
	case <-limited.Done():
		return kafkaFailure("publish", limited.Err())
	}
}

func (kafkaTopic) shutdown(context.Context) error { return nil }

func isNoTopic(err error) bool {
	return errors.Is(err, kerr.UnknownTopicOrPartition) || errors.Is(err, kerr.UnknownTopicID)
}

func isDenied(err error) bool {
	for _, denial := range []error{
		kerr.SaslAuthenticationFailed, kerr.UnsupportedSaslMechanism, kerr.IllegalSaslState, kerr.TopicAuthorizationFailed, kerr.ClusterAuthorizationFailed,
	} {
		if errors.Is(err, denial) {
			return true
		}
	}
	return false
}

func kafkaFailure(verb string, err error) error {
	is := remote.ErrUnreachable
	switch {
	case err == nil:
		return nil
	case errors.Is(err, kerr.MessageTooLarge):
		is = remote.ErrTooLarge
	case isNoTopic(err):
		is = remote.ErrNoTopic
	case isDenied(err):
		is = remote.ErrDenied
	}
	failed := fmt.Errorf("%s: %w: %w", verb, is, err)
	if errors.Is(err, io.EOF) { // all that a server says to who does not log in
		return &hinted{failed, "look whether the broker runs; one that ends each connection wants a login, or TLS: kafkas://user:password@host:9093/topic"}
	}
	return failed
}
