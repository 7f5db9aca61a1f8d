package localstore

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// BenchmarkOrderedPage is figure S7 of the project without HTTP: a page of 50 in the bucket's order, from anywhere, in
// buckets of 1,000 and 100,000 nodes, or of as many as SETLOGGER_NODES says.
func BenchmarkOrderedPage(b *testing.B) {
	sizes := []int{1_000, 100_000}
	if _, ok := os.LookupEnv("SETLOGGER_NODES"); ok {
		sizes = []int{lateNodes(b)}
	}
	for _, nodes := range sizes {
		bucket := benchBucket(b)
		bulkAppend(b, bucket, nodes, newNode, scattered)
		for _, state := range []string{"overlay", "flushed"} {
			if state == "flushed" {
				if err := bucket.Flush(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			b.Run(strconv.Itoa(nodes)+" "+state, func(b *testing.B) { pageAnywhere(b, bucket) })
		}
		b.Run(strconv.Itoa(nodes)+" while appending", func(b *testing.B) {
			ctx, stop := context.WithCancel(b.Context())
			var all sync.WaitGroup
			all.Go(func() {
				for i := uint64(0); ctx.Err() == nil; i++ {
					if _, err := bucket.Append(context.Background(), Request{Actions: mustParse(string(newNode(nil, scattered(uint64(nodes)+i))))}); err != nil {
						b.Error(err)
					}
				}
			})
			pageAnywhere(b, bucket)
			stop()
			all.Wait()
		})
	}
}

func pageAnywhere(b *testing.B, bucket *Bucket) {
	b.Helper()
	order := bucket.Order()
	cursors := [][]byte{nil}
	for len(cursors) < 200 { // the first pages, and some after nodes found by chance
		items, err := bucket.Nodes(fmt.Sprintf("node-%012d", rand.Uint64N(1<<40)), "", 1)
		if err != nil {
			b.Fatal(err)
		}
		if len(items) == 1 {
			cursors = append(cursors, order.Key(items[0].ID, items[0].Node))
		}
	}
	var took []time.Duration
	b.ResetTimer()
	for i := 0; b.Loop(); i++ {
		began := time.Now()
		items, scanned, err := bucket.Ordered(order, cursors[i%len(cursors)], nil, 50)
		if err != nil || scanned || i%len(cursors) == 0 && len(items) != 50 {
			b.Fatal(len(items), scanned, err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds()), "p50-ns")
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds()), "p99-ns")
}

// BenchmarkReorder makes the order of a bucket's nodes anew.
func BenchmarkReorder(b *testing.B) {
	bucket := benchBucket(b)
	bulkAppend(b, bucket, *benchNodes, newNode, scattered)
	if err := bucket.Flush(b.Context()); err != nil {
		b.Fatal(err)
	}
	for i := 0; b.Loop(); i++ {
		setOrder(b, bucket, []string{`["rank"]`, `["-created"]`}[i%2])
		awaitOrder(b, bucket)
	}
}
