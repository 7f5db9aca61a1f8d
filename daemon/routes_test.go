package daemon

import (
	"bytes"
	"encoding/json"
	"flag"
	"io"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// calls lists every call of the OpenAPI document, with names and ids filled in.
func (s *served) calls(t *testing.T) [][2]string {
	t.Helper()
	var document struct {
		Paths map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal(s.get(t, "/openapi.json").body, &document); err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`\{\w+\}`)
	var calls [][2]string
	for path, verbs := range document.Paths {
		for verb := range verbs {
			calls = append(calls, [2]string{strings.ToUpper(verb), names.ReplaceAllString(path, "x")})
		}
	}
	if len(calls) < 18 {
		t.Fatalf("the document has only %d calls: %v", len(calls), calls)
	}
	return calls
}

func TestGateStandsBeforeEveryRoute(t *testing.T) {
	s := serveDaemon(t)
	calls := s.calls(t)
	for page := range pages() {
		calls = append(calls, [2]string{"GET", page})
	}
	calls = append(calls, [2]string{"GET", "/openapi.json"}, [2]string{"GET", "/v1/nothing"}, [2]string{"PUT", "/v1/status"})
	for _, call := range calls {
		open := call[0] == "GET" && openPaths()[call[1]]
		for _, attack := range []struct {
			name, header, value string
			open                int // answer of an open path; 0: any success
			want                int
		}{
			{"forged host", "Host", "evil.example:7373", 403, 403},
			{"host without port", "Host", "127.0.0.1", 403, 403},
			{"null origin", "Origin", "null", 0, 403},
			{"look-alike origin", "Origin", "http://127.0.0.1.evil.example", 0, 403},
			{"other port", "Origin", "http://127.0.0.1:1", 0, 403},
			{"wrong token", "Authorization", "Bearer " + strings.Repeat("x", 43), 0, 401},
			{"no token", "Authorization", "", 0, 401},
		} {
			request, err := http.NewRequestWithContext(t.Context(), call[0], "http://"+s.address+call[1], nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Header.Set("Authorization", "Bearer "+s.token)
			request.Header.Set("Accept", "application/json") // and no stream without end
			request.Header.Set(attack.header, attack.value)
			if attack.header == "Host" {
				request.Host = attack.value
			}
			got := s.do(t, request)
			want := attack.want
			if open {
				want = attack.open
			}
			if want == 0 && got.status >= 300 || want != 0 && got.status != want {
				t.Errorf("%s: %s %s: %d, want %d", attack.name, call[0], call[1], got.status, want)
			}
			if want != 0 && got.header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s: %s %s: %s", attack.name, call[0], call[1], got.header.Get("Content-Type"))
			}
		}
	}
}

func TestUnknownRoutes(t *testing.T) {
	s := serveDaemon(t)
	for _, c := range []struct {
		method, path string
		want         int
		allow        string
	}{
		{"GET", "/v1/nothing", 404, ""},
		{"GET", "/v1/buckets/todos/work/nodes/a", 404, ""},
		{"GET", "/v1/buckets/todos/nodes/a/b", 404, ""},
		{"GET", "/v1/buckets/todos/nodes/", 404, ""},
		{"PUT", "/v1/status", 405, "GET"},
		{"DELETE", "/v1/buckets", 405, "GET, POST"},
		{"PUT", "/v1/buckets/todos", 405, "GET, PATCH, DELETE"},
		{"POST", "/", 405, "GET"},
	} {
		request, _ := http.NewRequestWithContext(t.Context(), c.method, "http://"+s.address+c.path, nil)
		request.Header.Set("Authorization", "Bearer "+s.token)
		got := s.do(t, request)
		var problem struct{ Status int }
		if err := json.Unmarshal(got.body, &problem); err != nil {
			t.Errorf("%s %s: %v in %s", c.method, c.path, err, got.body)
		}
		if got.status != c.want || problem.Status != c.want || got.header.Get("Allow") != c.allow {
			t.Errorf("%s %s: %d, allow %q, %s", c.method, c.path, got.status, got.header.Get("Allow"), got.body)
		}
	}
}

func TestPagesLoadNothingFromElsewhere(t *testing.T) {
	s := serveDaemon(t)
	for path := range pages() {
		got := s.get(t, path)
		if got.status != 200 || got.header.Get("Content-Security-Policy") != contentSecurity {
			t.Errorf("%s: %d %v", path, got.status, got.header)
		}
		text := strings.ReplaceAll(string(got.body), "http://www.w3.org/2000/svg", "")
		if regexp.MustCompile(`https?://|style=|onclick|<script>|<style`).MatchString(text) {
			t.Errorf("%s refers to what its policy forbids", path)
		}
	}
}

// TestDocument checks what a client generator relies on: every reference leads somewhere, every path parameter is
// described, every call has an answer and an error.
func TestDocument(t *testing.T) {
	s := serveDaemon(t)
	body := s.get(t, "/openapi.json").body
	var document struct {
		OpenAPI    string
		Info       struct{ Title, Version string }
		Components struct{ Schemas map[string]any }
		Paths      map[string]map[string]struct {
			OperationID string
			Parameters  []struct{ Name, In string }
			Responses   map[string]struct{ Content map[string]any }
		}
	}
	if err := json.Unmarshal(body, &document); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(document.OpenAPI, "3.1") || document.Info.Title != "SetLogger" {
		t.Errorf("head: %+v", document.Info)
	}
	for _, ref := range regexp.MustCompile(`"\$ref":"#/components/schemas/(\w+)"`).FindAllStringSubmatch(string(body), -1) {
		if document.Components.Schemas[ref[1]] == nil {
			t.Errorf("the reference to %s leads nowhere", ref[1])
		}
	}
	var ids []string
	for path, verbs := range document.Paths {
		for verb, call := range verbs {
			ids = append(ids, call.OperationID)
			for _, name := range regexp.MustCompile(`\{(\w+)\}`).FindAllStringSubmatch(path, -1) {
				if !slices.ContainsFunc(call.Parameters, func(p struct{ Name, In string }) bool { return p.Name == name[1] && p.In == "path" }) {
					t.Errorf("%s %s: %s is not described", verb, path, name[1])
				}
			}
			if _, failed := call.Responses["default"]; !failed || len(call.Responses) < 3 {
				t.Errorf("%s %s: answers %v", verb, path, call.Responses)
			}
		}
	}
	if slices.Sort(ids); len(slices.Compact(slices.Clone(ids))) != len(ids) {
		t.Errorf("two calls have one id: %v", ids)
	}
	if strings.Contains(string(body), "ErrorModel") {
		t.Error("the document describes a shape of errors that no call answers with")
	}
}

var update = flag.Bool("update", false, "write the golden files anew")

// TestDocumentIsAsReviewed keeps the API from changing by accident.
func TestDocumentIsAsReviewed(t *testing.T) {
	s := serveDaemon(t)
	var got bytes.Buffer
	if err := json.Indent(&got, s.get(t, "/openapi.json").body, "", " "); err != nil {
		t.Fatal(err)
	}
	got.WriteByte('\n')
	const golden = "testdata/openapi.json"
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("the document is not that of %s; if the change is meant: go test ./daemon -run Reviewed -update", golden)
	}
}

func TestHealthIsOpenToAnyPage(t *testing.T) {
	s := serveDaemon(t)
	request, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.address+"/healthz", nil)
	request.Header.Set("Origin", "https://anywhere.example")
	got := s.do(t, request)
	if got.status != 200 || string(got.body) != "{\"ok\":true}\n" || got.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%d %s %v", got.status, got.body, got.header)
	}
	if values := got.header.Values("Cross-Origin-Resource-Policy"); !slices.Equal(values, []string{"cross-origin"}) {
		t.Errorf("Cross-Origin-Resource-Policy: %v", values)
	}
}

// reply is an answer read to its end.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func (s *served) do(t *testing.T, request *http.Request) reply {
	t.Helper()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{response.StatusCode, response.Header, body}
}

func (s *served) get(t *testing.T, path string) reply {
	t.Helper()
	return s.call(t, "GET", path, "", nil)
}

// call makes a call with the owner's token; a body of lines is told by the first header.
func (s *served) call(t *testing.T, method, path, body string, header http.Header) reply {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.address+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	maps.Copy(request.Header, header)
	request.Header.Set("Authorization", "Bearer "+s.token)
	return s.do(t, request)
}
