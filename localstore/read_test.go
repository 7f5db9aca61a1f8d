package localstore

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/setlogger/setlogger/setlog"
)

func TestNodesPages(t *testing.T) {
	o := testOptions(1)
	b := create(t, "b", nil, o)
	random := rand.New(rand.NewPCG(5, 6))
	alive := map[string]bool{}
	for round := range 6 {
		for range 400 {
			id := fmt.Sprintf("%c/%d", 'a'+random.IntN(4), random.IntN(900))
			if alive[id] && random.IntN(3) == 0 {
				dispatch(t, b, `{"type":"DELETE_NODE","id":%q}`, id)
				delete(alive, id)
				continue
			}
			putNode(t, b, id, round)
			alive[id] = true
		}
		if round%2 == 0 {
			if err := b.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		wantPages(t, b, slices.Sorted(maps.Keys(alive)))
	}
	if s := b.Stats(); s.Nodes != uint64(len(alive)) {
		t.Errorf("%+v, want %d nodes", s, len(alive))
	}
}

func wantPages(t *testing.T, b *Bucket, want []string) {
	t.Helper()
	for _, limit := range []int{1000000, 3, 7, 255, 256, 257} {
		for _, prefix := range []string{"", "b", "b/1", "zz", "a/77"} {
			of := slices.DeleteFunc(slices.Clone(want), func(id string) bool { return !strings.HasPrefix(id, prefix) })
			var got []string
			for after := ""; ; {
				items, err := b.Nodes(after, prefix, limit)
				if err != nil {
					t.Fatal(err)
				}
				for _, it := range items {
					got = append(got, it.ID)
				}
				if len(items) < limit {
					break
				}
				after = items[len(items)-1].ID
			}
			if !slices.Equal(got, of) {
				t.Fatalf("limit %d, prefix %q: %d ids, want %d", limit, prefix, len(got), len(of))
			}
		}
	}
}

func TestNodeOfNoID(t *testing.T) {
	b := create(t, "b", nil, testOptions(1))
	for _, id := range []string{"", "none", strings.Repeat("x", setlog.MaxID+1), strings.Repeat("x", 40000)} {
		if n, err := b.Node(id); n != nil || err != nil {
			t.Errorf("%.9q: %v %v", id, n, err)
		}
	}
}

func TestLogFromEveryOffset(t *testing.T) {
	a := create(t, "b", nil, testOptions(1))
	b := create(t, "b", []string{}, testOptions(2))
	for i := range 40 {
		putNode(t, a, fmt.Sprint(i), i)
		if i%9 == 0 {
			foldIn(t, b, sealed(t, a)...)
			putNode(t, b, fmt.Sprint("b", i), i)
		}
	}
	if _, err := b.Append(t.Context(), slices.Repeat([]Request{{Actions: actions(t, `{"type":"NOTE","x":1}`)}}, 30)...); err != nil {
		t.Fatal(err)
	}
	all, err := b.Log(0, 1000)
	if err != nil || len(all) != int(b.Stats().Entries) {
		t.Fatal(len(all), err)
	}
	for i, e := range all {
		if e.Offset != uint64(i+1) {
			t.Fatalf("offset %d in place %d", e.Offset, i)
		}
		parsed, err := setlog.ParseEntry(e.Writer, e.Number, e.Line)
		if err != nil || parsed.Number != e.Number {
			t.Fatalf("%+v %v", parsed, err)
		}
		rest, err := b.Log(e.Offset, 3)
		if err != nil || len(rest) != min(3, len(all)-i-1) {
			t.Fatal(len(rest), err)
		}
		for j, r := range rest {
			if r.Offset != e.Offset+uint64(j)+1 || string(r.Line) != string(all[i+1+j].Line) {
				t.Fatalf("%+v after %d", r, e.Offset)
			}
		}
	}
	if rest, err := b.Log(1<<60, 3); len(rest) != 0 || err != nil {
		t.Error(rest, err)
	}
}

func TestWait(t *testing.T) {
	b := create(t, "b", nil, testOptions(1))
	var follower sync.WaitGroup
	follower.Go(func() {
		for after := uint64(0); after < 50; {
			if err := b.Wait(t.Context(), after); err != nil {
				t.Error(err)
				return
			}
			entries, err := b.Log(after, 7)
			if err != nil || len(entries) == 0 {
				t.Errorf("woken for nothing after %d: %v", after, err)
				return
			}
			after = entries[len(entries)-1].Offset
		}
	})
	for i := range 50 {
		putNode(t, b, fmt.Sprint(i), 1)
	}
	follower.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := b.Wait(ctx, 50); !errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

// TestReadsBesideFlushes: what is flushed meanwhile is never out of sight.
func TestReadsBesideFlushes(t *testing.T) {
	o := testOptions(1)
	o.OverlayBytes = 8 << 10
	b := create(t, "b", nil, o)
	for i := range 300 {
		putNode(t, b, fmt.Sprintf("n%03d", i), 0)
	}
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-done:
					return
				default:
				}
				if n, err := b.Node(fmt.Sprintf("n%03d", i%300)); err != nil || !n.Alive() {
					t.Errorf("n%03d is out of sight: %v", i%300, err)
					return
				}
				if items, err := b.Nodes("", "n", 1000); err != nil || len(items) != 300 {
					t.Errorf("%d nodes: %v", len(items), err)
					return
				}
			}
		})
	}
	for i := range 600 {
		putNode(t, b, fmt.Sprintf("n%03d", i%300), i)
	}
	close(done)
	readers.Wait()
}

func TestIdleFlush(t *testing.T) {
	o := testOptions(1)
	o.IdleFlush = time.Millisecond
	b := create(t, "b", nil, o)
	putNode(t, b, "a", 1)
	for b.cursorNow() != 1 {
		time.Sleep(time.Millisecond)
	}
	b = reopen(t, b)
	wantNode(t, b, "a", `{"n":1}`)
}

func TestDefaults(t *testing.T) {
	b, err := Create(t.TempDir()+"/b.db", "b", nil, Options{})
	if err != nil {
		t.Fatal(err)
	}
	checked(t, b)
	putNode(t, b, "a", 1)
	if n := time.Since(time.UnixMilli(int64(b.now().watermark >> 16))); n < -time.Minute || n > time.Hour {
		t.Error("a wrong clock:", n)
	}
}
