package replica_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/replica"
	"github.com/setlogger/setlogger/setlog"
)

// device is one bucket with one share, as a daemon has them.
type device struct {
	t      *testing.T
	path   string
	now    time.Time
	bucket *localstore.Bucket
	share  *replica.Share

	acknowledged map[string]bool // writer and number of each entry appended here
}

// newDevice makes a device. joins tells that the bucket was made elsewhere.
func newDevice(t *testing.T, storage remote.Storage, joins bool) *device {
	t.Helper()
	d := &device{t: t, path: filepath.Join(t.TempDir(), "todos.db"), now: time.UnixMilli(1_800_000_000_000), acknowledged: map[string]bool{}}
	var births []string
	if joins {
		births = []string{}
	}
	b, err := localstore.Create(d.path, "todos", births, d.options())
	if err != nil {
		t.Fatal(err)
	}
	d.hold(b)
	d.visit(storage, "")
	return d
}

func (d *device) options() localstore.Options {
	return localstore.Options{Now: func() time.Time { return d.now }, NoSync: true}
}

// hold checks the store at the end of the test.
func (d *device) hold(b *localstore.Bucket) {
	d.bucket = b
	d.t.Cleanup(func() {
		for _, err := range []error{b.Check(), b.Close()} {
			if err != nil && !errors.Is(err, localstore.ErrStopped) {
				d.t.Error(err)
			}
		}
	})
}

func (d *device) visit(storage remote.Storage, id string) {
	d.share = replica.NewShare(replica.Options{Storage: storage, Remote: "r", ID: id, Now: func() time.Time { return d.now }})
}

// limit lets the device index the log once it has so many entries that no index covers.
func (d *device) limit(storage remote.Storage, entries int) {
	d.configure(storage, func(o *replica.Options) { o.LogLimit = entries })
}

// configure visits the share anew, as after a restart.
func (d *device) configure(storage remote.Storage, change func(o *replica.Options)) {
	start := d.now
	o := replica.Options{
		Storage: storage, Remote: "r", ID: d.share.ID(), Now: func() time.Time { return d.now }, Uptime: func() time.Duration { return d.now.Sub(start) },
	}
	change(&o)
	d.share = replica.NewShare(o)
}

// witness gives the device a key to say with what it has seen.
func (d *device) witness(storage remote.Storage, seed byte) {
	d.configure(storage, func(o *replica.Options) { o.Key = deviceKey(seed) })
}

func deviceKey(seed byte) ed25519.PrivateKey {
	return ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
}

// act appends actions, an entry each.
func (d *device) act(bodies ...string) {
	d.t.Helper()
	for _, body := range bodies {
		actions, err := setlog.ParseActions([]byte(body))
		if err != nil {
			d.t.Fatal(err)
		}
		d.now = d.now.Add(time.Millisecond)
		receipts, err := d.bucket.Append(context.Background(), localstore.Request{Actions: actions})
		if err != nil {
			d.t.Fatal(err)
		}
		d.acknowledged[fmt.Sprint(receipts[0].Writer, receipts[0].Number)] = true
	}
}

// held names the entries in the device's log as acknowledged does.
func (d *device) held() map[string]bool {
	d.t.Helper()
	entries, err := d.bucket.Log(0, 1<<20)
	if err != nil {
		d.t.Fatal(err)
	}
	held := map[string]bool{}
	for _, e := range entries {
		held[fmt.Sprint(e.Writer, e.Number)] = true
	}
	return held
}

func (d *device) create(id string) {
	d.t.Helper()
	d.act(fmt.Sprintf(`{"type":"CREATE_NODE","id":%q,"properties":{"n":0}}`, id))
}

func (d *device) sync() replica.Round {
	d.t.Helper()
	r, err := d.trySync()
	if err != nil {
		d.t.Fatal(err)
	}
	return r
}

func (d *device) trySync() (replica.Round, error) {
	return d.share.Sync(context.Background(), []*localstore.Bucket{d.bucket})
}

// value is what the device shows of a node.
func (d *device) value(id string) string {
	d.t.Helper()
	n, err := d.bucket.Node(id)
	if err != nil {
		d.t.Fatal(err)
	}
	return string(n.Value())
}

func (d *device) expect(id, want string) {
	d.t.Helper()
	if got := d.value(id); got != want {
		d.t.Errorf("node %s is %q, want %q", id, got, want)
	}
}

// state is the binary form of all nodes.
func (d *device) state() []byte {
	d.t.Helper()
	var all []byte
	after := ""
	for {
		items, err := d.bucket.Nodes(after, "", 1000)
		if err != nil {
			d.t.Fatal(err)
		}
		if len(items) == 0 {
			return all
		}
		for _, item := range items {
			all = item.Node.AppendBinary(append(all, item.ID...))
			after = item.ID
		}
	}
}

func agree(t *testing.T, devices ...*device) {
	t.Helper()
	for i, d := range devices[1:] {
		if !bytes.Equal(devices[0].state(), d.state()) {
			t.Errorf("device %d has another state than device 0", i+1)
		}
	}
}

// rounds lets devices sync in turn.
func rounds(n int, devices ...*device) {
	for range n {
		for _, d := range devices {
			d.sync()
		}
	}
}

// names lists a folder of a share.
func names(t *testing.T, storage remote.Storage, folder string) []string {
	t.Helper()
	var all []string
	for object, err := range storage.List(context.Background(), folder) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, object.Name)
	}
	return all
}

func hasProblem(r replica.Round, name string) bool {
	for _, p := range r.Problems {
		if p.Name == name {
			return p.Detail != "" && p.Hint != "" && p.Subject != ""
		}
	}
	return false
}
