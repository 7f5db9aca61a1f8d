package daemon

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/setlogger/setlogger/api"
)

// export is every node of a bucket, in canonical form.
func (s *served) export(t *testing.T, bucket string) []byte {
	t.Helper()
	lines, err := s.client.Export(t.Context(), bucket)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lines.Close() }()
	all, err := io.ReadAll(lines)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func (s *served) backup(t *testing.T, to string, buckets ...string) *api.Backup {
	t.Helper()
	done, err := s.client.Backup(t.Context(), api.BackupRequest{To: to, Buckets: buckets})
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func (s *served) restore(t *testing.T, r api.RestoreRequest) api.RestoredBucket {
	t.Helper()
	done, err := s.client.Restore(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if len(done.Buckets) != 1 {
		t.Fatalf("%+v", done)
	}
	return done.Buckets[0]
}

// edit makes one random edit of some nodes, of every kind; one that is refused is none. It answers the stamp.
func (s *served) edit(t *testing.T, chance *rand.Rand, bucket string) string {
	t.Helper()
	for {
		id, property := fmt.Sprintf("n%d", chance.IntN(30)), fmt.Sprintf("p%d", chance.IntN(4))
		action := []string{
			`{"type":"CREATE_NODE","id":"%[1]s","properties":{"%[2]s":{"deep":{"er":%[3]d}},"list":[1,2,%[3]d]}}`,
			`{"type":"SET_PROPERTY","id":"%[1]s","path":["%[2]s","deep","x"],"value":%[3]d}`,
			`{"type":"SET_PROPERTY","id":"%[1]s","property":"%[2]s","value":"<%[3]d>"}`,
			`{"type":"REMOVE_PROPERTY","id":"%[1]s","property":"%[2]s"}`,
			`{"type":"ARRAY_INSERT","id":"%[1]s","property":"list","index":0,"values":[%[3]d,{"a":%[3]d}]}`,
			`{"type":"ARRAY_REMOVE","id":"%[1]s","property":"list","index":0}`,
			`{"type":"INCREMENT","id":"%[1]s","property":"count","by":%[3]d}`,
			`{"type":"DELETE_NODE","id":"%[1]s"}`,
		}[chance.IntN(8)]
		a, err := s.client.Append(t.Context(), bucket, fmt.Appendf(nil, action, id, property, chance.IntN(1000)), api.AppendOptions{Once: true})
		switch {
		case err == nil && a.Number != nil:
			return a.Stamp
		case err != nil && !errors.Is(err, api.ErrConflict) && !errors.Is(err, api.ErrRefused):
			t.Fatal(err)
		}
	}
}

// TestRestoreDrill edits at random, takes an export at a moment, goes on editing, and restores to the moment: here, on a device
// that has nothing but the backup, and under another name. Each is the export, byte for byte.
func TestRestoreDrill(t *testing.T) {
	s, place := serveDaemon(t), filepath.Join(t.TempDir(), "backup")
	s.bucket(t, "todos")
	chance := rand.New(rand.NewPCG(1, 2))
	moments := map[string][]byte{}
	for range 4 {
		stamp := ""
		for range 60 {
			stamp = s.edit(t, chance, "todos")
		}
		moments[stamp] = s.export(t, "todos")
	}
	last := s.export(t, "todos")
	if done := s.backup(t, place); len(done.Buckets) != 1 || done.Buckets[0].Entries != 240 || done.Files == 0 || done.Buckets[0].Lacks != "" {
		t.Fatalf("%+v", done)
	}
	for stamp, want := range moments {
		lost := serveDaemon(t)
		told := lost.restore(t, api.RestoreRequest{From: place, At: stamp, DryRun: true})
		if all, err := lost.client.Buckets(t.Context()); err != nil || len(all) != 0 {
			t.Fatalf("a dry run made %v, %v", all, err)
		}
		did := lost.restore(t, api.RestoreRequest{From: place, At: stamp})
		if got := lost.export(t, "todos"); !bytes.Equal(got, want) || len(did.Left) > 0 {
			t.Errorf("a lost device at %s: %+v\n%s\nwant\n%s", stamp, did, got, want)
		}
		if told.Created != did.Created || told.Changed != did.Changed || told.Removed != did.Removed || told.Same != did.Same || !did.New || told.Entries != 240 {
			t.Errorf("told %+v, did %+v", told, did)
		}
		other := s.restore(t, api.RestoreRequest{From: place, Buckets: []string{"todos"}, At: stamp, As: "as-" + stamp})
		if got := s.export(t, other.Into); !bytes.Equal(got, want) {
			t.Errorf("as %s: %s", other.Into, got)
		}
	}
	if got := s.export(t, "todos"); !bytes.Equal(got, last) {
		t.Error("a restore under another name changed the bucket")
	}
	s.thereAndBack(t, place, moments)
}

// thereAndBack restores the living bucket, takes that back, and has what is done be entries like any others.
func (s *served) thereAndBack(t *testing.T, place string, moments map[string][]byte) {
	t.Helper()
	s.append(t, "todos", `{"type":"CREATE_NODE","id":"after the backup"}`)
	for stamp, want := range moments {
		before := s.export(t, "todos")
		did := s.restore(t, api.RestoreRequest{From: place, At: stamp})
		if got := s.export(t, "todos"); !bytes.Equal(got, want) || did.New || did.Entries != 0 {
			t.Errorf("at %s: %+v\n%s\nwant\n%s", stamp, did, got, want)
		}
		if again := s.restore(t, api.RestoreRequest{From: place, At: stamp}); again.Created+again.Changed+again.Removed != 0 {
			t.Errorf("again: %+v", again)
		}
		if did.Before == "" {
			t.Fatalf("nothing tells how to take it back: %+v", did)
		}
		s.restore(t, api.RestoreRequest{From: place, At: did.Before})
		if got := s.export(t, "todos"); !bytes.Equal(got, before) {
			t.Errorf("taken back from %s:\n%s\nwant\n%s", stamp, got, before)
		}
	}
}

// TestRestoreOfALostDevice has all of it come back, log included, and go on.
func TestRestoreOfALostDevice(t *testing.T) {
	s, place := serveDaemon(t), filepath.Join(t.TempDir(), "backup")
	for _, name := range []string{"a", "b"} {
		s.bucket(t, name)
		s.append(t, name, `{"type":"CREATE_NODE","id":"1","properties":{"of":"`+name+`"}}`)
	}
	s.backup(t, place)
	if done := s.backup(t, place, "a"); done.Buckets[0].Files != 0 || len(done.Buckets) != 1 {
		t.Errorf("the second backup of the same: %+v", done)
	}
	lost := serveDaemon(t)
	done, err := lost.client.Restore(t.Context(), api.RestoreRequest{From: place})
	if err != nil || len(done.Buckets) != 2 || !done.Buckets[0].New || done.Buckets[1].Entries != 1 {
		t.Fatalf("%+v, %v", done, err)
	}
	if got := lost.export(t, "b"); string(got) != `{"id":"1","of":"b"}`+"\n" {
		t.Errorf("%s", got)
	}
	lost.append(t, "a", `{"type":"SET_PROPERTY","id":"1","property":"of","value":"new"}`)
	again := lost.restart(t)
	h, err := again.client.History(t.Context(), "a", "1", "", 0)
	if err != nil || !h.Whole || len(h.Entries) != 2 {
		t.Errorf("%+v, %v", h, err)
	}
	if left, _ := filepath.Glob(filepath.Join(lost.data, "restore-*")); len(left) > 0 {
		t.Errorf("the restore left %v", left)
	}
	if _, err := again.client.Sync(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if did := s.restore(t, api.RestoreRequest{From: filepath.Join(lost.data, "share"), Buckets: []string{"a"}, DryRun: true}); did.Entries != 1 {
		t.Errorf("what the other device wrote is not counted: %+v", did)
	}
}

// TestRestoreUnderEdits restores while others edit the very nodes: each that is not as it was then is named, and no edit is lost.
func TestRestoreUnderEdits(t *testing.T) {
	s, place := serveDaemon(t), filepath.Join(t.TempDir(), "backup")
	s.bucket(t, "todos")
	stamp := ""
	for i := range 300 {
		stamp = s.append(t, "todos", fmt.Sprintf(`{"type":"CREATE_NODE","id":"n%03d","properties":{"v":"then"}}`, i)).Stamp
	}
	want := s.export(t, "todos")
	s.backup(t, place)
	var lines strings.Builder
	for i := range 300 {
		fmt.Fprintf(&lines, `{"type":"SET_PROPERTY","id":"n%03d","property":"v","value":"later"}`+"\n", i)
	}
	if _, err := s.client.AppendMany(t.Context(), "todos", strings.NewReader(lines.String()), nil); err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	var writing sync.WaitGroup
	for w := range 4 {
		writing.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				action := fmt.Sprintf(`{"type":"SET_PROPERTY","id":"n%03d","property":"w%d","value":%d}`, (i*7+w)%20, w, i)
				if _, err := s.client.Append(t.Context(), "todos", []byte(action), api.AppendOptions{Once: true}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	did := s.restore(t, api.RestoreRequest{From: place, At: stamp})
	close(stop)
	writing.Wait()
	left := map[string]bool{}
	for _, l := range did.Left {
		left[l.ID] = true
	}
	for i := 20; i < 300; i++ {
		node, err := s.client.Node(t.Context(), "todos", fmt.Sprintf("n%03d", i))
		if err != nil || string(node.Value) != `{"v":"then"}` || left[node.ID] {
			t.Fatalf("%+v, %v", node, err)
		}
	}
	s.restore(t, api.RestoreRequest{From: place, At: stamp})
	if got := s.export(t, "todos"); !bytes.Equal(got, want) {
		t.Errorf("once nobody edits:\n%s", got)
	}
}

func TestRestoreRefusals(t *testing.T) {
	s, place := serveDaemon(t), filepath.Join(t.TempDir(), "backup")
	s.bucket(t, "todos")
	s.append(t, "todos", `{"type":"CREATE_NODE","id":"1"}`)
	s.backup(t, place)
	apart := serveDaemon(t)
	apart.bucket(t, "todos")
	apart.append(t, "todos", `{"type":"CREATE_NODE","id":"2"}`)
	for _, c := range []struct {
		at   *served
		r    api.RestoreRequest
		want int
	}{
		{apart, api.RestoreRequest{From: place}, 409},                                                  // made apart
		{apart, api.RestoreRequest{From: place, As: "todos"}, 409},                                     // it is there
		{apart, api.RestoreRequest{From: place, As: "UPPER"}, 422},                                     // no name
		{apart, api.RestoreRequest{From: place, Buckets: []string{"other"}}, 404},                      // not in it
		{apart, api.RestoreRequest{From: place + "-not"}, 502},                                         // no such place
		{apart, api.RestoreRequest{From: t.TempDir()}, 409},                                            // no backup
		{apart, api.RestoreRequest{From: place, At: "yesterday"}, 400},                                 // no moment
		{apart, api.RestoreRequest{From: ""}, 422},                                                     // no place
		{apart, api.RestoreRequest{From: place, As: "copy", Remote: "nowhere"}, 404},                   // no remote
		{serveDaemon(t), api.RestoreRequest{From: place, Remote: "nowhere", Buckets: []string{}}, 404}, // likewise
	} {
		var refused *api.Error
		if _, err := c.at.client.Restore(t.Context(), c.r); !errors.As(err, &refused) || refused.Status != c.want || refused.Hint == "" {
			t.Errorf("%+v: %v, want %d", c.r, err, c.want)
		}
	}
	if got := apart.export(t, "todos"); string(got) != `{"id":"2"}`+"\n" {
		t.Errorf("a refused restore changed the bucket: %s", got)
	}
	if did := apart.restore(t, api.RestoreRequest{From: place, As: "copy"}); did.Created != 1 {
		t.Errorf("%+v", did)
	}
	if got := apart.export(t, "copy"); string(got) != `{"id":"1"}`+"\n" {
		t.Errorf("%s", got)
	}
}

func TestBackupRefusals(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "todos")
	s.append(t, "todos", `{"type":"CREATE_NODE","id":"1"}`)
	full := t.TempDir()
	if err := os.WriteFile(filepath.Join(full, "diary.txt"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(full, "diary.txt")
	for _, c := range []struct {
		r    api.BackupRequest
		want int
	}{
		{api.BackupRequest{To: full}, 409},
		{api.BackupRequest{To: filepath.Join(s.data, "share")}, 409},
		{api.BackupRequest{To: "local"}, 409},
		{api.BackupRequest{To: ""}, 422},
		{api.BackupRequest{To: file}, 502},
		{api.BackupRequest{To: filepath.Join(t.TempDir(), "b"), Buckets: []string{"nobody"}}, 404},
	} {
		var refused *api.Error
		if _, err := s.client.Backup(t.Context(), c.r); !errors.As(err, &refused) || refused.Status != c.want || refused.Hint == "" {
			t.Errorf("%+v: %v, want %d", c.r, err, c.want)
		}
	}
}

// TestBackupThatIsNotWhole is named, with the file.
func TestBackupThatIsNotWhole(t *testing.T) {
	s, place := serveDaemon(t), filepath.Join(t.TempDir(), "backup")
	s.bucket(t, "todos")
	s.append(t, "todos", `{"type":"CREATE_NODE","id":"1"}`)
	s.backup(t, place)
	spoilt := spoilSegment(t, place)
	var refused *api.Error
	_, err := s.client.Backup(t.Context(), api.BackupRequest{To: place})
	if !errors.As(err, &refused) || refused.Status != 502 || !strings.Contains(refused.Detail, filepath.Base(spoilt)) {
		t.Errorf("%v", err)
	}
	if err := os.Remove(spoilt); err != nil {
		t.Fatal(err)
	}
	if done := s.backup(t, place); done.Buckets[0].Files != 1 || time.Since(done.At) > time.Hour {
		t.Errorf("%+v", done)
	}
}

// spoilSegment changes a byte of the one segment in log/ of a share, and answers its file.
func spoilSegment(t *testing.T, share string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(share, "log", "*.gz"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(files[0], data, 0o600); err != nil {
		t.Fatal(err)
	}
	return files[0]
}
