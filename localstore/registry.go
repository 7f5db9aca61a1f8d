package localstore

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/setlogger/setlogger/setlog"
)

// Registry is the device's own file, daemon.db: its name, the remotes, the buckets and the settings. All methods may
// be called concurrently; what they wrote is durable when they return.
type Registry struct {
	path string
	db   *boltFile
}

// Device is this device.
type Device struct {
	ID   string `json:"id"` // random, 32 hex digits
	Name string `json:"name"`
}

// Remote is a place reached through rclone.
type Remote struct {
	Name    string    `json:"name"`
	Path    string    `json:"path"`             // rclone's remote:path
	Share   string    `json:"share,omitempty"`  // id of the share there, once it is known
	Notify  string    `json:"notify,omitempty"` // address of the channel; empty: none
	Created time.Time `json:"created"`
	Paused  bool      `json:"paused,omitempty"` // nothing is asked of it
	Budget  int       `json:"budget,omitempty"` // requests an hour that slow its polls down; 0: none

	Encrypted bool `json:"encrypted,omitempty"` // the share there is, with RemoteKey

	MovingTo string `json:"moving_to,omitempty"` // remote that its share is on the way to
	MovedTo  string `json:"moved_to,omitempty"`  // remote that its buckets sync with since
}

// BucketEntry is a bucket that this device holds.
type BucketEntry struct {
	Name    string    `json:"name"`
	ID      string    `json:"id"` // of the name; the file is called so
	Remotes []string  `json:"remotes,omitempty"`
	Filling []string  `json:"filling,omitempty"` // remotes that get what the others have of it; with most of them it does not sync yet
	Created time.Time `json:"created"`
}

// Spent counts the requests that a remote was sent in one minute, by what they cost there.
type Spent struct {
	Minute  int64 `json:"minute"` // since 1970
	Writes  int   `json:"writes,omitempty"`
	Reads   int   `json:"reads,omitempty"`
	Removes int   `json:"removes,omitempty"`
}

// App is a program that was let in.
type App struct {
	ID      string    `json:"id"` // random, 32 hex digits
	Name    string    `json:"name"`
	Origin  string    `json:"origin,omitempty"` // of the web page that it is; empty: a program
	Scopes  []string  `json:"scopes"`
	Token   string    `json:"token"` // SHA-256 of the token, in hex
	Created time.Time `json:"created"`
	Used    time.Time `json:"used,omitzero"` // last, within some minutes
}

// The buckets of the registry's file.
const (
	registryMeta     = "meta"
	registryRemotes  = "remotes"  // name → Remote
	registryBuckets  = "buckets"  // name → BucketEntry
	registrySettings = "settings" // key → value
	registryApps     = "apps"     // id → App; made when first needed
	registryKeys     = "keys"     // name of a remote → recovery key; likewise
	registrySpent    = "spent"    // name of a remote → []Spent; likewise
	keyDevice        = "device"
)

// OpenRegistry opens the registry's file, or makes it.
func OpenRegistry(path string, o Options) (*Registry, error) {
	o = o.withDefaults()
	err := createFile(path, o, func(tx *bolt.Tx, _ string) error { return initializeRegistry(tx, o.Random) })
	if err != nil && !errors.Is(err, ErrExists) {
		return nil, err
	}
	db, err := openFile(path, o)
	if err != nil {
		return nil, err
	}
	err = guard(path, func() error {
		return db.View(func(tx *bolt.Tx) error {
			_, err := checkSchema(tx, path)
			return err
		})
	})
	if err != nil {
		return nil, errors.Join(err, db.close())
	}
	return &Registry{path, db}, nil
}

func initializeRegistry(tx *bolt.Tx, random io.Reader) error {
	for _, name := range []string{registryMeta, registryRemotes, registryBuckets, registrySettings} {
		if _, err := tx.CreateBucket([]byte(name)); err != nil {
			return err
		}
	}
	var id [16]byte
	if _, err := io.ReadFull(random, id[:]); err != nil {
		return fmt.Errorf("make a device id: %w", err)
	}
	name, err := os.Hostname()
	if err != nil {
		name = "device"
	}
	device, err := json.Marshal(Device{ID: hex.EncodeToString(id[:]), Name: name})
	p := putter{tx: tx}
	p.put(registryMeta, []byte(metaSchema), uint32Key(schemaVersion))
	p.put(registryMeta, []byte(keyDevice), device)
	return errors.Join(err, p.err)
}

// Device answers the device's id and name; the name is the host's at first.
func (r *Registry) Device() (Device, error) {
	var d Device
	err := r.get(registryMeta, keyDevice, &d)
	return d, err
}

// SetDeviceName names the device.
func (r *Registry) SetDeviceName(name string) error {
	d, err := r.Device()
	if err != nil {
		return err
	}
	d.Name = name
	return r.put(registryMeta, keyDevice, d)
}

// Remotes lists the remotes by name.
func (r *Registry) Remotes() ([]Remote, error) { return list[Remote](r, registryRemotes) }

// Remote answers one remote, or ErrMissing.
func (r *Registry) Remote(name string) (Remote, error) {
	var remote Remote
	err := r.get(registryRemotes, name, &remote)
	return remote, err
}

// PutRemote adds a remote or replaces the one of its name.
func (r *Registry) PutRemote(remote Remote) error { return r.put(registryRemotes, remote.Name, remote) }

// PutEncrypted adds a remote with the recovery key of its share, at once.
func (r *Registry) PutEncrypted(remote Remote, key string) error {
	remote.Encrypted = true
	return r.putAll(record{registryRemotes, remote.Name, remote}, record{registryKeys, remote.Name, key})
}

// RemoteKey answers the recovery key of a remote's share, or ErrMissing. It lies apart from the remote, which is shown.
func (r *Registry) RemoteKey(name string) (string, error) {
	var key string
	err := r.get(registryKeys, name, &key)
	return key, err
}

// Spent answers what PutSpent stored last of a remote; nil for nothing.
func (r *Registry) Spent(name string) ([]Spent, error) {
	var all []Spent
	err := r.get(registrySpent, name, &all)
	if errors.Is(err, ErrMissing) {
		err = nil
	}
	return all, err
}

// PutSpent stores the requests that a remote was sent, instead of what was stored of it before; ErrMissing: there is no such remote.
func (r *Registry) PutSpent(name string, all []Spent) error {
	if _, err := r.Remote(name); err != nil {
		return err
	}
	return r.put(registrySpent, name, all)
}

// RemoveRemote forgets a remote with its key, or answers ErrMissing.
func (r *Registry) RemoveRemote(name string) error {
	return r.remove(registryRemotes, name, registryKeys, registrySpent)
}

// Buckets lists the buckets by name.
func (r *Registry) Buckets() ([]BucketEntry, error) { return list[BucketEntry](r, registryBuckets) }

// Bucket answers one bucket, or ErrMissing.
func (r *Registry) Bucket(name string) (BucketEntry, error) {
	var e BucketEntry
	err := r.get(registryBuckets, name, &e)
	return e, err
}

// PutBucket adds a bucket or replaces the one of its name; it fills in the id.
func (r *Registry) PutBucket(e BucketEntry) error {
	if err := setlog.CheckBucketName(e.Name); err != nil {
		return err
	}
	e.ID = setlog.BucketID(e.Name)
	return r.put(registryBuckets, e.Name, e)
}

// RemoveBucket forgets a bucket, or answers ErrMissing. It leaves the bucket's file alone.
func (r *Registry) RemoveBucket(name string) error { return r.remove(registryBuckets, name) }

// Setting answers a setting, empty when it was never set.
func (r *Registry) Setting(key string) (string, error) {
	var value string
	err := r.get(registrySettings, key, &value)
	if errors.Is(err, ErrMissing) {
		err = nil
	}
	return value, err
}

// SetSetting sets a setting.
func (r *Registry) SetSetting(key, value string) error { return r.put(registrySettings, key, value) }

// Apps lists the programs that were let in, by id.
func (r *Registry) Apps() ([]App, error) { return list[App](r, registryApps) }

// PutApp adds an app or replaces the one of its id.
func (r *Registry) PutApp(a App) error { return r.put(registryApps, a.ID, a) }

// RemoveApp forgets an app, or answers ErrMissing.
func (r *Registry) RemoveApp(id string) error { return r.remove(registryApps, id) }

// Close lets go of the file.
func (r *Registry) Close() error { return r.db.close() }

func (r *Registry) get(bucket, key string, into any) error {
	return guard(r.path, func() error {
		return r.db.View(func(tx *bolt.Tx) error {
			b := tx.Bucket([]byte(bucket))
			var v []byte
			if b != nil {
				v = b.Get([]byte(key))
			}
			if v == nil {
				return fmt.Errorf("%w: %s %q", ErrMissing, bucket, key)
			}
			return r.decode(v, into)
		})
	})
}

func (r *Registry) decode(v []byte, into any) error {
	if err := json.Unmarshal(v, into); err != nil {
		return corrupt(r.path, err)
	}
	return nil
}

// record is a value of the registry's file.
type record struct {
	bucket, key string
	value       any
}

func (r *Registry) put(bucket, key string, value any) error {
	return r.putAll(record{bucket, key, value})
}

// putAll stores all of the records or none.
func (r *Registry) putAll(records ...record) error {
	values := make([][]byte, len(records))
	for i, one := range records {
		if one.key == "" {
			return fmt.Errorf("%w: %s without a name", ErrMissing, one.bucket)
		}
		var err error
		if values[i], err = json.Marshal(one.value); err != nil {
			return fmt.Errorf("store %s %q: %w", one.bucket, one.key, err)
		}
	}
	return writeError(r.update(func(tx *bolt.Tx) error {
		for i, one := range records {
			b, err := tx.CreateBucketIfNotExists([]byte(one.bucket))
			if err != nil {
				return err
			}
			if err := b.Put([]byte(one.key), values[i]); err != nil {
				return err
			}
		}
		return nil
	}))
}

func (r *Registry) update(do func(tx *bolt.Tx) error) error {
	return r.db.write(func() error { return r.db.Update(do) })
}

// remove removes a key from a bucket, where it must be, and from others, where it may be.
func (r *Registry) remove(bucket, key string, others ...string) error {
	err := r.update(func(tx *bolt.Tx) error {
		b := tx.Bucket([]byte(bucket))
		if b == nil || b.Get([]byte(key)) == nil {
			return fmt.Errorf("%w: %s %q", ErrMissing, bucket, key)
		}
		for _, other := range others {
			if o := tx.Bucket([]byte(other)); o != nil {
				if err := o.Delete([]byte(key)); err != nil {
					return err
				}
			}
		}
		return b.Delete([]byte(key))
	})
	if errors.Is(err, ErrMissing) {
		return err
	}
	return writeError(err)
}

func list[T any](r *Registry, bucket string) ([]T, error) {
	var all []T
	err := guard(r.path, func() error {
		return r.db.View(func(tx *bolt.Tx) error {
			b := tx.Bucket([]byte(bucket))
			if b == nil {
				return nil
			}
			return b.ForEach(func(_, v []byte) error {
				var one T
				err := r.decode(v, &one)
				all = append(all, one)
				return err
			})
		})
	})
	return all, err
}
