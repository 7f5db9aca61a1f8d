package daemon

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/remote"
)

// safeOptions are those of a daemon whose places are in memory, each key's apart.
func safeOptions(data string, p *places) Options {
	return Options{
		Data: data, Open: p.open, Make: func(context.Context, string) error { return nil },
		Encrypt: func(path, folder, password, salt string) (string, error) {
			return path + "/" + folder + password + salt, nil
		},
	}
}

// names answers all files of all places.
func (p *places) names(t *testing.T) []string {
	t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []string
	for path, place := range p.all {
		for _, folder := range []string{"", "log", "past", "index", "chunk", "encrypted"} {
			for object, err := range place.List(t.Context(), folder) {
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, path+" "+object.Name)
			}
		}
	}
	slices.Sort(all)
	return all
}

// TestEncryptedWithoutItsKeyIsClosed: a daemon that has lost a key reads and writes nothing there, and says so.
func TestEncryptedWithoutItsKeyIsClosed(t *testing.T) {
	p := &places{all: map[string]remote.Storage{}}
	s := serveOptions(t, safeOptions(filepath.Join(t.TempDir(), "data"), p))
	key, err := s.client.MakeKey(t.Context(), "vault", "s3:vault")
	if err != nil {
		t.Fatal(err)
	}
	if all, err := s.client.Remotes(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("a key was made, and there are %+v, %v", all, err)
	}
	vault := api.Remote{Name: "vault", Path: "s3:vault", Encrypt: true, Key: key}
	for range 2 { // again changes nothing
		if r, err := s.client.AddRemote(t.Context(), vault); err != nil || !r.Encrypted {
			t.Fatal(r, err)
		}
	}
	if _, err := s.client.CreateBucket(t.Context(), api.Bucket{Name: "b", Remote: "vault"}); err != nil {
		t.Fatal(err)
	}
	s.append(t, "b", `{"type":"CREATE_NODE","id":"1"}`)
	if _, err := s.client.Sync(t.Context(), "vault"); err != nil {
		t.Fatal(err)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	loseKey(t, filepath.Join(s.data, "daemon.db"))
	before := p.names(t)
	if !slices.ContainsFunc(before, func(n string) bool { return strings.Contains(n, "s3:vault/encrypted") }) || !slices.Contains(before, "s3:vault encrypted.json") {
		t.Fatalf("what was synced is not there: %v", before)
	}
	again := serveOptions(t, safeOptions(s.data, p))
	again.append(t, "b", `{"type":"CREATE_NODE","id":"2"}`)
	var refused *api.Error
	if _, err := again.client.Sync(t.Context(), "vault"); !errors.As(err, &refused) || refused.Type != "key-missing" || refused.Hint == "" {
		t.Errorf("sync: %+v", err)
	}
	if _, problems := again.status(t); !slices.Contains(problems, "key-missing") {
		t.Errorf("problems %v", problems)
	}
	if test, err := again.client.TestRemote(t.Context(), "vault"); err != nil || test.OK || len(test.Steps) != 1 {
		t.Errorf("test: %+v, %v", test, err)
	}
	if _, err := again.client.RemoteKey(t.Context(), "vault"); !errors.As(err, &refused) || refused.Type != "key-missing" {
		t.Errorf("the key: %v", err)
	}
	if after := p.names(t); !slices.Equal(before, after) {
		t.Errorf("before\n%v\nafter\n%v", before, after)
	}
}

// loseKey takes the key of the remote out of a registry.
func loseKey(t *testing.T, file string) {
	t.Helper()
	r, err := localstore.OpenRegistry(file, localstore.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	entry, err := r.Remote("vault")
	if err := errors.Join(err, r.RemoveRemote("vault"), r.PutRemote(entry), r.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestEncryptIsNeverHalfAsked: neither a key that is left empty nor one that came by mistake adds a remote.
func TestEncryptIsNeverHalfAsked(t *testing.T) {
	s := serveOptions(t, safeOptions(filepath.Join(t.TempDir(), "data"), &places{all: map[string]remote.Storage{}}))
	key, err := s.client.MakeKey(t.Context(), "vault", "s3:vault")
	if err != nil {
		t.Fatal(err)
	}
	for _, wanted := range []api.Remote{
		{Name: "vault", Path: "s3:vault", Encrypt: true}, {Name: "vault", Path: "s3:vault", Key: key}, {Name: "vault", Path: "s3:vault", Encrypt: true, Key: key[1:]},
	} {
		var refused *api.Error
		if _, err := s.client.AddRemote(t.Context(), wanted); !errors.As(err, &refused) || refused.Status != 422 || refused.Hint == "" || strings.Contains(refused.Error(), key[2:]) {
			t.Errorf("%v: %v", wanted.Encrypt, err)
		}
	}
	if all, err := s.client.Remotes(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("%+v, %v", all, err)
	}
}
