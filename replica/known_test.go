package replica

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/setlogger/setlogger/setlog"
)

// seenFile is a small file of some device, another one for each count.
func seenFile(t *testing.T, count uint64) []byte {
	t.Helper()
	seen := setlog.Seen{Count: count, Buckets: map[string]setlog.SeenBucket{"todos": {Births: []string{"b"}}}}
	_, data, err := seen.Encode(ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestKnownIsByAllBytes(t *testing.T) {
	k := NewKnown()
	data := seenFile(t, 1)
	first, err := k.seen(data)
	if err != nil {
		t.Fatal(err)
	}
	if again, err := k.seen(append([]byte{}, data...)); again != first || err != nil {
		t.Errorf("the same bytes were decoded again: %v", err)
	}
	for i := range data {
		data[i] ^= 1
		if _, err := k.seen(data); !errors.Is(err, setlog.ErrFile) && !errors.Is(err, setlog.ErrNewer) {
			t.Fatalf("byte %d is another, and the file is read: %v", i, err)
		}
		data[i] ^= 1
	}
	if _, err := k.index(data); !errors.Is(err, setlog.ErrFile) {
		t.Errorf("what one device has seen passes for an index: %v", err)
	}
}

func TestKnownIsBounded(t *testing.T) {
	k := NewKnown()
	const size = maxKnown / 4
	file := func(i int) fileSum { return fileSum{kind: fmt.Sprint(i)} }
	k.note(file(-1), knownFile{"large", size + 1})
	if k.recall(file(-1)) != nil {
		t.Error("a large file drives all others out")
	}
	for i := range 100 {
		k.note(file(i), knownFile{i, size})
		if k.recall(file(0)) != 0 {
			t.Fatalf("what is asked for is forgotten after %d others", i)
		}
		if held := len(k.young) + len(k.old); held > 8 {
			t.Fatalf("%d files of a quarter of a generation are held in two", held)
		}
	}
	if k.recall(file(50)) != nil {
		t.Error("what nobody asks for stays")
	}
}

func TestKnownIsForgottenWhenIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := NewKnown()
		first, err := k.seen(seenFile(t, 1))
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			time.Sleep(knownFor - time.Second)
			if again, err := k.seen(seenFile(t, 1)); again != first || err != nil {
				t.Fatalf("what is asked for now and then is forgotten: %v", err)
			}
		}
		time.Sleep(knownFor + time.Second)
		synctest.Wait()
		if len(k.young)+len(k.old) > 0 {
			t.Error("a minute later it is still there")
		}
	})
}
