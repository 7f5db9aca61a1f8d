package rclone

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"sync"
	"testing"

	"github.com/setlogger/setlogger/remote/remotetest"
	"github.com/setlogger/setlogger/remote/remotetest/servers"
)

// TestRequestsOfS3 counts the HTTP requests that each call makes of an S3 server: the prices of daemon/budget.go go by them.
func TestRequestsOfS3(t *testing.T) {
	s := servers.S3(t)
	endpoint := regexp.MustCompile(`http://[^"]+`).FindString(s.Path)
	target, err := url.Parse(endpoint)
	if err != nil || endpoint == "" {
		t.Fatal(s.Path, err)
	}
	var mu sync.Mutex
	seen := map[string]int{}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target); r.Out.Host = r.In.Host }}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		seen[r.Method]++
		mu.Unlock()
		proxy.ServeHTTP(w, r)
	}))
	defer front.Close()
	storage := library.Open(regexp.MustCompile(`http://[^"]+`).ReplaceAllString(s.Path, front.URL))
	if got := remotetest.Names(t, storage, "log"); len(got) != 0 { // opens it
		t.Fatal(got)
	}
	for _, c := range []struct {
		call string
		want string
		do   func() error
	}{
		{"list", "map[GET:1]", func() error { remotetest.Names(t, storage, "log"); return nil }},
		{"write", "map[PUT:1]", func() error { return storage.Write(t.Context(), "log/a", []byte("x")) }},
		{"read", "map[GET:1]", func() error { _, err := storage.Read(t.Context(), "log/a"); return err }},
		{"remove", "map[DELETE:1]", func() error { return storage.Remove(t.Context(), "log/a") }},
	} {
		mu.Lock()
		clear(seen)
		mu.Unlock()
		if err := c.do(); err != nil {
			t.Errorf("%s: %v", c.call, err)
		}
		mu.Lock()
		if got := fmt.Sprint(seen); got != c.want {
			t.Errorf("%s makes %s, want %s", c.call, got, c.want)
		}
		mu.Unlock()
	}
}
