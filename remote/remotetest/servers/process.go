package servers

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// patience bounds every wait for a server.
const patience = 15 * time.Second

// run starts a program that listens on a free port and answers its address once it takes connections. Another
// process may take the port first, so it tries a few.
func run(t testing.TB, command func(port int) *exec.Cmd) string {
	t.Helper()
	var err error
	for range 3 {
		port := freePort(t)
		address := fmt.Sprintf("127.0.0.1:%d", port)
		if err = start(t, command(port), address); err == nil {
			return address
		}
	}
	t.Fatal(err)
	return ""
}

// start runs the program until the test ends.
func start(t testing.TB, cmd *exec.Cmd, address string) error {
	var output safeBuffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
	end := func() {
		_ = cmd.Process.Kill()
		<-ended
	}
	if err := answers(address, ended); err != nil {
		end()
		return fmt.Errorf("%s: %w\n%s", cmd.Path, err, output.String())
	}
	t.Cleanup(end)
	return nil
}

// answers waits until the address takes a connection.
func answers(address string, ended <-chan struct{}) error {
	deadline := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-tick.C:
		case <-ended:
			return errors.New("the server ended")
		case <-deadline:
			return fmt.Errorf("no answer in %v: %w", patience, err)
		}
	}
}

func freePort(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return port(l.Addr())
}

func port(a net.Addr) int {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.Port
	}
	return 0
}

// safeBuffer keeps what a program prints, for the message when it does not start.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}
