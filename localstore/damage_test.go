package localstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/setlogger/setlogger/setlog"
)

// TestDamagedPages: whatever is done with a file of which the header of one page is damaged, nothing panics.
func TestDamagedPages(t *testing.T) {
	b := create(t, "b", nil, testOptions(1))
	for i := range 300 {
		r := Request{Actions: actions(t, `{"type":"CREATE_NODE","id":"n%d","properties":{"n":1}}`, i), Key: fmt.Sprint(i)}
		if _, err := b.Append(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 30 {
		putNode(t, b, fmt.Sprint("m", i), 1)
		sealed(t, b)
	}
	other := create(t, "b", b.Births(), testOptions(5))
	putNode(t, other, "foreign", 1)
	foreign := sealed(t, other)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	eachDamage(t, b.path, func(path string) { useBucket(t, path, foreign) })
}

// eachDamage changes one byte of flags, and of the count of elements, of each page in turn.
func eachDamage(t *testing.T, path string, use func(path string)) {
	t.Helper()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damaged := filepath.Join(t.TempDir(), "damaged.db")
	for page := 2 * 4096; page < usedBytes(t, path); page += 4096 {
		for _, at := range []int{8, 10} {
			data := bytes.Clone(whole)
			data[page+at] ^= 0x77
			if err := os.WriteFile(damaged, data, 0o600); err != nil {
				t.Fatal(err)
			}
			use(damaged)
		}
	}
}

func useBucket(t *testing.T, path string, foreign []Incoming) {
	t.Helper()
	b, err := Open(path, testOptions(2))
	if err != nil {
		return
	}
	ctx := context.Background()
	for _, id := range []string{"n1", "n299", "none"} {
		_, _ = b.Node(id)
		r := Request{Actions: actions(t, `{"type":"SET_PROPERTY","id":%q,"properties":{"n":2}}`, id), Key: id}
		_, _ = b.Append(ctx, r)
	}
	_, _ = b.FoldAll(ctx, foreign...)
	_, _, _ = b.Ordered(b.Order(), nil, nil, 1000)
	_, _ = b.Nodes("", "", 1000)
	_, _ = b.IDs("", 1000)
	_, _ = b.Segments()
	_, _, _ = b.History(ctx, "n1", setlog.Mark{}, 10)
	_, _ = b.At(ctx, setlog.MaxStamp)
	_, _ = b.Undo(ctx, UndoRequest{Key: "undo"})
	_, _ = b.Rest(ctx, nil)
	_, _ = b.Knows(b.Heads()...)
	_, _ = b.HasOrder(b.Order())
	_, _ = b.Seal(ctx)
	if j, err := b.Join(ctx); err == nil {
		_ = j.Absorb(ctx, nil)
		_ = j.Adopt(ctx, Adopted{Name: "index"})
		j.Leave()
	}
	_ = b.Flush(ctx)
	_ = b.Close()
}

// TestDamagedRegistry: likewise of the registry.
func TestDamagedRegistry(t *testing.T) {
	path := filepath.Join(t.TempDir(), "daemon.db")
	r, err := OpenRegistry(path, testOptions(1))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 60 {
		name := fmt.Sprint(i)
		if err := errors.Join(r.PutRemote(Remote{Name: name}), r.PutBucket(BucketEntry{Name: name}), r.SetSetting(name, "x")); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	eachDamage(t, path, useRegistry)
}

func useRegistry(path string) {
	r, err := OpenRegistry(path, testOptions(1))
	if err != nil {
		return
	}
	_, _ = r.Device()
	_, _ = r.Buckets()
	for i := range 60 {
		name := fmt.Sprint(i)
		_, _ = r.Bucket(name)
		_ = r.PutRemote(Remote{Name: name, Path: "x"})
		_ = r.SetSetting(name, "y")
		_ = r.RemoveBucket(name)
	}
	_ = r.Close()
}

// TestDamagedPageWithinAPage: a small bucket lies within a page of another. Where it says to hold more than there is, bbolt would
// read, and refer to, what else the program has in memory.
func TestDamagedPageWithinAPage(t *testing.T) {
	b := create(t, "b", nil, testOptions(1))
	if err := errors.Join(b.MarkSent(t.Context(), "r", Listed, "x"), b.Close()); err != nil {
		t.Fatal(err)
	}
	var root int
	edit(t, b.path, func(tx *bolt.Tx) error { root = int(tx.Cursor().Bucket().RootPage()) * 4096; return nil })
	whole, err := os.ReadFile(b.path)
	if err != nil {
		t.Fatal(err)
	}
	order := binary.NativeEndian
	for i := range int(order.Uint16(whole[root+10:])) {
		at := root + pageHeader + i*pageElement
		key := at + int(order.Uint32(whole[at+4:]))
		if within := key + int(order.Uint32(whole[at+8:])) + 16; string(whole[key:within-16]) == bucketSent {
			order.PutUint32(whole[within+pageHeader+12:], 1<<16) // the size of its only value
		}
	}
	if err := os.WriteFile(b.path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	b, err = Open(b.path, testOptions(1))
	if err == nil {
		sent, sentErr := b.Sent("r")
		t.Log(sent, sentErr)
		err = b.Close()
	}
	wantError(t, err, ErrCorrupt)
}

// TestPagesThatAreFreeAndUsed: bbolt panics where it frees a page that is free, and once more where it rolls back what it did with such
// a page, with its lock held. Who writes then is answered, and the file let go of.
func TestPagesThatAreFreeAndUsed(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a file that is mapped can't be written anew")
	}
	b := create(t, "b", nil, testOptions(1))
	for i := range 300 {
		putNode(t, b, fmt.Sprint("n", i), i)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	whole := freePages(t, b.path)
	for range 60 { // bbolt goes through buckets, and what is free, in any order
		if err := os.WriteFile(b.path, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		b, err := Open(b.path, testOptions(1))
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			first, second := appendOne(t, b, `{"type":"CREATE_NODE","id":"x"}`), appendOne(t, b, `{"type":"CREATE_NODE","id":"y"}`)
			if first != nil && !errors.Is(second, ErrCorrupt) {
				t.Errorf("%v, and then %v", first, second)
			}
			wantNode(t, b, "n1", `{"n":1}`)
			_ = b.Close()
		}()
		inTime(t, ended, "a write of a damaged file, or its close")
	}
}

// freePages answers a file of which pages that the next commit writes anew are free.
func freePages(t *testing.T, path string) []byte {
	t.Helper()
	var used []uint64
	edit(t, path, func(tx *bolt.Tx) error {
		used = append(used, uint64(tx.Cursor().Bucket().RootPage()))
		for _, name := range []string{bucketMeta, bucketBranches, bucketLog, bucketArrivals} {
			if root := tx.Bucket([]byte(name)).RootPage(); root != 0 {
				used = append(used, uint64(root))
			}
		}
		return nil
	})
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	order := binary.NativeEndian
	for page := 0; page < len(whole); page += 4096 {
		if order.Uint16(whole[page+8:]) == 0x10 { // ids of free pages
			order.PutUint16(whole[page+10:], uint16(len(used)))
			for i, id := range used {
				order.PutUint64(whole[page+16+8*i:], id)
			}
		}
	}
	return whole
}
