package replica_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/memory"
	"github.com/setlogger/setlogger/replica"
)

// bounded is a Storage with room for so many bytes.
type bounded struct {
	remote.Storage
	room, used int
	sizes      map[string]int
	fulls      int
}

func newBounded(room int) *bounded {
	return &bounded{Storage: memory.New(), room: room, sizes: map[string]int{}}
}

func (b *bounded) Write(ctx context.Context, name string, data []byte) error {
	used := b.used - b.sizes[name] + len(data)
	if used > b.room {
		b.fulls++
		return fmt.Errorf("write %s: %w", name, remote.ErrFull)
	}
	if err := b.Storage.Write(ctx, name, data); err != nil {
		return err
	}
	b.used, b.sizes[name] = used, len(data)
	return nil
}

func (b *bounded) Remove(ctx context.Context, name string) error {
	if err := b.Storage.Remove(ctx, name); err != nil {
		return err
	}
	b.used -= b.sizes[name]
	delete(b.sizes, name)
	return nil
}

// TestAFullRemoteIsCleaned fills a remote, again and again: the reserve lets an index be written, after which what it makes
// needless can go; nothing that was acknowledged is lost.
func TestAFullRemoteIsCleaned(t *testing.T) {
	const reserve = 12_000
	share := newBounded(1 << 30)
	a, b := newDevice(t, share, false), newDevice(t, share, true)
	a.forgetful()
	for i, d := range []*device{a, b} {
		d.reserving(share, byte(i+1), reserve)
	}
	rounds(3, a, b)
	tryDays(28, 0, a, b)
	if share.sizes["reserve.bin"] != reserve {
		t.Fatalf("the reserve has %d bytes", share.sizes["reserve.bin"])
	}
	share.room = share.used + 2000
	released, written := false, 0
	for day := range unlessShort(120, 16) {
		tryDays(1, 28+day, a, b)
		switch has := share.sizes["reserve.bin"] > 0; {
		case !has:
			released = true
		case released:
			released, written = false, written+1
		}
	}
	if share.fulls == 0 {
		t.Fatal("the remote was never full")
	}
	t.Logf("%d writes found no room; the reserve was given away and written again %d times; %d of %d bytes are used", share.fulls, written, share.used, share.room)
	if written == 0 {
		t.Error("the reserve was not written again")
	}
	idle := 0
	for day := 0; day < 60 && idle < 8; day++ { // the room is as little as before, and no one writes
		for _, d := range []*device{a, b} {
			d.now = d.now.Add(6 * time.Hour)
			if _, err := d.trySync(); err == nil {
				idle++
			} else {
				idle = 0
			}
		}
	}
	if idle < 8 {
		t.Error("the remote stays full")
	}
	agree(t, a, b)
	c := newDevice(t, share, true)
	rounds(6, c)
	agree(t, a, c)
}

// reserving is a collector with a small reserve.
func (d *device) reserving(storage remote.Storage, seed byte, size int) {
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, ed25519.SeedSize))
	d.configure(storage, func(o *replica.Options) { o.Key, o.LogLimit, o.Reserve = key, 20, size })
}

// tryDays is days on a remote that may be full.
func tryDays(n, from int, devices ...*device) {
	for day := range n {
		for _, d := range devices {
			for i := range 8 {
				d.act(fmt.Sprintf(`{"type":"CREATE_NODE","id":"n%d","properties":{"by":%d,"day":%d}}`, (from+day+i)%24, i, from+day))
			}
		}
		for range 4 {
			for _, d := range devices {
				d.now = d.now.Add(6 * time.Hour)
				if _, err := d.trySync(); err != nil && !errors.Is(err, remote.ErrFull) {
					d.t.Fatal(err)
				}
			}
		}
	}
}
