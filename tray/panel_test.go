//go:build linux

package tray

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// desktop is an X server, a session bus and a panel, for one tray.
type desktop struct {
	environment []string
	bus         string // address
	opened      string // file that holds what xdg-open was given
	program     string
	tray        *exec.Cmd
	menu        string // bus name of the tray's menu, once found
	ids         map[string]int
}

const menuPath = "/org/ayatana/NotificationItem/systray/Menu"

func newDesktop(t *testing.T) *desktop {
	t.Helper()
	if testing.Short() {
		t.Skip("skipped by -short: starts an X server")
	}
	for _, program := range []string{"Xvfb", "trayer", "dbus-daemon", "busctl", "import", "pkg-config", "gcc"} {
		if _, err := exec.LookPath(program); err != nil {
			missing(t, fmt.Sprintf("%s is not installed (apt-get install xvfb trayer dbus systemd imagemagick pkg-config gcc)", program))
		}
	}
	if err := exec.Command("pkg-config", "--exists", "gtk+-3.0", "ayatana-appindicator3-0.1").Run(); err != nil {
		missing(t, "the tray can't be built (apt-get install libgtk-3-dev libayatana-appindicator3-dev)")
	}
	folder := t.TempDir()
	d := &desktop{opened: filepath.Join(folder, "opened"), program: filepath.Join(folder, "setlogger-tray")}
	build := exec.Command("go", "build", "-tags", "tray", "-o", d.program, "../cmd/setlogger-tray")
	build.Env = append(os.Environ(), "CGO_ENABLED=1")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	script := fmt.Sprintf("#!/bin/sh\necho \"$1\" >%q\n", d.opened)
	if err := os.WriteFile(filepath.Join(folder, "xdg-open"), []byte(script), 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	d.environment = append(os.Environ(), "PATH="+folder+":"+os.Getenv("PATH"), "HOME="+folder, "TMPDIR="+folder,
		"XDG_RUNTIME_DIR="+folder, "WAYLAND_DISPLAY=", "NO_AT_BRIDGE=1", "GTK_THEME=Adwaita")
	d.bus = d.startAnnouncing(t, "dbus-daemon", "--session", "--nofork", "--print-address=3")
	d.environment = append(d.environment, "DBUS_SESSION_BUS_ADDRESS="+d.bus)
	display := d.startAnnouncing(t, "Xvfb", "-displayfd", "3", "-nolisten", "tcp", "-screen", "0", "640x400x24")
	d.environment = append(d.environment, "DISPLAY=:"+display)
	d.start(t, "trayer", "--edge", "top", "--align", "right", "--width", "30", "--height", "26")
	return d
}

// start starts a program of the desktop, and ends it with the test.
func (d *desktop) start(t *testing.T, name string, arguments ...string) *exec.Cmd {
	t.Helper()
	c := exec.Command(name, arguments...)
	c.Env = d.environment
	d.run(t, c)
	return c
}

func (d *desktop) run(t *testing.T, c *exec.Cmd) {
	t.Helper()
	var said bytes.Buffer
	c.Stderr = &said
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Kill()
		_ = c.Wait()
		if t.Failed() {
			t.Logf("%s said: %s", c.Path, &said)
		}
	})
}

// startAnnouncing starts a program that writes where it is to descriptor 3.
func (d *desktop) startAnnouncing(t *testing.T, name string, arguments ...string) string {
	t.Helper()
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(name, arguments...)
	c.Env, c.ExtraFiles = d.environment, []*os.File{writer}
	d.run(t, c)
	_ = writer.Close()
	line, err := bufio.NewReader(reader).ReadString('\n')
	if err != nil {
		t.Fatalf("%s announces nothing: %v", name, err)
	}
	_ = reader.Close()
	return strings.TrimSpace(line)
}

func (d *desktop) startTray(t *testing.T, arguments ...string) {
	t.Helper()
	d.tray = d.start(t, d.program, arguments...)
	d.until(t, "the tray's menu is on the bus", d.findMenu)
}

// findMenu finds the connection on which the tray gives out its menu.
func (d *desktop) findMenu() bool {
	var names [1][]string
	if d.call(&names, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "ListNames") != nil {
		return false
	}
	for _, name := range names[0] {
		var id [1]int
		err := d.call(&id, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "GetConnectionUnixProcessID", "s", name)
		if err != nil || id[0] != d.tray.Process.Pid || !strings.HasPrefix(name, ":") {
			continue
		}
		var version any
		if d.call(&version, name, menuPath, "org.freedesktop.DBus.Properties", "Get", "ss", "com.canonical.dbusmenu", "Version") == nil {
			d.menu = name
			return true
		}
	}
	return false
}

// call makes one call on the session bus; answer takes the list of its results.
func (d *desktop) call(answer any, arguments ...string) error {
	out, err := exec.Command("busctl", append([]string{"--address=" + d.bus, "--json=short", "--", "call"}, arguments...)...).Output()
	if err != nil || len(out) == 0 {
		return err
	}
	return json.Unmarshal(out, &struct{ Data any }{answer})
}

// layout is an item of a menu, as dbusmenu encodes it: id, properties, children.
type layout struct {
	id         int
	properties map[string]struct{ Data any }
	children   []struct{ Data layout }
}

func (l *layout) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, &[]any{&l.id, &l.properties, &l.children})
}

// words answers what the menu shows, line by line: "-" is a separator, and
// "(off)" marks what can't be clicked.
func (d *desktop) words() (lines []string) {
	var revision int
	var root layout
	err := d.call(&[]any{&revision, &root}, d.menu, menuPath, "com.canonical.dbusmenu", "GetLayout", "iias", "0", "-1", "0")
	if err != nil {
		return []string{err.Error()}
	}
	d.ids = map[string]int{}
	for _, child := range root.children {
		p := child.Data.properties
		text, _ := p["label"].Data.(string)
		text = strings.ReplaceAll(text, "__", "_") // a single one underlines
		switch {
		case p["visible"].Data == false:
			continue
		case p["type"].Data == "separator":
			text = "-"
		case p["enabled"].Data == false:
			text += " (off)"
		}
		d.ids[text] = child.Data.id
		lines = append(lines, text)
	}
	return lines
}

func (d *desktop) click(t *testing.T, words string) {
	t.Helper()
	d.words()
	id, found := d.ids[words]
	if !found {
		t.Fatalf("no %q in the menu", words)
	}
	err := d.call(new(any), d.menu, menuPath, "com.canonical.dbusmenu", "Event", "isvu", strconv.Itoa(id), "clicked", "i", "0", "0")
	if err != nil && words != "Quit this icon" { // which may be gone before it answers
		t.Fatalf("click %q: %v", words, err)
	}
}

func (d *desktop) screenshot() []byte {
	c := exec.Command("import", "-window", "root", "png:-")
	c.Env = d.environment
	out, err := c.Output()
	if err != nil {
		return nil
	}
	return out
}

// sees tells whether a colour covers a good part of an icon on the screen.
func (d *desktop) sees(want color.NRGBA) bool {
	picture, err := png.Decode(bytes.NewReader(d.screenshot()))
	if err != nil {
		return false
	}
	pixels, size := 0, picture.Bounds().Size()
	for y := range size.Y {
		for x := range size.X {
			if near(picture.At(x, y), want) {
				pixels++
			}
		}
	}
	return pixels >= 30
}

// until polls for a condition; otherwise runs where it never comes about.
func (d *desktop) until(t *testing.T, what string, condition func() bool, otherwise ...func()) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !condition(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			for _, report := range otherwise {
				report()
			}
			t.Fatalf("never: %s", what)
		}
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
