package localstore

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"

	"github.com/setlogger/setlogger/setlog"
)

var benchNodes = flag.Int("bench.nodes", 100_000, "nodes in the bucket of BenchmarkAppendBulkUpdate and BenchmarkOpen")

const (
	bulk    = 1000 // actions that one caller sends at once
	callers = 4
)

func benchBucket(b *testing.B) *Bucket {
	b.Helper()
	bucket, err := Create(filepath.Join(b.TempDir(), "b.db"), "bench", nil, Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := bucket.Close(); err != nil && !errors.Is(err, ErrStopped) {
			b.Error(err)
		}
	})
	return bucket
}

// report gives the rate, and the CPU time of an action, which a busy machine blurs less.
func report(b *testing.B, before time.Duration) {
	b.Helper()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "actions/s")
	b.ReportMetric(float64(cpuTime()-before)/float64(b.N), "cpu-ns/action")
}

func newNode(dst []byte, i uint64) []byte {
	return fmt.Appendf(dst, `{"type":"CREATE_NODE","id":"node-%012d","properties":{"title":"the title of %d","done":false,"rank":%d}}`, i, i, i%1000)
}

func update(dst []byte, i uint64) []byte {
	return fmt.Appendf(dst, `{"type":"SET_PROPERTY","id":"node-%012d","property":"rank","value":%d}`, i, rand.Uint32())
}

// BenchmarkAppendSingle64 appends entries one by one from 64 goroutines; each is durable before the next.
func BenchmarkAppendSingle64(b *testing.B) {
	bucket := benchBucket(b)
	var next atomic.Int64
	var all sync.WaitGroup
	used := cpuTime()
	b.ResetTimer()
	for range 64 {
		all.Go(func() {
			var body []byte
			for {
				i := next.Add(1)
				if i > int64(b.N) {
					return
				}
				body = newNode(body[:0], uint64(i))
				acts, err := setlog.ParseActions(body)
				if err == nil {
					_, err = bucket.Append(context.Background(), Request{Actions: acts})
				}
				if err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	report(b, used)
}

// bulkAppend parses and appends n actions in bulks, from some callers.
func bulkAppend(b testing.TB, bucket *Bucket, n int, body func(dst []byte, i uint64) []byte, id func(i uint64) uint64) {
	b.Helper()
	var next atomic.Int64
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			requests := make([]Request, 0, bulk)
			for {
				from := int(next.Add(bulk)) - bulk
				if from >= n {
					return
				}
				requests = requests[:0]
				for i := from; i < min(n, from+bulk); i++ {
					acts, err := setlog.ParseActions(body(nil, id(uint64(i))))
					if err != nil {
						b.Error(err)
						return
					}
					requests = append(requests, Request{Actions: acts, NoRevs: true})
				}
				if _, err := bucket.Append(context.Background(), requests...); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

func inOrder(i uint64) uint64 { return i }

// scattered spreads ids over all of the key space, each once.
func scattered(i uint64) uint64 { return i * 0x9E3779B1 % (1 << 40) }

// BenchmarkAppendBulk appends new nodes, parsing included.
func BenchmarkAppendBulk(b *testing.B) {
	for name, id := range map[string]func(uint64) uint64{"ids in order": inOrder, "ids scattered": scattered} {
		b.Run(name, func(b *testing.B) {
			bucket := benchBucket(b)
			used := cpuTime()
			b.ResetTimer()
			bulkAppend(b, bucket, b.N, newNode, id)
			report(b, used)
			b.ReportMetric(float64(bucket.FileBytes())/float64(b.N), "file-B/action")
		})
	}
}

// BenchmarkAppendBulkUpdate sets a property of random nodes in a bucket that has many.
func BenchmarkAppendBulkUpdate(b *testing.B) {
	bucket := benchBucket(b)
	bulkAppend(b, bucket, *benchNodes, newNode, inOrder)
	if err := bucket.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	used := cpuTime()
	b.ResetTimer()
	bulkAppend(b, bucket, b.N, update, func(uint64) uint64 { return rand.Uint64N(uint64(*benchNodes)) })
	report(b, used)
}

// BenchmarkRawBbolt writes the same bytes in the same batches, for each action a value of the log and one of a node:
// what bbolt itself can do.
func BenchmarkRawBbolt(b *testing.B) {
	db, err := bolt.Open(filepath.Join(b.TempDir(), "raw.db"), 0o600, &bolt.Options{FreelistType: bolt.FreelistMapType})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close() //nolint:errcheck // a benchmark
	line, node := benchSizes(b)
	used := cpuTime()
	b.ResetTimer()
	for from := 0; from < b.N; from += maxBatchEntries {
		err := db.Update(func(tx *bolt.Tx) error {
			log, err := tx.CreateBucketIfNotExists([]byte("log"))
			if err != nil {
				return err
			}
			nodes, err := tx.CreateBucketIfNotExists([]byte("nodes"))
			if err != nil {
				return err
			}
			log.FillPercent, nodes.FillPercent = 0.9, 0.9
			for i := from; i < min(b.N, from+maxBatchEntries); i++ {
				if err := log.Put(logKey(1, uint64(i)), line); err != nil {
					return err
				}
				if err := nodes.Put(fmt.Appendf(nil, "node-%012d", i), node); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	report(b, used)
}

// benchSizes answers a line and a stored node as long as those of the bulk benchmarks.
func benchSizes(b *testing.B) (line, node []byte) {
	b.Helper()
	bucket := benchBucket(b)
	bulkAppend(b, bucket, 1, newNode, inOrder)
	entries, err := bucket.Log(0, 1)
	if err != nil || len(entries) != 1 {
		b.Fatal(entries, err)
	}
	n, err := bucket.Node("node-000000000000")
	if err != nil {
		b.Fatal(err)
	}
	return entries[0].Line, n.AppendBinary(nil)
}

// BenchmarkFoldAll takes in the segments of another device, decoding included.
func BenchmarkFoldAll(b *testing.B) {
	from := benchBucket(b)
	bulkAppend(b, from, b.N, newNode, inOrder)
	if _, err := from.Seal(b.Context()); err != nil {
		b.Fatal(err)
	}
	list, err := from.Segments()
	if err != nil {
		b.Fatal(err)
	}
	slices.SortFunc(list, func(x, y StoredSegment) int { return cmp.Compare(x.First, y.First) })
	to, err := Create(filepath.Join(b.TempDir(), "to.db"), "bench", []string{}, Options{})
	if err != nil {
		b.Fatal(err)
	}
	checked(b, to)
	used := cpuTime()
	b.ResetTimer()
	for _, s := range list {
		data, err := from.SegmentData(s.Name)
		if err != nil {
			b.Fatal(err)
		}
		segment, err := setlog.DecodeSegment(data)
		if err == nil {
			_, err = to.Fold(b.Context(), s.Name, data, segment)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	report(b, used)
	b.StopTimer()
	if to.Stats().Nodes != from.Stats().Nodes {
		b.Fatal(to.Stats(), from.Stats())
	}
}

// BenchmarkOpen opens a closed bucket until its first read.
func BenchmarkOpen(b *testing.B) {
	bucket := benchBucket(b)
	bulkAppend(b, bucket, *benchNodes, newNode, inOrder)
	if err := bucket.Close(); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		opened, err := Open(bucket.path, Options{})
		if err != nil {
			b.Fatal(err)
		}
		if n, err := opened.Node("node-000000000042"); err != nil || !n.Alive() {
			b.Fatal(n, err)
		}
		b.StopTimer()
		if err := opened.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

// BenchmarkNodesPage reads pages of 50 from anywhere.
func BenchmarkNodesPage(b *testing.B) {
	bucket := benchBucket(b)
	bulkAppend(b, bucket, *benchNodes, newNode, inOrder)
	for b.Loop() {
		after := fmt.Sprintf("node-%012d", rand.IntN(*benchNodes-100))
		if items, err := bucket.Nodes(after, "", 50); err != nil || len(items) != 50 {
			b.Fatal(len(items), err)
		}
	}
}

// BenchmarkNode reads single nodes from anywhere.
func BenchmarkNode(b *testing.B) {
	bucket := benchBucket(b)
	bulkAppend(b, bucket, *benchNodes, newNode, inOrder)
	for b.Loop() {
		if n, err := bucket.Node(fmt.Sprintf("node-%012d", rand.IntN(*benchNodes))); err != nil || !n.Alive() {
			b.Fatal(n, err)
		}
	}
}

// BenchmarkCheck compares everything in a bucket with everything.
func BenchmarkCheck(b *testing.B) {
	bucket := benchBucket(b)
	bulkAppend(b, bucket, *benchNodes, newNode, inOrder)
	used := cpuTime()
	b.ReportAllocs()
	for b.Loop() {
		if err := bucket.Check(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64((cpuTime()-used).Microseconds())/float64(b.N**benchNodes), "cpu-µs/node")
}
