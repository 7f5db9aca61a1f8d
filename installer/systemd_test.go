//go:build linux

package installer

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// TestSystemd takes the service through its life under a systemd of its own.
func TestSystemd(t *testing.T) {
	m := newMachine(t)
	m.boot(t)
	t.Run("system", func(t *testing.T) { systemLife(t, m) })
	t.Run("user", func(t *testing.T) { userLife(t, m) })
	t.Run("odd folder", func(t *testing.T) { oddFolder(t, m) })
	t.Run("package", func(t *testing.T) { packagedUnit(t, m) })
}

func systemLife(t *testing.T, m *machine) {
	setlogger := func(verb string) string { return m.run(t, "setlogger", "service", verb) }
	if out := m.fails(t, "setlogger", "service", "start"); !strings.Contains(out, "setlogger service install") {
		t.Errorf("start of an absent service: no hint in %q", out)
	}
	wantState(t, m, StateAbsent)
	setlogger("install")
	wantState(t, m, StateStopped)
	if out := m.fails(t, "setlogger", "service", "install"); !strings.Contains(out, "uninstall") {
		t.Errorf("second install: no hint in %q", out)
	}
	if out := m.run(t, "systemd-analyze", "verify", "setlogger.service"); out != "" {
		t.Errorf("systemd finds fault with the unit: %s", out)
	}
	setlogger("start")
	setlogger("start")
	wantState(t, m, StateRunning)
	m.answers(t, "127.0.0.1:7373")
	m.run(t, "test", "-d", systemData)
	sandboxed(t, m)
	stores(t, m)

	before := m.mainPID(t)
	m.run(t, "kill", "-9", before)
	m.until(t, "started anew after kill -9", func() bool { return m.isOther(t, before) })
	m.answers(t, "127.0.0.1:7373")

	before = m.mainPID(t)
	setlogger("restart")
	if !m.isOther(t, before) {
		t.Error("restart kept the process")
	}
	m.halt(t)
	m.boot(t)
	m.answers(t, "127.0.0.1:7373") // nobody started it
	wantState(t, m, StateRunning)
	stored(t, m)

	setlogger("stop")
	wantState(t, m, StateStopped)
	setlogger("start")
	setlogger("uninstall")
	wantState(t, m, StateAbsent)
	if out := m.run(t, "sh", "-c", "pgrep -x setlogger || true"); out != "" {
		t.Errorf("still runs after uninstall: %s", out)
	}
	m.run(t, "test", "-d", systemData)
}

// sandboxed looks at the file system as the service sees it.
func sandboxed(t *testing.T, m *machine) {
	enter := []string{"nsenter", "-m", "-t", m.mainPID(t), "--", "touch"}
	for _, place := range []string{"/etc", "/usr/bin", "/root", "/var/lib"} {
		if out := m.fails(t, append(enter, place+"/probe")...); !strings.Contains(out, "Read-only") {
			t.Errorf("%s: %s", place, out)
		}
	}
	for _, place := range []string{"/srv", "/mnt", "/media", systemData} {
		m.run(t, append(enter, place+"/probe")...)
	}
}

// stores shows that the real daemon works in its sandbox: it writes, and syncs
// into a folder of another user.
func stores(t *testing.T, m *machine) {
	if !m.real {
		return
	}
	at := "setlogger --data " + systemData
	m.run(t, "install", "-d", "-o", "daemon", "-m", "0700", "/srv/share")
	m.run(t, "sh", "-c", at+" remote add srv /srv/share")
	m.run(t, "sh", "-c", at+" bucket create todos --remote srv")
	m.run(t, "sh", "-c", `echo '{"type":"CREATE_NODE","id":"1","properties":{"title":"Milk"}}' | `+at+" dispatch todos -")
	m.run(t, "sh", "-c", at+" sync")
	m.run(t, "sh", "-c", "ls /srv/share/log/* >/dev/null")
	stored(t, m)
}

func stored(t *testing.T, m *machine) {
	if !m.real {
		return
	}
	if got := m.run(t, "setlogger", "--data", systemData, "get", "todos", "1"); !strings.Contains(got, "Milk") {
		t.Errorf("the node is %q", got)
	}
}

// userLife is that of a service that starts with the user's own manager, which
// for a user who lingers is at boot.
func userLife(t *testing.T, m *machine) {
	m.run(t, "useradd", "--create-home", "ann")
	uid := strings.TrimSpace(m.run(t, "id", "-u", "ann"))
	as := func(arguments ...string) []string {
		return append([]string{
			"runuser", "-u", "ann", "--", "env", "HOME=/home/ann", "XDG_RUNTIME_DIR=/run/user/" + uid,
		}, arguments...)
	}
	if out := m.fails(t, as("setlogger", "service", "install", "--user")...); !strings.Contains(out, "enable-linger") {
		t.Errorf("no manager of the user: no hint in %q", out)
	}
	if out := m.fails(t, as("setlogger", "service", "install")...); !strings.Contains(out, "sudo") {
		t.Errorf("system service without root: no hint in %q", out)
	}
	m.run(t, "loginctl", "enable-linger", "ann")
	m.until(t, "the user's manager is up", func() bool { return m.isUp(as("systemctl", "--user", "is-system-running")...) })

	m.run(t, as("setlogger", "service", "install", "--user", "--listen", "127.0.0.1:7374")...)
	if out := m.run(t, as("systemd-analyze", "--user", "verify", "setlogger.service")...); out != "" {
		t.Errorf("systemd finds fault with the unit: %s", out)
	}
	m.run(t, as("setlogger", "service", "start", "--user")...)
	m.answers(t, "127.0.0.1:7374")
	m.run(t, "test", "-d", "/home/ann/.local/state/setlogger")
	wantState(t, m, StateAbsent) // of the machine

	m.halt(t)
	m.boot(t)
	m.answers(t, "127.0.0.1:7374")
	m.run(t, as("setlogger", "service", "uninstall", "--user")...)
	m.run(t, "test", "!", "-e", "/home/ann/.config/systemd/user/setlogger.service")
}

// oddFolder has every character that systemd gives a meaning.
func oddFolder(t *testing.T, m *machine) {
	const folder = `/srv/it's $HOME "100%"; A`
	m.run(t, "setlogger", "service", "install", "--data", folder)
	m.run(t, "setlogger", "service", "start")
	m.answers(t, "127.0.0.1:7373")
	if listed := m.run(t, "ls", "-A", folder); listed == "" {
		t.Error("the daemon uses another folder")
	}
	m.run(t, "setlogger", "service", "uninstall")
}

// packagedUnit leaves alone what a package put there.
func packagedUnit(t *testing.T, m *machine) {
	unit := Service{Executable: "/usr/local/bin/setlogger", Data: systemData}.Unit()
	m.run(t, "sh", "-c", fmt.Sprintf("mkdir -p /usr/lib/systemd/system && cat >/usr/lib/systemd/system/setlogger.service <<'END'\n%s\nEND\nsystemctl daemon-reload", unit))
	if out := m.fails(t, "setlogger", "service", "uninstall"); !strings.Contains(out, "package") {
		t.Errorf("no hint in %q", out)
	}
	wantState(t, m, StateStopped)
	m.run(t, "setlogger", "service", "start")
	wantState(t, m, StateRunning)
}

func wantState(t *testing.T, m *machine, want State) {
	t.Helper()
	var status Status
	out := m.run(t, "setlogger", "service", "status", "--json")
	if err := json.Unmarshal([]byte(out), &status); err != nil {
		t.Fatalf("status: %v in %q", err, out)
	}
	if status.State != want {
		t.Errorf("state is %q, not %q", status.State, want)
	}
}
