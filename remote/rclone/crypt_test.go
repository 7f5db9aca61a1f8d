package rclone

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/remotetest/servers"
)

func TestCryptOverDisk(t *testing.T) { conform(t, servers.Crypt(t)) }

// TestCryptHides: neither names nor contents are on the disk, and another password reads nothing.
func TestCryptHides(t *testing.T) {
	s := servers.Crypt(t)
	if err := library.Open(s.Path).Write(t.Context(), "log/name", []byte("content")); err != nil {
		t.Fatal(err)
	}
	err := filepath.WalkDir(s.Folder, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(path)
		if strings.Contains(path, "name") || bytes.Contains(data, []byte("content")) {
			t.Errorf("%s shows something", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	other := library.Open(strings.Replace(s.Path, "password=MDEy", "password=MDEx", 1))
	if data, err := other.Read(t.Context(), "log/name"); !errors.Is(err, remote.ErrNotExist) {
		t.Errorf("another password read %q, %v", data, err)
	}
}

// TestCryptRootGone: a disk that was unmounted under crypt is not written to.
func TestCryptRootGone(t *testing.T) {
	s := servers.Crypt(t)
	storage := library.Open(s.Path)
	if err := storage.Write(t.Context(), "log/a", []byte("x")); err != nil {
		t.Fatal(err)
	}
	s.Stop(t)
	if err := storage.Write(t.Context(), "log/b", []byte("y")); !errors.Is(err, remote.ErrUnreachable) {
		t.Errorf("Write = %v, want ErrUnreachable", err)
	}
	if err := listError(t, storage, "log"); !errors.Is(err, remote.ErrUnreachable) {
		t.Errorf("List = %v, want ErrUnreachable", err)
	}
	if _, err := os.Stat(s.Folder); err == nil {
		t.Error("the folder was made anew")
	}
	s.Restart(t)
	if err := storage.Write(t.Context(), "log/b", []byte("y")); err != nil {
		t.Error(err)
	}
}

func listError(t *testing.T, s remote.Storage, folder string) error {
	t.Helper()
	for _, err := range s.List(t.Context(), folder) {
		if err != nil {
			return err
		}
	}
	return nil
}
