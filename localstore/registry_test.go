package localstore

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/setlogger/setlogger/setlog"
)

func TestRegistry(t *testing.T) {
	path := filepath.Join(t.TempDir(), "daemon.db")
	r, err := OpenRegistry(path, testOptions(1))
	if err != nil {
		t.Fatal(err)
	}
	device, err := r.Device()
	if err != nil || len(device.ID) != 32 || device.Name == "" {
		t.Fatal(device, err)
	}
	created := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	remotes := []Remote{{Name: "a", Path: "s3:x/y", Created: created}, {Name: "b", Path: "/mnt", Share: "s", Created: created}}
	buckets := []BucketEntry{{Name: "notes", Created: created}, {Name: "todos", Remotes: []string{"a"}, Created: created}}
	for i := range 2 {
		if err := errors.Join(r.PutRemote(remotes[1-i]), r.PutBucket(buckets[1-i])); err != nil {
			t.Fatal(err)
		}
		buckets[1-i].ID = setlog.BucketID(buckets[1-i].Name)
	}
	if err := errors.Join(r.SetDeviceName("desk"), r.SetSetting("pause", "yes"), r.Close()); err != nil {
		t.Fatal(err)
	}
	if r, err = OpenRegistry(path, testOptions(2)); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}()
	if d, err := r.Device(); err != nil || d != (Device{device.ID, "desk"}) {
		t.Error(d, err)
	}
	if got, err := r.Remotes(); err != nil || !reflect.DeepEqual(got, remotes) {
		t.Error(got, err)
	}
	if got, err := r.Buckets(); err != nil || !reflect.DeepEqual(got, buckets) {
		t.Error(got, err)
	}
	if got, err := r.Remote("b"); err != nil || got != remotes[1] {
		t.Error(got, err)
	}
	if got, err := r.Bucket("todos"); err != nil || got.ID != setlog.BucketID("todos") {
		t.Error(got, err)
	}
	if v, err := r.Setting("pause"); err != nil || v != "yes" {
		t.Error(v, err)
	}
	if v, err := r.Setting("none"); err != nil || v != "" {
		t.Error(v, err)
	}
	if err := errors.Join(r.RemoveRemote("a"), r.RemoveBucket("notes")); err != nil {
		t.Error(err)
	}
	for _, err := range []error{r.RemoveRemote("a"), r.RemoveBucket("notes"), r.PutRemote(Remote{})} {
		if !errors.Is(err, ErrMissing) {
			t.Error(err)
		}
	}
	_, err = r.Remote("a")
	wantError(t, err, ErrMissing)
	wantError(t, r.PutBucket(BucketEntry{Name: "No"}), setlog.ErrName)
	o := testOptions(1)
	o.LockTimeout = time.Millisecond
	_, err = OpenRegistry(path, o)
	wantError(t, err, ErrLocked)
}

func TestRegistryOfANewerVersion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "daemon.db")
	r, err := OpenRegistry(path, testOptions(1))
	if err == nil {
		err = r.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	edit(t, path, func(tx *bolt.Tx) error {
		return tx.Bucket([]byte(registryMeta)).Put([]byte(metaSchema), uint32Key(schemaVersion+1))
	})
	_, err = OpenRegistry(path, testOptions(1))
	wantError(t, err, ErrNewer)
	edit(t, path, func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(registryMeta))
		return errors.Join(b.Put([]byte(metaSchema), uint32Key(schemaVersion)), b.Put([]byte(keyDevice), []byte("{")))
	})
	if r, err = OpenRegistry(path, testOptions(1)); err != nil {
		t.Fatal(err)
	}
	_, err = r.Device()
	wantError(t, err, ErrCorrupt)
	wantError(t, r.SetDeviceName("x"), ErrCorrupt)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("no registry at all"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err = OpenRegistry(path, testOptions(1))
	wantError(t, err, ErrCorrupt)
	_, err = OpenRegistry(filepath.Join(path, "x"), testOptions(1))
	wantError(t, err, ErrCommit)
}

// TestRegistryKeys: a remote and its recovery key come and go at once, and the key lies apart.
func TestRegistryKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "daemon.db")
	r, err := OpenRegistry(path, testOptions(1))
	if err != nil {
		t.Fatal(err)
	}
	_, err = r.RemoteKey("a")
	wantError(t, err, ErrMissing)
	if err := errors.Join(r.PutEncrypted(Remote{Name: "a", Path: "s3:x"}, "KEY"), r.PutRemote(Remote{Name: "b", Path: "/mnt"}), r.Close()); err != nil {
		t.Fatal(err)
	}
	if r, err = OpenRegistry(path, testOptions(2)); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}()
	a, err := r.Remote("a")
	if err != nil || a != (Remote{Name: "a", Path: "s3:x", Encrypted: true}) {
		t.Error(a, err)
	}
	a.Share = "s"
	if err := r.PutRemote(a); err != nil {
		t.Error(err)
	}
	if key, err := r.RemoteKey("a"); err != nil || key != "KEY" {
		t.Error(key, err)
	}
	_, err = r.RemoteKey("b")
	wantError(t, err, ErrMissing)
	wantError(t, r.PutEncrypted(Remote{Path: "x"}, "KEY"), ErrMissing)
	if err := errors.Join(r.RemoveRemote("a"), r.RemoveRemote("b")); err != nil {
		t.Error(err)
	}
	_, err = r.RemoteKey("a")
	wantError(t, err, ErrMissing)
}
