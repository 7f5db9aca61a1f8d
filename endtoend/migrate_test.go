package endtoend

import (
	"bytes"
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"github.com/setlogger/setlogger/remote/remotetest/servers"
)

// TestMigration moves a share from a disk to S3 and from there to WebDAV, with two devices that write the whole time, one of which is
// killed in the midst of a move. A newcomer that has the last remote alone then has all that was acknowledged, and the remotes before
// still stand. At the end, a backup of that is restored on a device that has nothing.
func TestMigration(t *testing.T) {
	disk, s3, webdav := servers.Disk(t), servers.S3(t), servers.WebDAV(t)
	a, b := newStarted(t, "a", disk.Path), newStarted(t, "b", disk.Path)
	a.run(t, "bucket", "create", "todos", "--remote", "share")
	writers := []*writer{newWriter(a, "a-"), newWriter(b, "b-")}
	if err := writers[0].acks.add(t); err != nil {
		t.Fatal(err)
	}
	settle(t, "todos", a)
	b.run(t, "bucket", "join", "todos", "--remote", "share")
	settle(t, "todos", a, b)
	for _, w := range writers {
		w.begin(t)
	}
	for _, step := range []struct{ from, to, path string }{{"share", "s3", s3.Path}, {"s3", "webdav", webdav.Path}} {
		for _, d := range []*device{a, b} {
			d.run(t, "remote", "add", step.to, step.path)
		}
		writers[0].killInMove(t, step.from, step.to)
		for _, d := range []*device{a, b} {
			begun := time.Now()
			d.run(t, "remote", "move", step.from, step.to)
			t.Logf("%s moved from %s to %s in %v", d.name, step.from, step.to, time.Since(begun).Round(time.Millisecond))
		}
	}
	total := 0
	for _, w := range writers {
		w.end()
		total += len(w.acks.ids)
	}
	settle(t, "todos", a, b)
	want := a.export(t, "todos")
	c := newStarted(t, "c", webdav.Path)
	c.run(t, "bucket", "join", "todos", "--remote", "share")
	got := agree(t, "todos", a, b, c)
	if !bytes.Equal(got, want) {
		t.Error(difference(want, got))
	}
	for _, w := range writers {
		for _, id := range w.acks.ids {
			if !bytes.Contains(got, []byte(`"id":"`+id+`"`)) {
				t.Errorf("LOST: %s was acknowledged", id)
			}
		}
	}
	c.run(t, "verify")
	left, err := filepath.Glob(filepath.Join(disk.Folder, "share.*.json"))
	if err != nil || len(left) != 1 {
		t.Errorf("the first remote does not stand: %v, %v", left, err)
	}
	t.Logf("%d acknowledged entries went from disk to S3 to WebDAV", total)
	restoreElsewhere(t, a, want)
}

// restoreElsewhere has a device that has nothing export what another one backed up, after that one went on.
func restoreElsewhere(t *testing.T, d *device, want []byte) {
	t.Helper()
	place := filepath.Join(t.TempDir(), "backup")
	at := time.Now()
	d.run(t, "backup", place)
	if _, err := d.appendOne(t.Context(), "todos", `{"type":"DELETE_NODE","id":"a-0"}`); err != nil {
		t.Fatal(err)
	}
	d.run(t, "backup", place)
	lost := newDevice(t, "lost")
	lost.start(t)
	lost.run(t, "restore", place, "--at", at.UTC().Format(time.RFC3339Nano))
	if got := lost.export(t, "todos"); !bytes.Equal(got, want) {
		t.Errorf("the backup, as of %v: %s", at, difference(want, got))
	}
	if lost.run(t, "restore", place); lost.hasNode(t, "todos", "a-0") != true {
		t.Error("what was restored to went away as the backup was taken in again")
	}
}

// writer appends to a device, one entry after the other.
type writer struct {
	acks    acknowledged
	stop    context.CancelFunc
	running sync.WaitGroup
}

func newWriter(d *device, prefix string) *writer {
	return &writer{acks: acknowledged{device: d, bucket: "todos", prefix: prefix}}
}

func (w *writer) begin(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	w.stop = stop
	pace := rate.NewLimiter(30, 10)
	if soak() {
		pace.SetLimit(rate.Inf)
	}
	w.running.Go(func() {
		for pace.Wait(ctx) == nil {
			_ = w.acks.add(t) // of a device that is killed; what is acknowledged counts
		}
	})
}

func (w *writer) end() {
	w.stop()
	w.running.Wait()
}

// killInMove begins a move and kills the device, once it is seen to be on its way; then the device writes again.
func (w *writer) killInMove(t *testing.T, from, to string) {
	t.Helper()
	d := w.acks.device
	d.run(t, "remote", "move", from, to, "--no-wait")
	w.end()
	d.kill(t)
	d.start(t)
	w.begin(t)
}
