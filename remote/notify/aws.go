//go:build !slim || channels

package notify

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"

	"github.com/setlogger/setlogger/remote"
)

const (
	// awsMost is what becomes the 256 KiB of text that SNS takes.
	awsMost = 192 << 10
	// awsKeeps is how long a queue keeps a message, in seconds: the service's least.
	awsKeeps = "60"
	// awsHides is how long a message that was taken is shown to nobody, in seconds. It is gone before that, so none is deleted.
	awsHides = "120"
	// awsPoll is how long SQS holds a question for messages, in seconds: its most.
	awsPoll = 20
	// awsSilence is after how many answers of SQS without a message it is looked whether the topic still sends to the queue.
	awsSilence = 3
	// awsWait bounds a call of AWS, beside what awsPoll takes.
	awsWait = 10 * time.Second
)

func awsService(example string) service {
	return service{example, hasRegionAndTopic, openAWS, setUpAWS, tearDownAWS}
}

// amazon is a login to SNS and SQS in a region, with a topic there.
type amazon struct {
	topics *sns.Client
	queues *sqs.Client
	topic  arn.ARN
}

// dialAWS finds the login, by the SDK's chain, and with it the account.
func dialAWS(ctx context.Context, u *url.URL) (*amazon, error) {
	ctx, cancel := context.WithTimeout(ctx, awsWait)
	defer cancel()
	settings, err := config.LoadDefaultConfig(ctx, config.WithRegion(u.Host))
	if err == nil {
		_, err = settings.Credentials.Retrieve(ctx)
	}
	if err != nil {
		return nil, &hinted{
			fmt.Errorf("log in to AWS: %w: %w", remote.ErrDenied, err),
			"where the daemon runs: aws configure, or AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in its environment; then restart it",
		}
	}
	who, err := sts.NewFromConfig(settings).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return nil, awsFailure("log in to AWS", err)
	}
	own, err := arn.Parse(aws.ToString(who.Arn))
	if err != nil {
		return nil, awsFailure("log in to AWS", err)
	}
	topic := arn.ARN{Partition: own.Partition, Service: "sns", Region: u.Host, AccountID: aws.ToString(who.Account), Resource: topicOf(u)}
	return &amazon{sns.NewFromConfig(settings), sqs.NewFromConfig(settings), topic}, nil
}

// openAWS removes what the subscriber left when it died, and makes it a queue of its own. A queue's name is free again only a minute
// after it was deleted, so each has another.
func openAWS(ctx context.Context, u *url.URL, subscriber string) (remote.Channel, error) {
	a, err := dialAWS(ctx, u)
	if err != nil {
		return nil, err
	}
	if err := a.remove(ctx, a.prefix()+subscriber); err != nil {
		return nil, awsFailure("remove what was left of "+a.topic.String(), err)
	}
	q, err := a.makeQueue(ctx, a.prefix()+subscriber+"-"+strings.ToLower(rand.Text()[:8]))
	if err != nil {
		return nil, awsFailure("subscribe to "+a.topic.String(), err)
	}
	return &channel{topic: awsTopic{a}, subscription: q.poll(), most: awsMost, alive: context.Background(), free: func() error { return nil }}, nil
}

// prefix begins the names of all queues of the topic.
func (a *amazon) prefix() string {
	sum := sha256.Sum256([]byte(a.topic.String()))
	return ownPrefix + hex.EncodeToString(sum[:4]) + "-"
}

// remove removes the queues whose names begin so, and their subscriptions.
func (a *amazon) remove(ctx context.Context, prefix string) error {
	ctx, cancel := context.WithTimeout(ctx, awsWait)
	defer cancel()
	subscriptions := sns.NewListSubscriptionsByTopicPaginator(a.topics, &sns.ListSubscriptionsByTopicInput{TopicArn: aws.String(a.topic.String())})
	for subscriptions.HasMorePages() {
		page, err := subscriptions.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, s := range page.Subscriptions {
			if queue, err := arn.Parse(aws.ToString(s.Endpoint)); err != nil || !strings.HasPrefix(queue.Resource, prefix) {
				continue
			}
			if _, err := a.topics.Unsubscribe(ctx, &sns.UnsubscribeInput{SubscriptionArn: s.SubscriptionArn}); err != nil {
				return err
			}
		}
	}
	queues := sqs.NewListQueuesPaginator(a.queues, &sqs.ListQueuesInput{QueueNamePrefix: aws.String(prefix), MaxResults: aws.Int32(1000)})
	for queues.HasMorePages() {
		page, err := queues.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, address := range page.QueueUrls {
			if err := a.removeQueue(ctx, address); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *amazon) removeQueue(ctx context.Context, address string) error {
	_, err := a.queues.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: aws.String(address)})
	return unlessMissing(err)
}

// makeQueue makes a queue that the topic alone may send to, and subscribes it.
func (a *amazon) makeQueue(ctx context.Context, name string) (*awsQueue, error) {
	ctx, cancel := context.WithTimeout(ctx, awsWait)
	defer cancel()
	own := arn.ARN{Partition: a.topic.Partition, Service: "sqs", Region: a.topic.Region, AccountID: a.topic.AccountID, Resource: name}
	made, err := a.queues.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String(name), Attributes: map[string]string{
		"MessageRetentionPeriod": awsKeeps, "VisibilityTimeout": awsHides, "Policy": sendPolicy(a.topic, own),
	}})
	if err != nil {
		return nil, err
	}
	q := &awsQueue{amazon: a, address: aws.ToString(made.QueueUrl)}
	subscribed, err := a.topics.Subscribe(ctx, &sns.SubscribeInput{
		TopicArn: aws.String(a.topic.String()), Protocol: aws.String("sqs"), Endpoint: aws.String(own.String()),
		Attributes: map[string]string{"RawMessageDelivery": "true"}, ReturnSubscriptionArn: true,
	})
	if err != nil {
		return nil, errors.Join(err, a.removeQueue(ctx, q.address))
	}
	q.subscription = aws.ToString(subscribed.SubscriptionArn)
	return q, nil
}

// sendPolicy lets a topic send to a queue.
func sendPolicy(topic, queue arn.ARN) string {
	policy, _ := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{map[string]any{ // texts alone
		"Effect": "Allow", "Principal": map[string]any{"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": queue.String(),
		"Condition": map[string]any{"ArnEquals": map[string]any{"aws:SourceArn": topic.String()}},
	}}})
	return string(policy)
}

// setUpAWS makes the topic, if it is missing.
func setUpAWS(ctx context.Context, u *url.URL) error {
	a, err := dialAWS(ctx, u)
	if err != nil {
		return err
	}
	_, err = a.topics.CreateTopic(ctx, &sns.CreateTopicInput{Name: aws.String(a.topic.Resource)})
	if errors.Is(awsFailure("", err), remote.ErrDenied) { // another login may have made it
		if _, missing := a.topics.GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: aws.String(a.topic.String())}); missing == nil {
			err = nil
		}
	}
	return awsFailure("make "+a.topic.String(), err)
}

// tearDownAWS removes a subscriber's queues, or all of the topic and it.
func tearDownAWS(ctx context.Context, u *url.URL, subscriber string, all bool) error {
	a, err := dialAWS(ctx, u)
	if err != nil {
		return err
	}
	prefix := a.prefix()
	if !all {
		prefix += subscriber
	}
	err = unlessMissing(a.remove(ctx, prefix))
	if err == nil && all {
		_, err = a.topics.DeleteTopic(ctx, &sns.DeleteTopicInput{TopicArn: aws.String(a.topic.String())})
		err = unlessMissing(err)
	}
	return awsFailure("remove what is of "+a.topic.String(), err)
}

// awsTopic is where messages are sent to, as text.
type awsTopic struct{ *amazon }

func (t awsTopic) send(ctx context.Context, message []byte) error {
	limited, cancel := context.WithTimeout(ctx, awsWait)
	defer cancel()
	_, err := t.topics.Publish(limited, &sns.PublishInput{TopicArn: aws.String(t.topic.String()), Message: aws.String(base64.StdEncoding.EncodeToString(message))})
	return awsFailure("publish", err)
}

func (awsTopic) shutdown(context.Context) error { return nil }

func awsCode(err error) string {
	if e, ok := errors.AsType[smithy.APIError](err); ok {
		return e.ErrorCode()
	}
	return ""
}

// isMissing tells of what is not there: a topic, a subscription or a queue.
func isMissing(err error) bool {
	switch awsCode(err) {
	case "NotFound", "NotFoundException", "QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue":
		return true
	}
	return false
}

func unlessMissing(err error) error {
	if isMissing(err) {
		return nil
	}
	return err
}

func awsFailure(verb string, err error) error {
	is := remote.ErrUnreachable
	switch code := awsCode(err); {
	case err == nil:
		return nil
	case isMissing(err):
		is = remote.ErrNoTopic
	case code == "AuthorizationError" || strings.HasPrefix(code, "AccessDenied"):
		is = remote.ErrDenied
	case regexp.MustCompile(`^(InvalidClientTokenId|SignatureDoesNotMatch|UnrecognizedClient.*|ExpiredToken.*|InvalidAccessKeyId|InvalidSecurity)$`).MatchString(code):
		is = remote.ErrExpired
	}
	return fmt.Errorf("%s: %w: %w", verb, is, err)
}

var (
	awsRegion = regexp.MustCompile(`^[a-z]+(-[a-z]+)+-[0-9]+$`)
	awsName   = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
)

// maxAWSName is how long a topic's name may be. It stands in no expression: one that counts so far takes a program's start
// milliseconds.
const maxAWSName = 256

// hasRegionAndTopic keeps the rules of AWS's names; a topic that keeps an order is another thing.
func hasRegionAndTopic(u *url.URL) bool {
	topic := topicOf(u)
	return u.User == nil && u.RawQuery == "" && awsRegion.MatchString(u.Host) && len(topic) <= maxAWSName && awsName.MatchString(topic)
}
