package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// refuse answers with a problem.
func refuse(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", ProblemType)
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"title":"x","status":%d,"detail":"d","hint":"h"}`, status)
}

func TestKindsOfErrors(t *testing.T) {
	for status, kind := range map[int]error{
		400: ErrBadRequest, 401: ErrUnauthorized, 403: ErrForbidden, 404: ErrNotFound, 409: ErrConflict, 412: ErrChanged, 413: ErrTooLarge,
		422: ErrRefused, 429: ErrTooMany, 500: ErrFailed, 502: ErrRemote, 503: ErrStopping, 507: ErrFull,
	} {
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) { refuse(w, status) })
		_, err := c.Status(t.Context())
		e, ok := errors.AsType[*Error](err)
		if !errors.Is(err, kind) || !ok || e.Status != status || e.Detail != "d" || e.Hint != "h" {
			t.Errorf("%d: %v", status, err)
		}
		for _, other := range []error{ErrNotFound, ErrConflict, ErrNoDaemon, ErrBroken} {
			if !errors.Is(kind, other) && errors.Is(err, other) {
				t.Errorf("%d is also %v", status, other)
			}
		}
	}
}

// cut ends the connection without an answer.
func cut(http.ResponseWriter) { panic(http.ErrAbortHandler) }

// half ends it within the answer.
func half(w http.ResponseWriter) {
	w.Header().Set("Content-Length", "100")
	fmt.Fprint(w, `{"writer":`)
	panic(http.ErrAbortHandler)
}

func status(code int) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { refuse(w, code) }
}

// TestWhatIsMadeAgain: calls that fail twice, then are answered.
func TestWhatIsMadeAgain(t *testing.T) {
	get := func(c *Client) error { _, err := c.Node(t.Context(), "b", "a"); return err }
	appends := func(c *Client) error {
		_, err := c.Append(t.Context(), "b", []byte(`{"type":"CREATE_NODE","id":"a"}`), AppendOptions{})
		return err
	}
	once := func(c *Client) error {
		_, err := c.Append(t.Context(), "b", []byte(`{"type":"CREATE_NODE","id":"a"}`), AppendOptions{Once: true})
		return err
	}
	asks := func(c *Client) error { _, err := c.AskApp(t.Context(), AppRequest{Name: "x"}); return err }
	lines := func(c *Client) error {
		_, err := c.AppendMany(t.Context(), "b", strings.NewReader("{}\n"), nil)
		return err
	}
	leave := func(c *Client) error { return c.LeaveBucket(t.Context(), "b", false) }
	foreign := func(w http.ResponseWriter) { http.Error(w, "<html>", http.StatusBadGateway) }
	for _, c := range []struct {
		name  string
		call  func(c *Client) error
		fails func(http.ResponseWriter)
		calls int64 // how often it is made
		want  error // nil: none
	}{
		{"read, cut", get, cut, 3, nil},
		{"read, cut within", get, half, 3, nil},
		{"read, stopping", get, status(503), 3, nil},
		{"read, too many", get, status(429), 3, nil},
		{"read, a proxy's 502", get, foreign, 3, nil},
		{"read, a remote's 502", get, status(502), 1, ErrRemote},
		{"read, absent", get, status(404), 1, ErrNotFound},
		{"read, failed", get, status(500), 1, ErrFailed},
		{"append, cut", appends, cut, 3, nil},
		{"append, cut within", appends, half, 3, nil},
		{"append, full", appends, status(507), 1, ErrFull},
		{"append once, cut", once, cut, 1, ErrBroken},
		{"leave, cut", leave, cut, 3, nil},
		{"leave, absent", leave, status(404), 1, ErrNotFound},
		{"ask, cut", asks, cut, 1, ErrBroken},
		{"ask, stopping", asks, status(503), 1, ErrStopping},
		{"lines, cut", lines, cut, 1, ErrBroken},
	} {
		t.Run(c.name, func(t *testing.T) {
			var calls atomic.Int64
			var keys sync.Map
			client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				keys.Store(r.Header.Get("Idempotency-Key"), true)
				if calls.Add(1) < 3 {
					c.fails(w)
					return
				}
				fmt.Fprint(w, `{}`)
			})
			if err := c.call(client); !errors.Is(err, c.want) {
				t.Errorf("%v, want %v", err, c.want)
			}
			if calls.Load() != c.calls {
				t.Errorf("made %d times, want %d", calls.Load(), c.calls)
			}
			n := 0
			keys.Range(func(any, any) bool { n++; return true })
			if n != 1 {
				t.Errorf("%d keys", n)
			}
		})
	}
}

// TestARemovalThatWasDone: its answer was lost, and then there is nothing left to remove.
func TestARemovalThatWasDone(t *testing.T) {
	var calls atomic.Int64
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) == 1 {
			cut(w)
		}
		refuse(w, http.StatusNotFound)
	})
	if err := c.RemoveRemote(t.Context(), "r"); err != nil || calls.Load() != 2 {
		t.Errorf("%v after %d calls", err, calls.Load())
	}
}

func TestRetriesAreBounded(t *testing.T) {
	for retries, want := range map[int]int64{-1: 1, 0: 1 + defaultRetries, 2: 3} {
		var calls atomic.Int64
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) { calls.Add(1); cut(w) })
		c.retries = Options{Retries: retries}.withDefaults().Retries
		if _, err := c.Status(t.Context()); !errors.Is(err, ErrBroken) || calls.Load() != want {
			t.Errorf("%d: %v after %d calls, want %d", retries, err, calls.Load(), want)
		}
	}
}

// TestRetryAfterIsKept: the daemon's wait outweighs the client's, a long one is the caller's, and the context ends both.
func TestRetryAfterIsKept(t *testing.T) {
	for after, atLeast := range map[string]time.Duration{"1": time.Second, "3600": 0} {
		var calls atomic.Int64
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			if calls.Add(1) == 1 {
				w.Header().Set("Retry-After", after)
				refuse(w, http.StatusServiceUnavailable)
				return
			}
			fmt.Fprint(w, `{}`)
		})
		began := time.Now()
		_, err := c.Status(t.Context())
		if took := time.Since(began); took < atLeast || (err == nil) != (after == "1") {
			t.Errorf("after %s: %v in %v", after, err, took)
		}
		if e, ok := errors.AsType[*Error](err); ok && e.RetryAfter != time.Hour {
			t.Errorf("RetryAfter %v", e.RetryAfter)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "20")
		refuse(w, http.StatusServiceUnavailable)
		time.AfterFunc(10*time.Millisecond, cancel)
	})
	if _, err := c.Status(ctx); !errors.Is(err, ErrStopping) {
		t.Errorf("cancelled: %v", err)
	}
}

// TestAnswersHoldTheLastAnswerAlone: what was made again is not shown.
func TestAnswersHoldTheLastAnswerAlone(t *testing.T) {
	var calls atomic.Int64
	var shown bytes.Buffer
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if calls.Add(1) == 1 {
			refuse(w, http.StatusServiceUnavailable)
			return
		}
		fmt.Fprint(w, `{"state":"idle"}`)
	})
	c.answers = &shown
	if _, err := c.Status(t.Context()); err != nil || shown.String() != `{"state":"idle"}` {
		t.Errorf("%v, %q", err, shown.String())
	}
}

func TestLongAnswerIsRefused(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"state":%q}`, strings.Repeat("x", 1000))
	})
	c.maxAnswer = 1000
	if _, err := c.Status(t.Context()); !errors.Is(err, ErrLongAnswer) {
		t.Errorf("got %v", err)
	}
	c.maxAnswer = 1012
	if _, err := c.Status(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestConnectionsAreKept: many callers at once, refusals among their answers, need no more connections than callers.
func TestConnectionsAreKept(t *testing.T) {
	var mu sync.Mutex
	remotes, agents := map[string]bool{}, map[string]bool{}
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		remotes[r.RemoteAddr], agents[r.UserAgent()] = true, true
		mu.Unlock()
		if strings.HasSuffix(r.URL.Path, "none") {
			refuse(w, http.StatusNotFound)
			return
		}
		fmt.Fprint(w, `{}`)
	})
	const callers = 8
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			for range 20 {
				if _, err := c.Node(t.Context(), "b", "none"); !errors.Is(err, ErrNotFound) {
					t.Error(err)
				}
				if _, err := c.Append(t.Context(), "b", []byte(`{}`), AppendOptions{}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if len(remotes) > 2*callers || !agents["test/1 setlogger-go"] || len(agents) != 1 {
		t.Errorf("%d connections, agents %v", len(remotes), agents)
	}
}

// passer counts what passes a transport.
type passer struct {
	next  http.RoundTripper
	count *atomic.Int64
}

func (p passer) RoundTrip(r *http.Request) (*http.Response, error) {
	p.count.Add(1)
	return p.next.RoundTrip(r)
}

func TestTransportCanBeWrapped(t *testing.T) {
	var count atomic.Int64
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{}`) })
	c.http = c.place.client(func(next http.RoundTripper) http.RoundTripper { return passer{next, &count} })
	if _, err := c.Status(t.Context()); err != nil || count.Load() != 1 {
		t.Errorf("%v, %d", err, count.Load())
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/status" {
			t.Errorf("followed to %s", r.URL.Path)
		}
		http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
	})
	if _, err := c.Status(t.Context()); err == nil || !strings.Contains(err.Error(), "is not SetLogger") {
		t.Errorf("got %v", err)
	}
}

func TestAllNodes(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch cursor := r.URL.Query().Get("cursor"); cursor {
		case "":
			fmt.Fprint(w, `{"nodes":[{"id":"a"},{"id":"b"}],"next":"2"}`)
		case "2":
			fmt.Fprint(w, `{"nodes":[],"next":"3"}`)
		case "3":
			fmt.Fprint(w, `{"nodes":[{"id":"c"}],"next":null}`)
		}
	})
	var ids string
	for node, err := range c.AllNodes(t.Context(), "b", Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		ids += node.ID
	}
	if ids != "abc" {
		t.Errorf("ids %s", ids)
	}
}
