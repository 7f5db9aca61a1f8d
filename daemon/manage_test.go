package daemon

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/localstore"
)

// status answers the status and the names of its problems.
func (s *served) status(t *testing.T) (*api.Status, []string) {
	t.Helper()
	status, err := s.client.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, p := range status.Problems {
		if p.Subject == "" || p.Detail == "" || p.Hint == "" {
			t.Errorf("a problem lacks words: %+v", p)
		}
		names = append(names, p.Name)
	}
	return status, names
}

// share is a folder and a daemon that knows it as the remote "share".
func (s *served) share(t *testing.T, folder string) {
	t.Helper()
	if _, err := s.client.AddRemote(t.Context(), api.Remote{Name: "share", Path: folder}); err != nil {
		t.Fatal(err)
	}
}

func (s *served) sync(t *testing.T) {
	t.Helper()
	if _, err := s.client.Sync(t.Context(), "share"); err != nil {
		t.Fatal(err)
	}
}

func TestRefusals(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "there")
	for _, c := range []struct {
		method, path, body string
		want               int
	}{
		{"POST", "/v1/buckets", `{"name":"Bad"}`, 422},
		{"POST", "/v1/buckets", `{"name":"a","color":"red"}`, 422},
		{"POST", "/v1/buckets", `{}`, 422},
		{"POST", "/v1/buckets", `nonsense`, 400},
		{"POST", "/v1/buckets", `{"name":"a","remote":"nowhere"}`, 404},
		{"GET", "/v1/buckets/a", ``, 404},
		{"DELETE", "/v1/buckets/a", ``, 404},
		{"POST", "/v1/remotes", `{"name":"A B","path":"/x"}`, 422},
		{"POST", "/v1/remotes", `{"name":"a","path":""}`, 422},
		{"POST", "/v1/remotes", `{"name":"a","path":":s3,endpoint=http://127.0.0.1:9000,secret_access_key=SECRET:bucket"}`, 422},
		{"POST", "/v1/remotes/nowhere/sync", ``, 404},
		{"POST", "/v1/remotes/nowhere/test", ``, 404},
		{"DELETE", "/v1/remotes/nowhere", ``, 404},
		{"POST", "/v1/verify", `{"subject":"nowhere"}`, 404},
		{"GET", "/v1/buckets/a/export", ``, 404},
		{"GET", "/v1/buckets/a/log", ``, 404},
		{"GET", "/v1/buckets/a/nodes", ``, 404},
		{"GET", "/v1/buckets/there/nodes/nobody", ``, 404},
		{"GET", "/v1/buckets/there/nodes?limit=0", ``, 400},
		{"GET", "/v1/buckets/there/log?live=x", ``, 400},
	} {
		got := s.call(t, c.method, c.path, c.body, nil)
		text := string(got.body)
		if strings.Contains(text, "SECRET") {
			t.Errorf("%s %s repeats a secret: %s", c.method, c.path, text)
		}
		if got.status != c.want || got.header.Get("Content-Type") != api.ProblemType || !strings.Contains(text, `"detail":"`) || !strings.Contains(text, `"hint":"`) {
			t.Errorf("%s %s %s: %d %s, want %d", c.method, c.path, c.body, got.status, text, c.want)
		}
	}
}

func TestRemotes(t *testing.T) {
	s := serveDaemon(t)
	folder := filepath.Join(t.TempDir(), "made")
	s.share(t, folder)
	s.share(t, folder) // again changes nothing
	var refused *api.Error
	if _, err := s.client.AddRemote(t.Context(), api.Remote{Name: "share", Path: "/elsewhere"}); !errors.As(err, &refused) || refused.Status != 409 {
		t.Errorf("another place under one name: %v", err)
	}
	if _, err := s.client.AddRemote(t.Context(), api.Remote{Name: "twin", Path: folder}); !errors.As(err, &refused) || refused.Status != 409 {
		t.Errorf("one place under two names: %v", err)
	}
	s.bucket(t, "b") // with the only remote that a person named
	b, err := s.client.Bucket(t.Context(), "b")
	if err != nil || !slices.Equal(b.Remotes, []string{"share"}) {
		t.Errorf("%+v, %v", b, err)
	}
	test, err := s.client.TestRemote(t.Context(), "share")
	if err != nil || !test.OK || len(test.Steps) != 4 {
		t.Errorf("test: %+v, %v", test, err)
	}
	if left, _ := filepath.Glob(filepath.Join(folder, "test*")); len(left) > 0 {
		t.Errorf("the test left %v", left)
	}
	if _, err := s.client.AddRemote(t.Context(), api.Remote{Name: "second", Path: folder + "2"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.client.CreateBucket(t.Context(), api.Bucket{Name: "c"}); !errors.As(err, &refused) || refused.Status != 409 || !strings.Contains(refused.Hint, "--remote") {
		t.Errorf("two remotes to choose from: %v", err)
	}
	if err := s.client.RemoveRemote(t.Context(), "share"); err != nil {
		t.Fatal(err)
	}
	again := s.restart(t)
	if b, err = again.client.Bucket(t.Context(), "b"); err != nil || len(b.Remotes) != 0 {
		t.Errorf("after the removal: %+v, %v", b, err)
	}
	if all, err := again.client.Remotes(t.Context()); err != nil || len(all) != 2 {
		t.Errorf("remotes: %+v, %v", all, err)
	}
}

func (s *served) restart(t *testing.T) *served {
	t.Helper()
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	return serveOptions(t, Options{Data: s.data})
}

func TestShareGone(t *testing.T) {
	s := serveDaemon(t)
	folder := filepath.Join(t.TempDir(), "share")
	s.share(t, folder)
	s.bucket(t, "b")
	s.append(t, "b", `{"type":"CREATE_NODE","id":"1"}`)
	s.sync(t)
	status, problems := s.status(t)
	if len(problems) > 0 || status.Pending != 0 || status.State != api.StateIdle || status.LastSync == nil {
		t.Fatalf("%+v", status)
	}
	for _, c := range []struct {
		name, problem string
		status        int
		state         api.State
		change        func() error
	}{
		{"folder", "folder-vanished", 502, api.StateOffline, func() error { return os.Rename(folder, folder+".away") }},
		{"files", "share-missing", 409, api.StateProblem, func() error { return os.Mkdir(folder, 0o755) }},
	} {
		if err := c.change(); err != nil {
			t.Fatal(err)
		}
		var refused *api.Error
		if _, err := s.client.Sync(t.Context(), "share"); !errors.As(err, &refused) || refused.Status != c.status || refused.Hint == "" {
			t.Errorf("%s: sync %v", c.name, err)
		}
		s.append(t, "b", `{"type":"CREATE_NODE","id":"`+c.name+`"}`) // local work goes on
		status, problems := s.status(t)
		if !slices.Equal(problems, []string{c.problem}) || status.State != c.state || status.Pending == 0 {
			t.Errorf("%s: %v %+v", c.name, problems, status)
		}
	}
	if files, _ := filepath.Glob(filepath.Join(folder, "*")); len(files) > 0 {
		t.Errorf("written into a folder that lost its share: %v", files)
	}
	if err := errors.Join(os.Remove(folder), os.Rename(folder+".away", folder)); err != nil {
		t.Fatal(err)
	}
	s.sync(t)
	if status, problems := s.status(t); len(problems) > 0 || status.Pending != 0 {
		t.Errorf("after it came back: %v %+v", problems, status)
	}
}

func TestCreateOfABucketThatIsThereJoinsIt(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "share")
	a, b := serveDaemon(t), serveDaemon(t)
	a.share(t, folder)
	a.bucket(t, "x")
	a.append(t, "x", `{"type":"CREATE_NODE","id":"1"}`)
	a.sync(t)
	b.share(t, folder)
	b.bucket(t, "x")
	b.sync(t)
	if _, err := b.client.Node(t.Context(), "x", "1"); err != nil {
		t.Error(err)
	}
	if _, problems := b.status(t); len(problems) > 0 {
		t.Errorf("problems %v", problems)
	}
}

func TestJoinBeforeAnythingIsThere(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "share")
	a, b := serveDaemon(t), serveDaemon(t)
	a.share(t, folder)
	b.share(t, folder)
	a.bucket(t, "x")
	if _, err := b.client.CreateBucket(t.Context(), api.Bucket{Name: "x", Join: true}); err != nil {
		t.Fatal(err)
	}
	if status, problems := b.status(t); !slices.Equal(problems, []string{"bucket-awaited"}) || status.State == api.StateProblem {
		t.Errorf("%v, %s", problems, status.State)
	}
	a.append(t, "x", `{"type":"CREATE_NODE","id":"1"}`)
	a.sync(t)
	b.sync(t)
	b.append(t, "x", `{"type":"SET_PROPERTY","id":"1","properties":{"from":"b"}}`)
	b.sync(t)
	a.sync(t)
	for _, s := range []*served{a, b} {
		n, err := s.client.Node(t.Context(), "x", "1")
		if _, problems := s.status(t); err != nil || string(n.Value) != `{"from":"b"}` || len(problems) > 0 {
			t.Errorf("%+v, %v, problems %v", n, err, problems)
		}
	}
}

func TestSecondBirthAsksAndMerges(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "share")
	devices := []*served{serveDaemon(t), serveDaemon(t)}
	for i, s := range devices { // both make it before either has synced
		s.share(t, filepath.Join(t.TempDir(), "apart"))
		s.bucket(t, "x")
		s.append(t, "x", `{"type":"CREATE_NODE","id":"`+string(rune('a'+i))+`"}`)
		if err := s.client.RemoveRemote(t.Context(), "share"); err != nil {
			t.Fatal(err)
		}
		s.share(t, folder)
		if _, err := s.client.CreateBucket(t.Context(), api.Bucket{Name: "x", Remote: "share"}); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		for _, s := range devices {
			s.sync(t)
		}
	}
	for _, s := range devices {
		if _, problems := s.status(t); !slices.Contains(problems, "second-birth") {
			t.Errorf("problems %v", problems)
		}
		if _, err := s.client.CreateBucket(t.Context(), api.Bucket{Name: "x", Join: true, Merge: true}); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 {
		for _, s := range devices {
			s.sync(t)
		}
	}
	for _, s := range devices {
		status, problems := s.status(t)
		if len(problems) > 0 || status.Buckets[0].Nodes != 2 {
			t.Errorf("%v %+v", problems, status.Buckets)
		}
	}
}

// TestDiskFull checks what is told of it: what a full disk does to a store, the store's own tests show.
func TestDiskFull(t *testing.T) {
	store, err := localstore.Create(filepath.Join(t.TempDir(), "b.db"), "b", nil, localstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	b := &heldBucket{Bucket: store}
	d := &Daemon{buckets: map[string]*heldBucket{"b": b}}
	for _, c := range []struct {
		err  error
		want []string
	}{
		{localstore.ErrFull, []string{"disk-full"}},
		{localstore.ErrMatch, []string{"disk-full"}}, // says nothing about the disk
		{nil, nil},
		{localstore.ErrCommit, []string{"disk-failing"}},
	} {
		b.keepFailure(c.err)
		status := d.status()
		var names []string
		for _, p := range status.Problems {
			names = append(names, p.Name)
		}
		if !slices.Equal(names, c.want) || (len(names) > 0) != (status.State == api.StateProblem) {
			t.Errorf("%v: %v, %s", c.err, names, status.State)
		}
	}
}

func TestLeave(t *testing.T) {
	s := serveDaemon(t)
	s.share(t, filepath.Join(t.TempDir(), "share"))
	s.bucket(t, "b")
	s.append(t, "b", `{"type":"CREATE_NODE","id":"1"}`)
	s.sync(t)
	if err := s.client.LeaveBucket(t.Context(), "b", false); err != nil {
		t.Fatal(err)
	}
	s.bucket(t, "b") // its file was kept
	if _, err := s.client.Node(t.Context(), "b", "1"); err != nil {
		t.Error(err)
	}
	if err := s.client.RemoveRemote(t.Context(), "share"); err != nil {
		t.Fatal(err)
	}
	s.append(t, "b", `{"type":"CREATE_NODE","id":"2"}`)
	var refused *api.Error
	if err := s.client.LeaveBucket(t.Context(), "b", true); !errors.As(err, &refused) || refused.Status != 409 {
		t.Errorf("purge of what is nowhere else: %v", err)
	}
	s.share(t, filepath.Join(t.TempDir(), "other"))
	if _, err := s.client.CreateBucket(t.Context(), api.Bucket{Name: "b", Remote: "share"}); err != nil {
		t.Fatal(err)
	}
	s.sync(t)
	if err := s.client.LeaveBucket(t.Context(), "b", true); err != nil {
		t.Errorf("purge: %v", err)
	}
	if files, _ := filepath.Glob(filepath.Join(s.data, "buckets", "*")); len(files) > 0 {
		t.Errorf("left: %v", files)
	}
}

func TestVerifyFindsADamagedFile(t *testing.T) {
	s := serveDaemon(t)
	folder := filepath.Join(t.TempDir(), "share")
	s.share(t, folder)
	s.bucket(t, "b")
	s.append(t, "b", `{"type":"CREATE_NODE","id":"1"}`)
	s.sync(t)
	if got := s.call(t, "POST", "/v1/verify", "", nil); got.status != 200 {
		t.Errorf("without a body: %d %s", got.status, got.body)
	}
	verdict, err := s.client.Verify(t.Context(), "")
	if err != nil || !verdict.OK || verdict.Checked != 2 || verdict.Files != 1 {
		t.Fatalf("%+v, %v", verdict, err)
	}
	spoilSegment(t, folder)
	verdict, err = s.client.Verify(t.Context(), "share")
	if err != nil || verdict.OK || len(verdict.Findings) != 1 || verdict.Findings[0].Hint == "" {
		t.Errorf("%+v, %v", verdict, err)
	}
}

// TestNewerSchema sets the version of stored files beyond ours, as a later program would.
func TestNewerSchema(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "b")
	s.bucket(t, "good")
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	raise := func(path string) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		newer := bytes.ReplaceAll(data, []byte("schema\x00\x00\x00\x04"), []byte("schema\x00\x00\x01\x00"))
		if err := os.WriteFile(path, newer, 0o600); err != nil || bytes.Equal(data, newer) {
			t.Fatalf("the version is not found in %s: %v", path, err)
		}
	}
	files, _ := filepath.Glob(filepath.Join(s.data, "buckets", "*.db"))
	raise(files[0])
	again := serveOptions(t, Options{Data: s.data})
	status, problems := again.status(t)
	if !slices.Equal(problems, []string{"bucket-unreadable"}) || len(status.Buckets) != 1 || status.State != api.StateProblem {
		t.Fatalf("%v %+v", problems, status)
	}
	for _, name := range []string{"b", "good"} {
		got := again.call(t, "POST", "/v1/buckets/"+name+"/actions", `{"type":"X"}`, nil)
		if broken := status.Problems[0].Subject == name; broken != (got.status == 500 && strings.Contains(string(got.body), "update")) {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	if err := again.stop(); err != nil {
		t.Fatal(err)
	}
	raise(filepath.Join(s.data, "daemon.db"))
	var start *StartError
	if err := Run(t.Context(), Options{Data: s.data, Listen: "127.0.0.1:0"}); !errors.As(err, &start) || start.Hint != "update SetLogger" {
		t.Errorf("newer registry: %v", err)
	}
}
