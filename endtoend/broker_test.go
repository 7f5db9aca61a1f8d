package endtoend

import (
	"fmt"
	"net"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

// broker is a Pub/Sub service that runs as a process of its own, and can be killed and started again.
type broker struct {
	name    string
	notify  string // address of a channel there
	address string // host:port

	line []string // command line
	raw  func(t *testing.T) func() time.Duration

	cmd *exec.Cmd
}

// start starts the process and waits until it takes connections.
func (b *broker) start(t *testing.T) {
	t.Helper()
	b.cmd = exec.Command(b.line[0], b.line[1:]...)
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.kill)
	eventually(t, b.name+" takes connections", func() bool {
		c, err := net.Dial("tcp", b.address)
		if err == nil {
			_ = c.Close()
		}
		return err == nil
	})
}

// kill ends the process as a power cut would.
func (b *broker) kill() {
	if b.cmd != nil {
		_ = syscall.Kill(-b.cmd.Process.Pid, syscall.SIGKILL)
		_ = b.cmd.Wait() // it was killed
		b.cmd = nil
	}
}

// eventually waits until something holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ended := time.After(patience)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ended:
			t.Fatalf("%s: not in %v", what, patience)
		}
	}
}

// freeAddress is one of this machine on which nothing listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// natsBroker is a NATS server, built from its module.
func natsBroker(t *testing.T) *broker {
	t.Helper()
	program, err := exec.Command("go", "tool", "-n", "nats-server").Output()
	if err != nil {
		t.Fatalf("go tool -n nats-server: %v", err)
	}
	address := freeAddress(t)
	_, port, _ := net.SplitHostPort(address)
	return &broker{
		name: "NATS", notify: "nats://" + address + "/share", address: address,
		line: []string{strings.TrimSpace(string(program)), "-a", "127.0.0.1", "-p", port},
		raw:  func(t *testing.T) func() time.Duration { return rawNATS(t, address) },
	}
}

// rawNATS answers what sends a message by NATS alone, on one connection, and takes it in on another.
func rawNATS(t *testing.T, address string) func() time.Duration {
	t.Helper()
	var ends [2]*nats.Conn
	for i := range ends {
		c, err := nats.Connect("nats://" + address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		ends[i] = c
	}
	got, err := ends[1].SubscribeSync("raw")
	if err != nil {
		t.Fatal(err)
	}
	if err := ends[1].Flush(); err != nil {
		t.Fatal(err)
	}
	payload := make([]byte, 700) // as a segment of one entry
	return func() time.Duration {
		began := time.Now()
		if err := ends[0].Publish("raw", payload); err != nil {
			t.Fatal(err)
		}
		if _, err := got.NextMsg(patience); err != nil {
			t.Fatal(fmt.Errorf("raw: %w", err))
		}
		return time.Since(began)
	}
}
