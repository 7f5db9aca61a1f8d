package rclone

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/rclone/rclone/lib/atexit"

	"github.com/setlogger/setlogger/remote"
)

// childMode in the environment makes the test binary a program that starts rclone in its own way.
const childMode = "SETLOGGER_TEST_CHILD"

func child(mode string) int {
	var err error
	switch mode {
	case "start":
		_, err = Start(context.Background(), Options{})
	case "stop":
		err = startStop()
	case "corrupt":
		err = startCorrupt(os.Getenv("SETLOGGER_TEST_SETTINGS"))
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// startCorrupt tells how a program fares whose settings file can't be read.
func startCorrupt(path string) error {
	before, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	l, err := Start(context.Background(), Options{ConfigPath: path})
	if err != nil {
		return err
	}
	defer l.Stop()
	if err := l.SettingsError(); !errors.Is(err, ErrSettings) {
		return fmt.Errorf("SettingsError = %w", err)
	}
	_, err = l.Open("nas:x").Read(context.Background(), "a")
	if !errors.Is(err, remote.ErrUnreachable) || !errors.Is(err, ErrSettings) || remote.Hint(err) == "" {
		return fmt.Errorf("read from a remote of the settings = %w", err)
	}
	folder, err := os.MkdirTemp("", "setlogger-corrupt")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	for _, path := range []string{folder, ":memory:x"} {
		if err := l.Open(path).Write(context.Background(), "a", nil); err != nil {
			return fmt.Errorf("write beside the settings: %w", err)
		}
	}
	if err := l.settings.Save(); !errors.Is(err, ErrSettings) {
		return fmt.Errorf("save = %w", err)
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		return fmt.Errorf("the file was changed: %w", err)
	}
	if err := os.WriteFile(path, []byte("[nas]\ntype = memory\n"), 0o600); err != nil {
		return err
	}
	if err := l.SettingsError(); err != nil {
		return fmt.Errorf("mended: %w", err)
	}
	if err := l.Open("nas:x").Write(context.Background(), "a", nil); err != nil {
		return fmt.Errorf("mended: %w", err)
	}
	return nil
}

// startStop tells how calls end, and that rclone leaves signals to the program.
func startStop() error {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	l, err := Start(ctx, Options{})
	if err != nil {
		return err
	}
	used, unused := l.Open(":memory:x"), l.Open(":memory:y")
	if err := used.Write(ctx, "a", nil); err != nil {
		return err
	}
	atexit.Register(cancel) // rclone takes signals from the first registration on, unless told not to
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		return err
	}
	if err := self.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	<-signals
	if err := used.Write(ctx, "a", nil); err != nil {
		return fmt.Errorf("after SIGTERM: %w", err)
	}
	l.Stop()
	if ctx.Err() == nil {
		return errors.New("exit handlers did not run at Stop")
	}
	for _, s := range []remote.Storage{used, unused} {
		if _, err := s.Read(context.Background(), "a"); !errors.Is(err, remote.ErrUnreachable) {
			return fmt.Errorf("read after Stop = %w", err)
		}
	}
	return nil
}

// runChild runs this test binary as a program with a home of its own.
func runChild(t *testing.T, mode, home string, env ...string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Dir = home
	cmd.Env = slices.Concat(env, []string{"HOME=" + home, childMode + "=" + mode, "PATH=" + os.Getenv("PATH"), "TMPDIR=" + os.TempDir()})
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestCorruptSettings(t *testing.T) {
	for name, content := range map[string]string{
		"garbage":   "\x00\x01[half\nkey",
		"encrypted": "# Encrypted rclone configuration File\n\nRCLONE_ENCRYPT_V0:\n" + strings.Repeat("QUJD", 40) + "\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			path := filepath.Join(home, "rclone.conf")
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			runChild(t, "corrupt", home, "SETLOGGER_TEST_SETTINGS="+path)
		})
	}
}

// TestHomeUntouched: neither linking rclone nor starting it makes anything in the user's home.
func TestHomeUntouched(t *testing.T) {
	for _, env := range [][]string{nil, {"XDG_CONFIG_HOME=/nonexistent"}, {"RCLONE_CONFIG=other.conf"}} {
		home := t.TempDir()
		runChild(t, "start", home, env...)
		if entries, err := os.ReadDir(home); err != nil || len(entries) != 0 {
			t.Errorf("%v: made %v, %v", env, entries, err)
		}
	}
}

func TestStop(t *testing.T) { runChild(t, "stop", t.TempDir()) }

func TestRemotes(t *testing.T) {
	if got := library.Remotes(); !slices.Equal(got, []string{"circle", "cloud", "nas", "nick", "nicknick", "plain", "round", "stranger"}) {
		t.Errorf("Remotes() = %q", got)
	}
	if library.SettingsError() != nil || library.ConfigPath() != settingF {
		t.Errorf("%v, %s", library.SettingsError(), library.ConfigPath())
	}
	if _, err := Start(t.Context(), Options{}); !errors.Is(err, ErrStarted) {
		t.Errorf("a second Start = %v", err)
	}
}
