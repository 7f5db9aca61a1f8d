package notify

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"

	"github.com/setlogger/setlogger/remote"
)

const (
	// rabbitBeat is between signs of life of a RabbitMQ server; two that fail to come end the channel.
	rabbitBeat = 10 * time.Second
	// rabbitBind is after how long without a message the queue is bound again: who removed the exchange removed that, too, and it may
	// have been made anew since.
	rabbitBind = 30 * time.Second
	// rabbitMost is what we send in a message; servers take at least 16 times as much.
	rabbitMost = 1 << 20
	// rabbitAhead is how many messages come before the first of them is taken.
	rabbitAhead = 100
	// rabbitQueue bounds what a server keeps for a device that is slow to take it, in bytes; the oldest go.
	rabbitQueue = 64 << 20
)

// dialRabbitMQ connects to a RabbitMQ server. The connection is not mended behind our back, so that whoever holds the channel knows
// when it missed something.
func dialRabbitMQ(ctx context.Context, u *url.URL) (*amqp.Connection, error) {
	server := url.URL{Scheme: u.Scheme, User: u.User, Host: u.Host}
	vhost := u.Query().Get("vhost")
	if vhost == "" {
		vhost = "/"
	}
	connection, err := within(ctx, closeRabbitMQ, func() (*amqp.Connection, error) {
		return amqp.DialConfig(server.String(), amqp.Config{
			Vhost: vhost, Heartbeat: rabbitBeat, Locale: "en_US", Dial: dialHurried(waitFor(ctx, 5*time.Second)), Properties: amqp.Table{"connection_name": "setlogger"},
		})
	})
	if err != nil {
		return nil, rabbitFailure("connect to", u.Host, err)
	}
	return connection, nil
}

func dialHurried(limit time.Duration) func(network, address string) (net.Conn, error) {
	dial := amqp.DefaultDial(limit)
	return func(network, address string) (net.Conn, error) {
		c, err := dial(network, address)
		if err != nil {
			return nil, err
		}
		return hurried{c}, nil
	}
}

// openRabbitMQ makes the exchange if it is missing, and a queue on it that ends with the connection.
func openRabbitMQ(ctx context.Context, u *url.URL, _ string) (remote.Channel, error) {
	connection, err := dialRabbitMQ(ctx, u)
	if err != nil {
		return nil, err
	}
	defer closeWith(ctx, connection)()
	incoming, err := consume(connection, topicOf(u))
	var outgoing *amqp.Channel
	if err == nil {
		outgoing, err = connection.Channel()
	}
	if err != nil {
		return nil, errors.Join(rabbitFailure("subscribe to", u.Host, err), closeRabbitMQ(connection))
	}
	alive, end := context.WithCancelCause(context.Background())
	endWith(connection, u.Host, end)
	endWith(outgoing, u.Host, end)
	endWith(incoming.channel, u.Host, end)
	return &channel{topic: &exchange{outgoing, topicOf(u)}, subscription: incoming, most: rabbitMost, alive: alive, free: func() error { return closeRabbitMQ(connection) }}, nil
}

// closeRabbitMQ ends a connection with all on it. A server that hangs is not waited for, though the client's own beats may put the
// deadline off until they are missed.
func closeRabbitMQ(c *amqp.Connection) error {
	ended := make(chan error, 1)
	go func() { ended <- c.CloseDeadline(time.Now().Add(closeTime)) }()
	select {
	case err := <-ended:
		if errors.Is(err, amqp.ErrClosed) {
			return nil
		}
		return err
	case <-time.After(closeTime + time.Second):
		return fmt.Errorf("close the connection: %w", os.ErrDeadlineExceeded)
	}
}

// closeWith ends a connection when a context does, unless it is called off: calls on it know no context.
func closeWith(ctx context.Context, c *amqp.Connection) (off func()) {
	stop := context.AfterFunc(ctx, func() { _ = closeRabbitMQ(c) })
	return func() { stop() }
}

// endWith tells why a connection, or a channel on it, was closed.
func endWith(c interface {
	NotifyClose(told chan *amqp.Error) chan *amqp.Error
}, host string, end context.CancelCauseFunc,
) {
	closed := c.NotifyClose(make(chan *amqp.Error, 1))
	go func() {
		var why error = amqp.ErrClosed
		if told := <-closed; told != nil { // nil: we closed it
			why = told
		}
		end(rabbitFailure("hold", host, why))
	}()
}

// exchange takes messages. What it refuses closes it.
type exchange struct {
	channel *amqp.Channel
	name    string
}

func (e *exchange) send(ctx context.Context, message []byte) error {
	return e.channel.PublishWithContext(ctx, e.name, "", false, false, amqp.Publishing{Body: message})
}

// shutdown leaves it to the end of the connection.
func (*exchange) shutdown(context.Context) error { return nil }

// declare makes the exchange, fanout and durable, if it is missing.
func declare(c *amqp.Channel, exchange string) error {
	return c.ExchangeDeclare(exchange, amqp.ExchangeFanout, true, false, false, false, nil)
}

func setUpRabbitMQ(ctx context.Context, u *url.URL) error {
	return onRabbitMQ(ctx, u, "make the exchange of", func(c *amqp.Channel) error { return declare(c, topicOf(u)) })
}

// tearDownRabbitMQ removes the exchange; queues end by themselves.
func tearDownRabbitMQ(ctx context.Context, u *url.URL, _ string, all bool) error {
	if !all {
		return nil
	}
	return onRabbitMQ(ctx, u, "remove the exchange of", func(c *amqp.Channel) error { return c.ExchangeDelete(topicOf(u), false, false) })
}

// onRabbitMQ does something on a connection of its own.
func onRabbitMQ(ctx context.Context, u *url.URL, verb string, what func(c *amqp.Channel) error) error {
	connection, err := dialRabbitMQ(ctx, u)
	if err != nil {
		return err
	}
	defer closeWith(ctx, connection)()
	c, err := connection.Channel()
	if err == nil {
		err = what(c)
	}
	if err != nil {
		err = rabbitFailure(verb, u.Host, err)
	}
	return errors.Join(err, closeRabbitMQ(connection))
}

// deliveries is a consumer of a queue.
type deliveries struct {
	channel         *amqp.Channel
	queue, exchange string
	coming          <-chan amqp.Delivery
	silence         *time.Ticker
}

// consume makes the exchange, and a queue of this connection alone with its consumer.
func consume(connection *amqp.Connection, exchange string) (*deliveries, error) {
	c, err := connection.Channel()
	if err != nil {
		return nil, err
	}
	if err := declare(c, exchange); err != nil {
		return nil, err
	}
	q, err := c.QueueDeclare("", false, true, true, false, amqp.Table{"x-max-length-bytes": int32(rabbitQueue)})
	if err != nil {
		return nil, err
	}
	if err := c.QueueBind(q.Name, "", exchange, false, nil); err != nil {
		return nil, err
	}
	if err := c.Qos(rabbitAhead, 0, false); err != nil {
		return nil, err
	}
	coming, err := c.Consume(q.Name, "", false, true, false, false, nil)
	return &deliveries{c, q.Name, exchange, coming, time.NewTicker(rabbitBind)}, err
}

func (d *deliveries) receive(ctx context.Context) ([]byte, error) {
	for {
		select {
		case m, ok := <-d.coming:
			if !ok {
				return nil, awaitWhy(ctx, amqp.ErrClosed) // of a queue that somebody removed, nothing is told
			}
			d.silence.Reset(rabbitBind)
			return m.Body, m.Ack(false)
		case <-d.silence.C:
			if err := d.channel.QueueBind(d.queue, "", d.exchange, true, nil); err != nil { // what the server refuses closes the channel
				return nil, err
			}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// shutdown leaves the rest to the end of the connection.
func (d *deliveries) shutdown(context.Context) error { d.silence.Stop(); return nil }

func rabbitFailure(verb, host string, err error) error {
	is := remote.ErrUnreachable
	if e, ok := errors.AsType[*amqp.Error](err); ok && (e.Code == amqp.AccessRefused || e.Code == amqp.NotAllowed) {
		is = remote.ErrDenied
	}
	return fmt.Errorf("%s RabbitMQ at %s: %w: %w", verb, host, is, err)
}
