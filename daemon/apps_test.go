package daemon

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/localstore"
)

const appOrigin = "https://app.example"

// from makes a request as a page or program does: origin and token may be empty.
func (s *served) from(t *testing.T, origin, token, method, path, body string) reply {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.address+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if origin != "" {
		request.Header.Set("Origin", origin)
		request.Header.Set("Sec-Fetch-Site", "cross-site")
		request.Header.Set("Sec-Fetch-Mode", "cors")
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	request.Header.Set("Accept", "application/json") // and no stream without end
	return s.do(t, request)
}

// pair lets an app in as a person does, and answers its id and token.
func (s *served) pair(t *testing.T, origin string, scopes ...string) (id, token string) {
	t.Helper()
	words, _ := json.Marshal(scopes)
	got := s.from(t, origin, "", "POST", "/v1/apps", fmt.Sprintf(`{"name":"Lists","scopes":%s}`, words))
	var asked api.AppAsked
	if err := json.Unmarshal(got.body, &asked); err != nil || got.status != 200 || asked.Secret == "" || asked.Token != "" {
		t.Fatalf("asking: %d %s, %v", got.status, got.body, err)
	}
	if a, err := s.client.PollApp(t.Context(), asked.ID, asked.Secret); err != nil || a.State != api.AppPending || a.Token != "" || a.Code != "" {
		t.Fatalf("before it was approved: %+v, %v", a, err)
	}
	all, err := s.client.Apps(t.Context())
	i := slices.IndexFunc(all, func(a api.App) bool { return a.Code == asked.Code })
	if err != nil || i < 0 || all[i].Origin != origin {
		t.Fatalf("apps %+v, %v", all, err)
	}
	if _, err := s.client.ApproveApp(t.Context(), all[i].ID); err != nil {
		t.Fatal(err)
	}
	a, err := s.client.PollApp(t.Context(), asked.ID, asked.Secret)
	if err != nil || a.State != api.AppApproved || len(a.Token) < 43 {
		t.Fatalf("approved: %+v, %v", a, err)
	}
	if again, err := s.client.PollApp(t.Context(), asked.ID, asked.Secret); err != nil || again.Token != "" {
		t.Errorf("the token came twice: %+v, %v", again, err)
	}
	return a.ID, a.Token
}

// TestPairing takes a web page through: it asks, the person compares the code, it works with its buckets, and is revoked.
func TestPairing(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "todos")
	s.bucket(t, "secrets")
	id, token := s.pair(t, appOrigin, "todos:rw", "photos/*:r")
	create := `{"type":"CREATE_NODE","id":"a","properties":{"n":1}}`
	for _, c := range []struct {
		name, origin, token, method, path, body string
		want                                    int
	}{
		{"append", appOrigin, token, "POST", "/v1/buckets/todos/actions", create, 200},
		{"read", appOrigin, token, "GET", "/v1/buckets/todos/nodes/a", "", 200},
		{"log", appOrigin, token, "GET", "/v1/buckets/todos/log", "", 200},
		{"undo", appOrigin, token, "POST", "/v1/buckets/todos/undo", `{"last":true}`, 200},
		{"make one of its buckets", appOrigin, token, "POST", "/v1/buckets", `{"name":"todos"}`, 200},
		{"make another bucket", appOrigin, token, "POST", "/v1/buckets", `{"name":"todos2"}`, 403},
		{"make one that it may read", appOrigin, token, "POST", "/v1/buckets", `{"name":"photos/a"}`, 403},
		{"merge", appOrigin, token, "POST", "/v1/buckets", `{"name":"todos","merge":true}`, 403},
		{"read another bucket", appOrigin, token, "GET", "/v1/buckets/secrets/nodes", "", 403},
		{"read it by a detour", appOrigin, token, "GET", "/v1/buckets/todos/../secrets/nodes", "", 403},
		{"read it by a packed detour", appOrigin, token, "GET", "/v1/buckets/todos%2F..%2Fsecrets/nodes", "", 403},
		{"read what is not there", appOrigin, token, "GET", "/v1/buckets/photos%2Fa/nodes", "", 404},
		{"write another bucket", appOrigin, token, "POST", "/v1/buckets/secrets/actions", create, 403},
		{"write one that it may read", appOrigin, token, "POST", "/v1/buckets/photos%2Fa/actions", create, 403},
		{"settings", appOrigin, token, "PATCH", "/v1/buckets/todos", `{"settings":{"order":["n"]}}`, 200},
		{"settings of one that it may read", appOrigin, token, "PATCH", "/v1/buckets/photos%2Fa", `{"settings":{}}`, 403},
		{"leave", appOrigin, token, "DELETE", "/v1/buckets/todos?purge=true", "", 403},
		{"remotes", appOrigin, token, "GET", "/v1/remotes", "", 403},
		{"apps", appOrigin, token, "GET", "/v1/apps", "", 403},
		{"let itself in", appOrigin, token, "POST", "/v1/apps", `{"name":"x","scopes":["admin"],"approve":true}`, 403},
		{"approve", appOrigin, token, "POST", "/v1/apps/" + id + "/approve", "", 403},
		{"token of a page from a program", "", token, "GET", "/v1/buckets/todos/nodes", "", 403},
		{"token from another page", "https://evil.example", token, "GET", "/v1/buckets/todos/nodes", "", 403},
		{"token from a look-alike", "https://app.example.evil.example", token, "GET", "/v1/buckets/todos/nodes", "", 403},
		{"token from its page over http", "http://app.example", token, "GET", "/v1/buckets/todos/nodes", "", 403},
		{"token from another port", appOrigin + ":8443", token, "GET", "/v1/buckets/todos/nodes", "", 403},
		{"no token from its page", appOrigin, "", "GET", "/v1/buckets/todos/nodes", "", 401},
		{"owner's token from its page", appOrigin, s.token, "GET", "/v1/buckets/todos/nodes", "", 403},
	} {
		if got := s.from(t, c.origin, c.token, c.method, c.path, c.body); got.status != c.want {
			t.Errorf("%s: %d, want %d: %s", c.name, got.status, c.want, got.body)
		}
	}
	var status api.Status
	if err := json.Unmarshal(s.from(t, appOrigin, token, "GET", "/v1/status", "").body, &status); err != nil {
		t.Fatal(err)
	}
	if len(status.Buckets) != 1 || status.Buckets[0].Name != "todos" || status.Remotes[0].Path != "" {
		t.Errorf("the app is shown %+v", status)
	}
	all, err := s.client.Apps(t.Context())
	if err != nil || len(all) != 1 || all[0].State != api.AppActive || all[0].Used == nil || all[0].Token != "" {
		t.Errorf("apps %+v, %v", all, err)
	}
	if err := s.client.RemoveApp(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if got := s.from(t, appOrigin, token, "GET", "/v1/buckets/todos/nodes", ""); got.status != 403 { // its origin is no more known either
		t.Errorf("revoked: %d %s", got.status, got.body)
	}
	if err := s.client.RemoveApp(t.Context(), id); err == nil {
		t.Error("revoked twice")
	}
}

func TestTokenForAScript(t *testing.T) {
	var log syncedBuffer
	s := serveOptions(t, Options{Data: filepath.Join(t.TempDir(), "data"), Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	s.bucket(t, "todos")
	added, err := s.client.AddApp(t.Context(), api.AppRequest{Name: "backup", Scopes: []string{"*:r"}})
	if err != nil || added.Token == "" || added.State != api.AppActive {
		t.Fatalf("%+v, %v", added, err)
	}
	if got := s.from(t, "", added.Token, "GET", "/v1/buckets/todos/export", ""); got.status != 200 {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := s.from(t, "", added.Token, "POST", "/v1/buckets/todos/actions", `{"type":"X"}`); got.status != 403 {
		t.Errorf("%d %s", got.status, got.body)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"daemon.db"} {
		data, err := os.ReadFile(filepath.Join(s.data, name))
		if err != nil || bytes.Contains(data, []byte(added.Token)) {
			t.Errorf("%s holds the token, %v", name, err)
		}
	}
	if strings.Contains(log.String(), added.Token) || strings.Contains(log.String(), s.token) {
		t.Error("a token is in the log")
	}
	again := serveOptions(t, Options{Data: s.data})
	if got := again.from(t, "", added.Token, "GET", "/v1/buckets/todos/nodes", ""); got.status != 200 {
		t.Errorf("after a restart: %d %s", got.status, got.body)
	}
	if got := again.from(t, "", added.Token[1:], "GET", "/v1/buckets/todos/nodes", ""); got.status != 401 {
		t.Errorf("a part of the token: %d %s", got.status, got.body)
	}
}

// syncedBuffer is a buffer for writers that run at once.
type syncedBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

func (b *syncedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *syncedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func TestAskingIsBounded(t *testing.T) {
	s := serveDaemon(t)
	body := `{"name":"Lists","scopes":["todos:rw"]}`
	var first api.AppAsked
	for i := range maxAsking + 1 {
		got := s.from(t, appOrigin, "", "POST", "/v1/apps", body)
		if want := map[bool]int{true: 200, false: 429}[i < maxAsking]; got.status != want {
			t.Errorf("request %d: %d %s", i+1, got.status, got.body)
		}
		if i == 0 {
			if err := json.Unmarshal(got.body, &first); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := s.from(t, "https://other.example", "", "POST", "/v1/apps", body); got.status != 200 {
		t.Errorf("another page: %d %s", got.status, got.body)
	}
	if err := s.client.RemoveApp(t.Context(), first.ID); err != nil {
		t.Fatal(err)
	}
	if a, err := s.client.PollApp(t.Context(), first.ID, first.Secret); err != nil || a.State != api.AppDenied || a.Token != "" {
		t.Errorf("denied: %+v, %v", a, err)
	}
	if _, err := s.client.ApproveApp(t.Context(), first.ID); err == nil {
		t.Error("approved after it was denied")
	}
	if _, err := s.client.PollApp(t.Context(), first.ID, "guess"); err == nil {
		t.Error("a guessed secret is taken")
	}
	if got := s.from(t, appOrigin, "", "POST", "/v1/apps", body); got.status != 200 {
		t.Errorf("after one was denied: %d %s", got.status, got.body)
	}
	for _, c := range []struct {
		name, origin, body string
		want               int
	}{
		{"in another's name", appOrigin, `{"name":"x","origin":"https://bank.example","scopes":["a:r"]}`, 403},
		{"a program in a page's name", "", `{"name":"x","origin":"https://bank.example","scopes":["a:r"]}`, 403},
		{"null origin", "null", body, 403},
		{"no name", "", `{"name":"","scopes":["a:r"]}`, 422},
		{"name of two lines", "", `{"name":"a\nb","scopes":["a:r"]}`, 422},
		{"no scope", "", `{"name":"x","scopes":[]}`, 422},
		{"wrong scope", "", `{"name":"x","scopes":["todos:x"]}`, 422},
		{"at once", "", `{"name":"x","scopes":["a:r"],"approve":true}`, 403},
	} {
		if got := s.from(t, c.origin, "", "POST", "/v1/apps", c.body); got.status != c.want {
			t.Errorf("%s: %d, want %d: %s", c.name, got.status, c.want, got.body)
		}
	}
}

func TestRequestsEndInTime(t *testing.T) {
	registry, err := localstore.OpenRegistry(filepath.Join(t.TempDir(), "daemon.db"), localstore.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = registry.Close() }()
	now := time.Now()
	all, err := loadApps(registry, func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	one, secret, err := all.ask("x", "", []string{"a:r"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := all.approve(one.ID); err != nil {
		t.Fatal(err)
	}
	now = now.Add(askTime + time.Second)
	if a, err := all.poll(one.ID, secret); err == nil {
		t.Errorf("%+v after its time", a)
	}
	if left := all.list(); len(left.Apps) != 0 {
		t.Errorf("left %+v", left)
	}
}

func TestScopes(t *testing.T) {
	for _, c := range []struct {
		words       string
		bucket      string
		read, write bool
	}{
		{"todos:rw", "todos", true, true},
		{"todos:rw", "todos2", false, false},
		{"todos:r", "todos", true, false},
		{"todos/*:rw", "todos/a", true, true},
		{"todos/*:rw", "todos", false, false},
		{"to*:r", "todos", true, false},
		{"*:rw", "any/thing", true, true},
		{"a:r b:rw", "a", true, false},
		{"a:r a:rw", "a", true, true},
		{"admin", "a", true, true},
	} {
		g, err := parseScopes(strings.Fields(c.words))
		if err != nil || g.mayRead(c.bucket) != c.read || g.mayWrite(c.bucket) != c.write {
			t.Errorf("%s of %s: read %t, write %t, %v", c.words, c.bucket, g.mayRead(c.bucket), g.mayWrite(c.bucket), err)
		}
	}
	for _, wrong := range []string{"", "todos", "todos:", "todos:w", "todos:rwx", ":rw", "a*b:r", "**:r", "A:r", "../x:r"} {
		if g, err := parseScopes([]string{wrong}); err == nil {
			t.Errorf("%q is %+v", wrong, g)
		}
	}
}

// TestAppsReachNothingElse tries every call of the document as apps that have no scope for it.
func TestAppsReachNothingElse(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "x")
	tokens := map[string]string{}
	for name, scope := range map[string]string{"other": "other:rw", "reader": "x:r"} {
		_, tokens[name] = s.pair(t, appOrigin, scope)
	}
	for _, call := range s.calls(t) {
		method, path := call[0], call[1]
		open := path == healthPath || isPairing(method, path) || method == "GET" && (path == "/v1/status" || path == "/v1/events" || path == "/v1/buckets" || path == streamPath)
		inBucket := strings.HasPrefix(path, "/v1/buckets/x")
		for name, token := range tokens {
			allowed := open || name == "reader" && inBucket && method == "GET"
			if method == "POST" && path == "/v1/buckets" {
				continue // TestPairing
			}
			got := s.from(t, appOrigin, token, method, path, "")
			if refused := got.status == 403; refused == allowed {
				t.Errorf("%s: %s %s: %d %s", name, method, path, got.status, got.body)
			}
		}
	}
}

func TestPreflights(t *testing.T) {
	s := serveDaemon(t)
	s.pair(t, appOrigin, "todos:rw")
	for _, c := range []struct {
		name, origin, method, path string
		want                       bool
	}{
		{"an app's page", appOrigin, "POST", "/v1/buckets/todos/actions", true},
		{"another page", "https://evil.example", "POST", "/v1/buckets/todos/actions", false},
		{"another page asks to be let in", "https://new.example", "POST", "/v1/apps", true},
		{"another page polls", "https://new.example", "GET", "/v1/apps/abc", true},
		{"another page lists apps", "https://new.example", "GET", "/v1/apps", false},
		{"another page approves", "https://new.example", "POST", "/v1/apps/abc/approve", false},
		{"another page revokes", "https://new.example", "DELETE", "/v1/apps/abc", false},
		{"null", "null", "POST", "/v1/apps", false},
		{"any page asks for life", "https://evil.example", "GET", "/healthz", true},
	} {
		request, _ := http.NewRequestWithContext(t.Context(), http.MethodOptions, "http://"+s.address+c.path, nil)
		request.Header.Set("Origin", c.origin)
		request.Header.Set("Access-Control-Request-Method", c.method)
		request.Header.Set("Access-Control-Request-Private-Network", "true")
		got := s.do(t, request)
		origin := got.header.Get("Access-Control-Allow-Origin")
		private := got.header.Get("Access-Control-Allow-Private-Network")
		if opened := origin == c.origin || origin == "*"; got.status != 204 || opened != c.want || (private == "true") != c.want {
			t.Errorf("%s: %d, origin %q, private network %q", c.name, got.status, origin, private)
		}
		if got.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%s: with credentials", c.name)
		}
	}
}
