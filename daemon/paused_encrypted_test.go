package daemon

import (
	"path/filepath"
	"testing"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/memory"
)

// TestPausedAndEncrypted: the plain file beside an encrypted share is not asked for while its remote is paused either.
func TestPausedAndEncrypted(t *testing.T) {
	p, a := &places{all: map[string]remote.Storage{}}, &asked{Storage: memory.New()}
	o := safeOptions(filepath.Join(t.TempDir(), "data"), p)
	o.Open = func(path string) remote.Storage {
		if path == "s3:vault" {
			return a
		}
		return p.open(path)
	}
	s := serveOptions(t, o)
	key, err := s.client.MakeKey(t.Context(), "vault", "s3:vault")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.client.AddRemote(t.Context(), api.Remote{Name: "vault", Path: "s3:vault", Encrypt: true, Key: key}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.client.Sync(t.Context(), "vault"); err != nil {
		t.Fatal(err)
	}
	paused := true
	if _, err := s.client.ChangeRemote(t.Context(), "vault", api.RemoteChange{Paused: &paused}); err != nil {
		t.Fatal(err)
	}
	before := a.calls.Load()
	verdict, err := s.client.Verify(t.Context(), "vault")
	if asked := a.calls.Load() - before; asked != 0 || err == nil && verdict.OK {
		t.Errorf("a paused remote was asked %d times: %+v, %v", asked, verdict, err)
	}
}
