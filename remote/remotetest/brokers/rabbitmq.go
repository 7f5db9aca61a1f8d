package brokers

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	amqp "github.com/rabbitmq/amqp091-go"
)

// rabbitServer is the script of Debian's package that is behind the one on PATH, which changes the user.
const rabbitServer = "/usr/lib/rabbitmq/bin/rabbitmq-server"

// shared has Erlang's schedulers sleep when they have nothing to do, as RabbitMQ's guide to its runtime advises where others use the
// same processors: else they wait for work by keeping these busy.
const shared = "+sbwt none +sbwtdcpu none +sbwtdio none"

// RabbitMQ is a RabbitMQ server in a folder of its own, with the port mapper that Erlang needs.
func RabbitMQ(t testing.TB) *Broker {
	t.Helper()
	need(t, rabbitServer)
	need(t, "epmd")
	folder, err := os.MkdirTemp("", "rabbit")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	port, mapper, peers := freePort(t), freePort(t), freePort(t)
	startMapper(t, mapper)
	address := "127.0.0.1:" + port
	url := "amqp://guest:guest@" + address
	return &Broker{
		Name: "RabbitMQ", Channel: url + "/share", address: address, line: []string{rabbitServer},
		env: []string{
			"HOME=" + folder, "RABBITMQ_NODENAME=setlogger" + port + "@localhost", "RABBITMQ_NODE_IP_ADDRESS=127.0.0.1", "RABBITMQ_NODE_PORT=" + port,
			"RABBITMQ_DIST_PORT=" + peers, "ERL_EPMD_ADDRESS=127.0.0.1", "ERL_EPMD_PORT=" + mapper, "RABBITMQ_CONF_ENV_FILE=" + filepath.Join(folder, "none"),
			"RABBITMQ_MNESIA_BASE=" + filepath.Join(folder, "data"), "RABBITMQ_LOG_BASE=" + filepath.Join(folder, "log"), "RABBITMQ_LOGS=-",
			"RABBITMQ_ENABLED_PLUGINS_FILE=" + filepath.Join(folder, "plugins"), "RABBITMQ_PID_FILE=" + filepath.Join(folder, "pid"),
			"RABBITMQ_CONFIG_FILE=" + filepath.Join(folder, "rabbitmq"), "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1} " + shared,
		},
		ready: func() error {
			c, err := amqp.Dial(url)
			if err == nil {
				err = c.Close()
			}
			return err
		},
		raw: func(t testing.TB) func() time.Duration { return rawRabbitMQ(t, url) },
	}
}

// RabbitMQLacks answers nil if the exchange of RabbitMQ's Channel is not there.
func RabbitMQLacks(b *Broker) error {
	c, err := amqp.Dial("amqp://guest:guest@" + b.address)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	channel, err := c.Channel()
	if err != nil {
		return err
	}
	err = channel.ExchangeDeclarePassive("share", amqp.ExchangeFanout, true, false, false, false, nil)
	if e, ok := errors.AsType[*amqp.Error](err); ok && e.Code == amqp.NotFound {
		return nil
	}
	return fmt.Errorf("the exchange is there: %w", err)
}

// startMapper starts Erlang's port mapper: else the server starts one that outlives it.
func startMapper(t testing.TB, port string) {
	t.Helper()
	cmd := exec.Command("epmd", "-address", "127.0.0.1", "-port", port)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // it was killed
	})
	await(t, "epmd", func() error { return connects("127.0.0.1:" + port) })
}

func rawRabbitMQ(t testing.TB, url string) func() time.Duration {
	t.Helper()
	var ends [2]*amqp.Channel
	for i := range ends {
		c, err := amqp.Dial(url)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() }) // the server may have been killed
		if ends[i], err = c.Channel(); err != nil {
			t.Fatal(err)
		}
	}
	queue, err := ends[1].QueueDeclare("", false, true, true, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	got, err := ends[1].Consume(queue.Name, "", true, true, false, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	payload := make([]byte, rawSize)
	return func() time.Duration {
		began := time.Now()
		if err := ends[0].PublishWithContext(t.Context(), "", queue.Name, false, false, amqp.Publishing{Body: payload}); err != nil {
			t.Fatal(err)
		}
		select {
		case <-got:
		case <-time.After(patience):
			t.Fatal("RabbitMQ brings no message")
		}
		return time.Since(began)
	}
}
