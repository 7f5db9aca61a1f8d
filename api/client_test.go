package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func serve(t *testing.T, handler http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	c, err := NewClient(Options{Data: t.TempDir(), Address: server.Listener.Addr().String(), Token: "secret", UserAgent: "test/1"})
	if err != nil {
		t.Fatal(err)
	}
	c.pause = time.Millisecond
	return c
}

func TestNamesAndIdsAreOneSegment(t *testing.T) {
	var path, authorization string
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		path, authorization = r.URL.EscapedPath(), r.Header.Get("Authorization")
		fmt.Fprint(w, `{}`)
	})
	for id, want := range map[string]string{
		"a/b c": "a%2Fb%20c", "..": "%2E%2E", "ü?#%": "%C3%BC%3F%23%25", "x.": "x.",
	} {
		if _, err := c.Node(t.Context(), "todos/work", id); err != nil {
			t.Fatal(err)
		}
		if want = "/v1/buckets/todos%2Fwork/nodes/" + want; path != want {
			t.Errorf("id %q: path %s, want %s", id, path, want)
		}
	}
	if authorization != "Bearer secret" {
		t.Errorf("Authorization %q", authorization)
	}
}

func TestRefusalIsAnError(t *testing.T) {
	var answers bytes.Buffer
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", ProblemType)
		w.WriteHeader(http.StatusUnprocessableEntity)
		fmt.Fprint(w, `{"title":"x","status":422,"detail":"no type","hint":"give one","line":3,"committed":2}`)
	})
	c.answers = &answers
	_, err := c.AppendMany(t.Context(), "b", strings.NewReader("{}\n"), nil)
	var e *Error
	if !errors.As(err, &e) || e.Status != 422 || *e.Line != 3 || *e.Committed != 2 || e.Error() != "no type (give one)" {
		t.Fatalf("got %v", err)
	}
	if !strings.HasPrefix(answers.String(), `{"title":"x"`) {
		t.Errorf("the answer was not copied: %q", answers.String())
	}
}

func TestStrangerIsNamed(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "<html>", http.StatusBadGateway) })
	_, err := c.Status(t.Context())
	if err == nil || !strings.Contains(err.Error(), "is not SetLogger") {
		t.Fatalf("got %v", err)
	}
}

func TestNoDaemon(t *testing.T) {
	data := t.TempDir()
	if _, err := NewClient(Options{Data: data}); !errors.Is(err, ErrNoDaemon) {
		t.Errorf("empty folder: %v", err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(data, AddressFile), []byte(listener.Addr().String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_ = listener.Close()
	c, err := NewClient(Options{Data: data})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Status(t.Context()); !errors.Is(err, ErrNoDaemon) || !strings.Contains(err.Error(), "setlogger serve") {
		t.Errorf("stale address: %v", err)
	}
}

func TestCancelledCallIsNotNoDaemon(t *testing.T) {
	c := serve(t, func(http.ResponseWriter, *http.Request) {})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Status(ctx); !errors.Is(err, context.Canceled) || errors.Is(err, ErrNoDaemon) {
		t.Errorf("got %v", err)
	}
}

func TestAppendManyStreams(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Content-Type") != LinesType {
			t.Errorf("Content-Type %q", r.Header.Get("Content-Type"))
		}
		data, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, `{"writer":"w","committed":%d,"last":9}`, bytes.Count(data, []byte("\n")))
	})
	var seen uint64
	a, err := c.AppendMany(t.Context(), "b", strings.NewReader("{}\n{}\n{}\n"), func(_, lines uint64) { seen = lines })
	if err != nil || a.Committed != 3 || a.Last != 9 || seen != 3 {
		t.Errorf("got %+v, %v, progress %d", a, err, seen)
	}
}

func TestFollowLog(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("live") != "sse" || r.URL.Query().Get("after") != "7" {
			t.Errorf("query %s", r.URL.RawQuery)
		}
		w.Header().Set("Content-Type", EventsType)
		fmt.Fprint(w, ": hello\n\nid: 8\ndata: {\"offset\":\"8\",\"writer\":\"w\",\"entry\":{\"n\":1}}\n\n")
		fmt.Fprint(w, "id: 9\ndata: {\"offset\":\"9\",\ndata: \"writer\":\"w\",\"entry\":{}}\n\n")
	})
	var offsets []string
	var last error
	for e, err := range c.FollowLog(t.Context(), "b", "7") {
		if last = err; err == nil {
			offsets = append(offsets, e.Offset)
		}
	}
	if strings.Join(offsets, " ") != "8 9" || !errors.Is(last, io.EOF) {
		t.Errorf("offsets %v, end %v", offsets, last)
	}
}

// FuzzEvents: a stream of any bytes ends in exactly one error, and no event holds what no data line had.
func FuzzEvents(f *testing.F) {
	f.Add([]byte("id: 1\ndata: {}\n\n"))
	f.Add([]byte(": hello\n\ndata:x\ndata: y\n\ndata"))
	f.Fuzz(func(t *testing.T, stream []byte) {
		failures := 0
		for data, err := range events(bytes.NewReader(stream)) {
			if err != nil {
				failures++
			} else if bytes.ContainsAny(data, "\n") || len(data) > len(stream) {
				t.Errorf("event %q", data)
			}
		}
		if failures != 1 {
			t.Errorf("%d errors", failures)
		}
	})
}
