package replica_test

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/memory"
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
