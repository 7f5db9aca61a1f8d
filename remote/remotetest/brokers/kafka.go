package brokers

import (
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Kafka is a fake of a Kafka cluster, with the topic of its Channel. It forgets all when it ends.
func Kafka(t testing.TB) *Broker {
	t.Helper()
	address := "127.0.0.1:" + freePort(t)
	return &Broker{
		Name: "Kafka", Channel: "kafka://" + address + "/share", address: address,
		line: []string{tool(t, "kafkafake"), address},
		raw:  func(t testing.TB) func() time.Duration { return rawKafka(t, address) },
	}
}

// KafkaWithLogins is one that wants a login, by a SASL mechanism: ada/secret may do all, guest/secret may read the topic of its
// Channel. It takes messages of 64 KiB at most.
func KafkaWithLogins(t testing.TB, mechanism string) *Broker {
	t.Helper()
	b := Kafka(t)
	b.line = append(b.line, mechanism)
	return b
}

// KafkaState answers the topics of Kafka, the groups of consumers there, and how long the first topic keeps messages, in milliseconds.
func KafkaState(t testing.TB, b *Broker) (topics, groups []string, keeps string) {
	t.Helper()
	admin := kadm.NewClient(dialKafka(t, b.address))
	all, err := admin.ListTopics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	topics = all.Names()
	listed, err := admin.ListGroups(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name := range listed {
		groups = append(groups, name)
	}
	settings, err := admin.DescribeTopicConfigs(t.Context(), topics...)
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(settings, func(r kadm.ResourceConfig) bool { return r.Name == "share" })
	if i < 0 {
		return topics, groups, ""
	}
	for _, c := range settings[i].Configs {
		if c.Key == "retention.ms" {
			keeps = c.MaybeValue()
		}
	}
	return topics, groups, keeps
}

func dialKafka(t testing.TB, address string, more ...kgo.Opt) *kgo.Client {
	t.Helper()
	c, err := kgo.NewClient(append(more, kgo.SeedBrokers(address))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func rawKafka(t testing.TB, address string) func() time.Duration {
	t.Helper()
	sender := dialKafka(t, address, kgo.ProducerLinger(0), kgo.DisableIdempotentWrite(), kgo.RequiredAcks(kgo.LeaderAck()), kgo.ProducerBatchCompression(kgo.NoCompression()))
	ends, err := kadm.NewClient(sender).ListEndOffsets(t.Context(), "raw")
	if err == nil {
		err = ends.Error()
	}
	if err != nil {
		t.Fatal(err)
	}
	receiver := dialKafka(t, address, kgo.ConsumePartitions(ends.KOffsets()))
	payload := make([]byte, rawSize)
	return func() time.Duration {
		began := time.Now()
		if err := sender.ProduceSync(t.Context(), &kgo.Record{Topic: "raw", Value: payload}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		for {
			got := receiver.PollFetches(t.Context())
			if err := got.Err(); err != nil {
				t.Fatal(err)
			}
			if !got.Empty() {
				return time.Since(began)
			}
		}
	}
}
