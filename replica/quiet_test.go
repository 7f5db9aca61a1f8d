package replica_test

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/remote/memory"
	"github.com/setlogger/setlogger/replica"
	"github.com/setlogger/setlogger/setlog"
)

// TestQuietBucketWakes lets two devices come to rest; whatever happens then is seen at the next round.
func TestQuietBucketWakes(t *testing.T) {
	for name, wake := range map[string]func(a, b *device, share *memory.Storage){
		"an append here": func(a, _ *device, _ *memory.Storage) {
			a.create("y")
			if r := a.sync(); r.Uploaded != 1 {
				t.Errorf("the round did %+v", r)
			}
		},
		"an append there": func(a, b *device, _ *memory.Storage) {
			b.create("y")
			b.sync()
			a.sync()
			a.expect("y", `{"n":0}`)
		},
		"a file that vanished": func(a, _ *device, share *memory.Storage) {
			for _, name := range names(t, share, "log") {
				if _, ok := setlog.ParseSegmentName(name[len("log/"):]); ok {
					if err := share.Remove(t.Context(), name); err != nil {
						t.Fatal(err)
					}
				}
			}
			rounds(4, a)
			if found := names(t, share, "log"); len(found) < 2 {
				t.Errorf("not sent again: %v", found)
			}
		},
		"a file that was written again and cut off": func(a, _ *device, share *memory.Storage) {
			for _, name := range names(t, share, "log") {
				if _, ok := setlog.ParseSegmentName(name[len("log/"):]); !ok {
					continue
				}
				whole, err := share.Read(t.Context(), name)
				if err == nil {
					err = share.Write(t.Context(), name, whole[:len(whole)/2])
				}
				if err != nil {
					t.Fatal(err)
				}
				rounds(1, a)
				if now, err := share.Read(t.Context(), name); err != nil || !bytes.Equal(now, whole) {
					t.Errorf("%s has %d bytes, %v, not %d", name, len(now), err, len(whole))
				}
			}
		},
		"a wish": func(a, _ *device, _ *memory.Storage) {
			a.share.Compact("todos")
			if r := a.sync(); r.Indexed != 1 {
				t.Errorf("the round did %+v", r)
			}
		},
		"idle for long": func(a, _ *device, share *memory.Storage) {
			a.now = a.now.Add(time.Hour)
			rounds(4, a)
			if found := names(t, share, "past"); len(found) != 1 {
				t.Errorf("not consolidated: %v", found)
			}
		},
		"another bucket of that name": func(a, _ *device, _ *memory.Storage) {
			a.path = filepath.Join(t.TempDir(), "again.db")
			again, err := localstore.Create(a.path, "todos", []string{}, a.options())
			if err != nil {
				t.Fatal(err)
			}
			a.hold(again)
			a.sync()
			a.expect("x", `{"n":0}`)
		},
	} {
		t.Run(name, func(t *testing.T) {
			share := memory.New()
			a, b := newDevice(t, share, false), newDevice(t, share, true)
			a.witness(share, 1)
			b.witness(share, 2)
			a.create("x")
			rounds(6, a, b)
			if !a.share.IsQuiet("todos") || !b.share.IsQuiet("todos") {
				t.Fatal("there is still something to do")
			}
			wake(a, b, share)
		})
	}
}

// BenchmarkIdleRound visits buckets in which nothing happens: the figure is the time for each of them.
func BenchmarkIdleRound(b *testing.B) {
	for _, n := range []int{10, 1000} {
		b.Run(fmt.Sprint(n, "_buckets"), func(b *testing.B) {
			share := replica.NewShare(replica.Options{Storage: memory.New(), Remote: "r"})
			var buckets []*localstore.Bucket
			for i := range n {
				name := fmt.Sprint("b", i)
				bucket, err := localstore.Create(filepath.Join(b.TempDir(), name+".db"), name, nil, localstore.Options{NoSync: true})
				if err != nil {
					b.Fatal(err)
				}
				b.Cleanup(func() { _ = bucket.Close() })
				buckets = append(buckets, bucket)
			}
			sync := func() {
				if _, err := share.Sync(context.Background(), buckets); err != nil {
					b.Fatal(err)
				}
			}
			for range 4 {
				sync()
			}
			for b.Loop() {
				sync()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/bucket")
		})
	}
}
