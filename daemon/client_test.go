package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/danielgtaylor/huma/v2"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/localstore"
)

// clientCalls has a call of the Go client for each operation of the OpenAPI document, by its id.
func clientCalls() map[string]func(ctx context.Context, c *api.Client) {
	return map[string]func(ctx context.Context, c *api.Client){
		"health":  func(ctx context.Context, c *api.Client) { _ = c.Health(ctx) },
		"metrics": func(ctx context.Context, c *api.Client) { _, _ = c.Metrics(ctx) },
		"status":  func(ctx context.Context, c *api.Client) { _, _ = c.Status(ctx) },
		"events": func(ctx context.Context, c *api.Client) {
			for _, err := range c.Events(ctx) {
				_ = err
			}
		},
		"listBuckets":     func(ctx context.Context, c *api.Client) { _, _ = c.Buckets(ctx) },
		"makeBucket":      func(ctx context.Context, c *api.Client) { _, _ = c.CreateBucket(ctx, api.Bucket{Name: "x"}) },
		"showBucket":      func(ctx context.Context, c *api.Client) { _, _ = c.Bucket(ctx, "x") },
		"changeBucket":    func(ctx context.Context, c *api.Client) { _, _ = c.ChangeSettings(ctx, "x", []byte("{}")) },
		"showSchema":      func(ctx context.Context, c *api.Client) { _, _ = c.Schema(ctx, "x") },
		"leaveBucket":     func(ctx context.Context, c *api.Client) { _ = c.LeaveBucket(ctx, "x", true) },
		"append":          func(ctx context.Context, c *api.Client) { _, _ = c.Append(ctx, "x", []byte("{}"), api.AppendOptions{}) },
		"undo":            func(ctx context.Context, c *api.Client) { _, _ = c.Undo(ctx, "x", api.Undo{Last: true}, "") },
		"compact":         func(ctx context.Context, c *api.Client) { _, _ = c.Compact(ctx, "x") },
		"getNode":         func(ctx context.Context, c *api.Client) { _, _ = c.Node(ctx, "x", "x") },
		"getHistory":      func(ctx context.Context, c *api.Client) { _, _ = c.History(ctx, "x", "x", "", 0) },
		"listNodes":       func(ctx context.Context, c *api.Client) { _, _ = c.Nodes(ctx, "x", api.Query{}) },
		"readLog":         func(ctx context.Context, c *api.Client) { _, _ = c.Log(ctx, "x", "", 0) },
		"export":          func(ctx context.Context, c *api.Client) { _, _ = c.Export(ctx, "x") },
		"listRemotes":     func(ctx context.Context, c *api.Client) { _, _ = c.Remotes(ctx) },
		"addRemote":       func(ctx context.Context, c *api.Client) { _, _ = c.AddRemote(ctx, api.Remote{Name: "x"}) },
		"removeRemote":    func(ctx context.Context, c *api.Client) { _ = c.RemoveRemote(ctx, "x") },
		"testRemote":      func(ctx context.Context, c *api.Client) { _, _ = c.TestRemote(ctx, "x") },
		"setUpChannel":    func(ctx context.Context, c *api.Client) { _, _ = c.SetUpChannel(ctx, "x") },
		"tearDownChannel": func(ctx context.Context, c *api.Client) { _ = c.TearDownChannel(ctx, "x", true) },
		"syncRemote":      func(ctx context.Context, c *api.Client) { _, _ = c.Sync(ctx, "x") },
		"sync":            func(ctx context.Context, c *api.Client) { _, _ = c.Sync(ctx, "") },
		"listKinds":       func(ctx context.Context, c *api.Client) { _, _ = c.SetupKinds(ctx) },
		"beginSetup":      func(ctx context.Context, c *api.Client) { _, _ = c.BeginSetup(ctx, api.SetupStart{}) },
		"showSetup":       func(ctx context.Context, c *api.Client) { _, _ = c.Setup(ctx, "x") },
		"answerSetup":     func(ctx context.Context, c *api.Client) { _, _ = c.AnswerSetup(ctx, "x", api.SetupAnswer{}) },
		"dropSetup":       func(ctx context.Context, c *api.Client) { _ = c.DropSetup(ctx, "x") },
		"listApps":        func(ctx context.Context, c *api.Client) { _, _ = c.Apps(ctx) },
		"askApp":          func(ctx context.Context, c *api.Client) { _, _ = c.AskApp(ctx, api.AppRequest{}) },
		"pollApp":         func(ctx context.Context, c *api.Client) { _, _ = c.PollApp(ctx, "x", "s") },
		"approveApp":      func(ctx context.Context, c *api.Client) { _, _ = c.ApproveApp(ctx, "x") },
		"removeApp":       func(ctx context.Context, c *api.Client) { _ = c.RemoveApp(ctx, "x") },
		"makeKey":         func(ctx context.Context, c *api.Client) { _, _ = c.MakeKey(ctx, "x", "x:") },
		"showKey":         func(ctx context.Context, c *api.Client) { _, _ = c.RemoteKey(ctx, "x") },
		"verify":          func(ctx context.Context, c *api.Client) { _, _ = c.Verify(ctx, "") },
		"changeRemote":    func(ctx context.Context, c *api.Client) { _, _ = c.ChangeRemote(ctx, "x", api.RemoteChange{}) },
		"changeRemotes":   func(ctx context.Context, c *api.Client) { _, _ = c.PauseRemotes(ctx, true) },
		"doctor":          func(ctx context.Context, c *api.Client) { _, _ = c.Doctor(ctx) },
		"moveRemote":      func(ctx context.Context, c *api.Client) { _, _ = c.MoveRemote(ctx, "x", "y") },
		"backup":          func(ctx context.Context, c *api.Client) { _, _ = c.Backup(ctx, api.BackupRequest{}) },
		"restore":         func(ctx context.Context, c *api.Client) { _, _ = c.Restore(ctx, api.RestoreRequest{}) },
		"stream": func(ctx context.Context, c *api.Client) {
			for _, err := range c.Watch(ctx, "x", "") {
				_ = err
			}
		},
	}
}

// TestClientHasEveryCall: each call of the document has one of the Go client that makes it.
func TestClientHasEveryCall(t *testing.T) {
	var document struct {
		Paths map[string]map[string]struct{ OperationID string }
	}
	if err := json.Unmarshal(serveDaemon(t).get(t, "/openapi.json").body, &document); err != nil {
		t.Fatal(err)
	}
	calls := clientCalls()
	name := regexp.MustCompile(`\{\w+\}`)
	for path, verbs := range document.Paths {
		for verb, operation := range verbs {
			call := calls[operation.OperationID]
			if call == nil {
				t.Errorf("%s %s: the Go client has no call for operation %s", verb, path, operation.OperationID)
				continue
			}
			delete(calls, operation.OperationID)
			want := strings.ToUpper(verb) + " " + name.ReplaceAllString(path, "x")
			if made := requestOfCall(t, call); made != want {
				t.Errorf("%s: the client makes %s, want %s", operation.OperationID, made, want)
			}
		}
	}
	if len(calls) > 0 {
		t.Errorf("the document lacks %v", slices.Sorted(maps.Keys(calls)))
	}
}

// requestOfCall answers the method and path that a call of the client makes first.
func requestOfCall(t *testing.T, call func(ctx context.Context, c *api.Client)) string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	made := make(chan string, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		made <- r.Method + " " + r.URL.Path
		cancel()
	}))
	defer server.Close()
	c, err := api.NewClient(api.Options{Address: server.Listener.Addr().String(), Token: "x", Retries: -1})
	if err != nil {
		t.Fatal(err)
	}
	call(ctx, c)
	return <-made
}

// cutter passes requests on to a daemon, and cuts off what it answers to some of them after it was done.
type cutter struct {
	address string
	cuts    atomic.Int64 // how many answers are still to be cut off
	whole   atomic.Bool  // before their first byte; else within
	status  atomic.Int64 // of the last answer that was cut off
	lost    atomic.Pointer[[]byte]
}

func (c *cutter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	request := r.Clone(r.Context())
	request.URL = &url.URL{Scheme: "http", Host: c.address, Path: r.URL.Path, RawPath: r.URL.RawPath, RawQuery: r.URL.RawQuery}
	request.Host, request.RequestURI = c.address, ""
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), response.Header)
	if c.cuts.Add(-1) >= 0 {
		c.status.Store(int64(response.StatusCode))
		c.lost.Store(&body)
		if c.whole.Load() {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(response.StatusCode)
		_, _ = w.Write(body[:len(body)/2])
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(response.StatusCode)
	_, _ = w.Write(body)
}

// through is a client whose answers pass a cutter.
func (s *served) through(t *testing.T) (*cutter, *api.Client) {
	t.Helper()
	c := &cutter{address: s.address}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	client, err := api.NewClient(api.Options{Address: server.Listener.Addr().String(), Token: s.token})
	if err != nil {
		t.Fatal(err)
	}
	return c, client
}

// TestLostAnswers: what was done and not told is done once, and told as it was.
func TestLostAnswers(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "b")
	proxy, client := s.through(t)
	for _, whole := range []bool{true, false} {
		proxy.whole.Store(whole)
		s.append(t, "b", `{"type":"CREATE_NODE","id":"n"}`)
		before := s.entries(t)

		proxy.cuts.Store(2)
		appended, err := client.Append(t.Context(), "b", []byte(`{"type":"INCREMENT","id":"n","path":["n"],"by":1}`), api.AppendOptions{})
		if err != nil || proxy.cuts.Load() >= 0 {
			t.Fatal(err, proxy.cuts.Load())
		}
		var first api.Appended
		if err := json.Unmarshal(*proxy.lost.Load(), &first); err != nil || !reflect.DeepEqual(&first, appended) {
			t.Errorf("%v: told %+v, first %+v", err, appended, first)
		}
		if n := s.entries(t); n != before+1 {
			t.Errorf("%d entries, want one more than %d", n, before)
		}

		proxy.cuts.Store(1)
		undone, err := client.Undo(t.Context(), "b", api.Undo{Last: true}, "")
		if err != nil || undone.Entry != fmt.Sprintf("%s:%d", appended.Writer, *appended.Number) {
			t.Errorf("%+v, %v", undone, err)
		}
		if n := s.entries(t); n != before+2 {
			t.Errorf("%d entries, want two more than %d", n, before)
		}

		proxy.cuts.Store(1)
		if _, err := client.CreateBucket(t.Context(), api.Bucket{Name: "c"}); err != nil {
			t.Error(err)
		}
		proxy.cuts.Store(1)
		if err := client.LeaveBucket(t.Context(), "c", false); err != nil || proxy.status.Load() != http.StatusNoContent {
			t.Errorf("%v after %d", err, proxy.status.Load())
		}
	}
}

// entries counts the entries of bucket b.
func (s *served) entries(t *testing.T) uint64 {
	t.Helper()
	b, err := s.client.Bucket(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	return b.Entries
}

// TestRestartGoesUnnoticed: callers that append and read while the daemon is started again see no error, and each of their
// appends stands once.
func TestRestartGoesUnnoticed(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "b")
	s.append(t, "b", `{"type":"CREATE_NODE","id":"n"}`)
	client, err := api.NewClient(api.Options{Data: s.data, Address: s.address})
	if err != nil {
		t.Fatal(err)
	}
	const callers, each = 4, 60
	var group sync.WaitGroup
	var done atomic.Int64
	working := make(chan struct{})
	for range callers {
		group.Go(func() {
			for range each {
				if _, err := client.Append(t.Context(), "b", []byte(`{"type":"INCREMENT","id":"n","path":["n"],"by":1}`), api.AppendOptions{}); err != nil {
					t.Error(err)
				}
				if _, err := client.Node(t.Context(), "b", "n"); err != nil {
					t.Error(err)
				}
				if done.Add(1) == callers*each/4 {
					close(working)
				}
			}
		})
	}
	<-working
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	again := serveOptions(t, Options{Data: s.data, Listen: s.address})
	group.Wait()
	node, err := again.client.Node(t.Context(), "b", "n")
	if want := fmt.Sprintf(`{"n":%d}`, callers*each); err != nil || string(node.Value) != want {
		t.Errorf("%s, want %s: %v", node.Value, want, err)
	}
	if n := again.entries(t); n != callers*each+1 {
		t.Errorf("%d entries", n)
	}
}

// TestAbsentDaemonIsToldAtOnce: nothing is waited for where nothing ever answered.
func TestAbsentDaemonIsToldAtOnce(t *testing.T) {
	var tries atomic.Int64
	s := serveOptions(t, Options{Data: filepath.Join(t.TempDir(), "data")})
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	c, err := api.NewClient(api.Options{Address: s.address, Token: "x", Wrap: func(next http.RoundTripper) http.RoundTripper {
		return tripper(func(r *http.Request) (*http.Response, error) { tries.Add(1); return next.RoundTrip(r) })
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Status(t.Context()); !errors.Is(err, api.ErrNoDaemon) || tries.Load() != 1 {
		t.Errorf("%v after %d tries", err, tries.Load())
	}
}

// TestStoppingAsksToComeBack: in what the daemon writes by itself, and in what huma writes for it.
func TestStoppingAsksToComeBack(t *testing.T) {
	err := answerOf(localstore.ErrStopped)
	recorder := httptest.NewRecorder()
	writeProblem(recorder, err)
	var asks huma.HeadersError
	if recorder.Code != http.StatusServiceUnavailable || recorder.Header().Get("Retry-After") != "1" || !errors.As(err, &asks) {
		t.Errorf("%d %v", recorder.Code, recorder.Header())
	}
}

type tripper func(r *http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
