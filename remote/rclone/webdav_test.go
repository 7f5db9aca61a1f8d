package rclone

import (
	"testing"

	"github.com/rclone/rclone/fs/rc"

	"github.com/setlogger/setlogger/remote/remotetest/servers"
)

// TestWebDAV runs over the Go project's server.
func TestWebDAV(t *testing.T) { conform(t, servers.WebDAV(t)) }

// TestRcloneWebDAV runs over rclone's own server.
func TestRcloneWebDAV(t *testing.T) {
	folder := t.TempDir()
	address := serve(t, rc.Params{"type": "webdav", "fs": folder, "addr": "127.0.0.1:0", "vfs_cache_mode": "off"})
	conform(t, &servers.Server{Path: `:webdav,url="http://` + address + `",vendor=rclone:`, Folder: folder})
}
