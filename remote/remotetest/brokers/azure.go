package brokers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus"
	"github.com/Azure/azure-sdk-for-go/sdk/messaging/azservicebus/admin"
)

// Azure is a stand-in for Azure Service Bus, of testdata/azure, with the topic of its Channel. It forgets all when it ends. The test, and
// the processes that it starts, find the login in the environment.
func Azure(t testing.TB) *Broker {
	t.Helper()
	need(t, "node")
	folder := filepath.Join(root(t), "testdata", "azure")
	needFolder(t, filepath.Join(folder, "node_modules"))
	port := freePort(t)
	b := &Broker{
		Name: "Azure Service Bus", Channel: "azuresb://127.0.0.1:" + port + "/share", address: "127.0.0.1:" + port,
		line: []string{"node", filepath.Join(folder, "serve.mjs"), port},
	}
	b.ready = func() error { return makeAzureTopics(t, b) }
	b.raw = func(t testing.TB) func() time.Duration { return rawAzure(t, b) }
	AzureLogin(t, b, "all", "secret")
	return b
}

// AzureLogin puts a login to Azure into the environment: "all" with "secret" may do all, "listen" with it may receive alone.
func AzureLogin(t testing.TB, b *Broker, name, key string) {
	t.Helper()
	t.Setenv("SERVICEBUS_CONNECTION_STRING", azureLogin(b.address, name, key))
}

func azureLogin(address, name, key string) string {
	return "Endpoint=sb://" + address + ";SharedAccessKeyName=" + name + ";SharedAccessKey=" + key + ";UseDevelopmentEmulator=true"
}

func administerAzure(t testing.TB, b *Broker) *admin.Client {
	t.Helper()
	c, err := admin.NewClientFromConnectionString(azureLogin(b.address, "all", "secret"), &admin.ClientOptions{
		ClientOptions: azcore.ClientOptions{Transport: plainHTTP{}, Retry: policy.RetryOptions{MaxRetries: -1}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// plainHTTP makes calls without TLS.
type plainHTTP struct{}

// Do implements policy.Transporter.
func (plainHTTP) Do(r *http.Request) (*http.Response, error) {
	r.URL.Scheme = "http"
	return http.DefaultClient.Do(r)
}

// makeAzureTopics makes those of the channel and of raw messages, again without harm.
func makeAzureTopics(t testing.TB, b *Broker) error {
	t.Helper()
	for _, topic := range []string{"share", "raw"} {
		_, err := administerAzure(t, b).CreateTopic(t.Context(), topic, nil)
		if e, ok := errors.AsType[*azcore.ResponseError](err); err != nil && (!ok || e.StatusCode != http.StatusConflict) {
			return err
		}
	}
	return nil
}

// AzureSubscriptions answers the names of the subscriptions of the topic of Azure's Channel, with how long each keeps a message, and
// how long it is kept idle.
func AzureSubscriptions(t testing.TB, b *Broker) (all []string) {
	t.Helper()
	pages := administerAzure(t, b).NewListSubscriptionsPager("share", nil)
	for pages.More() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range page.Subscriptions {
			all = append(all, fmt.Sprint(s.SubscriptionName, " ", *s.DefaultMessageTimeToLive, " ", *s.AutoDeleteOnIdle))
		}
	}
	return all
}

// AzureEndsLinks has Azure end all links, as it does by itself after minutes in which nothing happened.
func AzureEndsLinks(t testing.TB, b *Broker) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+b.address+"/links", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := answer.Body.Close(); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s, %v", answer.Status, err)
	}
}

func rawAzure(t testing.TB, b *Broker) func() time.Duration {
	t.Helper()
	if _, err := administerAzure(t, b).CreateSubscription(t.Context(), "raw", "raw", nil); err != nil {
		t.Fatal(err)
	}
	var ends [2]*azservicebus.Client
	for i := range ends {
		c, err := azservicebus.NewClientFromConnectionString(azureLogin(b.address, "all", "secret"), nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close(context.Background()) }) // the server may have been killed
		ends[i] = c
	}
	sender, err := ends[0].NewSender("raw", nil)
	if err != nil {
		t.Fatal(err)
	}
	receiver, err := ends[1].NewReceiverForSubscription("raw", "raw", &azservicebus.ReceiverOptions{ReceiveMode: azservicebus.ReceiveModeReceiveAndDelete})
	if err != nil {
		t.Fatal(err)
	}
	payload := make([]byte, rawSize)
	return func() time.Duration {
		began := time.Now()
		if err := sender.SendMessage(t.Context(), &azservicebus.Message{Body: payload}, nil); err != nil {
			t.Fatal(err)
		}
		if _, err := receiver.ReceiveMessages(t.Context(), 1, nil); err != nil {
			t.Fatal(err)
		}
		return time.Since(began)
	}
}
