package daemon

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/disk"
	"github.com/setlogger/setlogger/remote/memory"
	"github.com/setlogger/setlogger/remote/notify"
)

func TestLaneHurriesByHints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, times := rounds(t, true, quietRound)
		time.Sleep(time.Second)
		for range 5 { // they come together
			l.noteHint()
		}
		time.Sleep(l.pace.hint)
		synctest.Wait()
		all := times.all()
		if len(all) != 2 {
			t.Fatalf("%d rounds", len(all))
		}
		within(t, "the round", all[1], time.Second+l.pace.hint, time.Second+l.pace.hint)
	})
}

func TestEchoesAreNoNews(t *testing.T) {
	own := &echoes{}
	own.expect("log/mine")
	own.expect("index/mine")
	for name, want := range map[string]bool{"log/mine": true, "log/other": false, "index/mine": false} {
		if own.take(name) != want || own.take(name) {
			t.Errorf("%s", name)
		}
	}
	for i := range 3 * maxEchoes {
		own.expect(fmt.Sprintf("log/%d", i))
	}
	if len(own.names) > maxEchoes {
		t.Errorf("%d are kept", len(own.names))
	}
}

// TestHintsCarryChanges has two devices on one folder, and a reader of the second hear of what the first appends. Polls
// alone are 5 seconds apart.
func TestHintsCarryChanges(t *testing.T) {
	share := t.TempDir()
	if err := disk.Make(share); err != nil {
		t.Fatal(err)
	}
	watch := func(ctx context.Context, path string, hint func(name string)) error {
		return notify.Folder(ctx, path, "log", hint)
	}
	var both [2]*served
	for i := range both {
		both[i] = serveOptions(t, Options{Data: filepath.Join(t.TempDir(), "data"), Watch: watch})
		if _, err := both[i].client.AddRemote(t.Context(), api.Remote{Name: "both", Path: share}); err != nil {
			t.Fatal(err)
		}
		if _, err := both[i].client.CreateBucket(t.Context(), api.Bucket{Name: "todos", Remote: "both", Join: i > 0}); err != nil {
			t.Fatal(err)
		}
	}
	e := both[1].listen(t)
	e.say(api.Subscription{Subscribe: "todos"})
	apart := func() { <-time.After(200 * time.Millisecond) } // quicker ones are a stream, which is sent in larger steps
	if median := medianToReader(t, both[0], e, 20, apart); median > 2*time.Second {
		t.Errorf("median %v: that is the time of polls", median)
	}
}

// telling is a place far away that tells at once of what is written there.
type telling struct {
	remote.Storage

	mu    sync.Mutex
	hears map[*func(name string)]bool
	heard chan struct{} // holds one for each that hears
}

func (p *telling) Write(ctx context.Context, name string, data []byte) error {
	err := p.Storage.Write(ctx, name, data)
	p.mu.Lock()
	defer p.mu.Unlock()
	for hear := range p.hears {
		(*hear)(name)
	}
	return err
}

func (p *telling) Tell(ctx context.Context, hint func(name string)) error {
	p.mu.Lock()
	p.hears[&hint] = true
	p.mu.Unlock()
	p.heard <- struct{}{}
	<-ctx.Done()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.hears, &hint)
	return ctx.Err()
}

// TestPlaceTellsOfChanges has two devices on a place far away, and a reader of the second hear of what the first has sent. Polls alone
// are 5 seconds apart.
func TestPlaceTellsOfChanges(t *testing.T) {
	place := &telling{Storage: memory.New(), hears: map[*func(string)]bool{}, heard: make(chan struct{}, 2)}
	var both [2]*served
	for i := range both {
		both[i] = serveOptions(t, Options{Data: filepath.Join(t.TempDir(), "data"), Open: func(path string) remote.Storage {
			if isLocal(path) {
				return disk.New(path)
			}
			return place
		}})
		if _, err := both[i].client.AddRemote(t.Context(), api.Remote{Name: "far", Path: "far:"}); err != nil {
			t.Fatal(err)
		}
		if _, err := both[i].client.CreateBucket(t.Context(), api.Bucket{Name: "todos", Remote: "far", Join: i > 0}); err != nil {
			t.Fatal(err)
		}
		<-place.heard
	}
	e := both[1].listen(t)
	e.say(api.Subscription{Subscribe: "todos"})
	var took []time.Duration
	for i := range 5 {
		both[0].append(t, "todos", fmt.Sprintf(`{"type":"CREATE_NODE","id":"%d"}`, i))
		if _, err := both[0].client.Sync(t.Context(), "far"); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		e.until("the node", e.has("todos", fmt.Sprint(i), "{}"))
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	if took[2] > time.Second {
		t.Errorf("once it was sent, the median took %v: that is the time of polls", took[2])
	}
	t.Logf("once it was sent: %v", took)
}

// medianToReader appends nodes one after the other, each after a pause, and answers how long they take to a reader of another
// device: the median.
func medianToReader(t *testing.T, writer *served, reader *ear, nodes int, pause func()) time.Duration {
	t.Helper()
	var took []time.Duration
	for i := range nodes {
		pause()
		id := fmt.Sprint(i)
		began := time.Now()
		writer.append(t, "todos", fmt.Sprintf(`{"type":"CREATE_NODE","id":%q}`, id))
		reader.until("node "+id, reader.has("todos", id, "{}"))
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	t.Logf("from the append to the reader of the other device: median %v, most %v", took[len(took)/2], took[len(took)-1])
	return took[len(took)/2]
}
