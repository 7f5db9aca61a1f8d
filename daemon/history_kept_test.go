package daemon

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/setlogger/setlogger/api"
)

// indexedShare is a share of which newcomers take an index in: the log stands in past/. It answers a stamp and the export at that time.
func indexedShare(t *testing.T) (folder, stamp string, then []byte) {
	t.Helper()
	s := serveDaemon(t)
	folder = s.remoteNamed(t, "first")
	s.bucket(t, "todos")
	for i := range 20 {
		a := s.append(t, "todos", fmt.Sprintf(`{"type":"CREATE_NODE","id":"n%02d"}`, i))
		if i == 9 {
			stamp, then = a.Stamp, s.export(t, "todos")
		}
	}
	s.append(t, "todos", `{"type":"DELETE_NODE","id":"n03"}`)
	s.syncAll(t)
	if _, err := s.client.Compact(t.Context(), "todos"); err != nil {
		t.Fatal(err)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(folder, "past"), 0o700); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(folder, "log", "*.gz"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		if err := os.Rename(file, filepath.Join(folder, "past", filepath.Base(file))); err != nil {
			t.Fatal(err)
		}
	}
	return folder, stamp, then
}

// isWhole tells whether a device has the log from the bucket's beginning.
func (s *served) isWhole(t *testing.T) bool {
	t.Helper()
	h, err := s.client.History(t.Context(), "todos", "n03", "", 0)
	if err != nil {
		t.Fatal(err)
	}
	return h.Whole
}

// TestHistoryOfARemote: what a device knows by an index alone is in its backup with the remote's history, stands on a new mirror with
// that, and can be gone back to by it.
func TestHistoryOfARemote(t *testing.T) {
	folder, stamp, then := indexedShare(t)
	n := newcomer(t, folder, "todos")
	if n.isWhole(t) {
		t.Fatal("the newcomer has the log")
	}
	now := n.export(t, "todos")
	place := filepath.Join(t.TempDir(), "backup")
	if done := n.backup(t, place); done.Buckets[0].Lacks != "" || done.Buckets[0].Files < 3 {
		t.Errorf("%+v", done)
	}
	second := n.remoteNamed(t, "second")
	n.mirror(t, "todos", "share", "second")
	for _, from := range []string{place, second} {
		lost := serveDaemon(t)
		lost.restore(t, api.RestoreRequest{From: from})
		if got := lost.export(t, "todos"); !bytes.Equal(got, now) || !lost.isWhole(t) {
			t.Errorf("from %s, with its log %v:\n%s", from, lost.isWhole(t), got)
		}
	}
	if got := newcomer(t, second, "todos").export(t, "todos"); !bytes.Equal(got, now) {
		t.Errorf("from the mirror: %s", got)
	}
	did := n.restore(t, api.RestoreRequest{From: "share", At: stamp})
	if got := n.export(t, "todos"); !bytes.Equal(got, then) || did.Removed != 10 || did.Created != 1 || did.Same != 9 {
		t.Errorf("%+v\n%s", did, got)
	}
}

// TestHistoryThatNobodyHas: the backup says what it lacks, and has all nodes; going back is refused.
func TestHistoryThatNobodyHas(t *testing.T) {
	folder, stamp, _ := indexedShare(t)
	n := newcomer(t, folder, "todos")
	now := n.export(t, "todos")
	if err := os.Rename(folder, folder+".away"); err != nil {
		t.Fatal(err)
	}
	place := filepath.Join(t.TempDir(), "backup")
	if done := n.backup(t, place); !strings.Contains(done.Buckets[0].Lacks, "history that remote share has") {
		t.Errorf("%+v", done)
	}
	lost := serveDaemon(t)
	if _, err := lost.client.Restore(t.Context(), api.RestoreRequest{From: place, At: stamp}); err == nil || !strings.Contains(err.Error(), "by an index alone") {
		t.Errorf("going back to what nobody knows: %v", err)
	}
	lost.restore(t, api.RestoreRequest{From: place})
	if got := lost.export(t, "todos"); !bytes.Equal(got, now) {
		t.Errorf("%s", got)
	}
}
