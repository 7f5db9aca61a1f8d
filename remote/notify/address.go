package notify

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/setlogger/setlogger/remote"
)

// service is what is done at the addresses of a scheme.
type service struct {
	example  string
	fits     func(u *url.URL) bool
	open     func(ctx context.Context, u *url.URL, subscriber string) (remote.Channel, error) // nil: this build leaves the service out
	setUp    func(ctx context.Context, u *url.URL) error                                      // nil: there is nothing to make
	tearDown func(ctx context.Context, u *url.URL, subscriber string, all bool) error         // nil: nothing stays
}

// AddressError is why something is no address of a channel. It doesn't repeat it: there may be a password in it.
type AddressError struct{ text, hint string }

// Error says what is wrong.
func (e *AddressError) Error() string { return e.text }

// Hint says how an address looks.
func (e *AddressError) Hint() string { return e.hint }

// Check answers nil for what may be the address of a channel, else an *AddressError. It makes no call.
func Check(address string) error {
	_, _, err := parse(address)
	return err
}

// Open opens the channel at an address, with a subscription of this subscriber alone, whose 32 hex digits no other open channel has.
// An error wraps remote.ErrDenied, remote.ErrNoTopic or remote.ErrUnreachable.
func Open(ctx context.Context, address, subscriber string) (remote.Channel, error) {
	u, s, err := parse(address)
	if err != nil {
		return nil, err
	}
	return s.open(ctx, u, subscriber)
}

// login is what stands before the host of a URL.
var login = regexp.MustCompile(`^([a-z]+://)[^/]*@`)

// Mask hides the login in an address.
func Mask(address string) string { return login.ReplaceAllString(address, "$1***@") }

func parse(address string) (*url.URL, service, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, service{}, &AddressError{"this is no URL", "for example " + services()["nats"].example + "; what is special in a password is percent-encoded"}
	}
	s, ok := services()[u.Scheme]
	if !ok {
		var all []string
		for _, scheme := range schemes() {
			all = append(all, services()[scheme].example)
		}
		return nil, s, &AddressError{fmt.Sprintf("there is no service %q", u.Scheme), "one of " + strings.Join(all, ", ")}
	}
	if s.open == nil {
		return nil, s, &AddressError{"this build has no " + u.Scheme + ": it was made with the tag slim, which leaves out what takes long to compile", "make it with the tags slim,channels, or without slim"}
	}
	if !s.fits(u) {
		return nil, s, &AddressError{"this names no topic of " + u.Scheme, "for example " + s.example}
	}
	return u, s, nil
}

// schemes are those that a person hears of.
func schemes() []string {
	return []string{"nats", "amqp", "gcppubsub", "awssnssqs", "kafka", "azuresb"}
}

func services() map[string]service {
	return map[string]service{
		"nats":      {"nats://user:password@host:4222/subject", hasHostAndTopic, openNATS, nil, nil},
		"tls":       {"tls://user:password@host:4222/subject", hasHostAndTopic, openNATS, nil, nil},
		"amqp":      {"amqp://user:password@host:5672/exchange", hasHostAndTopic, openRabbitMQ, setUpRabbitMQ, tearDownRabbitMQ},
		"amqps":     {"amqps://user:password@host:5671/exchange", hasHostAndTopic, openRabbitMQ, setUpRabbitMQ, tearDownRabbitMQ},
		"gcppubsub": googleService("gcppubsub://project/topic"),
		"awssnssqs": awsService("awssnssqs://region/topic"),
		"kafka":     kafkaService("kafka://user:password@host:9092/topic"),
		"kafkas":    kafkaService("kafkas://user:password@host:9093,host2:9093/topic"),
		"azuresb":   azureService("azuresb://namespace.servicebus.windows.net/topic"),
	}
}

// topicName is what every service takes: none has a place for wildcards in it.
var topicName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*$`)

func hasHostAndTopic(u *url.URL) bool { return u.Host != "" && topicName.MatchString(topicOf(u)) }

// topicOf is the topic in an address whose host is that of a server.
func topicOf(u *url.URL) string { return strings.TrimPrefix(u.Path, "/") }

// kafkaQuery names how to log in; by "plain" where it is empty.
var kafkaQuery = regexp.MustCompile(`^(sasl=(plain|scram-sha-256|scram-sha-512))?$`)

// hasBrokersAndTopic keeps the rules of Kafka's names. Several servers of a cluster may be named, so that one can be down.
func hasBrokersAndTopic(u *url.URL) bool {
	topic := topicOf(u)
	if u.User != nil {
		if _, ok := u.User.Password(); !ok {
			return false
		}
	}
	return kafkaQuery.MatchString(u.RawQuery) && !slices.Contains(strings.Split(u.Host, ","), "") && len(topic) <= 249 && topicName.MatchString(topic)
}

var azureNamespace = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]*(:[0-9]+)?$`)

// hasNamespaceAndTopic keeps the rules of Azure's names. The login is not in the address.
func hasNamespaceAndTopic(u *url.URL) bool {
	topic := topicOf(u)
	return u.User == nil && u.RawQuery == "" && azureNamespace.MatchString(u.Host) && len(topic) <= 260 && topicName.MatchString(topic)
}
