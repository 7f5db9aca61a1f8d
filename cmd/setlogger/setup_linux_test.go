package main

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

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
