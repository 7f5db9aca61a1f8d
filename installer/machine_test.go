//go:build linux

package installer

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// machine is a Debian of its own in a container, booted by a real systemd.
type machine struct {
	root   string
	real   bool   // has the real daemon, not the stand-in
	leader string // process id of its systemd
	nspawn *exec.Cmd
	log    bytes.Buffer
}

// patience bounds every wait for the machine.
const patience = 60 * time.Second

// newMachine makes a machine, ended with the test, that has the binary to test as
// /usr/local/bin/setlogger: the one that SETLOGGER_BINARY names (linked
// statically), or else the stand-in.
func newMachine(t *testing.T) *machine {
	t.Helper()
	if testing.Short() {
		t.Skip("skipped by -short: boots a machine")
	}
	if os.Geteuid() != 0 {
		missing(t, "booting a machine takes root")
	}
	for _, program := range []string{"debootstrap", "systemd-nspawn", "nsenter"} {
		if _, err := exec.LookPath(program); err != nil {
			missing(t, fmt.Sprintf("%s is not installed (apt-get install debootstrap systemd-container)", program))
		}
	}
	m := &machine{root: filepath.Join(t.TempDir(), "root")}
	t.Cleanup(m.kill)
	command(t, "cp", "-a", "--reflink=auto", distribution(t), m.root)
	target := filepath.Join(m.root, "usr/local/bin/setlogger")
	if binary := os.Getenv("SETLOGGER_BINARY"); binary != "" {
		m.real = true
		command(t, "cp", binary, target)
	} else {
		t.Setenv("CGO_ENABLED", "0")
		command(t, "go", "build", "-o", target, "./testdata/standin")
	}
	return m
}

// distribution answers a minimal Debian, made once and kept in the cache.
func distribution(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	folder := filepath.Join(cache, "setlogger", "systemd-root")
	if _, err := os.Stat(folder); err == nil {
		return folder
	}
	if err := os.MkdirAll(filepath.Dir(folder), 0o700); err != nil {
		t.Fatal(err)
	}
	fresh, err := os.MkdirTemp(filepath.Dir(folder), "fresh-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(fresh, 0o755); err != nil { // the root of a file system, which its users must be able to enter
		t.Fatal(err)
	}
	out, err := exec.Command("debootstrap", "--variant=minbase",
		"--include=systemd,systemd-sysv,dbus,libpam-systemd,dbus-user-session,iproute2,procps", "bookworm", fresh).CombinedOutput()
	if err != nil {
		_ = os.RemoveAll(fresh)
		missing(t, fmt.Sprintf("a minimal Debian, which debootstrap could not fetch: %v\n%s", err, out))
	}
	command(t, "rm", "-rf", fresh+"/var/cache/apt", fresh+"/var/lib/apt/lists")
	if err := os.Rename(fresh, folder); err != nil {
		t.Fatal(err)
	}
	return folder
}

// kill ends the machine wherever it is; a halted one is left alone.
func (m *machine) kill() {
	if m.nspawn != nil && m.nspawn.ProcessState == nil {
		m.end()
		_ = m.nspawn.Wait()
	}
}

// end ends the machine's first process, which takes the others with it; nspawn
// would leave them behind.
func (m *machine) end() {
	if leader, err := strconv.Atoi(m.leader); err == nil {
		_ = syscall.Kill(leader, syscall.SIGKILL)
	} else {
		_ = m.nspawn.Process.Kill()
	}
}

// boot starts the machine.
func (m *machine) boot(t *testing.T) {
	t.Helper()
	arguments := []string{
		"-D", m.root, "--boot", "--machine=setlogger-" + strconv.Itoa(os.Getpid()),
		"--register=no", "--private-network", "--console=pipe",
	}
	if _, err := os.Stat("/run/systemd/system"); err != nil {
		arguments = append(arguments, "--keep-unit") // no systemd outside to ask for a unit
	}
	m.nspawn, m.leader = exec.Command("systemd-nspawn", arguments...), ""
	m.nspawn.Stdout, m.nspawn.Stderr = &m.log, &m.log
	if err := m.nspawn.Start(); err != nil {
		t.Fatal(err)
	}
	id := strconv.Itoa(m.nspawn.Process.Pid)
	m.until(t, "boot", func() bool {
		children, err := os.ReadFile(filepath.Join("/proc", id, "task", id, "children"))
		if fields := strings.Fields(string(children)); err == nil && len(fields) == 1 {
			m.leader = fields[0]
		}
		return m.leader != "" && m.isUp("systemctl", "is-system-running")
	})
}

// halt shuts the machine down in order.
func (m *machine) halt(t *testing.T) {
	t.Helper()
	leader, err := strconv.Atoi(m.leader)
	if err != nil {
		t.Fatal(err)
	}
	const poweroff = syscall.Signal(34 + 4) // SIGRTMIN+4, as glibc counts
	if err := syscall.Kill(leader, poweroff); err != nil {
		t.Fatal(err)
	}
	stuck := time.AfterFunc(patience, m.end)
	defer stuck.Stop()
	if err := m.nspawn.Wait(); err != nil {
		t.Fatalf("halt: %v\n%s", err, m.log.String())
	}
}

// inside is a command in the machine, which is given patience to end.
func (m *machine) inside(arguments ...string) *exec.Cmd {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	context.AfterFunc(ctx, cancel)
	c := exec.CommandContext(ctx, "nsenter", append([]string{"-t", m.leader, "-m", "-u", "-i", "-n", "-p", "-C", "--"}, arguments...)...)
	c.Env = []string{"PATH=/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin", "HOME=/root", "LANG=C"}
	return c
}

// run runs a command in the machine, which must succeed, and answers its output.
func (m *machine) run(t *testing.T, arguments ...string) string {
	t.Helper()
	out, err := m.inside(arguments...).CombinedOutput()
	if err != nil {
		journal, _ := m.inside("journalctl", "--no-pager", "--lines=30").CombinedOutput()
		t.Fatalf("%s: %v\n%s\n%s", strings.Join(arguments, " "), err, out, journal)
	}
	return string(out)
}

// fails runs a command in the machine, which must fail, and answers its output.
func (m *machine) fails(t *testing.T, arguments ...string) string {
	t.Helper()
	out, err := m.inside(arguments...).CombinedOutput()
	if err == nil {
		t.Errorf("%s did not fail:\n%s", strings.Join(arguments, " "), out)
	}
	return string(out)
}

func (m *machine) try(arguments ...string) error { return m.inside(arguments...).Run() }

// isUp tells whether a systemd has started all it will, well or not. Its own
// --wait can miss the end of a boot that it joins early.
func (m *machine) isUp(arguments ...string) bool {
	out, _ := m.inside(arguments...).Output() // fails while starting
	state := strings.TrimSpace(string(out))
	return state == "running" || state == "degraded"
}

// until polls for a condition.
func (m *machine) until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !condition(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s\n%s", what, m.log.String())
		}
	}
}

// answers waits until a daemon answers on address.
func (m *machine) answers(t *testing.T, address string) {
	t.Helper()
	host, port, _ := strings.Cut(address, ":")
	ask := fmt.Sprintf(`exec 3<>/dev/tcp/%s/%s && printf 'GET /healthz HTTP/1.0\r\nHost: %s\r\n\r\n' >&3 && head -1 <&3 | grep ' 200 '`,
		host, port, address)
	m.until(t, "an answer on "+address, func() bool { return m.try("bash", "-c", ask) == nil })
}

// mainPID answers the process id of the service, 0 while it has none.
func (m *machine) mainPID(t *testing.T) string {
	t.Helper()
	return strings.TrimSpace(m.run(t, "systemctl", "show", "--property=MainPID", "--value", Name))
}

// isOther tells whether the service runs as another process than before.
func (m *machine) isOther(t *testing.T, before string) bool {
	t.Helper()
	now := m.mainPID(t)
	return now != "0" && now != before
}

// command runs a command outside, which must succeed.
func command(t *testing.T, name string, arguments ...string) {
	t.Helper()
	if out, err := exec.Command(name, arguments...).CombinedOutput(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(arguments, " "), err, out)
	}
}

// missing skips the test by name, or fails it where SETLOGGER_TEST_REQUIRED is 1.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("SETLOGGER_TEST_REQUIRED") == "1" {
		t.Fatalf("%s: %s", t.Name(), what)
	}
	t.Skipf("%s: skipped: %s", t.Name(), what)
}
