package disk_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/disk"
	"github.com/setlogger/setlogger/remote/remotetest"
)

// TestReadOnly writes into a folder that this thread has no right to. Root has every right, so the thread first
// becomes somebody else as far as files go.
func TestReadOnly(t *testing.T) {
	root := t.TempDir()
	if err := os.Chmod(root, 0o555); err != nil {
		t.Fatal(err)
	}
	for folder := root; folder != os.TempDir() && folder != "/"; folder = filepath.Dir(folder) {
		if err := os.Chmod(folder, 0o555); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.Chmod(folder, 0o755) })
	}
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		if os.Getuid() == 0 {
			if err := syscall.Setfsuid(65534); err != nil {
				done <- err
				return
			}
		}
		done <- disk.New(root).Write(t.Context(), "a", nil)
	}()
	if err := <-done; !errors.Is(err, remote.ErrDenied) {
		t.Errorf("Write = %v, want ErrDenied", err)
	}
}

// TestFull fills a small file system: the write that does not fit leaves nothing, and its room is free again.
func TestFull(t *testing.T) {
	root := t.TempDir()
	if err := syscall.Mount("tmpfs", root, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("may not mount a small file system: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(root, 0); err != nil {
			t.Error(err)
		}
	})
	s := disk.New(root)
	if err := s.Write(t.Context(), "log/a", remotetest.Bytes(100_000, 1)); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := s.Write(t.Context(), "log/b", remotetest.Bytes(1<<20, 2)); !errors.Is(err, remote.ErrFull) {
			t.Errorf("Write = %v, want ErrFull", err)
		}
	}
	if got := remotetest.Names(t, s, "log"); len(got) != 1 {
		t.Errorf("listed %q", got)
	}
	if err := s.Write(t.Context(), "log/c", remotetest.Bytes(100_000, 3)); err != nil {
		t.Error(err)
	}
	if err := syscall.Mount("tmpfs", root, "tmpfs", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	if err := s.Write(t.Context(), "log/d", nil); !errors.Is(err, remote.ErrDenied) {
		t.Errorf("Write to a read-only file system = %v, want ErrDenied", err)
	}
}
