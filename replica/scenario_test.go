package replica_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"iter"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/faulty"
	"github.com/setlogger/setlogger/remote/memory"
	"github.com/setlogger/setlogger/replica"
	"github.com/setlogger/setlogger/setlog"
)

// refusing is a Storage that refuses some calls for good.
type refusing struct {
	remote.Storage
	read, remove func(name string) error
	list         func(folder string)
}

func (r *refusing) List(ctx context.Context, folder string) iter.Seq2[remote.Object, error] {
	if r.list != nil {
		r.list(folder)
	}
	return r.Storage.List(ctx, folder)
}

func (r *refusing) Read(ctx context.Context, name string) ([]byte, error) {
	if r.read != nil {
		if err := r.read(name); err != nil {
			return nil, err
		}
	}
	return r.Storage.Read(ctx, name)
}

func (r *refusing) Remove(ctx context.Context, name string) error {
	if r.remove != nil {
		if err := r.remove(name); err != nil {
			return err
		}
	}
	return r.Storage.Remove(ctx, name)
}

// TestIndexTakenInHalfway lets a device begin to take an index in and be cut off; then what it lacked comes by the log.
func TestIndexTakenInHalfway(t *testing.T) {
	share := memory.New()
	a := newDevice(t, share, false)
	a.collector(share, 1, 10)
	a.create("first")
	rounds(2, a)
	cut := &refusing{Storage: share}
	b := newDevice(t, cut, true)
	b.collector(cut, 2, 1_000_000)
	rounds(2, b)
	for i := range 30 {
		a.create(fmt.Sprint(i))
	}
	rounds(4, a)
	log := map[string]string{}
	for _, name := range names(t, share, "log") {
		if !strings.HasPrefix(name, "log/seen.") {
			log[name] = string(steal(t, share, name))
		}
	}
	a.now = a.now.Add(11 * time.Minute)
	rounds(1, a) // it says that it has more
	cut.read = func(name string) error {
		if strings.HasPrefix(name, "chunk/") {
			return remote.ErrUnreachable
		}
		return nil
	}
	for range 4 {
		_, _ = b.trySync()
	}
	if !b.bucket.Joining() {
		t.Fatal("it took nothing in")
	}
	cut.read = nil
	for name, data := range log {
		put(t, share, name, data)
	}
	for range 10 {
		b.now = b.now.Add(25 * time.Hour)
		rounds(1, b, a)
	}
	agree(t, a, b)
	if b.bucket.Joining() {
		t.Error("it takes an index in for ever")
	}
	backup := replica.NewShare(replica.Options{Storage: memory.New(), Remote: "backup"})
	if _, err := backup.Backup(t.Context(), b.bucket); err != nil {
		t.Error(err)
	}
}

// TestFileThatWaitedAndWent lets a file that waits for others go to past/ with them.
func TestFileThatWaitedAndWent(t *testing.T) {
	for waits := 1; waits <= 4; waits++ {
		t.Run(fmt.Sprint(waits), func(t *testing.T) {
			share := memory.New()
			a, files := threeFiles(t, share)
			a.witness(share, 1)
			rounds(2, a)
			middle := steal(t, share, files[1])
			counted := faulty.New(share, faulty.Options{})
			b := newDevice(t, counted, true)
			b.witness(counted, 2)
			rounds(waits, b)
			put(t, share, files[1], string(middle))
			a.now = a.now.Add(time.Hour)
			rounds(8, a)
			if n := inLog(t, share); n > 0 {
				t.Fatalf("%d files are in log/", n)
			}
			b.now = b.now.Add(time.Hour)
			rounds(16, b, a)
			agree(t, a, b)
			for i := range 3 {
				before := counted.Requests()
				r := b.sync()
				after := counted.Requests()
				if after.Lists-before.Lists != 1 || after.Reads != before.Reads || len(r.Problems) > 0 {
					t.Errorf("idle round %d: requests went from %+v to %+v, problems %+v", i, before, after, r.Problems)
				}
			}
		})
	}
}

// TestBrokenFileThatWent names a broken file no more once a person has removed it.
func TestBrokenFileThatWent(t *testing.T) {
	share := memory.New()
	a, files := threeFiles(t, share)
	name := strings.Replace(files[2], ".3-3.", ".4-4.", 1)
	put(t, share, name, "<html>")
	rounds(2, a)
	a.now = a.now.Add(2 * time.Hour)
	if r := a.sync(); !hasProblem(r, "broken-file") {
		t.Fatalf("problems are %+v", r.Problems)
	}
	steal(t, share, name)
	rounds(5, a)
	if r := a.sync(); len(r.Problems) > 0 || !a.share.IsQuiet("todos") {
		t.Errorf("problems are %+v, quiet %t", r.Problems, a.share.IsQuiet("todos"))
	}
}

// TestSeenFileThatCannotBeRead holds nothing back.
func TestSeenFileThatCannotBeRead(t *testing.T) {
	share := memory.New()
	denied := &refusing{Storage: share}
	a, b := newDevice(t, denied, false), newDevice(t, share, true)
	b.witness(share, 2)
	a.create("x")
	rounds(2, a, b)
	denied.read = func(name string) error {
		if strings.HasPrefix(name, "log/seen.") {
			return remote.ErrDenied
		}
		return nil
	}
	b.now = b.now.Add(time.Hour)
	b.create("theirs")
	rounds(2, b)
	a.create("mine")
	for range 3 {
		_, _ = a.trySync()
	}
	rounds(2, b)
	a.expect("theirs", `{"n":0}`)
	b.expect("mine", `{"n":0}`)
}

// TestRemoteThatRemovesNothing has a place that lets nobody remove: what is appended goes up all the same.
func TestRemoteThatRemovesNothing(t *testing.T) {
	share := memory.New()
	kept := &refusing{Storage: share, remove: func(string) error { return remote.ErrDenied }}
	a, b := newDevice(t, kept, false), newDevice(t, share, true)
	a.witness(kept, 1)
	for i := range 10 {
		a.create(fmt.Sprint(i))
		a.now = a.now.Add(11 * time.Minute)
		_, _ = a.trySync()
		_, _ = a.trySync()
	}
	rounds(3, b)
	agree(t, a, b)
}

// TestBrokenShareFileOfAnother has a device die while it makes the share anew: the others go on.
func TestBrokenShareFileOfAnother(t *testing.T) {
	share := memory.New()
	a, b := newDevice(t, share, false), newDevice(t, share, true)
	a.create("x")
	rounds(2, a, b)
	put(t, share, "share."+strings.Repeat("0", 32)+".json", `{"created":`)
	a.create("y")
	_, _ = a.trySync()
	_, _ = a.trySync()
	_, _ = b.trySync()
	b.expect("y", `{"n":0}`)
}

// TestChunksOfUnreadIndexes keeps what an index may name that can't be read: one of a newer version, or one that is not all there yet.
func TestChunksOfUnreadIndexes(t *testing.T) {
	for name, change := range map[string]func(text string) (named, put string){
		"newer": func(text string) (string, string) {
			text = strings.Replace(text, `"min_reader":1`, `"min_reader":9`, 1)
			return text, text
		},
		"on its way": func(text string) (string, string) { return text, "" },
	} {
		t.Run(name, func(t *testing.T) { chunksOfAnUnreadIndex(t, change) })
	}
}

func chunksOfAnUnreadIndex(t *testing.T, change func(text string) (named, put string)) {
	t.Helper()
	share := memory.New()
	a, b := newDevice(t, share, false), newDevice(t, share, true)
	a.collector(share, 1, 10)
	for i := range 30 {
		a.create(fmt.Sprint(i))
	}
	rounds(4, a, b)
	index := names(t, share, "index")[0]
	chunk := names(t, share, "chunk")[0]
	named, text := change(string(steal(t, share, index)))
	parsed, _ := setlog.ParseIndexName(strings.TrimPrefix(index, "index/"))
	parsed.Hash = setlog.HashOf([]byte(named))
	put(t, share, "index/"+parsed.String(), text)
	b.collector(share, 2, 10)
	days(14, 0, b)
	if _, err := share.Read(t.Context(), chunk); err != nil {
		t.Errorf("the chunk of that index: %v", err)
	}
	if r := b.sync(); !hasProblem(r, "update-needed") && !hasProblem(r, "broken-file") {
		t.Errorf("problems are %+v", r.Problems)
	}
}

// TestFileThatCameBackTooLarge has a segment be replaced by what nobody reads: it is sent again.
func TestFileThatCameBackTooLarge(t *testing.T) {
	share := memory.New()
	huge := &refusing{Storage: share}
	a, files := threeFiles(t, huge)
	whole := steal(t, share, files[0])
	put(t, share, files[0], string(whole)+"more")
	huge.read = func(name string) error {
		if data, err := share.Read(t.Context(), name); name == files[0] && err == nil && len(data) != len(whole) {
			return remote.ErrTooLarge
		}
		return nil
	}
	a.create("later")
	for range 4 {
		_, _ = a.trySync()
	}
	b := newDevice(t, share, true)
	rounds(2, b)
	agree(t, a, b)
}

// TestViewOfAnIndexThatWent lets an index be removed that a view names.
func TestViewOfAnIndexThatWent(t *testing.T) {
	share := memory.New()
	a := newDevice(t, share, false)
	a.collector(share, 1, 1_000_000)
	a.act(published)
	for i := range 20 {
		a.create(fmt.Sprint(i))
	}
	a.share.Compact("todos")
	rounds(6, a)
	a.now = a.now.Add(time.Hour)
	rounds(6, a)
	expectView(t, share, a)
	forget(t, share, "index")
	for range 6 {
		a.now = a.now.Add(12 * time.Hour)
		rounds(4, a)
	}
	expectView(t, share, a)
}

// TestViewThatWent lets the view itself be removed.
func TestViewThatWent(t *testing.T) {
	share := memory.New()
	a := publisher(t, share, false, 1)
	a.act(published)
	a.create("x")
	rounds(6, a)
	a.now = a.now.Add(time.Hour)
	rounds(6, a)
	expectView(t, share, a)
	steal(t, share, viewFile+setlog.ViewName("todos"))
	for range 6 {
		a.now = a.now.Add(12 * time.Hour)
		rounds(4, a)
	}
	expectView(t, share, a)
}

// TestViewsCountUp has two devices write views in turn: of two of one device the higher is the newer.
func TestViewsCountUp(t *testing.T) {
	share := memory.New()
	a, b := publisher(t, share, false, 1), publisher(t, share, true, 2)
	a.act(published)
	rounds(6, a, b)
	last := map[setlog.Writer]*setlog.View{}
	for i := range 8 {
		d := []*device{a, b}[i%2]
		d.create(fmt.Sprint(i))
		rounds(4, d)
		view := viewOf(t, share)
		if before := last[view.Device]; before != nil && view.Time > before.Time && view.Count <= before.Count {
			t.Errorf("view %d of a device after its %d", view.Count, before.Count)
		}
		last[view.Device] = view
	}
}

// TestToldOfByADeviceThatDied has a device hear of an entry, and start anew; who told it is gone.
func TestToldOfByADeviceThatDied(t *testing.T) {
	share := memory.New()
	a, b := newDevice(t, share, false), newDevice(t, share, true)
	a.create("x")
	rounds(2, a, b)
	message := (&teller{device: a}).tellEach(1)[0]
	if n, err := b.offer(message); n == 0 || err != nil {
		t.Fatal(n, err)
	}
	b.witness(share, 2) // starts anew
	c := newDevice(t, share, true)
	c.witness(share, 3)
	for range 12 {
		b.now, c.now = b.now.Add(time.Hour), c.now.Add(time.Hour)
		rounds(2, b, c)
	}
	agree(t, b, c)
}

// TestWishThatMetAnError keeps a person's wish for an index until it can be met.
func TestWishThatMetAnError(t *testing.T) {
	share := memory.New()
	denied := &refusing{Storage: share}
	a := newDevice(t, denied, false)
	a.create("x")
	rounds(3, a)
	denied.read = func(name string) error {
		if strings.HasPrefix(name, "chunk/") {
			return remote.ErrUnreachable
		}
		return nil
	}
	a.share.Compact("todos")
	_, _ = a.trySync()
	denied.read = nil
	rounds(3, a)
	if len(names(t, share, "index")) == 0 {
		t.Error("no index is written")
	}
}

// TestAppendBesideALook has a log grow while it is compared with the indexes: it is indexed all the same once it has grown.
func TestAppendBesideALook(t *testing.T) {
	share := memory.New()
	beside := &refusing{Storage: share}
	a := newDevice(t, beside, false)
	a.collector(beside, 1, 10)
	a.create("x")
	rounds(4, a)
	a.now = a.now.Add(time.Hour)
	rounds(6, a) // it is in past/ now
	a.now = a.now.Add(24 * time.Hour)
	more := 0
	beside.list = func(folder string) {
		if folder == "chunk" {
			a.create(fmt.Sprint("more", more))
			more++
		}
	}
	rounds(2, a)
	beside.list = nil
	if more == 0 {
		t.Fatal("nothing was compared")
	}
	for i := range 30 {
		a.create(fmt.Sprint(i))
	}
	rounds(4, a)
	if len(names(t, share, "index")) == 0 {
		t.Error("no index is written")
	}
}

// TestViewOnAnotherShare leaves the view of a share alone that stands where another one was.
func TestViewOnAnotherShare(t *testing.T) {
	share := memory.New()
	kept := &refusing{Storage: share}
	a := newDevice(t, kept, false)
	a.collector(kept, 1, 10)
	a.act(published)
	rounds(6, a)
	a.now = a.now.Add(time.Hour)
	rounds(6, a)
	kept.remove = func(name string) error {
		if strings.HasPrefix(name, viewFile) {
			return remote.ErrUnreachable
		}
		return nil
	}
	a.act(`{"type":"SET_SCHEMA","schema":{}}`)
	for range 4 {
		_, _ = a.trySync()
	}
	a.now = a.now.Add(time.Hour)
	for range 6 {
		_, _ = a.trySync()
	}
	kept.remove = nil
	steal(t, share, "share."+a.share.ID()+".json")
	other := strings.Repeat("f", 32)
	put(t, share, "share."+other+".json", `{"created":"2026-01-01T00:00:00Z","format":1,"kind":"share","min_reader":1,"share":"`+other+`"}`)
	for range 4 {
		_, _ = a.trySync()
	}
	if viewOf(t, share) == nil {
		t.Error("the view of another share was removed")
	}
}

// TestSeenFileOnAnotherShare leaves what this device says on one share alone when that stands where another one was.
func TestSeenFileOnAnotherShare(t *testing.T) {
	x, y := memory.New(), memory.New()
	place := &refusing{Storage: x}
	a, c := newDevice(t, place, false), newDevice(t, y, false)
	a.witness(place, 1)
	c.witness(y, 1)
	c.create("y")
	rounds(3, c)
	for i := range 4 {
		a.create(fmt.Sprint(i))
		a.now = a.now.Add(11 * time.Minute)
		rounds(4, a)
		a.now = a.now.Add(time.Hour)
		rounds(8, a)
	}
	if inLog(t, x) > 0 {
		t.Fatal("the log is not empty")
	}
	before := names(t, y, "log")
	place.Storage = y
	for range 3 {
		_, _ = a.trySync()
	}
	if after := names(t, y, "log"); len(after) < len(before) {
		t.Errorf("of %v are left %v", before, after)
	}
}

// TestLargeFilesMoveToPast has files move whose entries do not fit into one, though those of the first nearly fill it.
func TestLargeFilesMoveToPast(t *testing.T) {
	share := faulty.New(memory.New(), faulty.Options{})
	a := newDevice(t, share, false)
	a.collector(share, 1, 1_000_000)
	chance := rand.NewChaCha8([32]byte{})
	large := func(n int) {
		for range n {
			data := make([]byte, 48<<10)
			_, _ = chance.Read(data)
			a.act(fmt.Sprintf(`{"type":"CREATE_NODE","id":"n%d","properties":{"x":%q}}`, a.bucket.Stats().Entries, base64.StdEncoding.EncodeToString(data)))
		}
		rounds(2, a)
	}
	large(20)
	large(3)
	a.now = a.now.Add(time.Hour)
	rounds(20, a)
	if n := inLog(t, share); n > 0 {
		t.Errorf("%d files are in log/", n)
	}
	a.now = a.now.Add(time.Hour)
	rounds(4, a)
	before := share.Requests()
	a.sync()
	if after := share.Requests(); after.Lists-before.Lists != 1 {
		t.Errorf("an idle round made %d listings", after.Lists-before.Lists)
	}
	b := newDevice(t, share, true)
	rounds(4, b)
	agree(t, a, b)
}

// TestMoveThatWasCutOff lets the file in log/ vanish while the one in past/ is not whole.
func TestMoveThatWasCutOff(t *testing.T) {
	share := faulty.New(memory.New(), faulty.Options{})
	a, b := newDevice(t, share, false), newDevice(t, share, true)
	a.witness(share, 1)
	b.witness(share, 2)
	a.create("x")
	rounds(4, a, b)
	var file string
	for _, name := range names(t, share, "log") {
		if !strings.HasPrefix(name, "log/seen.") {
			file = name
		}
	}
	past := strings.Replace(file, "log/", "past/", 1)
	share.Script(faulty.Once{Fault: faulty.Cut, Name: past})
	a.now = a.now.Add(time.Hour)
	for range 4 {
		a.sync()
		if len(names(t, share, "past")) > 0 {
			break
		}
	}
	steal(t, share, file)
	for range 8 {
		a.now, b.now = a.now.Add(25*time.Hour), b.now.Add(25*time.Hour)
		rounds(4, a, b)
	}
	c := newDevice(t, share, true)
	rounds(40, c)
	agree(t, a, b, c)
}

// TestBucketThatIsNowhere lets a device wait for a bucket that nobody has: it asks ever less often, and finds one that comes by an index.
func TestBucketThatIsNowhere(t *testing.T) {
	share := faulty.New(memory.New(), faulty.Options{})
	b := newDevice(t, share, true)
	b.witness(share, 2)
	rounds(70, b)
	before := share.Requests()
	rounds(16, b)
	if after := share.Requests(); after.Lists-before.Lists > 20 {
		t.Errorf("16 rounds made %d listings", after.Lists-before.Lists)
	}
	a := newDevice(t, share, false)
	a.witness(share, 1)
	a.create("x")
	a.share.Compact("todos")
	rounds(4, a)
	for range 2 {
		a.now = a.now.Add(time.Hour)
		rounds(8, a)
	}
	if inLog(t, share) > 0 {
		t.Fatal("the log is not empty")
	}
	rounds(2, b)
	agree(t, a, b)
}

// TestUptimeThatWasSetBack lets a device find a file needless, and then count its uptime anew, as it does without its daemon.db: the file
// goes a week later all the same.
func TestUptimeThatWasSetBack(t *testing.T) {
	share := memory.New()
	a := newDevice(t, share, false)
	a.create("x")
	a.collector(share, 1, 10)
	rounds(2, a)
	a.now = a.now.Add(400 * 24 * time.Hour)
	a.share.Compact("todos")
	rounds(2, a)
	orphan := "chunk/" + setlog.ChunkName{Bucket: a.bucket.ID(), Hash: setlog.HashOf([]byte("orphan"))}.String()
	put(t, share, orphan, "orphan")
	for range 2 {
		a.now = a.now.Add(25 * time.Hour)
		rounds(2, a)
	}
	a.collector(share, 1, 10)
	for range 12 {
		a.now = a.now.Add(25 * time.Hour)
		rounds(2, a)
	}
	if _, err := share.Read(t.Context(), orphan); err == nil {
		t.Error("it is still there")
	}
}

// TestLieThatAViewFinds has a device find a lie while it makes a view: what that covers is written at once all the same.
func TestLieThatAViewFinds(t *testing.T) {
	share := memory.New()
	a := newDevice(t, share, false)
	a.collector(share, 1, 1_000_000)
	a.act(published)
	a.create("x")
	rounds(4, a)
	a.lie(share, 3)
	a.create("y") // so that the view is looked at
	rounds(8, a)
	if n := len(names(t, share, "index")); n < 2 {
		t.Errorf("%d indexes, the lie among them", n)
	}
	expectView(t, share, a)
}
