package servers

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"testing"
	"time"

	"golang.org/x/net/webdav"
)

// WebDAV starts a WebDAV server over a local folder, in this process.
func WebDAV(t testing.TB) *Server {
	t.Helper()
	folder := makeFolder(t, "webdav")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{
		Handler:           &webdav.Handler{FileSystem: webdav.Dir(folder), LockSystem: webdav.NewMemLS()},
		ReadHeaderTimeout: time.Minute,
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("WebDAV server: %v", err)
		}
	})
	p := newProxy(t, l.Addr().String())
	return &Server{
		Path:   fmt.Sprintf(`:webdav,url="http://%s",vendor=other:`, p.address),
		Folder: folder, away: p.cut, back: p.mend,
	}
}
