package replica_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/disk"
	"github.com/setlogger/setlogger/replica"
	"github.com/setlogger/setlogger/setlog"
)

// manyNodes is how many nodes a newcomer takes in: as many as SETLOGGER_NODES says, 1,000,000 for figure S5 of the
// project, else 20,000, or 9,000 under -short.
func manyNodes(t testing.TB) int {
	t.Helper()
	said, ok := os.LookupEnv("SETLOGGER_NODES")
	if !ok {
		return unlessShort(20_000, 9000)
	}
	n, err := strconv.Atoi(said)
	if err != nil || n < 100 {
		t.Fatalf("SETLOGGER_NODES=%s is not a number from 100", said)
	}
	return n
}

// createMany appends nodes of consecutive ids.
func (d *device) createMany(from, n int) {
	d.t.Helper()
	requests := make([]localstore.Request, n)
	for i := range requests {
		actions, err := setlog.ParseActions(fmt.Appendf(nil, `{"type":"CREATE_NODE","id":"n%07d","properties":{"i":%d}}`, from+i, from+i))
		if err != nil {
			d.t.Fatal(err)
		}
		requests[i] = localstore.Request{Actions: actions, NoRevs: true}
	}
	if _, err := d.bucket.Append(context.Background(), requests...); err != nil {
		d.t.Fatal(err)
	}
}

// fill appends nodes that look like places.
func (d *device) fill(n int) {
	d.t.Helper()
	var requests []localstore.Request
	for i := range n {
		body := fmt.Sprintf(`{"type":"CREATE_NODE","id":"%07d","properties":{"country":"%c%c","lat":%.5f,"lon":%.5f,"name":"Place %d","population":%d}}`,
			(i*7919)%n, 'A'+i%26, 'A'+i/26%26, float64(i%180000)/1000-90, float64(i%360000)/1000-180, i, i*31%1000000)
		actions, err := setlog.ParseActions([]byte(body))
		if err != nil {
			d.t.Fatal(err)
		}
		requests = append(requests, localstore.Request{Actions: actions, NoRevs: true})
		if len(requests) == 4096 || i == n-1 {
			d.now = d.now.Add(time.Millisecond)
			if _, err := d.bucket.Append(context.Background(), requests...); err != nil {
				d.t.Fatal(err)
			}
			requests = nil
		}
	}
}

// decodeAll inflates and decodes all chunks of a share on two cores, which is what any reader has to do.
func decodeAll(t testing.TB, share remote.Storage, files []string) (lines int, took time.Duration) {
	t.Helper()
	next := make(chan string, len(files))
	for _, name := range files {
		next <- name
	}
	close(next)
	counts := make([]int, 2)
	start := time.Now()
	var running sync.WaitGroup
	for i := range counts {
		running.Go(func() {
			for name := range next {
				data, err := share.Read(context.Background(), name)
				if err != nil {
					t.Error(err)
					return
				}
				r, err := gzip.NewReader(bytes.NewReader(data))
				if err != nil {
					t.Error(err)
					return
				}
				text, err := io.ReadAll(r)
				if err != nil {
					t.Error(err)
					return
				}
				for line := range bytes.Lines(text) {
					var v any
					if err := json.Unmarshal(line, &v); err != nil {
						t.Error(err)
						return
					}
					counts[i]++
				}
			}
		})
	}
	running.Wait()
	return counts[0] + counts[1], time.Since(start)
}

// TestJoinSpeed prints what a newcomer waits for, beside what decoding the same files takes.
func TestJoinSpeed(t *testing.T) {
	n := manyNodes(t)
	share := disk.New(t.TempDir())
	a := newDevice(t, share, false)
	a.fill(n)
	a.share.Compact("todos")
	start := time.Now()
	rounds(1, a)
	t.Logf("%d nodes: sealed, sent and indexed in %v", n, time.Since(start).Round(time.Millisecond))
	_, decode := decodeAll(t, share, names(t, share, "chunk"))

	b := newDevice(t, share, true)
	var first, all, stored time.Duration // until the first page can be read, all nodes, and until these are on the disk
	b.configure(share, func(o *replica.Options) {
		o.Progress = func(_ string, done, total int) {
			if done == total && all == 0 {
				all = time.Since(start)
				if got := b.bucket.Stats().Nodes; got != uint64(n) {
					t.Errorf("%d nodes can be read", got)
				}
			}
			if done == total && !b.bucket.Joining() {
				stored = time.Since(start)
			}
			if first == 0 {
				first = time.Since(start)
				if page, err := b.bucket.Nodes("", "", 50); err != nil || len(page) != 50 {
					t.Errorf("the first page has %d nodes, %v", len(page), err)
				}
			}
		}
	})
	start = time.Now()
	rounds(1, b)
	took := time.Since(start)
	if got := b.bucket.Stats(); got.Nodes != uint64(n) || b.bucket.Joining() {
		t.Errorf("%d nodes", got.Nodes)
	}
	t.Logf("%d nodes: decoding on 2 cores %v, all can be read after %v (%.2f of that), the first page after %v, stored after %v; the round, with the log, took %v", n,
		decode.Round(time.Millisecond), all.Round(time.Millisecond), float64(all)/float64(decode), first.Round(time.Millisecond), stored.Round(time.Millisecond), took.Round(time.Millisecond))
	agreeAt(t, a, b)
}

// agreeAt compares some nodes.
func agreeAt(t *testing.T, a, b *device) {
	t.Helper()
	x, err := a.bucket.Nodes("", "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range x {
		b.expect(item.ID, string(item.Node.Value()))
	}
}
