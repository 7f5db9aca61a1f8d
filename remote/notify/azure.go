//go:build !slim || channels

package notify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus/admin"
	"github.com/Azure/go-amqp"

	"github.com/setlogger/setlogger/remote"
)

const (
	// azureLogin is the variable that holds the connection string.
	azureLogin = "SERVICEBUS_CONNECTION_STRING"
	// azureMost is what we send in a message; the Standard tier takes 256 KiB with what the service adds.
	azureMost = 192 << 10
	// azureKeeps is how long the service keeps a message that a device did not take, as an ISO 8601 duration.
	azureKeeps = "PT1M"
	// azureExpires is how long the subscription of a device that died stays, as an ISO 8601 duration.
	azureExpires = "PT1H"
	// azureWait bounds a call of Azure.
	azureWait = 10 * time.Second
)

func azureService(example string) service {
	return service{example, hasNamespaceAndTopic, openAzure, setUpAzure, tearDownAzure}
}

// azure is a login to a namespace of Azure Service Bus, with a topic there.
type azure struct {
	client *azservicebus.Client
	admin  *admin.Client
	topic  string
}

// dialAzure finds the login. It makes no call yet. A link that the service ended, as it does with those that are idle, is made anew
// once: a topic loses nothing, nor does a subscription.
func dialAzure(u *url.URL) (*azure, error) {
	login := os.Getenv(azureLogin)
	if problem := unfitFor(u, login); problem != "" {
		return nil, &hinted{
			fmt.Errorf("log in to Azure Service Bus: %w: %s %s", remote.ErrDenied, azureLogin, problem),
			"where the daemon runs, in its environment: " + azureLogin + "='Endpoint=sb://" + u.Host + "/;SharedAccessKeyName=…;SharedAccessKey=…', of a policy with Manage, Send and Listen; then restart it",
		}
	}
	client, err := azservicebus.NewClientFromConnectionString(login, &azservicebus.ClientOptions{
		RetryOptions: azservicebus.RetryOptions{MaxRetries: 1, RetryDelay: 100 * time.Millisecond, MaxRetryDelay: time.Second},
	})
	if err != nil {
		return nil, azureFailure("log in to Azure Service Bus", err)
	}
	options := azcore.ClientOptions{Retry: policy.RetryOptions{MaxRetries: -1, TryTimeout: azureWait}}
	if azureEmulator.MatchString(login) {
		options.Transport = withoutTLS{}
	}
	administers, err := admin.NewClientFromConnectionString(login, &admin.ClientOptions{ClientOptions: options})
	if err != nil {
		return nil, errors.Join(azureFailure("log in to Azure Service Bus", err), client.Close(context.Background()))
	}
	return &azure{client, administers, topicOf(u)}, nil
}

var (
	azureEndpoint = regexp.MustCompile(`(?i)(?:^|;)Endpoint=sb://([^/;]+)`)
	azureEmulator = regexp.MustCompile(`(?i);UseDevelopmentEmulator=true(;|$)`)
)

// unfitFor says why a connection string is none for an address, or nothing.
func unfitFor(u *url.URL, login string) string {
	of := azureEndpoint.FindStringSubmatch(login)
	switch {
	case login == "":
		return "is not set"
	case of == nil:
		return "names no Endpoint"
	case !strings.EqualFold(of[1], u.Host):
		return "is of " + of[1]
	}
	return ""
}

// withoutTLS administers an emulator, which messages reach without TLS, too.
type withoutTLS struct{}

// Do implements policy.Transporter.
func (withoutTLS) Do(r *http.Request) (*http.Response, error) {
	r.URL.Scheme = "http"
	return http.DefaultClient.Do(r)
}

func (a *azure) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	return a.client.Close(ctx)
}

// openAzure makes the subscription anew, so that nothing comes that was kept while the device was away.
func openAzure(ctx context.Context, u *url.URL, subscriber string) (remote.Channel, error) {
	a, err := dialAzure(u)
	if err != nil {
		return nil, err
	}
	c, err := a.open(ctx, ownPrefix+subscriber)
	if err != nil {
		return nil, errors.Join(azureFailure("subscribe to "+a.topic, err), a.close())
	}
	return c, nil
}

func (a *azure) open(ctx context.Context, name string) (*channel, error) {
	if err := a.unsubscribe(ctx, name); err != nil {
		return nil, err
	}
	_, err := a.admin.CreateSubscription(ctx, a.topic, name, &admin.CreateSubscriptionOptions{Properties: &admin.SubscriptionProperties{
		DefaultMessageTimeToLive: new(azureKeeps), AutoDeleteOnIdle: new(azureExpires),
	}})
	if err != nil {
		return nil, err
	}
	sender, err := a.client.NewSender(a.topic, nil)
	if err != nil {
		return nil, err
	}
	receiver, err := a.client.NewReceiverForSubscription(a.topic, name, &azservicebus.ReceiverOptions{ReceiveMode: azservicebus.ReceiveModeReceiveAndDelete})
	if err != nil {
		return nil, err
	}
	return &channel{topic: azureTopic{sender}, subscription: a.stream(receiver, name), most: azureMost, alive: context.Background(), free: a.close}, nil
}

// unsubscribe removes a subscription. Again is no error, nor is that the topic is missing.
func (a *azure) unsubscribe(ctx context.Context, name string) error {
	_, err := a.admin.DeleteSubscription(ctx, a.topic, name, nil)
	return unlessStatus(http.StatusNotFound, err)
}

// setUpAzure makes the topic, if it is missing.
func setUpAzure(ctx context.Context, u *url.URL) error {
	a, err := dialAzure(u)
	if err != nil {
		return err
	}
	_, err = a.admin.CreateTopic(ctx, a.topic, &admin.CreateTopicOptions{Properties: &admin.TopicProperties{DefaultMessageTimeToLive: new(azureKeeps)}})
	return errors.Join(azureFailure("make "+a.topic, unlessStatus(http.StatusConflict, err)), a.close())
}

// tearDownAzure removes a subscriber's subscription, or the topic with all of them.
func tearDownAzure(ctx context.Context, u *url.URL, subscriber string, all bool) error {
	a, err := dialAzure(u)
	if err != nil {
		return err
	}
	if all {
		_, err = a.admin.DeleteTopic(ctx, a.topic, nil)
		err = unlessStatus(http.StatusNotFound, err)
	} else {
		err = a.unsubscribe(ctx, ownPrefix+subscriber)
	}
	return errors.Join(azureFailure("remove what is of "+a.topic, err), a.close())
}

// azureTopic is where messages are sent to.
type azureTopic struct{ *azservicebus.Sender }

func (t azureTopic) send(ctx context.Context, message []byte) error {
	limited, cancel := context.WithTimeout(ctx, azureWait)
	defer cancel()
	return azureFailure("publish", t.SendMessage(limited, &azservicebus.Message{Body: message}, nil))
}

// shutdown leaves the link to the end of the client: of one that the service ended, the link's own end would be an error.
func (azureTopic) shutdown(context.Context) error { return nil }

// statusOf is the HTTP status that a call was refused with, or 0.
func statusOf(err error) int {
	if e, ok := errors.AsType[*azcore.ResponseError](err); ok {
		return e.StatusCode
	}
	return 0
}

// unlessStatus passes over a refusal with one status.
func unlessStatus(status int, err error) error {
	if statusOf(err) == status {
		return nil
	}
	return err
}

// isGone tells of a topic or a subscription that is not there.
func isGone(err error) bool {
	e, ok := errors.AsType[*amqp.Error](err)
	return ok && e.Condition == amqp.ErrCondNotFound || statusOf(err) == http.StatusNotFound
}

// isBarred tells of a login that is none, or not for this.
func isBarred(err error) bool {
	e, ok := errors.AsType[*azservicebus.Error](err)
	return ok && e.Code == azservicebus.CodeUnauthorizedAccess || statusOf(err) == http.StatusUnauthorized || statusOf(err) == http.StatusForbidden
}

func azureFailure(verb string, err error) error {
	is := remote.ErrUnreachable
	switch {
	case err == nil:
		return nil
	case errors.Is(err, azservicebus.ErrMessageTooLarge):
		is = remote.ErrTooLarge
	case isGone(err):
		is = remote.ErrNoTopic
	case isBarred(err):
		return &hinted{fmt.Errorf("%s: %w: %w", verb, remote.ErrDenied, err), "look at " + azureLogin + " in the daemon's environment: its policy needs Manage, Send and Listen; then restart the daemon"}
	}
	return fmt.Errorf("%s: %w: %w", verb, is, err)
}
