package replica_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/faulty"
	"github.com/setlogger/setlogger/remote/memory"
	"github.com/setlogger/setlogger/replica"
	"github.com/setlogger/setlogger/setlog"
)

func TestDevicesAgree(t *testing.T) {
	share := memory.New()
	a, b, c := newDevice(t, share, false), newDevice(t, share, true), newDevice(t, share, true)
	a.create("x")
	rounds(2, a, b, c)
	b.act(`{"type":"SET_PROPERTY","id":"x","path":["o","p"],"value":1}`, `{"type":"INCREMENT","id":"x","property":"n"}`)
	c.act(`{"type":"SET_PROPERTY","id":"x","path":["o","q"],"value":2}`, `{"type":"INCREMENT","id":"x","property":"n"}`)
	a.create("y")
	rounds(2, a, b, c)
	for _, d := range []*device{a, b, c} {
		d.expect("x", `{"n":2,"o":{"p":1,"q":2}}`)
		d.expect("y", `{"n":0}`)
		if pending, err := replica.Pending(d.bucket, "r"); err != nil || pending != 0 {
			t.Errorf("%d entries wait, %v", pending, err)
		}
	}
	agree(t, a, b, c)
}

func TestIdleRoundIsOneListing(t *testing.T) {
	share := faulty.New(memory.New(), faulty.Options{})
	a := newDevice(t, share, false)
	a.create("x")
	rounds(3, a)
	before := share.Requests()
	if r := a.sync(); r.Moved() {
		t.Errorf("an idle round moved something: %+v", r)
	}
	after := share.Requests()
	if after.Lists-before.Lists != 1 || after.Reads != before.Reads || after.Writes != before.Writes || after.Removes != before.Removes {
		t.Errorf("requests went from %+v to %+v", before, after)
	}
}

func TestBurstIsOneFile(t *testing.T) {
	share := faulty.New(memory.New(), faulty.Options{})
	a := newDevice(t, share, false)
	rounds(1, a)
	before := share.Requests()
	for i := range 1000 {
		a.create(fmt.Sprint(i))
	}
	if r := a.sync(); r.Sealed != 1000 || r.Uploaded != 1 {
		t.Errorf("the round did %+v", r)
	}
	if writes := share.Requests().Writes - before.Writes; writes != 1 {
		t.Errorf("%d writes", writes)
	}
	if pending, err := replica.Pending(a.bucket, "r"); err != nil || pending != 1000 {
		t.Errorf("%d entries wait before a later listing, %v", pending, err)
	}
	if r := a.sync(); r.Checked != 1 {
		t.Errorf("the file was not read back: %+v", r)
	}
}

func TestShareIsMadeOnce(t *testing.T) {
	share := memory.New()
	a, b := newDevice(t, share, false), newDevice(t, share, true)
	rounds(1, a, b)
	if a.share.ID() == "" || a.share.ID() != b.share.ID() || len(names(t, share, "")) != 1 {
		t.Errorf("shares %q and %q, files %v", a.share.ID(), b.share.ID(), names(t, share, ""))
	}
}

func TestSmallestOfTwoSharesIsTheShare(t *testing.T) {
	share := memory.New()
	a := newDevice(t, share, false)
	rounds(1, a)
	const small = "00000000000000000000000000000000"
	put(t, share, "share."+small+".json", `{"format":1,"kind":"share","min_reader":1,"share":"`+small+`"}`)
	a.create("x")
	rounds(1, a)
	if a.share.ID() != small {
		t.Errorf("the share is %s", a.share.ID())
	}
}

func put(t *testing.T, share remote.Storage, name, content string) {
	t.Helper()
	if err := share.Write(context.Background(), name, []byte(content)); err != nil {
		t.Fatal(err)
	}
}

func TestShareRefusals(t *testing.T) {
	const id = "11111111111111111111111111111111"
	tests := []struct {
		name, known, file, content string
		want                       error
	}{
		{"a folder with other things", "", "photo.jpg", "x", replica.ErrNotEmpty},
		{"a log without a share", "", "log/photo.jpg", "x", replica.ErrNotEmpty},
		{"a share that is gone", id, "", "", replica.ErrShareMissing},
		{"another share", id, "share.22222222222222222222222222222222.json", "{}", replica.ErrShareOther},
		{"a share file with other content", "", "share." + id + ".json", "{}", replica.ErrShareOther},
		{"a share file that is no JSON", id, "share." + id + ".json", "<html>", replica.ErrShareOther},
		{"a newer share", "", "share." + id + ".json", `{"format":9,"min_reader":9,"share":"` + id + `"}`, replica.ErrNewer},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			share := memory.New()
			if test.file != "" {
				put(t, share, test.file, test.content)
			}
			a := newDevice(t, share, false)
			a.visit(share, test.known)
			a.create("x")
			if _, err := a.trySync(); !errors.Is(err, test.want) {
				t.Errorf("error is %v", err)
			}
			if now := len(names(t, share, "")) + len(names(t, share, "log")); now > 1 {
				t.Errorf("%d files were written", now-1)
			}
		})
	}
}

func TestShareThatGoesLaterPausesThePush(t *testing.T) {
	share := memory.New()
	a := newDevice(t, share, false)
	a.create("x")
	rounds(2, a)
	for _, name := range append(names(t, share, ""), names(t, share, "log")...) {
		if err := share.Remove(context.Background(), name); err != nil {
			t.Fatal(err)
		}
	}
	a.create("y")
	for range 5 {
		if _, err := a.trySync(); !errors.Is(err, replica.ErrShareMissing) {
			t.Fatalf("error is %v", err)
		}
	}
	if left := names(t, share, "log"); len(left) > 0 {
		t.Errorf("written to a share that is gone: %v", left)
	}
	a.expect("x", `{"n":0}`)
}

func TestForeignFilesAreNamedAndLeft(t *testing.T) {
	share := memory.New()
	a := newDevice(t, share, false)
	rounds(1, a)
	put(t, share, "log/conflicted.copy.gz", "x")
	put(t, share, "log/seen.x.1.y.json", "{}")
	if r := a.sync(); !hasProblem(r, "foreign-file") || len(r.Problems) != 1 {
		t.Errorf("problems are %+v", r.Problems)
	}
	if left := names(t, share, "log"); len(left) != 2 {
		t.Errorf("files left: %v", left)
	}
}

func TestUnknownBucketsAreListed(t *testing.T) {
	share := memory.New()
	a := newDevice(t, share, false)
	a.create("x")
	rounds(1, a)
	other := replica.NewShare(replica.Options{Storage: share, Remote: "r"})
	r, err := other.Sync(context.Background(), nil)
	if err != nil || len(r.Unknown) != 1 || r.Unknown[0] != setlog.BucketID("todos") {
		t.Errorf("unknown buckets %v, %v", r.Unknown, err)
	}
}

func TestCancelledRoundGoesOn(t *testing.T) {
	share := memory.New()
	a, b := newDevice(t, share, false), newDevice(t, share, true)
	a.create("x")
	rounds(2, a)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := b.share.Sync(ctx, []*localstore.Bucket{b.bucket}); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
	b.sync()
	agree(t, a, b)
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
