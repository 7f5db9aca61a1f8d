package brokers

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

const (
	awsRegion = "eu-central-1"
	awsTopic  = "arn:aws:sns:" + awsRegion + ":000000000000:share"
)

// AWS is an emulator of SNS and SQS, of testdata/aws, with the topic of its Channel. It forgets all when it ends. The test, and the
// processes that it starts, find it by the environment.
func AWS(t testing.TB) *Broker {
	t.Helper()
	need(t, "node")
	folder := filepath.Join(root(t), "testdata", "aws")
	needFolder(t, filepath.Join(folder, "node_modules"))
	port := freePort(t)
	address := "127.0.0.1:" + port
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": "http://" + address, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": filepath.Join(folder, "none"), "AWS_SHARED_CREDENTIALS_FILE": filepath.Join(folder, "none"),
	} {
		t.Setenv(name, value)
	}
	return &Broker{
		Name: "AWS SNS and SQS", Channel: "awssnssqs://" + awsRegion + "/share", address: address,
		line: []string{"node", filepath.Join(folder, "serve.mjs"), port},
		ready: func() error {
			if err := connects(address); err != nil {
				return err
			}
			_, err := snsOf(t).CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("share")})
			return err
		},
		raw: rawAWS,
	}
}

func settingsOfAWS(t testing.TB) aws.Config {
	t.Helper()
	settings, err := config.LoadDefaultConfig(t.Context(), config.WithRegion(awsRegion))
	if err != nil {
		t.Fatal(err)
	}
	return settings
}

func snsOf(t testing.TB) *sns.Client { t.Helper(); return sns.NewFromConfig(settingsOfAWS(t)) }

// AWSQueues answers the names of all queues, and the endpoints of all subscriptions of the topic of AWS's Channel.
func AWSQueues(t testing.TB) (queues, endpoints []string) {
	t.Helper()
	all, err := sqs.NewFromConfig(settingsOfAWS(t)).ListQueues(t.Context(), &sqs.ListQueuesInput{})
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range all.QueueUrls {
		queues = append(queues, address[strings.LastIndex(address, "/")+1:])
	}
	subscribed, err := snsOf(t).ListSubscriptionsByTopic(t.Context(), &sns.ListSubscriptionsByTopicInput{TopicArn: aws.String(awsTopic)})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range subscribed.Subscriptions {
		endpoints = append(endpoints, aws.ToString(s.Endpoint))
	}
	return queues, endpoints
}

// AWSMakesAnew removes the topic of AWS's Channel, with the subscriptions to it and not their queues, and makes it again.
func AWSMakesAnew(t testing.TB) {
	t.Helper()
	topics := snsOf(t)
	_, err := topics.DeleteTopic(t.Context(), &sns.DeleteTopicInput{TopicArn: aws.String(awsTopic)})
	if err == nil {
		_, err = topics.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("share")})
	}
	if err != nil {
		t.Fatal(err)
	}
}

func rawAWS(t testing.TB) func() time.Duration {
	t.Helper()
	topics, queues := snsOf(t), sqs.NewFromConfig(settingsOfAWS(t))
	made, err := queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("raw")})
	if err == nil {
		_, err = topics.Subscribe(t.Context(), &sns.SubscribeInput{
			TopicArn: aws.String(awsTopic), Protocol: aws.String("sqs"), Endpoint: aws.String("arn:aws:sqs:" + awsRegion + ":000000000000:raw"),
			Attributes: map[string]string{"RawMessageDelivery": "true"},
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	payload := aws.String(strings.Repeat("x", rawSize))
	return func() time.Duration {
		got := make(chan error, 1)
		go func() {
			_, err := receiveRaw(t.Context(), queues, made.QueueUrl)
			got <- err
		}()
		began := time.Now()
		if _, err := topics.Publish(t.Context(), &sns.PublishInput{TopicArn: aws.String(awsTopic), Message: payload}); err != nil {
			t.Fatal(err)
		}
		if err := <-got; err != nil {
			t.Fatal(err)
		}
		return time.Since(began)
	}
}

func receiveRaw(ctx context.Context, queues *sqs.Client, address *string) (*sqs.ReceiveMessageOutput, error) {
	for {
		got, err := queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: address, WaitTimeSeconds: 20})
		if err != nil || len(got.Messages) > 0 {
			return got, err
		}
	}
}

// root is the folder of the project.
func root(t testing.TB) string {
	t.Helper()
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder
		}
		above := filepath.Dir(folder)
		if above == folder {
			t.Fatal("the test runs outside of the project")
		}
		folder = above
	}
}
