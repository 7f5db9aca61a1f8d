package daemon

import (
	"context"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/disk"
	"github.com/setlogger/setlogger/replica"
	"github.com/setlogger/setlogger/setlog"
)

// ailing is a remote that fails as it is told: lists, reads and writes, or one of them alone.
type ailing struct {
	remote.Storage
	list, write *atomic.Pointer[error]
}

func failing(p *atomic.Pointer[error]) error {
	if err := p.Load(); err != nil {
		return *err
	}
	return nil
}

func (a ailing) List(ctx context.Context, folder string) iter.Seq2[remote.Object, error] {
	err := failing(a.list)
	if err == nil || errors.Is(err, remote.ErrTwins) && folder != "" {
		return a.Storage.List(ctx, folder)
	}
	return func(yield func(remote.Object, error) bool) { yield(remote.Object{}, err) }
}

func (a ailing) Write(ctx context.Context, name string, data []byte) error {
	if err := failing(a.write); err != nil {
		return err
	}
	return a.Storage.Write(ctx, name, data)
}

// pausing is the 429 of a remote that says when it wants to be asked again.
type pausing struct{ until time.Time }

func (p pausing) Error() string         { return "list log/: too many requests" }
func (p pausing) Unwrap() error         { return remote.ErrBusy }
func (p pausing) RetryAfter() time.Time { return p.until }

// ill is one trouble, and how it begins and ends.
type ill struct {
	name       string
	begin, end func()
}

func fails(name string, p *atomic.Pointer[error], err error) ill {
	return ill{name, func() { p.Store(&err) }, func() { p.Store(nil) }}
}

func moved(t *testing.T, name, path string) ill {
	rename := func(from, to string) func() {
		return func() {
			if err := os.Rename(from, to); err != nil {
				t.Error(err)
			}
		}
	}
	return ill{name, rename(path, path+"-away"), rename(path+"-away", path)}
}

// ward is a daemon with a remote "share" in a folder that can be made to fail, and a bucket "b" there.
type ward struct {
	*served
	folder      string
	list, write atomic.Pointer[error]
}

func newWard(t *testing.T) *ward {
	t.Helper()
	w := &ward{folder: filepath.Join(t.TempDir(), "share")}
	w.served = w.serve(t, filepath.Join(t.TempDir(), "data"))
	w.share(t, w.folder)
	w.bucket(t, "b")
	w.append(t, "b", `{"type":"CREATE_NODE","id":"first"}`)
	w.sync(t)
	return w
}

func (w *ward) serve(t *testing.T, data string) *served {
	t.Helper()
	return serveOptions(t, Options{Data: data, Open: func(path string) remote.Storage {
		if path != w.folder {
			return disk.New(path)
		}
		return ailing{disk.New(path), &w.list, &w.write}
	}})
}

// reopen starts the daemon again.
func (w *ward) reopen(t *testing.T) *served {
	t.Helper()
	if err := w.stop(); err != nil {
		t.Fatal(err)
	}
	return w.serve(t, w.data)
}

func (w *ward) file(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(w.folder, pattern))
	if err != nil || len(found) == 0 {
		t.Fatal(pattern, err)
	}
	return found[0]
}

// told waits for a round, and answers a problem of a name as the status and doctor tell it.
func (w *ward) told(t *testing.T, name string) api.Problem {
	t.Helper()
	_, _ = w.client.Sync(t.Context(), "share") // the status has its error
	status, _ := w.status(t)
	i := slices.IndexFunc(status.Problems, func(p api.Problem) bool { return p.Name == name })
	if i < 0 {
		t.Fatalf("the status names %+v", status.Problems)
	}
	p := status.Problems[i]
	d, err := w.client.Doctor(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	known := slices.ContainsFunc(d.Checks, func(e api.Examined) bool {
		return e.Name == name && e.Subject == p.Subject && e.Cause == p.Cause && e.Effect == p.Effect && e.Hint == p.Hint && !e.OK
	})
	if !known || d.OK || p.Cause == "" || p.Effect == "" {
		t.Errorf("doctor: %+v\nthe status: %+v", d, p)
	}
	return p
}

// TestTroublesOfARemote brings about each trouble that a remote can have. It has one name, in the status and doctor; apps append
// and read as ever; once it is over, all is sent.
func TestTroublesOfARemote(t *testing.T) {
	w := newWard(t)
	until := time.Now().Add(time.Hour).Truncate(time.Second)
	share := w.file(t, "share.*.json")
	for _, c := range []ill{
		fails("remote-unreachable", &w.list, remote.ErrUnreachable),
		fails("login-expired", &w.list, remote.ErrExpired),
		fails("remote-denied", &w.list, remote.ErrDenied),
		fails("remote-full", &w.write, remote.ErrFull),
		fails("remote-busy", &w.list, pausing{until}),
		fails("remote-failing", &w.list, errors.New("strange")),
		fails("twin-folders", &w.list, remote.ErrTwins),
		moved(t, "folder-vanished", w.folder),
		moved(t, "share-missing", share),
		{"update-needed", func() { // looked at after a start alone, so it comes last
			w.edit(t, share, `"min_reader":1`, `"min_reader":9`)
			w.served = w.reopen(t)
		}, func() { w.edit(t, share, `"min_reader":9`, `"min_reader":1`) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.begin()
			id := "while-" + c.name
			w.append(t, "b", `{"type":"CREATE_NODE","id":"`+id+`"}`)
			p := w.told(t, c.name)
			if c.name == "remote-busy" && (p.Until == nil || !p.Until.Equal(until)) {
				t.Errorf("until %v, want %v", p.Until, until)
			}
			if _, err := w.client.Node(t.Context(), "b", id); err != nil {
				t.Errorf("a read meanwhile: %v", err)
			}
			if status, _ := w.status(t); status.Pending == 0 {
				t.Error("nothing waits")
			}
			c.end()
			w.sync(t)
			if status, names := w.status(t); slices.Contains(names, c.name) || status.Pending != 0 {
				t.Errorf("afterwards: %d wait, %v", status.Pending, names)
			}
		})
	}
}

// TestTroublesThatRoundsGoAround: conflict copies and a clock from the future hold nothing up, and are named.
func TestTroublesThatRoundsGoAround(t *testing.T) {
	w := newWard(t)
	copied := filepath.Join(w.folder, "log", "b (Ann's conflicted copy).gz")
	if err := os.WriteFile(copied, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.told(t, "foreign-file")
	if err := os.Remove(copied); err != nil {
		t.Fatal(err)
	}
	w.appendFrom(t, time.Now().AddDate(10, 0, 0))
	p := w.told(t, "clock-off")
	if p.Subject != "b" || !strings.Contains(p.Detail, "days ahead") {
		t.Errorf("%+v", p)
	}
	if _, err := w.client.Node(t.Context(), "b", "later"); err != nil {
		t.Errorf("what the other clock wrote: %v", err)
	}
	w.append(t, "b", `{"type":"CREATE_NODE","id":"now"}`)
	w.sync(t)
	if status, names := w.status(t); status.Pending != 0 || slices.Contains(names, "foreign-file") {
		t.Errorf("%d wait, %v", status.Pending, names)
	}
}

// appendFrom appends a node "later" on another device whose clock shows a time.
func (w *ward) appendFrom(t *testing.T, clock time.Time) {
	t.Helper()
	b, err := localstore.Create(filepath.Join(t.TempDir(), "b.db"), "b", []string{}, localstore.Options{Now: func() time.Time { return clock }, NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close() }()
	share := replica.NewShare(replica.Options{Storage: disk.New(w.folder), Remote: "r"})
	round := func() {
		if _, err := share.Sync(t.Context(), []*localstore.Bucket{b}); err != nil {
			t.Fatal(err)
		}
	}
	round()
	actions, err := setlog.ParseActions([]byte(`{"type":"CREATE_NODE","id":"later"}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Append(t.Context(), localstore.Request{Actions: actions}); err != nil {
		t.Fatal(err)
	}
	round()
}

// edit replaces text in a file.
func (w *ward) edit(t *testing.T, path, from, to string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	edited := strings.Replace(string(data), from, to, 1)
	if edited == string(data) {
		t.Fatalf("%s lacks %s", path, from)
	}
	if err := os.WriteFile(path, []byte(edited), 0o600); err != nil {
		t.Fatal(err)
	}
}
