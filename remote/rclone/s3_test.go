package rclone

import (
	"context"
	"net/http/httptest"
	"net/http/httputil"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	_ "github.com/rclone/rclone/cmd/serve/s3"     // for serve/start
	_ "github.com/rclone/rclone/cmd/serve/webdav" // for serve/start
	"github.com/rclone/rclone/fs/rc"

	"github.com/setlogger/setlogger/remote/remotetest/servers"
)

// TestVersityGW runs over an S3 server that is not rclone's.
func TestVersityGW(t *testing.T) { conform(t, servers.S3(t)) }

// TestRcloneS3 runs over rclone's own S3 server.
func TestRcloneS3(t *testing.T) {
	folder := t.TempDir()
	bucket := filepath.Join(folder, "share")
	if err := os.Mkdir(bucket, 0o755); err != nil {
		t.Fatal(err)
	}
	address := serve(t, rc.Params{"type": "s3", "fs": folder, "addr": "127.0.0.1:0", "auth_key": []string{"AKID1234,SECRET1234"}})
	conform(t, &servers.Server{
		Path:   `:s3,provider=Rclone,access_key_id=AKID1234,secret_access_key=SECRET1234,endpoint="http://` + address + `":share`,
		Folder: bucket,
	})
}

// serve starts one of rclone's servers until the test ends and answers its address.
func serve(t *testing.T, params rc.Params) string {
	t.Helper()
	out, err := rc.Calls.Get("serve/start").Fn(t.Context(), params)
	if err != nil {
		t.Fatal(err)
	}
	id, err := out.GetString("id")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := rc.Calls.Get("serve/stop").Fn(context.Background(), rc.Params{"id": id}); err != nil {
			t.Error(err)
		}
	})
	address, err := out.GetString("addr")
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// TestS3Requests: what is paid for by the request costs one request a call, the first too.
func TestS3Requests(t *testing.T) {
	s := servers.S3(t)
	var mu sync.Mutex
	var seen []string
	gateway, path, _ := strings.Cut(strings.SplitN(s.Path, "http://", 2)[1], `"`)
	counting := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		mu.Lock()
		defer mu.Unlock()
		seen = append(seen, r.In.Method)
		r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", gateway, r.In.Host // the signature covers the host
	}})
	defer counting.Close()
	storage := library.Open(strings.SplitN(s.Path, "http://", 2)[0] + counting.URL + `"` + path + "/root")
	for _, call := range []struct {
		want string
		do   func() error
	}{
		{"PUT", func() error { return storage.Write(t.Context(), "log/a", []byte("x")) }},
		{"PUT", func() error { return storage.Write(t.Context(), "log/a", []byte("x")) }},
		{"GET", func() error { return listError(t, storage, "log") }},
		{"GET", func() error { _, err := storage.Read(t.Context(), "log/a"); return err }},
		{"GET", func() error { _, _ = storage.Read(t.Context(), "log/absent"); return nil }},
		{"DELETE", func() error { return storage.Remove(t.Context(), "log/a") }},
		{"GET", func() error { return listError(t, storage, "none") }},
	} {
		if err := call.do(); err != nil {
			t.Error(err)
		}
		mu.Lock()
		if got := strings.Join(seen, " "); got != call.want {
			t.Errorf("requests %q, want %q", got, call.want)
		}
		seen = nil
		mu.Unlock()
	}
}
