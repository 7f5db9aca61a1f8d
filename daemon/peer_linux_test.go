package daemon

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/setlogger/setlogger/api"
)

const strangerSocket = "SETLOGGER_TEST_STRANGER" // set in the process that TestAnotherUserOnTheSocket starts

// TestAnotherUserOnTheSocket opens the socket's mode, so that only the kernel's word on the peer stands in the way.
func TestAnotherUserOnTheSocket(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root, to become another user")
	}
	s := serveDaemon(t)
	socket := filepath.Join(s.data, api.SocketFile)
	for dir := filepath.Dir(socket); len(dir) > len(os.TempDir()); dir = filepath.Dir(dir) {
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(socket, 0o777); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "stranger")
	data, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(program, data, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Dir(filepath.Dir(program)), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "-test.run=^TestStranger$", "-test.v")
	cmd.Env = []string{strangerSocket + "=" + s.data}
	cmd.Dir = "/"
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: TestStranger") {
		t.Errorf("%v\n%s", err, out)
	}
}

// TestStranger is the other user of TestAnotherUserOnTheSocket.
func TestStranger(t *testing.T) {
	data := os.Getenv(strangerSocket)
	if data == "" {
		t.Skip("runs only as a process of another user, which TestAnotherUserOnTheSocket starts")
	}
	c, err := api.NewClient(api.Options{Data: data})
	if err != nil {
		t.Fatal(err)
	}
	var refused *api.Error
	if _, err := c.Status(t.Context()); !errors.As(err, &refused) || refused.Status != 401 {
		t.Errorf("uid %d: %v", os.Getuid(), err)
	}
	if _, err := os.ReadFile(filepath.Join(data, api.TokenFile)); !errors.Is(err, os.ErrPermission) {
		t.Errorf("the token can be read: %v", err)
	}
}
