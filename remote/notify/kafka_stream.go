//go:build !slim || channels

package notify

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// errSilent is the end of a channel whose server answers nothing any more.
var errSilent = errors.New("the server is silent")

// kafkaPulse hears of each answer to a question for messages. The client mends its connections behind our back; who holds the channel
// is to know when one broke.
type kafkaPulse struct {
	heard  atomic.Bool // an answer came since it was looked
	broken chan error  // holds the first failure
}

func newKafkaPulse() *kafkaPulse { return &kafkaPulse{broken: make(chan error, 1)} }

// OnBrokerE2E implements kgo.HookBrokerE2E.
func (p *kafkaPulse) OnBrokerE2E(_ kgo.BrokerMetadata, key int16, call kgo.BrokerE2E) {
	if key != kmsg.Fetch.Int16() {
		return
	}
	err := call.Err()
	if err == nil {
		p.heard.Store(true)
		return
	}
	select {
	case p.broken <- err:
	default:
	}
}

// kafkaStream brings the messages of the topic.
type kafkaStream struct {
	*kafka
	*pump
}

// stream brings the messages from one with a number on.
func (k *kafka) stream(from int64) *kafkaStream {
	k.client.AddConsumePartitions(map[string]map[int32]kgo.Offset{k.topic: {kafkaPartition: kgo.NewOffset().At(from)}})
	s := &kafkaStream{kafka: k}
	s.pump = startPump(s.run)
	return s
}

// run brings messages until it is stopped, or the server fails.
func (s *kafkaStream) run(ctx context.Context, hand give) error {
	ctx, fail := context.WithCancelCause(ctx)
	var watching sync.WaitGroup
	watching.Go(func() { s.watch(ctx, fail) })
	for ctx.Err() == nil {
		if err := s.poll(ctx, hand); err != nil {
			fail(err)
		}
	}
	watching.Wait()
	return kafkaFailure("receive", context.Cause(ctx))
}

// poll brings the messages of one answer. That another server leads the partition now is the client's business.
func (s *kafkaStream) poll(ctx context.Context, hand give) error {
	got := s.client.PollFetches(ctx)
	for _, e := range got.Errors() {
		if isNoTopic(e.Err) || !kerr.IsRetriable(e.Err) {
			return e.Err
		}
	}
	for r := range got.RecordsAll() {
		if err := hand(ctx, r.Value); err != nil {
			return err
		}
	}
	return nil
}

// watch ends the stream when a connection broke, or no answer came for longer than a server may take for one.
func (s *kafkaStream) watch(ctx context.Context, fail context.CancelCauseFunc) {
	tick := time.NewTicker(kafkaPoll + kafkaWait)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case err := <-s.pulse.broken:
			fail(err)
			return
		case <-tick.C:
			if !s.pulse.heard.Swap(false) {
				fail(errSilent)
				return
			}
		}
	}
}

// shutdown ends the stream.
func (s *kafkaStream) shutdown(context.Context) error {
	s.end()
	return nil
}
