package remotetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/setlogger/setlogger/remote"
)

// lanes is how many calls the suite keeps in flight.
const lanes = 8

func testStopListing(t *testing.T, s remote.Storage) {
	for i := range 5 {
		write(t, s, fmt.Sprintf("log/%d", i), nil)
	}
	seen := 0
	for _, err := range s.List(context.Background(), "log") {
		if err != nil {
			t.Fatal(err)
		}
		if seen++; seen == 2 {
			break
		}
	}
	if seen != 2 {
		t.Fatalf("saw %d names before the break", seen)
	}
}

func testCancelled(t *testing.T, s remote.Storage) {
	write(t, s, "log/there", []byte("x"))
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, readErr := s.Read(ctx, "log/there")
	for verb, err := range map[string]error{
		"Read": readErr, "Write": s.Write(ctx, "log/new", []byte("x")),
		"Remove": s.Remove(ctx, "log/there"), "List": listError(ctx, s, "log"),
	} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s under a cancelled context = %v", verb, err)
		}
	}
	wantNames(t, s, "log", "log/there")
}

// testCancelledWrite ends the context while a large file is on its way: afterwards the name is absent or whole.
func testCancelledWrite(t *testing.T, s remote.Storage) {
	data := Bytes(8<<20, 1)
	for i := range 4 {
		name := fmt.Sprintf("log/cut-%d", i)
		ctx, cancel := context.WithCancel(context.Background())
		done := make(chan error, 1)
		go func() { done <- s.Write(ctx, name, data) }()
		for range i {
			_, _ = s.Read(context.Background(), name)
		}
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Errorf("Write cut off by its context = %v", err)
		}
	}
	for _, o := range objects(t, s, "log") {
		wantRead(t, s, o.Name, data)
	}
	write(t, s, "log/cut-0", data)
	wantRead(t, s, "log/cut-0", data)
}

func testConcurrency(t *testing.T, s remote.Storage) {
	ctx := context.Background()
	together(lanes, func(lane int) {
		for i := range 12 {
			name, data := fmt.Sprintf("log/%d-%d", lane, i), Bytes(1000*i, uint64(lane))
			if err := s.Write(ctx, name, data); err != nil {
				t.Errorf("Write(%s): %v", name, err)
			}
			if err := listError(ctx, s, "log"); err != nil {
				t.Errorf("List: %v", err)
			}
			if got, err := s.Read(ctx, name); err != nil || !bytes.Equal(got, data) {
				t.Errorf("Read(%s): %d B, %v", name, len(got), err)
			}
			if i%2 == 0 {
				if err := s.Remove(ctx, name); err != nil {
					t.Errorf("Remove(%s): %v", name, err)
				}
			}
		}
	})
	if got := len(Names(t, s, "log")); got != lanes*6 {
		t.Errorf("%d files at the end, want %d", got, lanes*6)
	}
}

// testSameNameAtOnce: devices relay the same segment at the same moment.
func testSameNameAtOnce(t *testing.T, s remote.Storage) {
	data := Bytes(300_000, 1)
	together(lanes, func(int) {
		if err := s.Write(context.Background(), "log/same", data); err != nil {
			t.Errorf("Write: %v", err)
		}
	})
	wantNames(t, s, "log", "log/same")
	wantRead(t, s, "log/same", data)
}

// testManyFiles passes the thousand names that an S3 listing page holds.
func testManyFiles(t *testing.T, s remote.Storage) {
	const files = 1100
	want := make([]string, files)
	for i := range want {
		want[i] = fmt.Sprintf("log/%04d", i)
	}
	together(lanes, func(lane int) {
		for i := lane; i < files; i += lanes {
			if err := s.Write(context.Background(), want[i], []byte(want[i])); err != nil {
				t.Errorf("Write(%s): %v", want[i], err)
				return
			}
		}
	})
	wantNames(t, s, "log", want...)
	wantRead(t, s, want[files-1], []byte(want[files-1]))
}

// together runs work in n lanes and waits for all.
func together(n int, work func(lane int)) {
	var all sync.WaitGroup
	for lane := range n {
		all.Go(func() { work(lane) })
	}
	all.Wait()
}
