package replica_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/faulty"
	"github.com/setlogger/setlogger/remote/memory"
	"github.com/setlogger/setlogger/setlog"
)

// rewrite puts a changed copy of a segment under the name that fits its new hash.
func rewrite(t *testing.T, share remote.Storage, name string, change func(text string) string) {
	t.Helper()
	in, err := gzip.NewReader(bytes.NewReader(steal(t, share, name)))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	changed := change(string(text))
	if changed == string(text) {
		t.Fatal("nothing was changed")
	}
	var out bytes.Buffer
	zip := gzip.NewWriter(&out)
	if _, err := io.WriteString(zip, changed); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	parsed, ok := setlog.ParseSegmentName(strings.TrimPrefix(name, "log/"))
	if !ok {
		t.Fatal(name)
	}
	parsed.Hash = setlog.HashOf(out.Bytes())
	put(t, share, "log/"+parsed.String(), out.String())
}

func TestForgedFilesAreNeverFolded(t *testing.T) {
	share := memory.New()
	_, files := threeFiles(t, share)
	rewrite(t, share, files[2], func(text string) string { return strings.Replace(text, `"n":0`, `"n":7`, 1) })
	b := newDevice(t, share, true)
	rounds(5, b)
	b.expect("1", `{"n":0}`)
	b.expect("2", ``)
}

func TestFileOfANewerVersionWaitsForAnUpdate(t *testing.T) {
	share := memory.New()
	_, files := threeFiles(t, share)
	rewrite(t, share, files[2], func(text string) string { return strings.Replace(text, `"min_reader":1`, `"min_reader":9`, 1) })
	b := newDevice(t, share, true)
	for range 3 {
		if r := b.sync(); !hasProblem(r, "update-needed") {
			t.Errorf("problems are %+v", r.Problems)
		}
	}
	b.expect("2", ``)
	if left := names(t, share, "log"); len(left) != 3 {
		t.Errorf("files left: %v", left)
	}
}

func TestUnreadableFileHoldsBackNothing(t *testing.T) {
	share := faulty.New(memory.New(), faulty.Options{})
	a, files := threeFiles(t, share)
	b := newDevice(t, share, true)
	rounds(2, b)
	a.create("late")
	a.sync()
	b.create("mine")
	late := names(t, share, "log")
	for _, name := range late {
		if name != files[0] && name != files[1] && name != files[2] {
			share.Script(faulty.Once{Fault: faulty.Denied, Name: name})
		}
	}
	if r, err := b.trySync(); !errors.Is(err, remote.ErrDenied) || r.Uploaded != 1 {
		t.Errorf("uploaded %d, %v", r.Uploaded, err)
	}
	rounds(3, a, b)
	agree(t, a, b)
}

func TestJoinedDeviceGivesNoBirthWhileItCannotRead(t *testing.T) {
	share := faulty.New(memory.New(), faulty.Options{})
	a, files := threeFiles(t, share)
	b := newDevice(t, share, true)
	b.create("early")
	good := steal(t, share, files[0])
	put(t, share, files[0], "<html>")
	rounds(3, b)
	if len(b.bucket.Births()) > 0 {
		t.Errorf("births are %v", b.bucket.Births())
	}
	put(t, share, files[0], string(good))
	share.Script(faulty.Once{Fault: faulty.Unreachable, Name: files[0]})
	for range 40 {
		_, _ = b.trySync() // one of them meets the fault
	}
	rounds(3, a, b)
	a.expect("early", `{"n":0}`)
	agree(t, a, b)
}

func TestShareThatOnlyTheListingOmitsIsStillThere(t *testing.T) {
	share := faulty.New(memory.New(), faulty.Options{})
	a := newDevice(t, share, false)
	rounds(1, a)
	a.create("x")
	share.Script(faulty.Once{Fault: faulty.Omit, Omit: names(t, share, ""), Skip: 1})
	if r := a.sync(); r.Uploaded != 1 {
		t.Errorf("the round did %+v", r)
	}
	if share.Counts()[faulty.Omit] != 1 {
		t.Error("the listing omitted nothing")
	}
}

func TestRestoredBackupLosesNothing(t *testing.T) {
	share := memory.New()
	a := newDevice(t, share, false)
	a.create("x")
	rounds(2, a)
	backup := a.clone(share)
	for i := range 5 {
		a.create(fmt.Sprint("later", i))
		rounds(2, a)
	}
	backup.create("mine")
	other := newDevice(t, share, true)
	rounds(4, backup, other, a)
	for _, d := range []*device{a, backup, other} {
		d.expect("mine", `{"n":0}`)
		d.expect("later4", `{"n":0}`)
	}
	agree(t, a, backup, other)
}

// counted is a Storage that cancels after some reads, and knows how many ran at once.
type counted struct {
	remote.Storage
	running, most, left atomic.Int64
	cancel              context.CancelFunc
}

func (c *counted) Read(ctx context.Context, name string) ([]byte, error) {
	now := c.running.Add(1)
	defer c.running.Add(-1)
	for most := c.most.Load(); now > most && !c.most.CompareAndSwap(most, now); most = c.most.Load() {
	}
	if c.left.Add(-1) == 0 {
		c.cancel()
	}
	return c.Storage.Read(ctx, name)
}

func TestThreeThousandFilesInTwoRounds(t *testing.T) {
	files := unlessShort(3000, 300)
	share := memory.New()
	a := newDevice(t, share, false)
	a.create("first")
	b, c := newDevice(t, share, true), newDevice(t, share, true)
	rounds(1, a, b, c)
	writers := []*device{a, b, c}
	for i := range files {
		d := writers[i%3]
		d.create(fmt.Sprint("n", i))
		if _, err := d.bucket.Seal(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	rounds(1, a, b, c)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	slow := &counted{Storage: share, cancel: cancel}
	slow.left.Store(int64(files / 2))
	d := newDevice(t, slow, true)
	r, err := d.share.Sync(ctx, []*localstore.Bucket{d.bucket})
	if !errors.Is(err, context.Canceled) || r.Folded == 0 || r.Folded > files/2 {
		t.Fatalf("folded %d, %v", r.Folded, err)
	}
	if again := d.sync(); r.Folded+again.Folded != files+1 {
		t.Errorf("folded %d and %d", r.Folded, again.Folded)
	}
	if slow.most.Load() > 8 {
		t.Errorf("%d reads at once", slow.most.Load())
	}
	rounds(1, a, b, c)
	agree(t, a, b, c, d)
}
