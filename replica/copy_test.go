package replica_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/faulty"
	"github.com/setlogger/setlogger/remote/memory"
	"github.com/setlogger/setlogger/replica"
)

// grown is a share that two devices have used for a while: with files in log/, past/, index/ and chunk/.
func grown(t *testing.T) (share *memory.Storage, a, b *device) {
	t.Helper()
	share = memory.New()
	a, b = newDevice(t, share, false), newDevice(t, share, true)
	for i, d := range []*device{a, b} {
		d.configure(share, func(o *replica.Options) { o.Key, o.LogLimit = deviceKey(byte(i+1)), 30 })
	}
	bursts(a, 0, 20)
	rounds(3, b, a)
	bursts(b, 20, 25)
	rounds(3, a, b)
	a.now = a.now.Add(time.Hour)
	rounds(6, a, b)
	bursts(a, 45, 5)
	rounds(2, b, a)
	for _, folder := range []string{"log", "past", "index", "chunk"} {
		if len(names(t, share, folder)) == 0 {
			t.Fatalf("there is nothing in %s/", folder)
		}
	}
	return share, a, b
}

// copyAll makes passes until one finds nothing to do, and answers how many files were written.
func copyAll(t *testing.T, c *replica.Copy) int {
	t.Helper()
	files := 0
	for range 200 {
		did, err := c.Pass(t.Context())
		if err == nil && did.IsWhole() {
			return files
		}
		files += did.Files
	}
	t.Fatal("the copy does not come to an end")
	return 0
}

// begin makes the share's file, as a device does that syncs with a new place.
func begin(t *testing.T, share remote.Storage) {
	t.Helper()
	if err := replica.NewShare(replica.Options{Storage: share, Remote: "new"}).Reach(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestCopyOfAShare(t *testing.T) {
	from, a, b := grown(t)
	to := memory.New()
	begin(t, to)
	last, all := 0, 0
	c := &replica.Copy{From: from, To: to, Progress: func(done, total int) { last, all = done, total }}
	if files := copyAll(t, c); files < 5 {
		t.Errorf("%d files were copied", files)
	}
	if last != all {
		t.Errorf("the progress ends at %d of %d", last, all)
	}
	for _, name := range names(t, to, "log") {
		if strings.HasPrefix(name, "log/seen.") {
			t.Errorf("%s belongs to the other share", name)
		}
	}
	newcomer := newDevice(t, to, true)
	rounds(4, newcomer)
	agree(t, a, b, newcomer)
	history := newDevice(t, to, true) // has the whole log from the copy alone
	if _, err := replica.NewShare(replica.Options{Storage: to, Remote: "r"}).Restore(t.Context(), history.bucket); err != nil {
		t.Fatal(err)
	}
	if stats := history.bucket.Stats(); stats.Entries != a.bucket.Stats().Entries {
		t.Errorf("%d entries of %d", stats.Entries, a.bucket.Stats().Entries)
	}
	other, err := (&replica.Copy{From: from, To: memory.New(), Wants: func(id string) bool { return id != a.bucket.ID() }}).Pass(t.Context())
	if err != nil || other.Files != 0 {
		t.Errorf("of a bucket that is not wanted %d files were copied, %v", other.Files, err)
	}
}

// TestCopyOverBadRemotes has both sides omit files of listings, cut uploads off and lose answers.
func TestCopyOverBadRemotes(t *testing.T) {
	from, a, _ := grown(t)
	for seed := range uint64(5) {
		to := memory.New()
		begin(t, to)
		bad := faulty.Options{Seed: seed + 1, Chance: map[faulty.Fault]float64{
			faulty.Omit: 0.2, faulty.Empty: 0.1, faulty.HTML: 0.02, faulty.Short: 0.02, faulty.LostAnswer: 0.02, faulty.BrokenUpload: 0.05, faulty.Cut: 0.05, faulty.WrittenZeros: 0.05, faulty.Busy: 0.02,
		}}
		c := &replica.Copy{From: faulty.New(from, bad), To: faulty.New(to, bad)}
		copyAll(t, c)
		c.From, c.To = from, to
		copyAll(t, c) // what a listing of From omitted to the end
		newcomer := newDevice(t, to, true)
		rounds(4, newcomer)
		agree(t, a, newcomer)
	}
}

// TestCopyLeavesOutWhatIsBroken names it instead.
func TestCopyLeavesOutWhatIsBroken(t *testing.T) {
	from, _, _ := grown(t)
	broken := []string{names(t, from, "past")[0], names(t, from, "index")[0]}
	for _, name := range broken {
		if err := from.Write(t.Context(), name, []byte("<html>")); err != nil {
			t.Fatal(err)
		}
	}
	to := memory.New()
	did, err := (&replica.Copy{From: from, To: to}).Pass(t.Context())
	if err != nil || len(did.Unfit) != 2 {
		t.Fatalf("%+v, %v", did, err)
	}
	for _, name := range broken {
		if _, err := to.Read(t.Context(), name); err == nil {
			t.Errorf("%s was copied", name)
		}
	}
}

// TestCopyKeepsTheInboxSmall has no segment in log/ whose lines are in past/ there.
func TestCopyKeepsTheInboxSmall(t *testing.T) {
	from := memory.New()
	a := newDevice(t, from, false)
	a.witness(from, 1)
	bursts(a, 0, 10)
	early := memory.New() // as it was
	copyAll(t, &replica.Copy{From: from, To: early})
	a.now = a.now.Add(time.Hour)
	rounds(8, a)
	to := memory.New()
	copyAll(t, &replica.Copy{From: from, To: to})
	copyAll(t, &replica.Copy{From: early, To: to})
	if past, log := len(names(t, to, "past")), inLog(t, to); past != len(names(t, from, "past")) || log != 0 {
		t.Errorf("%d files in past/, %d in log/", past, log)
	}
}

func TestBackup(t *testing.T) {
	share, a, b := grown(t)
	place := memory.New()
	a.create("unsealed")
	files := backUp(t, a, place)
	if more := backUp(t, a, place); files == 0 || more != 0 {
		t.Errorf("%d files, and %d more for the same again", files, more)
	}
	if n := len(names(t, place, "index")); n > 0 {
		t.Errorf("%d indexes of what the log has", n)
	}
	r := restore(t, place)
	agree(t, a, r)
	if stats := r.bucket.Stats(); stats.Adopted || stats.Entries != a.bucket.Stats().Entries {
		t.Errorf("the log did not come back: %+v", stats)
	}
	r.create("after")
	b.create("meanwhile")
	a.sync()
	r.visit(share, "") // where it goes on as a new writer
	for range 5 {
		rounds(1, r, b)
	}
	agree(t, b, r)
	b.expect("after", `{"n":0}`)
	b.expect("unsealed", `{"n":0}`)
}

// TestBackupOfWhatCameByAnIndex: the device has no log of it, the backup has an index; and with a copy of the share, the log as well.
func TestBackupOfWhatCameByAnIndex(t *testing.T) {
	share := memory.New()
	a := newDevice(t, share, false)
	a.configure(share, func(o *replica.Options) { o.Key, o.LogLimit = deviceKey(1), 30 })
	bursts(a, 0, 40)
	a.now = a.now.Add(time.Hour)
	rounds(8, a)
	a.share.Compact("todos")
	rounds(2, a)
	whole := memory.New()
	copyAll(t, &replica.Copy{From: share, To: whole})
	forget(t, share, "past")
	b := newDevice(t, share, true)
	rounds(2, b)
	b.create("own")
	if !b.bucket.Stats().Adopted {
		t.Fatal("the newcomer did not join by an index")
	}
	place := memory.New()
	backUp(t, b, place)
	r := restore(t, place)
	agree(t, b, r)
	if !r.bucket.Stats().Adopted {
		t.Error("a log came from nowhere")
	}
	place = memory.New()
	begin(t, place)
	copyAll(t, &replica.Copy{From: whole, To: place})
	backUp(t, b, place)
	r = restore(t, place)
	agree(t, b, r)
	if stats := r.bucket.Stats(); stats.Adopted || stats.Entries != 41 {
		t.Errorf("%+v", stats)
	}
}

func TestBackupOfNothingYet(t *testing.T) {
	b := newDevice(t, memory.New(), true)
	b.create("waiting")
	if _, err := replica.NewShare(replica.Options{Storage: memory.New(), Remote: "backup:"}).Backup(t.Context(), b.bucket); err == nil {
		t.Error("a bucket that waits for its birth was given one")
	}
	r := newDevice(t, memory.New(), true)
	if _, err := replica.NewShare(replica.Options{Storage: memory.New(), Remote: "restore:"}).Restore(t.Context(), r.bucket); err == nil {
		t.Error("an empty place was restored from")
	}
}

func backUp(t *testing.T, d *device, place remote.Storage) int {
	t.Helper()
	files, err := replica.NewShare(replica.Options{Storage: place, Remote: "backup:"}).Backup(t.Context(), d.bucket)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// restore takes a backup into a store of its own.
func restore(t *testing.T, place remote.Storage) *device {
	t.Helper()
	share := replica.NewShare(replica.Options{Storage: place, Remote: "restore:"})
	if all, err := share.BucketNames(t.Context()); err != nil || fmt.Sprint(all) != "[todos]" {
		t.Fatalf("the backup is of %v, %v", all, err)
	}
	d := newDevice(t, place, true)
	if _, err := share.Restore(t.Context(), d.bucket); err != nil {
		t.Fatal(err)
	}
	return d
}
