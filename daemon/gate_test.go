package daemon

import (
	"crypto/sha256"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

const testToken = "a-token-of-the-owner-for-the-tests"

// newGate starts a server whose gate stands before a handler that echoes the body.
func newGate(t *testing.T, log io.Writer) (address string) {
	t.Helper()
	tcp, err := listen(t.Context(), "127.0.0.1:0", false)
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{
		hosts: hostsOf(tcp.Addr()), token: sha256.Sum256([]byte(testToken)),
		apps: &apps{}, open: map[string]bool{"/": true},
		log:     slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		refused: func(string, int) {},
		next: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			data, err := io.ReadAll(r.Body)
			fmt.Fprintf(w, "in %d %v", len(data), err)
		}),
	}
	server := &http.Server{Handler: g, ConnContext: withPeer, ReadHeaderTimeout: time.Second, MaxHeaderBytes: 16 << 10}
	go func() { _ = server.Serve(tcp) }()
	t.Cleanup(func() { _ = server.Close() })
	return tcp.Addr().String()
}

// raw sends a request as text, so that no client mends it, and answers the status line's code.
func raw(t *testing.T, address, request string) string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, strings.ReplaceAll(request, "\n", "\r\n")); err != nil {
		t.Fatal(err)
	}
	answer, _ := io.ReadAll(conn)
	_, rest, _ := strings.Cut(string(answer), " ")
	code, _, _ := strings.Cut(rest, " ")
	return code
}

func TestGateRules(t *testing.T) {
	var log strings.Builder
	address := newGate(t, &log)
	_, port, _ := net.SplitHostPort(address)
	auth := "Authorization: Bearer " + testToken + "\n"
	for _, c := range []struct{ name, request, want string }{
		{"token", "GET /v1/status HTTP/1.1\nHost: HOST\n" + auth, "200"},
		{"localhost", "GET /v1/status HTTP/1.1\nHost: localhost:PORT\n" + auth, "200"},
		{"IPv6", "GET /v1/status HTTP/1.1\nHost: [::1]:PORT\n" + auth, "200"},
		{"no token", "GET /v1/status HTTP/1.1\nHost: HOST\n", "401"},
		{"wrong token", "GET /v1/status HTTP/1.1\nHost: HOST\nAuthorization: Bearer x" + testToken + "\n", "401"},
		{"cut token", "GET /v1/status HTTP/1.1\nHost: HOST\nAuthorization: Bearer " + testToken[1:] + "\n", "401"},
		{"two tokens", "GET /v1/status HTTP/1.1\nHost: HOST\n" + auth + "Authorization: Bearer x\n", "401"},
		{"basic", "GET /v1/status HTTP/1.1\nHost: HOST\nAuthorization: Basic " + testToken + "\n", "401"},
		{"token in the query", "GET /v1/status?token=" + testToken + "&access_token=" + testToken + " HTTP/1.1\nHost: HOST\n", "401"},
		{"token in the address", "GET http://x:" + testToken + "@HOST/v1/status HTTP/1.1\nHost: HOST\n", "401"},
		{"token in a cookie", "GET /v1/status HTTP/1.1\nHost: HOST\nCookie: token=" + testToken + "\n", "401"},
		{"rebound name", "GET /v1/status HTTP/1.1\nHost: evil.example:PORT\n" + auth, "403"},
		{"no port", "GET /v1/status HTTP/1.1\nHost: 127.0.0.1\n" + auth, "403"},
		{"other port", "GET /v1/status HTTP/1.1\nHost: 127.0.0.1:1\n" + auth, "403"},
		{"longer name", "GET /v1/status HTTP/1.1\nHost: localhost.evil.example:PORT\n" + auth, "403"},
		{"name in the target", "GET http://evil.example/v1/status HTTP/1.1\nHost: HOST\n" + auth, "403"},
		{"empty host", "GET /v1/status HTTP/1.1\nHost:\n" + auth, "403"},
		{"socket's name on the port", "GET /v1/status HTTP/1.1\nHost: localhost\n" + auth, "403"},
		{"own page", "GET /v1/status HTTP/1.1\nHost: HOST\nOrigin: http://HOST\nSec-Fetch-Site: same-origin\n" + auth, "200"},
		{"null origin", "GET /v1/status HTTP/1.1\nHost: HOST\nOrigin: null\n" + auth, "403"},
		{"https origin", "GET /v1/status HTTP/1.1\nHost: HOST\nOrigin: https://HOST\n" + auth, "403"},
		{"other port's origin", "GET /v1/status HTTP/1.1\nHost: HOST\nOrigin: http://127.0.0.1:8000\n" + auth, "403"},
		{"longer origin", "GET /v1/status HTTP/1.1\nHost: HOST\nOrigin: http://HOST.evil.example\n" + auth, "403"},
		{"origin of the other name", "GET /v1/status HTTP/1.1\nHost: HOST\nOrigin: http://localhost:PORT\n" + auth, "403"},
		{"two origins", "GET /v1/status HTTP/1.1\nHost: HOST\nOrigin: http://HOST\nOrigin: http://evil.example\n" + auth, "403"},
		{"empty origin", "GET /v1/status HTTP/1.1\nHost: HOST\nOrigin:\n" + auth, "403"},
		{"other site", "GET /v1/status HTTP/1.1\nHost: HOST\nSec-Fetch-Site: cross-site\n" + auth, "403"},
		{"same site, other port", "GET /v1/status HTTP/1.1\nHost: HOST\nSec-Fetch-Site: same-site\n" + auth, "403"},
		{"page by link", "GET / HTTP/1.1\nHost: HOST\nSec-Fetch-Site: cross-site\nSec-Fetch-Mode: navigate\nSec-Fetch-Dest: document\n", "200"},
		{"page in a frame", "GET / HTTP/1.1\nHost: HOST\nSec-Fetch-Site: cross-site\nSec-Fetch-Mode: navigate\nSec-Fetch-Dest: iframe\n", "403"},
		{"page as a script", "GET / HTTP/1.1\nHost: HOST\nSec-Fetch-Site: cross-site\nSec-Fetch-Mode: no-cors\nSec-Fetch-Dest: script\n", "403"},
		{"open page is no open post", "POST / HTTP/1.1\nHost: HOST\nContent-Length: 0\n", "401"},
		{"health from anywhere", "GET /healthz HTTP/1.1\nHost: HOST\nOrigin: https://evil.example\nSec-Fetch-Site: cross-site\n", "200"},
		{"health under another name", "GET /healthz HTTP/1.1\nHost: evil.example:PORT\n", "403"},
		{"preflight", "OPTIONS /v1/status HTTP/1.1\nHost: HOST\nOrigin: https://evil.example\n", "204"},
		{"JSON", "POST /v1/x HTTP/1.1\nHost: HOST\nContent-Type: application/json; charset=utf-8\nContent-Length: 2\n" + auth + "\n{}", "200"},
		{"form", "POST /v1/x HTTP/1.1\nHost: HOST\nContent-Type: application/x-www-form-urlencoded\nContent-Length: 2\n" + auth + "\n{}", "415"},
		{"text", "POST /v1/x HTTP/1.1\nHost: HOST\nContent-Type: text/plain\nContent-Length: 2\n" + auth + "\n{}", "415"},
		{"text that says JSON", "POST /v1/x HTTP/1.1\nHost: HOST\nContent-Type: text/plain; application/json\nContent-Length: 2\n" + auth + "\n{}", "415"},
		{"two types", "POST /v1/x HTTP/1.1\nHost: HOST\nContent-Type: text/plain\nContent-Type: application/json\nContent-Length: 2\n" + auth + "\n{}", "415"},
		{"no type", "POST /v1/x HTTP/1.1\nHost: HOST\nContent-Length: 2\n" + auth + "\n{}", "415"},
		{"chunks of no type", "POST /v1/x HTTP/1.1\nHost: HOST\nTransfer-Encoding: chunked\n" + auth + "\n2\n{}\n0\n\n", "415"},
		{"packed", "POST /v1/x HTTP/1.1\nHost: HOST\nContent-Type: application/json\nContent-Encoding: gzip\nContent-Length: 2\n" + auth + "\n{}", "415"},
		{"no body", "POST /v1/x HTTP/1.1\nHost: HOST\nContent-Length: 0\n" + auth, "200"},
		{"large header", "GET /v1/status HTTP/1.1\nHost: HOST\nX: " + strings.Repeat("x", 40<<10) + "\n" + auth, "431"},
	} {
		text := strings.NewReplacer("HOST", "127.0.0.1:"+port, "PORT", port).Replace(c.request)
		head, body, _ := strings.Cut(text, "\n\n")
		if got := raw(t, address, strings.TrimSuffix(head, "\n")+"\nConnection: close\n\n"+body); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	if strings.Contains(log.String(), testToken[1:]) {
		t.Error("the token is in the log")
	}
}

func TestGateForbidsTheRest(t *testing.T) {
	address := newGate(t, io.Discard)
	response, err := http.Get("http://" + address + "/v1/status")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	for name, want := range map[string]string{
		"Content-Security-Policy": contentSecurity, "X-Content-Type-Options": "nosniff", "Cache-Control": "no-store",
		"Access-Control-Allow-Origin": "", "Www-Authenticate": `Bearer realm="setlogger"`, "Content-Type": "application/problem+json",
	} {
		if got := response.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
}

func TestGateBoundsBodies(t *testing.T) {
	address := newGate(t, io.Discard)
	for kind, want := range map[string]string{
		"application/json":     fmt.Sprintf("in %d http: request body too large", maxBody),
		"application/x-ndjson": fmt.Sprintf("in %d <nil>", maxBody+1),
	} {
		request, _ := http.NewRequest(http.MethodPost, "http://"+address+"/v1/x", strings.NewReader(strings.Repeat(" ", maxBody+1)))
		request.Header.Set("Content-Type", kind)
		request.Header.Set("Authorization", "Bearer "+testToken)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		data, _ := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if string(data) != want {
			t.Errorf("%s: %q, want %q", kind, data, want)
		}
	}
}

// TestGateEndsSlowSenders lets the deadline pass by moving it: a body that never comes must not hold a connection.
func TestGateEndsSlowSenders(t *testing.T) {
	var set []time.Duration
	recorder := &deadlines{ResponseRecorder: httptest.NewRecorder(), set: &set}
	r := httptest.NewRequest(http.MethodPost, "/v1/x", strings.NewReader("{}"))
	r.Header.Set("Content-Type", "application/json")
	body := limitBody(recorder, r)
	if len(set) != 1 || set[0] > bodyTime || set[0] < bodyTime-time.Second {
		t.Fatalf("before the body: %v", set)
	}
	if _, err := io.ReadAll(body); err != nil {
		t.Fatal(err)
	}
	if last := set[len(set)-1]; last != 0 {
		t.Errorf("the deadline is not lifted after the body: %v", set)
	}
	r.Header.Set("Content-Type", "application/x-ndjson")
	r.Body = io.NopCloser(iotest.OneByteReader(strings.NewReader("{}\n{}\n")))
	set = nil
	if _, err := io.ReadAll(limitBody(recorder, r)); err != nil {
		t.Fatal(err)
	}
	if len(set) < 7 {
		t.Errorf("a stream has a deadline for each read, got %v", set)
	}
}

type deadlines struct {
	*httptest.ResponseRecorder
	set *[]time.Duration
}

func (d *deadlines) SetReadDeadline(at time.Time) error {
	wait := time.Duration(0)
	if !at.IsZero() {
		wait = time.Until(at)
	}
	*d.set = append(*d.set, wait)
	return nil
}

func TestSlowHeaderIsEnded(t *testing.T) {
	address := newGate(t, io.Discard)
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: "); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(conn); err != nil {
		t.Errorf("the connection was not ended: %v", err)
	}
}

func TestConnectionsAreBounded(t *testing.T) {
	tcp, err := listen(t.Context(), "127.0.0.1:0", false)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = tcp.Close() }()
	tcp.slots = make(chan struct{}, 1)
	accepted := make(chan net.Conn)
	go func() {
		for {
			conn, err := tcp.Accept()
			if err != nil {
				close(accepted)
				return
			}
			accepted <- conn
		}
	}()
	for range 2 {
		conn, err := net.Dial("tcp", tcp.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
	}
	first := <-accepted
	if len(tcp.slots) != 1 {
		t.Fatal("the first connection holds no slot")
	}
	_ = first.Close()
	_ = first.Close() // frees its slot once
	second := <-accepted
	_ = second.Close()
	_ = tcp.Close()
	if _, open := <-accepted; open {
		t.Error("Accept goes on after Close")
	}
}

func TestListenRefusesThePublic(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", "[::]:0", ":0", "192.0.2.1:0", "example.org:0"} {
		if l, err := listen(t.Context(), address, false); err == nil {
			_ = l.Close()
			t.Errorf("%s was accepted", address)
		}
	}
}
