package attack

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/setlogger/setlogger/api"
)

// places are calls by apps on what is not in their scopes, under its name and under others that might lead there.
func places() []attack {
	all := []attack{
		{name: "scope: of another bucket", by: "program", want: beyond},
		{name: "scope: of another bucket, from its page", by: "page", headers: []string{"Origin: " + pageOrigin, "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: cors"}, want: beyondPage},
		{name: "scope: to read", by: "reader", want: readOnly},
	}
	for _, name := range []string{
		"other/../secrets", "other%2F..%2Fsecrets", "other%2f..%2fsecrets", "other/%2e%2e/secrets", "other/%2E%2E/secrets", "other%252F..%252Fsecrets", "other/./../secrets",
		"todos%2F..%2Fsecrets", "todos%2F%2E%2E%2Fsecrets", "todos/../secrets", "../buckets/secrets", "%2e%2e/buckets/secrets", "./secrets", "%2e/secrets", "/secrets", "%2Fsecrets",
		"SECRETS", "Secrets", "%73ecrets", "%2573ecrets", "secrets%00", "other%00/secrets", "secrets%20", "secrets.", "secrets%2F", "secrets/", "secrets%2F.", "secrets;x", "secrets%3B", "secrets%3Fx",
		"other;/../secrets", "other%5C..%5Csecrets", "other\\..\\secrets", "%EF%BC%B3ecrets", "%C0%AE%C0%AE/secrets", "*", "%2A", "secret%73", "%u0073ecrets", "secrets%",
	} {
		all = append(all, attack{name: "detour: " + name, by: "program", change: detour(name), only: func(c call) bool { return c.bucket && strings.Contains(c.template, "{bucket}") }, want: every(repelled)})
	}
	return append(
		all,
		attack{name: "detour: bucket=other&bucket=secrets", by: "program", change: detourQuery, only: func(c call) bool { return strings.Contains(c.target, "?bucket=") }, want: every(403)},
		attack{name: "detour: two slashes", by: "program", change: func(_ call, r *request) { r.target = strings.Replace(r.target, "/v1/", "/v1//", 1) }, only: behind, want: every(repelled)},
		attack{name: "detour: from an open path", by: "program", change: func(_ call, r *request) { r.target = "/v1/status/.." + r.target[3:] }, only: behind, want: every(repelled)},
		attack{name: "detour: from an open path, packed", by: "program", change: func(_ call, r *request) { r.target = "/v1/status%2F.." + r.target[3:] }, only: behind, want: every(repelled)},
		attack{name: "detour: from its bucket", by: "program", change: func(_ call, r *request) { r.target = "/v1/buckets/other/../.." + r.target[3:] }, only: behind, want: every(repelled)},
		attack{name: "detour: from its bucket, packed", by: "program", change: func(_ call, r *request) { r.target = "/v1/buckets/other/%2e%2e/%2e%2e" + r.target[3:] }, only: behind, want: every(repelled)},
	)
}

// behind are the calls that a program with another scope is refused.
func behind(c call) bool {
	return strings.HasPrefix(c.template, "/v1/") && beyond(c) == http.StatusForbidden
}

func detour(name string) func(call, *request) {
	return func(_ call, r *request) {
		r.target = strings.Replace(r.target, "/v1/buckets/"+secretBucket, "/v1/buckets/"+name, 1)
	}
}

func detourQuery(_ call, r *request) {
	r.target = strings.Replace(r.target, "?bucket=", "?bucket="+otherBucket+"&bucket=", 1)
}

// beyond is what an app meets that has no scope for the bucket.
func beyond(c call) int {
	if c.open != closed || slices.Contains(forApps(), c.name) {
		return served
	}
	return http.StatusForbidden
}

// beyondPage is beyond for a page: it is no navigation, so the daemon's own files are not for it.
func beyondPage(c call) int {
	if c.open == static {
		return http.StatusForbidden
	}
	return beyond(c)
}

// readOnly is what an app meets that may read the bucket.
func readOnly(c call) int {
	if c.bucket && c.method == http.MethodGet {
		return served
	}
	return beyond(c)
}

// TestMakingKeepsToScopes makes buckets whose names stand in the body.
func TestMakingKeepsToScopes(t *testing.T) {
	v := start(t)
	before := v.state(t)
	for _, body := range []string{
		`{"name":"secrets"}`, `{"name":"SECRETS"}`, `{"name":"todos/../../x y"}`, `{"name":"todos/\u0000"}`, `{"name":"other/x"}`,
		`{"name":"todos/x","remote":"nowhere"}`, `{"name":"todos/x","merge":true}`, `{"name":"todos/x","name":"secrets"}`, `{"name":"todos/x","Name":"secrets"}`, `{"NAME":"secrets"}`, `{"name":["todos/x","secrets"]}`,
	} {
		r := v.attacking(attack{by: "program"}, call{method: http.MethodPost, target: "/v1/buckets", body: body})
		if got := v.send(t, r); got.status < 400 || got.status >= 500 {
			t.Errorf("%s: %d %s", body, got.status, got.body)
		}
	}
	if after := v.state(t); after != before {
		t.Errorf("changed\n%s\ninto\n%s", before, after)
	}
}

// TestNamesAreNoPaths makes buckets that look like detours to another one. A name is a name: each is a bucket of its own.
func TestNamesAreNoPaths(t *testing.T) {
	v := start(t)
	for _, name := range []string{"todos/../secrets", "todos//secrets", "todos/./secrets", "todos/..", "todos/"} {
		made := v.attacking(attack{by: "program"}, call{method: http.MethodPost, target: "/v1/buckets", body: `{"name":` + quote(name) + `}`})
		if got := v.send(t, made); got.status != http.StatusOK {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
		read := v.attacking(attack{by: "program"}, call{method: http.MethodGet, target: "/v1/buckets/" + url.PathEscape(name) + "/export"})
		if got := v.send(t, read); got.status != http.StatusOK || got.body != "" {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
}

// TestStreamKeepsToScopes subscribes to what the app has no scope for, over a WebSocket that it may open.
func TestStreamKeepsToScopes(t *testing.T) {
	v := start(t)
	for _, c := range []struct{ by, origin, bucket string }{
		{"program", "", secretBucket},
		{"program", "", "todos/../secrets"},
		{"program", "", "SECRETS"},
		{"program", "", "other/../secrets"},
		{"page", pageOrigin, secretBucket},
		{"page", pageOrigin, "secrets\x00"},
		{"page", pageOrigin, "*"},
	} {
		socket := v.connect(t, c.by, c.origin)
		message := say(t, socket, `{"subscribe":`+quote(c.bucket)+`}`)
		if !strings.Contains(message, `"type":"end"`) || strings.Contains(message, marker) {
			t.Errorf("%s subscribes to %q: %s", c.by, c.bucket, message)
		}
		if message = say(t, socket, `{"subscribe":"`+otherBucket+`"}`); !strings.Contains(message, `"type":"reset"`) {
			t.Errorf("%s subscribes to its own bucket: %s", c.by, message)
		}
	}
}

// connect opens a WebSocket as a page does, with the token among the subprotocols.
func (v *victim) connect(t *testing.T, by, origin string) *websocket.Conn {
	t.Helper()
	header := http.Header{}
	if origin != "" {
		header = http.Header{"Origin": {origin}, "Sec-Fetch-Mode": {"websocket"}, "Sec-Fetch-Site": {"cross-site"}}
	}
	socket, response, err := websocket.Dial(t.Context(), "ws://"+v.address+"/v1/stream", &websocket.DialOptions{
		HTTPHeader: header, Subprotocols: []string{api.StreamProtocol, api.BearerProtocol + v.tokens[by]},
	})
	if err != nil {
		t.Fatal(err)
	}
	if chosen := response.Header.Get("Sec-WebSocket-Protocol"); chosen != api.StreamProtocol {
		t.Errorf("the subprotocol %q was chosen", chosen)
	}
	t.Cleanup(func() { _ = socket.CloseNow() })
	return socket
}

func say(t *testing.T, socket *websocket.Conn, message string) string {
	t.Helper()
	if err := socket.Write(t.Context(), websocket.MessageText, []byte(message)); err != nil {
		t.Fatal(err)
	}
	_, answer, err := socket.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}
