package remotetest

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/setlogger/setlogger/remote"
)

// Open answers an empty Storage of the kind under test, whose root is there; it lives until the test ends.
type Open func(t *testing.T) remote.Storage

// Run holds the Storage to its contract. It expects a place that does not lag: what was written is listed and read at
// once, which every server on this machine can keep.
func Run(t *testing.T, open func(t *testing.T) remote.Storage) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(t *testing.T, s remote.Storage)
	}{
		{"Empty", testEmpty},
		{"Sizes", testSizes},
		{"Overwrite", testOverwrite},
		{"Folders", testFolders},
		{"LongNames", testLongNames},
		{"BadNames", testBadNames},
		{"Absent", testAbsent},
		{"RemoveTwice", testRemoveTwice},
		{"TooLarge", testTooLarge},
		{"StopListing", testStopListing},
		{"Cancelled", testCancelled},
		{"CancelledWrite", testCancelledWrite},
		{"Concurrency", testConcurrency},
		{"SameNameAtOnce", testSameNameAtOnce},
		{"ManyFiles", testManyFiles},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

// Bytes answers n bytes that do not compress and are the same for the same n and seed.
func Bytes(n int, seed uint64) []byte {
	data := make([]byte, n)
	var key [32]byte
	copy(key[:], fmt.Sprint(n, " ", seed))
	_, _ = rand.NewChaCha8(key).Read(data)
	return data
}

// Names answers what one listing shows, sorted, and ends the test on an error.
func Names(t testing.TB, s remote.Storage, folder string) []string {
	t.Helper()
	var names []string
	for _, o := range objects(t, s, folder) {
		names = append(names, o.Name)
	}
	slices.Sort(names)
	return names
}

func objects(t testing.TB, s remote.Storage, folder string) []remote.Object {
	t.Helper()
	var all []remote.Object
	for o, err := range s.List(context.Background(), folder) {
		if err != nil {
			t.Fatalf("List(%q): %v", folder, err)
		}
		all = append(all, o)
	}
	return all
}

func write(t testing.TB, s remote.Storage, name string, data []byte) {
	t.Helper()
	if err := s.Write(context.Background(), name, data); err != nil {
		t.Fatalf("Write(%s, %d B): %v", name, len(data), err)
	}
}

func wantRead(t testing.TB, s remote.Storage, name string, want []byte) {
	t.Helper()
	got, err := s.Read(context.Background(), name)
	if err != nil {
		t.Fatalf("Read(%s): %v", name, err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("Read(%s): %d B that differ from the %d B written", name, len(got), len(want))
	}
}

func wantNames(t testing.TB, s remote.Storage, folder string, want ...string) {
	t.Helper()
	slices.Sort(want)
	if got := Names(t, s, folder); !slices.Equal(got, want) {
		t.Fatalf("List(%q) = %q, want %q", folder, got, want)
	}
}
