package rclone

import (
	"errors"
	"net/http"
	"os"
	"testing"

	"github.com/rclone/rclone/fs/rc"

	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/faulty"
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
	s := overWebDAV(t, memory.New(), webdav.Options{})
	remotetest.Run(t, below(s.Path()))
}

func overWebDAV(t *testing.T, files remote.Storage, o webdav.Options) *webdav.Server {
	t.Helper()
	s, err := webdav.Start(files, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// TestRequestsOfWebDAV counts the HTTP requests of each call.
func TestRequestsOfWebDAV(t *testing.T) {
	s := overWebDAV(t, memory.New(), webdav.Options{})
	storage := library.Open(s.Path())
	for _, name := range []string{"log/a", "log/b"} { // the first opens it, and makes the folder
		if err := storage.Write(t.Context(), name, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		call string
		want int
		do   func() error
	}{
		{"list", 1, func() error { return listError(t, storage, "log") }},
		{"write", 6, func() error { return storage.Write(t.Context(), "log/c", []byte("x")) }},
		{"read", 2, func() error { _, err := storage.Read(t.Context(), "log/c"); return err }},
		{"remove", 2, func() error { return storage.Remove(t.Context(), "log/c") }},
	} {
		before := s.Requests()
		if err := c.do(); err != nil {
			t.Errorf("%s: %v", c.call, err)
		}
		if got := s.Requests() - before; got != c.want {
			t.Errorf("%s makes %d requests, want %d", c.call, got, c.want)
		}
	}
}

// TestLyingWebDAV: what rclone makes of the ways in which a place fails.
func TestLyingWebDAV(t *testing.T) {
	truth := memory.New()
	files := faulty.New(truth, faulty.Options{})
	s := overWebDAV(t, files, webdav.Options{Truth: truth, Answer: func(err error) webdav.Answer {
		switch faulty.Of(err) {
		case faulty.Broken, faulty.LostAnswer:
			return webdav.Answer{}
		case faulty.Busy:
			return webdav.Answer{Status: http.StatusForbidden, Body: `{"error":{"errors":[{"reason":"rateLimitExceeded"}]}}`}
		default:
			return webdav.Standard(err)
		}
	}})
	storage := library.Open(s.Path())
	for _, name := range []string{"log/a", "log/b", "log/c"} {
		if err := storage.Write(t.Context(), name, []byte("0123456789")); err != nil {
			t.Fatal(err)
		}
	}
	write := func() error { return storage.Write(t.Context(), "log/d", []byte("x")) }
	list := func() error { return listError(t, storage, "log") }
	for _, c := range []struct {
		once  faulty.Once
		times int
		want  error
		do    func() error
	}{
		{faulty.Once{Fault: faulty.Broken}, tries, remote.ErrUnreachable, list},
		{faulty.Once{Fault: faulty.Busy}, tries, remote.ErrBusy, list},
		{faulty.Once{Fault: faulty.Short, At: 4}, tries, remote.ErrUnreachable, func() error { _, err := storage.Read(t.Context(), "log/a"); return err }},
		{faulty.Once{Fault: faulty.Full}, 1, remote.ErrFull, write},
		{faulty.Once{Fault: faulty.LostAnswer, Skip: 1}, 1, nil, write}, // of the move, not of the upload
	} {
		for range c.times {
			files.Script(c.once)
		}
		if err := c.do(); !errors.Is(err, c.want) {
			t.Errorf("%v: %v, want %v", c.once.Fault, err, c.want)
		}
		if left := c.times - files.Counts()[c.once.Fault]; left != 0 {
			t.Errorf("%v was met %d times too few", c.once.Fault, left)
		}
	}
	if data, err := storage.Read(t.Context(), "log/d"); err != nil || string(data) != "x" {
		t.Errorf("read %q, %v", data, err)
	}
}
