package daemon

import (
	"context"
	"errors"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/memory"
)

// unlisted is a storage whose listings lag behind.
type unlisted struct{ remote.Storage }

func (unlisted) List(context.Context, string) iter.Seq2[remote.Object, error] {
	return func(func(remote.Object, error) bool) {}
}

// TestBackupToARemote in other words, and to an encrypted share: neither is a place for one.
func TestBackupToARemote(t *testing.T) {
	p := &places{all: map[string]remote.Storage{}}
	o := safeOptions(filepath.Join(t.TempDir(), "data"), p)
	vault := memory.New()
	o.Open = func(path string) remote.Storage {
		if strings.TrimSuffix(path, "/") == "s3:vault" {
			return unlisted{vault}
		}
		return p.open(strings.TrimSuffix(path, "/"))
	}
	s := serveOptions(t, o)
	s.share(t, "s3:share")
	s.bucket(t, "todos")
	s.append(t, "todos", `{"type":"CREATE_NODE","id":"1"}`)
	s.sync(t)
	if err := vault.Write(t.Context(), "encrypted.json", []byte(`{"format":1,"key":"x","kind":"encrypted","min_reader":1}`)); err != nil {
		t.Fatal(err)
	}
	before := p.names(t)
	for _, to := range []string{"s3:share/", "s3:vault"} {
		var refused *api.Error
		if done, err := s.client.Backup(t.Context(), api.BackupRequest{To: to}); !errors.As(err, &refused) || refused.Status != 409 || refused.Hint == "" {
			t.Errorf("to %s: %+v, %v", to, done, err)
		}
	}
	if after := p.names(t); !slices.Equal(before, after) {
		t.Errorf("before\n%v\nafter\n%v", before, after)
	}
	for object, err := range vault.List(t.Context(), "") {
		if err != nil || object.Name != "encrypted.json" {
			t.Errorf("beside the encrypted share: %s, %v", object.Name, err)
		}
	}
}
