package brokers

import (
	"net"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait for a service: a virtual machine has to start in some.
const patience = 2 * time.Minute

// Broker is a Pub/Sub service of its own process, and not started yet.
type Broker struct {
	Name    string
	Channel string // address of a channel there

	address string // host:port
	line    []string
	env     []string
	ready   func() error // nil: it is ready once it takes connections
	raw     func(t testing.TB) (once func() time.Duration)

	cmd *exec.Cmd
}

// Start starts the process, and waits until it serves.
func (b *Broker) Start(t testing.TB) {
	t.Helper()
	b.cmd = exec.Command(b.line[0], b.line[1:]...)
	b.cmd.Env = append(os.Environ(), b.env...)
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Kill)
	serves := b.ready
	if serves == nil {
		serves = func() error { return connects(b.address) }
	}
	await(t, b.Name, serves)
}

// Kill ends the process as a power cut would.
func (b *Broker) Kill() {
	if b.cmd != nil {
		_ = syscall.Kill(-b.cmd.Process.Pid, syscall.SIGKILL)
		_ = b.cmd.Wait() // it was killed
		b.cmd = nil
	}
}

// Freeze has the process do nothing more, with its connections open, until it is thawed or killed.
func (b *Broker) Freeze(t testing.TB) { t.Helper(); b.signal(t, syscall.SIGSTOP) }

// Thaw has a frozen process go on.
func (b *Broker) Thaw(t testing.TB) { t.Helper(); b.signal(t, syscall.SIGCONT) }

func (b *Broker) signal(t testing.TB, s syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(-b.cmd.Process.Pid, s); err != nil {
		t.Fatal(err)
	}
}

// Raw makes two connections to the service, without SetLogger, and answers what sends a message by the one, as large as one that
// tells of an entry, takes it in by the other, and says how long that took.
func (b *Broker) Raw(t testing.TB) (once func() time.Duration) {
	t.Helper()
	return b.raw(t)
}

// rawSize is that of a message about one entry.
const rawSize = 700

func connects(address string) error {
	c, err := net.Dial("tcp", address)
	if err == nil {
		err = c.Close()
	}
	return err
}

func await(t testing.TB, name string, serves func() error) {
	t.Helper()
	ended := time.After(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := serves()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ended:
			t.Fatalf("%s does not serve: %v", name, err)
		}
	}
}

// freePort is one of this machine on which nothing listens.
func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}

// tool builds a program that go.mod names, with the settings of scripts/go, and answers its path.
func tool(t testing.TB, name string) string {
	t.Helper()
	build := exec.Command("go", "tool", "-n", name)
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-tags=slim -trimpath")
	program, err := build.Output()
	if err != nil {
		t.Fatalf("go tool -n %s: %v", name, err)
	}
	return strings.TrimSpace(string(program))
}

// need skips a test for which a program of the system is missing.
func need(t testing.TB, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		lacks(t, program+" is not installed")
	}
}

// needFolder skips a test for which a folder was not fetched.
func needFolder(t testing.TB, folder string) {
	t.Helper()
	if _, err := os.Stat(folder); err != nil {
		lacks(t, folder+" is missing: .ci/tools fetches it")
	}
}

func lacks(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("SETLOGGER_TEST_REQUIRED") == "1" {
		t.Fatal(what)
	}
	t.Skip(what)
}
