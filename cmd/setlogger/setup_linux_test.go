package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/setlogger/setlogger/api"
)

// TestSetupOfBadFolders: a folder that can't be written and a full disk end in the named problem.
func TestSetupOfBadFolders(t *testing.T) {
	root := t.TempDir()
	if err := syscall.Mount("tmpfs", root, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("may not mount a small file system: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(root, 0); err != nil {
			t.Error(err)
		}
	})
	g := newGuide(t)
	g.words = append(g.words, root, "$DISK")
	folder := filepath.Join(root, "share")
	if err := errors.Join(os.Mkdir(folder, 0o700), os.WriteFile(filepath.Join(root, "film"), make([]byte, 1<<20), 0o600)); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("the disk is not full: %v", err)
	}
	g.guided(t, "full", exitFailed, "8", "usb", folder, "drop")
	if err := syscall.Mount("tmpfs", root, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	g.guided(t, "readonly", exitFailed, "8", "usb", folder, "drop")
	all, err := g.client.Remotes(t.Context())
	if err != nil || slices.ContainsFunc(all, func(r api.RemoteStatus) bool { return r.Name == "usb" }) {
		t.Errorf("%+v, %v", all, err)
	}
}

// openTerminal answers both ends of a pseudo-terminal: the person's and the program's.
func openTerminal(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = person.Close() })
	fd := int(person.Fd())
	number, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err = errors.Join(err, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)); err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = program.Close() })
	return person, program
}

// TestSetupAtATerminal: what is secret is not shown while it is typed, and Ctrl-C there gives up and leaves the terminal as it was.
func TestSetupAtATerminal(t *testing.T) {
	g := newGuide(t)
	person, program := openTerminal(t)
	cmd := g.command("remote", "add", "cloud", "--no-browser")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = program, program, program
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	shown := ""
	for _, turn := range []struct{ prompt, typed string }{
		{"Number or word: ", "webdav\n"},
		{"url: ", "http://127.0.0.1:1\n"},
		{"vendor [none]: ", "other\n"},
		{"user [none]: ", "ann\n"},
		{"pass [none]: ", "hush hush\n"},
		{"folder [setlogger]: ", "\n"},
		{"verdict [again]: ", "again\n"},
		{"url [http://127.0.0.1:1]: ", "\n"},
		{"vendor [other]: ", "\n"},
		{"user [ann]: ", "\n"},
		{"pass [as before]: ", "hush\x03"},
		{"nothing was kept", ""},
	} {
		shown += readUntil(t, person, turn.prompt)
		for strings.HasPrefix(turn.prompt, "pass") && showsTyping(t, program) {
			runtime.Gosched() // the prompt comes first
		}
		if _, err := person.WriteString(turn.typed); err != nil {
			t.Fatal(err)
		}
	}
	if err := cmd.Wait(); cmd.ProcessState.ExitCode() != exitFailed {
		t.Errorf("it ended with %v", err)
	}
	g.wantNoSecret(t, "the terminal", shown)
	if !strings.Contains(shown, "ann\r\n") {
		t.Errorf("what is no secret is not shown either:\n%s", shown)
	}
	if !showsTyping(t, program) {
		t.Error("the terminal shows nothing any more")
	}
	if g.section(t, "cloud") != "" {
		t.Error("something was kept")
	}
}

func showsTyping(t *testing.T, terminal *os.File) bool {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(terminal.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return state.Lflag&unix.ECHO != 0
}

// readUntil reads up to a prompt.
func readUntil(t *testing.T, from *os.File, prompt string) string {
	t.Helper()
	text, one := "", make([]byte, 1)
	for !strings.HasSuffix(text, prompt) {
		if _, err := from.Read(one); err != nil {
			t.Fatalf("no %q after %q: %v", prompt, text, err)
		}
		text += string(one)
	}
	return text
}
