package replica_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/memory"
	"github.com/setlogger/setlogger/replica"
)

// named lets a device sync some rounds and answers the first problem of a name that they tell of.
func (d *device) named(name string, most int) (found replica.Problem) {
	d.t.Helper()
	for range most {
		for _, p := range d.sync().Problems {
			if p.Name == name {
				if p.Subject == "" || p.Detail == "" || p.Hint == "" {
					d.t.Errorf("an empty word in %+v", p)
				}
				return p
			}
		}
	}
	d.t.Errorf("no round tells of %s", name)
	return found
}

// forgets tells whether the trouble is not named any more a day later.
func (d *device) forgets(name string) {
	d.t.Helper()
	d.now = d.now.Add(25 * time.Hour)
	if r := d.sync(); hasProblem(r, name) {
		d.t.Errorf("a day later: %+v", r.Problems)
	}
}

// stored answers the device's file as it is at rest.
func (d *device) stored() []byte {
	d.t.Helper()
	if err := d.bucket.Close(); err != nil {
		d.t.Fatal(err)
	}
	data, err := os.ReadFile(d.path)
	if err != nil {
		d.t.Fatal(err)
	}
	d.reopen()
	return data
}

func (d *device) reopen() {
	d.t.Helper()
	b, err := localstore.Open(d.path, d.options())
	if err != nil {
		d.t.Fatal(err)
	}
	d.hold(b)
}

// setBack puts an older content into the device's file, as a virtual machine does that is set back: nothing tells it.
func (d *device) setBack(storage remote.Storage, data []byte) {
	d.t.Helper()
	if err := d.bucket.Close(); err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(d.path, data, 0o600); err != nil {
		d.t.Fatal(err)
	}
	d.reopen()
	d.visit(storage, d.share.ID())
}

func TestAForkIsNamed(t *testing.T) {
	share := memory.New()
	a := newDevice(t, share, false)
	a.create("x")
	rounds(2, a)
	before := a.stored()
	a.create("once")
	rounds(2, a)
	c := newDevice(t, share, true)
	rounds(1, c)
	a.setBack(share, before)
	a.now = a.now.Add(time.Second)
	a.create("again")
	if p := a.named("writer-copied", 1); !strings.HasPrefix(p.Detail, "log/") {
		t.Errorf("no file in %q", p.Detail)
	}
	a.create("under the new key")
	rounds(2, a)
	if p := c.named("log-forked", 1); !strings.HasPrefix(p.Detail, "log/") {
		t.Errorf("no file in %q", p.Detail)
	}
	for _, d := range []*device{a, c} {
		for _, id := range []string{"once", "again", "under the new key"} {
			d.expect(id, `{"n":0}`)
		}
	}
	a.forgets("writer-copied")
	c.forgets("log-forked")
}

func TestRollbackOfTheRemoteIsNamed(t *testing.T) {
	ctx, share := context.Background(), memory.New()
	a := newDevice(t, share, false)
	a.create("x")
	a.sync()
	a.create("y")
	rounds(2, a)
	lost := names(t, share, "log")
	for _, name := range lost {
		if err := share.Remove(ctx, name); err != nil {
			t.Fatal(err)
		}
	}
	p := a.named("files-vanished", 4)
	if !strings.Contains(p.Detail, "log/") {
		t.Errorf("no file in %q", p.Detail)
	}
	if back := names(t, share, "log"); len(back) != len(lost) {
		t.Errorf("%v are back, of %v", back, lost)
	}
	if p := a.named("files-vanished", 2); len(lost) > 1 && !strings.Contains(p.Detail, "more") {
		t.Errorf("not the number of files in %q", p.Detail)
	}
	a.forgets("files-vanished")
}

func TestADroppedTailIsNamed(t *testing.T) {
	share := memory.New()
	a, b, c := newDevice(t, share, false), newDevice(t, share, true), newDevice(t, share, true)
	for i, d := range []*device{a, b, c} {
		d.witness(share, byte(i+1))
	}
	a.create("x")
	rounds(2, a, b, c)
	before := names(t, share, "log")
	a.create("y")
	b.now = b.now.Add(25 * time.Hour)
	rounds(3, a, b) // b's seen file tells of it
	for _, name := range names(t, share, "log") {
		if isSegment(name) && !slices.Contains(before, name) {
			if err := share.Remove(context.Background(), name); err != nil {
				t.Fatal(err)
			}
		}
	}
	c.named("entries-missing", 6)
	rounds(4, b)
	rounds(2, c)
	c.expect("y", `{"n":0}`)
	if r := c.sync(); hasProblem(r, "entries-missing") {
		t.Errorf("problems are %+v", r.Problems)
	}
}

func isSegment(name string) bool { return !strings.Contains(name, "seen") }

// changing is a Storage that appends a byte to the first segment written.
type changing struct {
	remote.Storage
	done bool
}

func (c *changing) Write(ctx context.Context, name string, data []byte) error {
	if strings.HasPrefix(name, "log/") && !c.done {
		c.done = true
		data = append(slices.Clip(data), ' ')
	}
	return c.Storage.Write(ctx, name, data)
}

func TestAFileChangedByTheRemoteIsNamed(t *testing.T) {
	share := &changing{Storage: memory.New()}
	a := newDevice(t, share, false)
	a.create("x")
	p := a.named("file-changed", 4)
	if !strings.HasPrefix(p.Detail, "log/") {
		t.Errorf("no file in %q", p.Detail)
	}
	b := newDevice(t, share, true)
	rounds(2, a, b)
	b.expect("x", `{"n":0}`)
	a.forgets("file-changed")
}

// TestAClockAhead: entries from the future are folded as all others, and named; a few minutes are not.
func TestAClockAhead(t *testing.T) {
	storage := memory.New()
	a := newDevice(t, storage, false)
	a.create("n")
	a.sync()
	b := newDevice(t, storage, true)
	b.sync()
	for _, lead := range []time.Duration{4 * time.Minute, 10 * 365 * 24 * time.Hour} { // what is stamped later never goes back
		named := lead > time.Hour
		a.now = b.now.Add(lead)
		a.create(lead.String())
		a.sync()
		r := b.sync()
		if hasProblem(r, "clock-off") != named {
			t.Errorf("%v ahead: %+v", lead, r.Problems)
		}
		b.expect(lead.String(), `{"n":0}`)
		if named {
			if p := b.named("clock-off", 1); !strings.Contains(p.Detail, "3649 days") && !strings.Contains(p.Detail, "3650 days") {
				t.Errorf("%+v", p)
			}
			b.forgets("clock-off")
		}
	}
}
