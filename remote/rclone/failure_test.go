package rclone

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/remotetest"
	"github.com/setlogger/setlogger/remote/remotetest/servers"
)

// wantAll expects the same error from each verb.
func wantAll(t *testing.T, s remote.Storage, want error) {
	t.Helper()
	_, readErr := s.Read(t.Context(), "log/a")
	for verb, err := range map[string]error{
		"List": listError(t, s, ""), "Read": readErr, "Write": s.Write(t.Context(), "log/a", []byte("x")), "Remove": s.Remove(t.Context(), "log/a"),
	} {
		if !errors.Is(err, want) {
			t.Errorf("%s = %v, want %v", verb, err, want)
		}
		if err != nil && remote.Hint(err) == "" {
			t.Errorf("%s: no hint for %v", verb, err)
		}
	}
}

// TestOffline: each server goes away before the first call, then comes, goes under an open connection, and comes back.
func TestOffline(t *testing.T) {
	for _, kind := range servers.All() {
		t.Run(kind.Name, func(t *testing.T) {
			s := kind.Start(t)
			storage := library.Open(s.Path)
			s.Stop(t)
			if err := listError(t, storage, ""); !errors.Is(err, remote.ErrUnreachable) {
				t.Errorf("List before the first connection = %v", err)
			}
			if err := storage.Write(t.Context(), "log/a", []byte("x")); !errors.Is(err, remote.ErrUnreachable) {
				t.Errorf("Write before the first connection = %v", err)
			}
			s.Restart(t)
			if err := storage.Write(t.Context(), "log/a", []byte("x")); err != nil {
				t.Fatalf("Write once it is there: %v", err)
			}
			s.Stop(t)
			if err := storage.Write(t.Context(), "log/b", []byte("y")); !errors.Is(err, remote.ErrUnreachable) {
				t.Errorf("Write to a lost connection = %v", err)
			}
			if err := listError(t, storage, ""); !errors.Is(err, remote.ErrUnreachable) {
				t.Errorf("List over a lost connection = %v", err)
			}
			s.Restart(t)
			if err := storage.Write(t.Context(), "log/b", []byte("y")); err != nil {
				t.Fatalf("Write once it is back: %v", err)
			}
			if got := strings.Join(remotetest.Names(t, storage, "log"), " "); got != "log/a log/b" {
				t.Errorf("listed %q", got)
			}
		})
	}
}

// TestOfflineS3Root: an endpoint that does not answer must not turn a root into its parent.
func TestOfflineS3Root(t *testing.T) {
	s := servers.S3(t)
	storage := library.Open(s.Path + "/deep/root")
	wrapped := library.Open(`:crypt,remote="` + strings.ReplaceAll(s.Path, `"`, `""`) + `/deep/crypt",password=MDEyMzQ1Njc4OWFiY2RlZuiXJiU6BSkYE4H6uoAR:`)
	s.Stop(t)
	wantAll(t, storage, remote.ErrUnreachable)
	wantAll(t, wrapped, remote.ErrUnreachable)
	s.Restart(t)
	for _, each := range []remote.Storage{storage, wrapped} {
		if err := each.Write(t.Context(), "log-a", []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	for folder, want := range map[string]int{"*": 1, "deep/*": 2, "deep/root/*": 1, "deep/crypt/*": 1} {
		found, err := filepath.Glob(filepath.Join(s.Folder, folder))
		found = slices.DeleteFunc(found, func(path string) bool { return filepath.Base(path) == ".sgwtmp" }) // the gateway's own
		if err != nil || len(found) != want {
			t.Errorf("%s holds %q, %v", folder, found, err)
		}
	}
}

func TestNoSuchRemote(t *testing.T) {
	for _, path := range []string{"nowhere:folder", ":nobackend:x", ":s3,provider", "circle:"} {
		wantAll(t, library.Open(path), remote.ErrUnreachable)
	}
	err := listError(t, library.Open("nowhere:folder"), "")
	if !strings.Contains(remote.Hint(err), "listremotes") || !strings.Contains(err.Error(), "nowhere") {
		t.Errorf("%v: %s", err, remote.Hint(err))
	}
}

func TestNoSuchRoot(t *testing.T) {
	for _, kind := range servers.All() {
		t.Run(kind.Name, func(t *testing.T) {
			if kind.Name == "s3" {
				s := kind.Start(t)
				bucket := strings.TrimSuffix(s.Path, "share") + "nosuchbucket"
				if err := listError(t, library.Open(bucket), "log"); !errors.Is(err, remote.ErrUnreachable) {
					t.Errorf("List = %v", err)
				}
				return
			}
			s := kind.Start(t)
			path := s.Path + "/gone"
			if strings.HasSuffix(s.Path, ":") {
				path = s.Path + "gone"
			}
			wantAll(t, library.Open(path), remote.ErrVanished)
			if entries, err := os.ReadDir(s.Folder); err != nil || len(entries) != 0 {
				t.Errorf("made %v, %v", entries, err)
			}
			if err := library.Make(t.Context(), path); err != nil {
				t.Fatal(err)
			}
			if err := library.Open(path).Write(t.Context(), "log/a", nil); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestStatus: a WebDAV server that answers everything alike.
func TestStatus(t *testing.T) {
	for status, want := range map[int]error{
		http.StatusUnauthorized: remote.ErrExpired, http.StatusForbidden: remote.ErrDenied, http.StatusTooManyRequests: remote.ErrBusy,
		http.StatusInsufficientStorage: remote.ErrFull, http.StatusInternalServerError: remote.ErrUnreachable, http.StatusBadGateway: remote.ErrUnreachable,
	} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(status)
			}))
			defer server.Close()
			wantAll(t, library.Open(`:webdav,url="`+server.URL+`",vendor=other:`), want)
		})
	}
}

// TestExpiredIsToldFromDenied by the words of services whose status says less.
func TestExpiredIsToldFromDenied(t *testing.T) {
	for text, want := range map[string]error{
		`couldn't fetch token: invalid_grant: maybe token expired? - try refreshing with "rclone config reconnect drive:"`: remote.ErrExpired,
		"expired_access_token/..": remote.ErrExpired,
		"ExpiredToken: The provided token has expired. status code 400": remote.ErrExpired,
		"InvalidAuthenticationToken: CompactToken parsing failed":       remote.ErrExpired,
		"AccessDenied: Access Denied. status code: 403":                 remote.ErrDenied,
		"ssh: handshake failed: ssh: unable to authenticate":            remote.ErrDenied,
	} {
		got := kindOf(errors.New(text))
		if got != want || !errors.Is(got, remote.ErrDenied) { //nolint:errorlint // which of the two it is
			t.Errorf("%s: %v", text, got)
		}
	}
}

// TestRetryAfter: a long wish is passed on at once, not slept through.
func TestRetryAfter(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "600")
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	defer server.Close()
	start := time.Now()
	err := listError(t, library.Open(`:webdav,url="`+server.URL+`",vendor=other:`), "")
	if !errors.Is(err, remote.ErrBusy) || time.Since(start) > time.Minute {
		t.Errorf("%v after %v", err, time.Since(start))
	}
}

// TestDeadline: a server that takes the connection and never answers.
func TestDeadline(t *testing.T) {
	hang := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	defer server.Close()
	defer close(hang)
	for _, path := range []string{
		`:webdav,url="` + server.URL + `",vendor=other:`,
		`:s3,provider=Other,access_key_id=AAAA,secret_access_key=BBBB,endpoint="` + server.URL + `":share`,
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		start := time.Now()
		err := library.Open(path).Write(ctx, "log/a", []byte("x"))
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) > 10*time.Second {
			t.Errorf("%s: %v after %v", Mask(path), err, time.Since(start))
		}
	}
}
