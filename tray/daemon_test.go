//go:build linux

package tray

import (
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// TestDesktopWithDaemon shows the real daemon, the one that SETLOGGER_BINARY
// names, and ends and starts it under the tray.
func TestDesktopWithDaemon(t *testing.T) {
	binary := os.Getenv("SETLOGGER_BINARY")
	if binary == "" {
		missing(t, "SETLOGGER_BINARY names no setlogger to show")
	}
	d := newDesktop(t)
	data := t.TempDir()
	serve := func() *exec.Cmd {
		return d.start(t, binary, "serve", "--data", data, "--listen", "127.0.0.1:0")
	}
	running := serve()
	d.startTray(t, "--data", data)
	d.reads(t, "Up to date")

	create := exec.Command(binary, "--data", data, "bucket", "create", "todos")
	if out, err := create.CombinedOutput(); err != nil {
		t.Fatalf("bucket create: %v\n%s", err, out)
	}
	dispatch := exec.Command(binary, "--data", data, "dispatch", "todos", "-")
	dispatch.Stdin = strings.NewReader(`{"type":"CREATE_NODE","id":"1","properties":{"title":"Milk"}}`)
	if out, err := dispatch.CombinedOutput(); err != nil {
		t.Fatalf("dispatch: %v\n%s", err, out)
	}
	d.click(t, "Sync now")
	d.reads(t, "Up to date", "Last sync just now (off)")
	d.keep(t, "daemon")

	if err := running.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := running.Wait(); err != nil {
		t.Errorf("the daemon ended with %v", err)
	}
	d.reads(t, "SetLogger is not running (off)")
	serve() // on another port
	d.reads(t, "Up to date")
	d.click(t, "Quit this icon")
	if err := d.tray.Wait(); err != nil {
		t.Errorf("the tray ended with %v", err)
	}
}

// reads waits until the menu begins like that.
func (d *desktop) reads(t *testing.T, menu ...string) {
	t.Helper()
	var read []string
	d.until(t, "the menu reads "+strings.Join(menu, ", "), func() bool {
		read = d.words()
		return len(read) >= len(menu) && strings.Join(read[:len(menu)], "\n") == strings.Join(menu, "\n")
	}, func() { t.Logf("the menu reads %q", read) })
}
