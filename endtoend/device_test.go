package endtoend

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait for something that a daemon does by itself.
const patience = 3 * time.Minute

// startTime bounds the wait for a daemon to answer.
const startTime = 60 * time.Second

// device is one daemon with a data folder of its own, as on a machine of its own.
type device struct {
	name string
	data string
	env  []string
	wrap []string // command line that the daemon's is put behind: strace

	cmd     *exec.Cmd
	ended   chan struct{}
	output  *os.File
	address string
	token   string
	client  *http.Client
}

// newDevice makes a data folder; the daemon is not started.
func newDevice(t testing.TB, name string) *device {
	t.Helper()
	folder, err := os.MkdirTemp("", "setlogger-"+name) // short: a socket's path has at most 107 bytes
	if err != nil {
		t.Fatal(err)
	}
	output, err := os.Create(filepath.Join(folder, "output"))
	if err != nil {
		t.Fatal(err)
	}
	d := &device{
		name: name, data: filepath.Join(folder, "data"), output: output,
		env:    []string{"RCLONE_CONFIG=" + filepath.Join(folder, "rclone.conf"), "HOME=" + folder, "SETLOGGER_DATA=", "SETLOGGER_LISTEN=", "SETLOGGER_TOKEN="},
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 128}},
	}
	t.Cleanup(func() {
		d.kill(t)
		if t.Failed() {
			t.Logf("%s printed:\n%s", name, d.printed())
		}
		_ = output.Close()
		_ = os.RemoveAll(folder)
	})
	return d
}

// newStarted is a device whose daemon runs and knows the remote "share".
func newStarted(t testing.TB, name, share string) *device {
	t.Helper()
	d := newDevice(t, name)
	d.start(t)
	d.run(t, "remote", "add", "share", share)
	return d
}

// printed is the end of what the daemon printed.
func (d *device) printed() string {
	text, err := os.ReadFile(d.output.Name())
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-8000):])
}

// start starts the daemon on a free port and waits until it answers.
func (d *device) start(t testing.TB) {
	t.Helper()
	d.launch(t)
	if err := d.ready(); err != nil {
		t.Fatalf("%s: %v; it printed:\n%s", d.name, err, d.printed())
	}
}

// launch starts the process and does not wait.
func (d *device) launch(t testing.TB) {
	t.Helper()
	_ = os.Remove(d.file("address")) // of a daemon that was killed
	line := append(append([]string{}, d.wrap...), binary(t), "serve", "--data", d.data, "--listen", "127.0.0.1:0")
	d.cmd = exec.Command(line[0], line[1:]...)
	d.cmd.Env = append(os.Environ(), d.env...)
	d.cmd.Stdout, d.cmd.Stderr = d.output, d.output
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that kill reaches what strace runs
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	cmd := d.cmd
	d.ended = ended
	go func() {
		_ = cmd.Wait()
		close(ended)
	}()
}

// ready waits until the launched daemon answers /healthz.
func (d *device) ready() error {
	deadline := time.After(startTime)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		if address, err := os.ReadFile(d.file("address")); err == nil {
			d.address = strings.TrimSpace(string(address))
			if resp, err := d.client.Get("http://" + d.address + "/healthz"); err == nil {
				_ = resp.Body.Close()
				token, err := os.ReadFile(d.file("token"))
				d.token = strings.TrimSpace(string(token))
				return err
			}
		}
		select {
		case <-tick.C:
		case <-d.ended:
			return errors.New("the daemon ended")
		case <-deadline:
			return fmt.Errorf("the daemon does not answer in %v", startTime)
		}
	}
}

// kill ends the daemon as a power cut would, save that the page cache stays.
func (d *device) kill(testing.TB) {
	if d.cmd == nil {
		return
	}
	_ = syscall.Kill(-d.cmd.Process.Pid, syscall.SIGKILL)
	<-d.ended
	d.cmd = nil
	d.client.CloseIdleConnections()
}

// stop asks the daemon to end, which must take less than 5 seconds.
func (d *device) stop(t testing.TB) {
	t.Helper()
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-d.ended:
	case <-time.After(5 * time.Second):
		t.Errorf("%s: still runs 5 s after SIGTERM", d.name)
	}
	d.kill(t)
}

// terminate ends a traced daemon and its tracer.
func (d *device) terminate(t testing.TB) {
	t.Helper()
	pid, err := os.ReadFile(fmt.Sprintf("/proc/%[1]d/task/%[1]d/children", d.cmd.Process.Pid))
	if err != nil {
		t.Fatalf("the traced daemon is not found: %v", err)
	}
	daemon, err := strconv.Atoi(strings.TrimSpace(string(pid)))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(daemon, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-d.ended: // strace ends with what it traces
	case <-time.After(startTime):
		t.Fatalf("still runs %v after SIGTERM", startTime)
	}
	d.kill(t)
}

func (d *device) file(name string) string { return filepath.Join(d.data, name) }

// bucketFile is the store of the device's only bucket.
func (d *device) bucketFile(t testing.TB) string {
	t.Helper()
	files, err := filepath.Glob(d.file("buckets/*.db"))
	if err != nil || len(files) != 1 {
		t.Fatalf("one bucket file is expected: %v %v", files, err)
	}
	return files[0]
}

// command is a command line of setlogger for this daemon.
func (d *device) command(t testing.TB, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(binary(t), append([]string{"--data", d.data}, args...)...)
	cmd.Env = append(os.Environ(), d.env...)
	return cmd
}

// run runs a command line that must succeed, and answers what it prints on stdout.
func (d *device) run(t testing.TB, args ...string) []byte {
	t.Helper()
	out, err := d.try(t, args...)
	if err != nil {
		t.Fatalf("%s: setlogger %s: %v", d.name, strings.Join(args, " "), err)
	}
	return out
}

// try is run for a command line that may fail.
func (d *device) try(t testing.TB, args ...string) ([]byte, error) {
	t.Helper()
	cmd := d.command(t, args...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%w: %s%s", err, complaint.String(), out[:min(len(out), 2000)])
	}
	return out, err
}

// binary answers the path of the program to judge; it is built once.
func binary(t testing.TB) string {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var built = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("SETLOGGER_BINARY"); path != "" {
		return path, nil
	}
	path := filepath.Join(os.TempDir(), fmt.Sprintf("setlogger-endtoend-%d", os.Getuid()), "setlogger")
	cmd := exec.Command("go", "build", "-tags", "slim,channels", "-trimpath", "-o", path, "../cmd/setlogger")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	var complaint bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.Discard, &complaint
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, complaint.String())
	}
	return path, nil
})

// soak tells whether the long form of each test is asked for.
func soak() bool { return os.Getenv("SETLOGGER_SOAK") != "" }

// needProgram skips a test for which a program of the system is missing.
func needProgram(t testing.TB, name string) {
	t.Helper()
	if _, err := exec.LookPath(name); err == nil {
		return
	}
	if os.Getenv("SETLOGGER_TEST_REQUIRED") == "1" {
		t.Fatalf("%s is not installed", name)
	}
	t.Skipf("%s is not installed", name)
}
