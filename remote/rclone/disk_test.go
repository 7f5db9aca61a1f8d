package rclone

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/setlogger/setlogger/remote/disk"
	"github.com/setlogger/setlogger/remote/remotetest/servers"
)

func TestDisk(t *testing.T) { conform(t, servers.Disk(t)) }

// TestNicknames: a local folder is kept by package disk under every name the user may give it.
func TestNicknames(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	nicked := filepath.Join(filepath.Dir(settingF), "nicked")
	for path, want := range map[string]string{
		"/srv/share": "/srv/share", "share": filepath.Join(here, "share"), "plain:/srv/share": "/srv/share", ":local:/srv/share": "/srv/share",
		"nick:": nicked, "nick:a/b": filepath.Join(nicked, "a", "b"), "nicknick:c": filepath.Join(nicked, "deep", "c"),
		"circle:": "", "nas:": "", ":memory:x": "", "nowhere:x": "", `:crypt,remote="/srv",password=x:`: "",
	} {
		root, ok := localRoot(path)
		if root != want || ok != (want != "") {
			t.Errorf("localRoot(%s) = %q, %v, want %q", path, root, ok, want)
		}
		if _, ok := library.Open(path).(*disk.Storage); ok != (want != "") {
			t.Errorf("Open(%s) is kept by package disk: %v", path, ok)
		}
	}
}
