package disk_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/disk"
	"github.com/setlogger/setlogger/remote/remotetest"
)

func TestConformance(t *testing.T) {
	remotetest.Run(t, func(t *testing.T) remote.Storage {
		folder := t.TempDir()
		t.Cleanup(func() { wantNoTemporary(t, folder) })
		return disk.New(folder)
	})
}

func wantNoTemporary(t *testing.T, folder string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, _ os.DirEntry, err error) error {
		if strings.HasPrefix(filepath.Base(path), ".") {
			t.Errorf("%s was left behind", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestRootGone: an unmounted disk is unreachable for every verb, and a write does not make the folder anew.
func TestRootGone(t *testing.T) {
	root := filepath.Join(t.TempDir(), "share")
	s := disk.New(root)
	wantUnreachable := func() {
		t.Helper()
		_, readErr := s.Read(t.Context(), "log/a")
		for verb, err := range map[string]error{
			"Read": readErr, "Write": s.Write(t.Context(), "log/a", nil), "Remove": s.Remove(t.Context(), "log/a"),
			"List": listError(t.Context(), s, ""), "List log": listError(t.Context(), s, "log"),
		} {
			if !errors.Is(err, remote.ErrUnreachable) {
				t.Errorf("%s = %v, want ErrUnreachable", verb, err)
			}
		}
	}
	wantUnreachable()
	if _, err := os.Stat(root); err == nil {
		t.Error("the root was made")
	}
	if err := disk.Make(root); err != nil {
		t.Fatal(err)
	}
	if err := s.Write(t.Context(), "log/a", []byte("x")); err != nil {
		t.Error(err)
	}
	if err := os.RemoveAll(root); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(root, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wantUnreachable()
}

func listError(ctx context.Context, s remote.Storage, folder string) error {
	for _, err := range s.List(ctx, folder) {
		if err != nil {
			return err
		}
	}
	return nil
}

// TestSweep: what a crash left behind is cleared away, what another process is writing is not.
func TestSweep(t *testing.T) {
	root := t.TempDir()
	old, fresh := filepath.Join(root, "log", ".setlogger_OLD"), filepath.Join(root, "log", ".setlogger_FRESH")
	foreign := filepath.Join(root, "log", ".foreign")
	if err := os.Mkdir(filepath.Join(root, "log"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{old, fresh, foreign} {
		if err := os.WriteFile(path, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before := time.Now().Add(-2 * time.Hour)
	for _, path := range []string{old, foreign} {
		if err := os.Chtimes(path, before, before); err != nil {
			t.Fatal(err)
		}
	}
	s := disk.New(root)
	if err := s.Write(t.Context(), "log/a", []byte("x")); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{old: false, fresh: true, foreign: true} {
		if _, err := os.Stat(path); (err == nil) != want {
			t.Errorf("%s: %v, want there=%v", filepath.Base(path), err, want)
		}
	}
	if got := remotetest.Names(t, s, "log"); strings.Join(got, " ") != "log/.foreign log/a" {
		t.Errorf("listed %q", got)
	}
}

func TestOverLargeFile(t *testing.T) {
	root := t.TempDir()
	path := filepath.Join(root, "large")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, remote.MaxFile+1); err != nil {
		t.Fatal(err)
	}
	if _, err := disk.New(root).Read(t.Context(), "large"); !errors.Is(err, remote.ErrTooLarge) {
		t.Errorf("Read = %v, want ErrTooLarge", err)
	}
	if err := os.Truncate(path, remote.MaxFile); err != nil {
		t.Fatal(err)
	}
	if data, err := disk.New(root).Read(t.Context(), "large"); err != nil || len(data) != remote.MaxFile {
		t.Errorf("Read = %d B, %v", len(data), err)
	}
}

// TestLinks: whoever can write to a shared folder must not make us read or write outside of it.
func TestLinks(t *testing.T) {
	root, outside := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(outside, "secret"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	for link, target := range map[string]string{
		"file": filepath.Join(outside, "secret"), "log": outside, "dangling": "nowhere", "loop": "loop",
	} {
		if err := os.Symlink(target, filepath.Join(root, link)); err != nil {
			t.Skipf("no symbolic links here: %v", err)
		}
	}
	s := disk.New(root)
	if data, err := s.Read(t.Context(), "file"); err == nil {
		t.Errorf("read %q through a link", data)
	}
	if data, err := s.Read(t.Context(), "log/secret"); err == nil {
		t.Errorf("read %q through a folder's link", data)
	}
	if err := s.Write(t.Context(), "log/a", []byte("x")); !errors.Is(err, remote.ErrDenied) {
		t.Errorf("Write through a folder's link = %v", err)
	}
	if err := s.Remove(t.Context(), "log/secret"); !errors.Is(err, remote.ErrDenied) {
		t.Errorf("Remove through a folder's link = %v", err)
	}
	if _, err := os.Stat(filepath.Join(outside, "secret")); err != nil {
		t.Error(err)
	}
	if got := remotetest.Names(t, s, ""); len(got) != 0 {
		t.Errorf("listed %q", got)
	}
}
