package daemon

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/disk"
)

// remoteNamed names a folder, and answers it.
func (s *served) remoteNamed(t *testing.T, name string) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), name)
	if _, err := s.client.AddRemote(t.Context(), api.Remote{Name: name, Path: folder}); err != nil {
		t.Fatal(err)
	}
	return folder
}

// await reads the status of the daemon, once and after each change, until it is as wanted.
func (s *served) await(t *testing.T, done func(s api.Status) bool) {
	t.Helper()
	for status, err := range s.client.Events(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if done(status) {
			return
		}
	}
}

// awaitMove waits until a remote has moved.
func (s *served) awaitMove(t *testing.T, from, to string) {
	t.Helper()
	if _, err := s.client.MoveRemote(t.Context(), from, to); err != nil {
		t.Fatal(err)
	}
	s.await(t, func(s api.Status) bool {
		return slices.ContainsFunc(s.Remotes, func(r api.RemoteStatus) bool { return r.Name == from && r.MovedTo == to && r.Moving == nil })
	})
}

// mirror has a bucket sync with these remotes, and waits until it does.
func (s *served) mirror(t *testing.T, bucket string, remotes ...string) {
	t.Helper()
	if _, err := s.client.ChangeRemotes(t.Context(), bucket, remotes); err != nil {
		t.Fatal(err)
	}
	slices.Sort(remotes)
	s.await(t, func(s api.Status) bool {
		return slices.ContainsFunc(s.Buckets, func(b api.BucketStatus) bool {
			return b.Name == bucket && len(b.Filling) == 0 && slices.Equal(b.Remotes, remotes)
		})
	})
}

// newcomer is a daemon that has one remote, and joins a bucket there.
func newcomer(t *testing.T, folder, bucket string) *served {
	t.Helper()
	n := serveDaemon(t)
	n.share(t, folder)
	if _, err := n.client.CreateBucket(t.Context(), api.Bucket{Name: bucket, Join: true}); err != nil {
		t.Fatal(err)
	}
	n.sync(t)
	return n
}

func (s *served) syncAll(t *testing.T) {
	t.Helper()
	if _, err := s.client.Sync(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
}

// TestMirror: a bucket syncs with two remotes, each of which has all of it, also what was there before; and goes on with one.
func TestMirror(t *testing.T) {
	s := serveDaemon(t)
	first := s.remoteNamed(t, "first")
	s.bucket(t, "todos")
	for i := range 20 {
		s.append(t, "todos", fmt.Sprintf(`{"type":"CREATE_NODE","id":"n%d"}`, i))
	}
	s.syncAll(t)
	if _, err := s.client.Compact(t.Context(), "todos"); err != nil {
		t.Fatal(err)
	}
	second := s.remoteNamed(t, "second")
	s.mirror(t, "todos", "first", "second")
	s.append(t, "todos", `{"type":"CREATE_NODE","id":"to both"}`)
	s.syncAll(t)
	want := s.export(t, "todos")
	for _, folder := range []string{first, second} {
		if got := newcomer(t, folder, "todos").export(t, "todos"); !bytes.Equal(got, want) {
			t.Errorf("from %s: %s", folder, got)
		}
	}
	if verdict, err := s.client.Verify(t.Context(), "second"); err != nil || !verdict.OK || verdict.Files < 3 {
		t.Errorf("%+v, %v", verdict, err)
	}
	other := newcomer(t, first, "todos") // what it writes to the first one gets to the second one
	other.append(t, "todos", `{"type":"CREATE_NODE","id":"of another"}`)
	other.sync(t)
	for range 6 { // a relay waits until three listings lack it
		s.syncAll(t)
	}
	if got := newcomer(t, second, "todos").export(t, "todos"); !strings.Contains(string(got), "of another") {
		t.Errorf("the mirror lacks what another device wrote: %s", got)
	}
	s.mirror(t, "todos", "second")
	again := s.restart(t)
	if b, err := again.client.Bucket(t.Context(), "todos"); err != nil || !slices.Equal(b.Remotes, []string{"second"}) {
		t.Errorf("%+v, %v", b, err)
	}
}

func TestMirrorRefusals(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "todos")
	app, err := s.client.AddApp(t.Context(), api.AppRequest{Name: "app", Scopes: []string{"*:rw"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		body, token string
		want        int
	}{
		{`{"remotes":["nowhere"]}`, s.token, 404},
		{`{"remotes":[]}`, s.token, 422},
		{`{"remotes":["local"]}`, app.Token, 403},
		{`{"remotes":["local"]}`, s.token, 200},
		{`{}`, s.token, 422},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPatch, "http://"+s.address+"/v1/buckets/todos", strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Authorization", "Bearer "+c.token)
		if got := s.do(t, request); got.status != c.want {
			t.Errorf("%s: %d %s, want %d", c.body, got.status, got.body, c.want)
		}
	}
}

// TestMove moves a share twice while others write, with buckets that the daemon has and one that it has not.
func TestMove(t *testing.T) {
	s := serveDaemon(t)
	first := s.remoteNamed(t, "first")
	s.bucket(t, "todos")
	other := serveDaemon(t)
	other.share(t, first)
	other.bucket(t, "unknown to the first"[:7])
	other.append(t, "unknown", `{"type":"CREATE_NODE","id":"1"}`)
	other.sync(t)
	second, third := s.remoteNamed(t, "second"), s.remoteNamed(t, "third")
	acked := s.whileWriting(t, func() {
		s.awaitMove(t, "first", "second")
		s.awaitMove(t, "second", "third")
	})
	s.syncAll(t)
	if b, err := s.client.Bucket(t.Context(), "todos"); err != nil || !slices.Equal(b.Remotes, []string{"third"}) {
		t.Errorf("%+v, %v", b, err)
	}
	n := newcomer(t, third, "todos")
	if got, want := n.export(t, "todos"), s.export(t, "todos"); !bytes.Equal(got, want) || bytes.Count(got, []byte("\n")) != acked {
		t.Errorf("%d nodes on the last remote, %d here, %d acknowledged", bytes.Count(got, []byte("\n")), bytes.Count(want, []byte("\n")), acked)
	}
	if got := newcomer(t, third, "unknown").export(t, "unknown"); string(got) != `{"id":"1"}`+"\n" {
		t.Errorf("the bucket that only another device has: %s", got)
	}
	for _, folder := range []string{first, second} {
		if files, err := filepath.Glob(filepath.Join(folder, "log", "*.gz")); err != nil || len(files) == 0 {
			t.Errorf("nothing is left in %s", folder)
		}
	}
	s.bucket(t, "new") // no remote has to be named
	if b, err := s.client.Bucket(t.Context(), "new"); err != nil || !slices.Equal(b.Remotes, []string{"third"}) {
		t.Errorf("%+v, %v", b, err)
	}
	again := s.restart(t)
	if r, err := again.client.MoveRemote(t.Context(), "first", "second"); err != nil || r.MovedTo != "second" {
		t.Errorf("%+v, %v", r, err)
	}
}

// whileWriting has writers append the whole time that do takes, and answers how many nodes were acknowledged.
func (s *served) whileWriting(t *testing.T, do func()) int {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	acked := make([]int, 2)
	var writing sync.WaitGroup
	for w := range acked {
		writing.Go(func() {
			for ctx.Err() == nil {
				action := fmt.Sprintf(`{"type":"CREATE_NODE","id":"w%d-%06d"}`, w, acked[w])
				if _, err := s.client.Append(t.Context(), "todos", []byte(action), api.AppendOptions{}); err != nil {
					t.Error(err)
					return
				}
				acked[w]++
			}
		})
	}
	do()
	stop()
	writing.Wait()
	return acked[0] + acked[1]
}

// gated is a storage whose writes wait for a gate.
type gated struct {
	remote.Storage
	open <-chan struct{}
}

func (g gated) Write(ctx context.Context, name string, data []byte) error {
	if !strings.HasPrefix(name, "share.") {
		select {
		case <-g.open:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return g.Storage.Write(ctx, name, data)
}

// serveGated serves a bucket on the remote first, beside a remote second that takes nothing before the gate opens.
func serveGated(t *testing.T, open <-chan struct{}) *served {
	t.Helper()
	s := serveOptions(t, Options{Data: filepath.Join(t.TempDir(), "data"), Open: func(path string) remote.Storage {
		if strings.HasSuffix(path, "second") {
			return gated{disk.New(path), open}
		}
		return disk.New(path)
	}})
	s.remoteNamed(t, "first")
	s.bucket(t, "todos")
	s.append(t, "todos", `{"type":"CREATE_NODE","id":"1"}`)
	s.syncAll(t)
	s.remoteNamed(t, "second")
	return s
}

// TestMoveGoesOnAfterARestart: what was begun is done by the next run; until then the buckets sync with the first remote.
func TestMoveGoesOnAfterARestart(t *testing.T) {
	open := make(chan struct{})
	s := serveGated(t, open)
	if _, err := s.client.MoveRemote(t.Context(), "first", "second"); err != nil {
		t.Fatal(err)
	}
	s.await(t, func(s api.Status) bool {
		return slices.ContainsFunc(s.Remotes, func(r api.RemoteStatus) bool {
			return r.Moving != nil && r.Moving.Phase == moveCopying && r.Moving.Files.Total > 0
		})
	})
	var refused *api.Error
	third := s.remoteNamed(t, "third")
	if _, err := s.client.MoveRemote(t.Context(), "first", "third"); !errors.As(err, &refused) || refused.Status != 409 {
		t.Errorf("a second move: %v", err)
	}
	if b, err := s.client.Bucket(t.Context(), "todos"); err != nil || !slices.Equal(b.Remotes, []string{"first"}) {
		t.Errorf("before the copy is whole: %+v, %v", b, err)
	}
	again := s.restart(t) // without the gate
	again.await(t, func(s api.Status) bool {
		return slices.ContainsFunc(s.Remotes, func(r api.RemoteStatus) bool { return r.MovedTo == "second" })
	})
	if b, err := again.client.Bucket(t.Context(), "todos"); err != nil || !slices.Equal(b.Remotes, []string{"second"}) {
		t.Errorf("%+v, %v", b, err)
	}
	if _, err := os.Stat(filepath.Join(third, "log")); err == nil {
		t.Error("the third remote was written to")
	}
}

// TestMoveIsGivenUp by the removal of the remote that it leads to.
func TestMoveIsGivenUp(t *testing.T) {
	open := make(chan struct{})
	defer close(open)
	s := serveGated(t, open)
	for _, c := range []struct {
		from, to string
		want     int
	}{{"first", "first", 422}, {"first", "nowhere", 404}, {"nowhere", "first", 404}} {
		var refused *api.Error
		if _, err := s.client.MoveRemote(t.Context(), c.from, c.to); !errors.As(err, &refused) || refused.Status != c.want {
			t.Errorf("%+v: %v", c, err)
		}
	}
	for range 2 { // again changes nothing
		if r, err := s.client.MoveRemote(t.Context(), "first", "second"); err != nil || r.Moving == nil {
			t.Fatalf("%+v, %v", r, err)
		}
	}
	if err := s.client.RemoveRemote(t.Context(), "second"); err != nil {
		t.Fatal(err)
	}
	s.await(t, func(s api.Status) bool {
		return !slices.ContainsFunc(s.Remotes, func(r api.RemoteStatus) bool { return r.Moving != nil || r.MovedTo != "" })
	})
	again := s.restart(t)
	if b, err := again.client.Bucket(t.Context(), "todos"); err != nil || !slices.Equal(b.Remotes, []string{"first"}) {
		t.Errorf("%+v, %v", b, err)
	}
}

// TestMoveMendsWhatIsBroken: a file of the other remote that is not whole is written again before the buckets go over.
func TestMoveMendsWhatIsBroken(t *testing.T) {
	s := serveDaemon(t)
	first := s.remoteNamed(t, "first")
	s.bucket(t, "todos")
	s.append(t, "todos", `{"type":"CREATE_NODE","id":"1"}`)
	s.syncAll(t)
	second := s.remoteNamed(t, "second")
	files, err := filepath.Glob(filepath.Join(first, "log", "*.gz"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	s.syncAll(t) // makes the share
	if err := disk.New(second).Write(t.Context(), "log/"+filepath.Base(files[0]), make([]byte, len(data))); err != nil {
		t.Fatal(err)
	}
	s.awaitMove(t, "first", "second")
	if got, err := os.ReadFile(filepath.Join(second, "log", filepath.Base(files[0]))); err != nil || !bytes.Equal(got, data) {
		t.Errorf("the zeros are still there: %v", err)
	}
}
