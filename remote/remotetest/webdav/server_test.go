package webdav_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/memory"
	"github.com/setlogger/setlogger/remote/remotetest/webdav"
)

// stubborn answers every call with an error, a listing after some names.
type stubborn struct {
	err   error
	names []string
}

func (s stubborn) List(context.Context, string) iter.Seq2[remote.Object, error] {
	return func(yield func(remote.Object, error) bool) {
		for _, name := range s.names {
			if !yield(remote.Object{Name: name, Size: 3}, nil) {
				return
			}
		}
		yield(remote.Object{}, s.err)
	}
}
func (s stubborn) Read(context.Context, string) ([]byte, error) { return nil, s.err }
func (s stubborn) Write(context.Context, string, []byte) error  { return s.err }
func (s stubborn) Remove(context.Context, string) error         { return s.err }

func start(t *testing.T, files remote.Storage, o webdav.Options) *webdav.Server {
	t.Helper()
	s, err := webdav.Start(files, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// ask makes a request, with headers as "Name: value", and answers the status, the answer's head and what of its body came.
func ask(t *testing.T, s *webdav.Server, method, path, body string, headers ...string) (status int, head http.Header, text string, err error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, nil, "", err
	}
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, string(data), err
}

func wantStatus(t *testing.T, s *webdav.Server, want int, method, path, body string, headers ...string) string {
	t.Helper()
	status, _, text, err := ask(t, s, method, path, body, headers...)
	if err != nil || status != want {
		t.Errorf("%s %s = %d, %v, want %d", method, path, status, err, want)
	}
	return text
}

var hrefs = regexp.MustCompile(`<href>([^<]*)</href>`)

// listed answers what a listing names.
func listed(text string) string {
	var names []string
	for _, m := range hrefs.FindAllStringSubmatch(text, -1) {
		names = append(names, m[1])
	}
	return strings.Join(names, " ")
}

// TestFilesAndFolders: what a client does to upload a file by way of another name, and finds afterwards.
func TestFilesAndFolders(t *testing.T) {
	s := start(t, memory.New(), webdav.Options{})
	wantStatus(t, s, http.StatusConflict, http.MethodPut, "/log/a", "x")
	wantStatus(t, s, http.StatusConflict, "MKCOL", "/log/deeper", "")
	wantStatus(t, s, http.StatusCreated, "MKCOL", "/log", "")
	wantStatus(t, s, http.StatusMethodNotAllowed, "MKCOL", "/log", "")
	wantStatus(t, s, http.StatusCreated, http.MethodPut, "/log/a.gz.1.partial", "0123456789")
	if got := listed(wantStatus(t, s, http.StatusMultiStatus, "PROPFIND", "/log/", "", "Depth: 1")); got != "/log/ /log/a.gz.1.partial" {
		t.Errorf("listed %s", got)
	}
	wantStatus(t, s, http.StatusConflict, "MOVE", "/log/a.gz.1.partial", "", "Destination: "+s.URL+"/nowhere/a.gz")
	wantStatus(t, s, http.StatusCreated, "MOVE", "/log/a.gz.1.partial", "", "Destination: "+s.URL+"/log/a.gz")
	wantStatus(t, s, http.StatusNotFound, "PROPFIND", "/log/a.gz.1.partial", "", "Depth: 0")
	text := wantStatus(t, s, http.StatusMultiStatus, "PROPFIND", "/log/a.gz", "", "Depth: 0")
	if listed(text) != "/log/a.gz" || !strings.Contains(text, "<getcontentlength>10</getcontentlength>") {
		t.Errorf("found %s", text)
	}
	if got := wantStatus(t, s, http.StatusOK, http.MethodGet, "/log/a.gz", ""); got != "0123456789" {
		t.Errorf("read %q", got)
	}
	if got := listed(wantStatus(t, s, http.StatusMultiStatus, "PROPFIND", "/", "", "Depth: 1")); got != "/ /log/" {
		t.Errorf("listed %s", got)
	}
	wantStatus(t, s, http.StatusNoContent, http.MethodDelete, "/log/a.gz", "")
	wantStatus(t, s, http.StatusNotFound, http.MethodDelete, "/log/a.gz", "")
	wantStatus(t, s, http.StatusForbidden, http.MethodDelete, "/log", "")
	wantStatus(t, s, http.StatusMethodNotAllowed, "LOCK", "/log", "")
	if s.Requests() != 16 || s.Uploads() != 2 {
		t.Errorf("%d requests counted, %d uploads", s.Requests(), s.Uploads())
	}
}

// TestPage: a page in place of a file's content is told as one.
func TestPage(t *testing.T) {
	files := memory.New()
	if err := files.Write(t.Context(), "a", []byte("<!DOCTYPE html>\n<html></html>")); err != nil {
		t.Fatal(err)
	}
	status, head, _, err := ask(t, start(t, files, webdav.Options{}), http.MethodGet, "/a", "")
	if status != http.StatusOK || head.Get("Content-Type") != "text/html" || err != nil {
		t.Errorf("%d, %v, %v", status, head, err)
	}
}

// TestErrors: each is told by its status, with what the test adds.
func TestErrors(t *testing.T) {
	for want, err := range map[int]error{
		http.StatusInsufficientStorage: remote.ErrFull, http.StatusUnauthorized: remote.ErrExpired, http.StatusForbidden: remote.ErrDenied,
		http.StatusTooManyRequests: remote.ErrBusy, http.StatusServiceUnavailable: remote.ErrUnreachable, http.StatusBadRequest: remote.ErrName,
		http.StatusLocked: errors.New("of no known kind"), http.StatusNotFound: remote.ErrNotExist,
	} {
		s := start(t, stubborn{err: fmt.Errorf("told: %w", err)}, webdav.Options{Truth: memory.New()})
		wantStatus(t, s, want, http.MethodPut, "/a", "x")
		wantStatus(t, s, want, http.MethodGet, "/a", "")
		wantStatus(t, s, want, "PROPFIND", "/", "", "Depth: 1")
	}
	s := start(t, stubborn{err: remote.ErrBusy}, webdav.Options{Answer: func(error) webdav.Answer {
		return webdav.Answer{Status: http.StatusTooManyRequests, RetryAfter: 7, Kind: "application/json", Body: `{"slow":"down"}`}
	}})
	status, head, text, err := ask(t, s, http.MethodGet, "/a", "")
	if status != http.StatusTooManyRequests || head.Get("Retry-After") != "7" || head.Get("Content-Type") != "application/json" || text != `{"slow":"down"}` || err != nil {
		t.Errorf("%d, %v, %q, %v", status, head, text, err)
	}
}

// TestBrokenConnections: an answer that does not come, and a listing and a content that end in the middle.
func TestBrokenConnections(t *testing.T) {
	silent := func(error) webdav.Answer { return webdav.Answer{} }
	truth := memory.New()
	s := start(t, stubborn{err: remote.ErrUnreachable, names: []string{"a", "b"}}, webdav.Options{Truth: truth, Answer: silent})
	if status, _, _, err := ask(t, s, http.MethodPut, "/a", "x"); err == nil {
		t.Errorf("answered %d", status)
	}
	status, _, text, err := ask(t, s, "PROPFIND", "/", "", "Depth: 1")
	if status != http.StatusMultiStatus || err == nil || listed(text) != "/ /a /b" || strings.Contains(text, "</multistatus>") {
		t.Errorf("%d, %v: %s", status, err, text)
	}
	whole, some := memory.New(), memory.New()
	for storage, text := range map[remote.Storage]string{whole: "0123456789", some: "0123"} {
		if err := storage.Write(t.Context(), "a", []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	status, _, text, err = ask(t, start(t, some, webdav.Options{Truth: whole}), http.MethodGet, "/a", "")
	if status != http.StatusOK || !errors.Is(err, io.ErrUnexpectedEOF) || text != "0123" {
		t.Errorf("%d, %q, %v", status, text, err)
	}
}
