//go:build !slim || channels

package notify

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/setlogger/setlogger/remote"
)

// awsQueue is a queue with its subscription. gocloud's driver for it asks four times a second, each of which costs.
type awsQueue struct {
	*amazon
	*pump

	address      string
	subscription string
}

func (q *awsQueue) poll() *awsQueue {
	q.pump = startPump(q.run)
	return q
}

// run asks for messages, again and again: SQS answers as the first one comes, or after a while.
func (q *awsQueue) run(ctx context.Context, hand give) error {
	silent := 0 // answers in a row that brought nothing
	for {
		came, err := q.ask(ctx, hand)
		if silent++; came {
			silent = 0
		}
		if err == nil && silent == awsSilence {
			silent, err = 0, q.look(ctx)
		}
		if err != nil {
			if isMissing(err) { // somebody removed the queue, or the topic
				return fmt.Errorf("%w: %w", remote.ErrUnreachable, err)
			}
			return awsFailure("receive", err)
		}
	}
}

func (q *awsQueue) ask(ctx context.Context, hand give) (came bool, err error) {
	asking, cancel := context.WithTimeout(ctx, awsPoll*time.Second+awsWait)
	defer cancel()
	got, err := q.queues.ReceiveMessage(asking, &sqs.ReceiveMessageInput{QueueUrl: aws.String(q.address), MaxNumberOfMessages: 10, WaitTimeSeconds: awsPoll})
	if err != nil {
		return false, err
	}
	for _, m := range got.Messages {
		text := aws.ToString(m.Body)
		body, err := base64.StdEncoding.DecodeString(text)
		if err != nil { // not one of ours
			body = []byte(text)
		}
		if err := hand(ctx, body); err != nil {
			return true, err
		}
	}
	return len(got.Messages) > 0, nil
}

// look fails where the topic does not have the subscription any more: nothing comes to the queue then, and SQS does not tell. What
// else is wrong the next question for messages tells.
func (q *awsQueue) look(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, awsWait)
	defer cancel()
	all := sns.NewListSubscriptionsByTopicPaginator(q.topics, &sns.ListSubscriptionsByTopicInput{TopicArn: aws.String(q.topic.String())})
	for all.HasMorePages() {
		page, err := all.NextPage(ctx)
		switch {
		case isMissing(err):
			return err
		case err != nil:
			return nil
		}
		if slices.ContainsFunc(page.Subscriptions, func(s types.Subscription) bool { return aws.ToString(s.SubscriptionArn) == q.subscription }) {
			return nil
		}
	}
	return errRemoved
}

// shutdown removes the subscription and the queue.
func (q *awsQueue) shutdown(ctx context.Context) error {
	q.end()
	_, err := q.topics.Unsubscribe(ctx, &sns.UnsubscribeInput{SubscriptionArn: aws.String(q.subscription)})
	return errors.Join(unlessMissing(err), q.removeQueue(ctx, q.address))
}
