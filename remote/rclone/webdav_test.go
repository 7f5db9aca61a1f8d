package rclone

import (
	"os"
	"testing"

	"github.com/rclone/rclone/fs/rc"

	"github.com/setlogger/setlogger/remote/memory"
	"github.com/setlogger/setlogger/remote/remotetest"
	"github.com/setlogger/setlogger/remote/remotetest/servers"
	"github.com/setlogger/setlogger/remote/remotetest/webdav"
)

// TestWebDAV runs over the Go project's server.
func TestWebDAV(t *testing.T) { conform(t, servers.WebDAV(t)) }

// TestRcloneWebDAV runs over rclone's own server.
func TestRcloneWebDAV(t *testing.T) {
	folder := t.TempDir()
	address := serve(t, rc.Params{"type": "webdav", "fs": folder, "addr": "127.0.0.1:0", "vfs_cache_mode": "off"})
	conform(t, &servers.Server{Path: `:webdav,url="http://` + address + `",vendor=rclone:`, Folder: folder})
}

// TestStorageOverWebDAV runs over the server by which lying places are reached.
func TestStorageOverWebDAV(t *testing.T) {
	if os.Getenv("SETLOGGER_SOAK") == "" {
		t.Skip("in the long form alone, SETLOGGER_SOAK=1: TestWebDAV has run the suite over WebDAV, and endtoend's TestEachPlace runs over this server")
	}
	s, err := webdav.Start(memory.New(), webdav.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	remotetest.Run(t, below(s.Path()))
}
