package rclone

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/remotetest"
	"github.com/setlogger/setlogger/remote/remotetest/dropbox"
)

// TestDropbox runs over rclone's dropbox backend and a fake of Dropbox.
func TestDropbox(t *testing.T) {
	remotetest.Run(t, below("cloud:conform"))
	for _, call := range []string{"/oauth2/token", "/2/files/list_folder/continue"} {
		if cloud.Requests()[call] == 0 {
			t.Errorf("%s was not needed", call)
		}
	}
	if files := cloud.Files("/conform"); files < 1000 {
		t.Errorf("%d files", files)
	}
}

// TestDropboxInParts: a file above the backend's chunk size goes up in an upload session.
func TestDropboxInParts(t *testing.T) {
	parts := "cloud,chunk_size=1Mi:parts"
	if err := library.Make(t.Context(), parts); err != nil {
		t.Fatal(err)
	}
	before := cloud.Requests()["/2/files/upload_session/append_v2"]
	data := remotetest.Bytes(2<<20+5, 1)
	storage := library.Open(parts)
	if err := storage.Write(t.Context(), "large", data); err != nil {
		t.Fatal(err)
	}
	if got, err := storage.Read(t.Context(), "large"); err != nil || !slices.Equal(got, data) {
		t.Errorf("read %d B, %v", len(got), err)
	}
	if n := cloud.Requests()["/2/files/upload_session/append_v2"] - before; n != 3 {
		t.Errorf("%d parts", n)
	}
}

// dropboxRoot answers a new folder of the account, opened.
func dropboxRoot(t *testing.T) remote.Storage {
	t.Helper()
	s := below("cloud:" + t.Name())(t)
	if err := s.Write(t.Context(), "log/a", []byte("x")); err != nil {
		t.Fatal(err)
	}
	return s
}

// TestDropboxRequests: how many requests each call makes once the remote is open; Dropbox bills none, and limits all.
func TestDropboxRequests(t *testing.T) {
	s := dropboxRoot(t)
	for _, call := range []struct {
		name, want string
		do         func() error
	}{
		{"List", "list_folder", func() error { return listError(t, s, "log") }},
		{"Read", "download get_metadata", func() error { _, err := s.Read(t.Context(), "log/a"); return err }},
		{"Write", "upload", func() error { return s.Write(t.Context(), "log/b", []byte("x")) }},
		{"Write again", "upload", func() error { return s.Write(t.Context(), "log/b", []byte("x")) }},
		{"Remove", "delete_v2 get_metadata", func() error { return s.Remove(t.Context(), "log/b") }},
		{"Remove again", "get_metadata", func() error { return s.Remove(t.Context(), "log/b") }},
	} {
		before := cloud.Requests()
		if err := call.do(); err != nil {
			t.Errorf("%s: %v", call.name, err)
		}
		var made []string
		after := cloud.Requests()
		for _, path := range slices.Sorted(maps.Keys(after)) {
			for range after[path] - before[path] {
				made = append(made, strings.TrimPrefix(path, "/2/files/"))
			}
		}
		if got := strings.Join(made, " "); got != call.want {
			t.Errorf("%s: requests %q, want %q", call.name, got, call.want)
		}
	}
}

// TestDropboxFoldsCase: a name is found in any case, and listed in that in which it was made.
func TestDropboxFoldsCase(t *testing.T) {
	dropboxRoot(t)
	other := library.Open("cloud:" + strings.ToUpper(t.Name()) + "/T1")
	if data, err := other.Read(t.Context(), "log/a"); err != nil || string(data) != "x" {
		t.Errorf("read %q, %v", data, err)
	}
	if err := other.Write(t.Context(), "log/a", []byte("y")); err != nil {
		t.Error(err)
	}
	wantNames := []string{"log/a"}
	if got := remotetest.Names(t, other, "log"); !slices.Equal(got, wantNames) {
		t.Errorf("listed %q", got)
	}
}

// TestDropboxRefusals: what Dropbox says in its own way comes out as one of package remote's errors.
func TestDropboxRefusals(t *testing.T) {
	if err := listError(t, library.Open("stranger:x"), ""); !errors.Is(err, remote.ErrDenied) {
		t.Errorf("a login that was revoked: %v", err)
	}
	if err := listError(t, library.Open("cloud:gone"), ""); !errors.Is(err, remote.ErrUnreachable) {
		t.Errorf("a root that is not there: %v", err)
	}
	s := dropboxRoot(t)
	cloud.Room(5)
	defer cloud.Room(-1)
	if err := s.Write(t.Context(), "log/large", []byte("123456")); !errors.Is(err, remote.ErrFull) {
		t.Errorf("a full account: %v", err)
	}
	if err := s.Write(t.Context(), "log/small", []byte("12345")); err != nil {
		t.Error(err)
	}
}

// TestDropboxOffline: the network goes and comes back.
func TestDropboxOffline(t *testing.T) {
	s := dropboxRoot(t)
	cloud.Cut()
	err := s.Write(t.Context(), "log/b", nil)
	if mended := cloud.Mend(); mended != nil {
		t.Fatal(mended)
	}
	if !errors.Is(err, remote.ErrUnreachable) {
		t.Errorf("Write = %v", err)
	}
	if err := s.Write(t.Context(), "log/b", nil); err != nil {
		t.Error(err)
	}
}

// TestDropboxHint: what another device writes is told of by a long poll.
func TestDropboxHint(t *testing.T) {
	s := dropboxRoot(t)
	inner, ok := s.(*storage)
	if !ok {
		t.Fatalf("it is a %T", s)
	}
	ctx, cancel := context.WithCancel(t.Context())
	told, ended := make(chan string, 10), make(chan error, 1)
	before := cloud.Requests()["/2/files/list_folder/longpoll"]
	go func() { ended <- inner.tell(ctx, time.Millisecond, func(name string) { told <- name }) }()
	for tick := time.NewTicker(time.Millisecond); cloud.Requests()["/2/files/list_folder/longpoll"] == before; {
		<-tick.C
	}
	if err := s.Write(ctx, "log/news", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if got := <-told; got != "log/news" {
		t.Errorf("told of %q", got)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestSilent: most places tell of nothing.
func TestSilent(t *testing.T) {
	teller, ok := library.Open(":memory:silent").(remote.Teller)
	if !ok {
		t.Fatal("it is no Teller")
	}
	if err := teller.Tell(t.Context(), func(string) {}); !errors.Is(err, remote.ErrSilent) {
		t.Error(err)
	}
}

// TestDropboxStorm: while Dropbox asks for patience, no request is made, whoever calls; and once that is over, calls are
// as fast as before.
func TestDropboxStorm(t *testing.T) {
	s := dropboxRoot(t)
	inner, ok := s.(*storage)
	if !ok {
		t.Fatalf("it is a %T", s)
	}
	first := inner.get()
	before := cloud.Refused().Calls
	cloud.Storm(dropbox.Storm{Pause: 3 * time.Second})
	err := s.Write(t.Context(), "log/b", []byte("x"))
	var failure *Failure
	if !errors.Is(err, remote.ErrBusy) || !errors.As(err, &failure) || time.Until(failure.RetryAfter()) < 2*time.Second {
		t.Fatalf("Write = %v", err)
	}
	wantAll(t, s, remote.ErrBusy)
	if calls := cloud.Refused().Calls - before; calls != 1 {
		t.Errorf("%d requests were refused, want the first alone", calls)
	}
	time.Sleep(time.Until(failure.RetryAfter())) // it is the remote's clock
	if err := s.Write(t.Context(), "log/b", []byte("x")); err != nil {
		t.Error(err)
	}
	if inner.get() == first {
		t.Error("rclone's backend, which is slow for long after a wish to wait, is still in use")
	}
}

// TestDropboxShortStorm: a short wish is kept inside the call.
func TestDropboxShortStorm(t *testing.T) {
	s := dropboxRoot(t)
	cloud.Storm(dropbox.Storm{Pause: 500 * time.Millisecond})
	if err := s.Write(t.Context(), "log/b", []byte("x")); err != nil {
		t.Error(err)
	}
}

// TestDropboxPlainStorm: of a refusal in plain text rclone keeps nothing, and it passes for a remote out of reach.
func TestDropboxPlainStorm(t *testing.T) {
	s := dropboxRoot(t)
	cloud.Storm(dropbox.Storm{Pause: time.Minute, Plain: true})
	defer cloud.Storm(dropbox.Storm{Times: -1})
	if err := s.Write(t.Context(), "log/b", []byte("x")); !errors.Is(err, remote.ErrUnreachable) {
		t.Errorf("Write = %v", err)
	}
	if err := listError(t, s, "log"); !errors.Is(err, remote.ErrUnreachable) {
		t.Errorf("List = %v", err)
	}
}

// TestDropboxStormCutsOff: calls that wait their turn inside rclone when the storm begins are answered, too.
func TestDropboxStormCutsOff(t *testing.T) {
	const calls = 20
	s := dropboxRoot(t)
	before := cloud.Refused()
	cloud.Storm(dropbox.Storm{After: 3, Pause: 3 * time.Second})
	defer cloud.Storm(dropbox.Storm{Times: -1})
	errs := make([]error, calls)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { errs[i] = s.Write(t.Context(), fmt.Sprint("log/", i), nil) })
	}
	all.Wait()
	busy := 0
	for _, err := range errs {
		if errors.Is(err, remote.ErrBusy) {
			busy++
		} else if err != nil {
			t.Error(err)
		}
	}
	after := cloud.Refused()
	if busy < calls-5 || after.Calls-before.Calls > 5 || after.Early != before.Early {
		t.Errorf("%d of %d calls answered ErrBusy; requests refused: %+v, before it %+v", busy, calls, after, before)
	}
}
