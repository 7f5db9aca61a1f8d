package exhaustive

import (
	"errors"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"testing"

	"github.com/setlogger/setlogger/simulation/judge"
)

// TestExhaustive plays every history of up to 3 actions by 2 writers, or of 2 under -short; with SETLOGGER_EXHAUSTIVE=1 of up to 4 actions by
// 3 writers.
func TestExhaustive(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(800)) // histories are small and many
	actions, by := 3, 2
	if testing.Short() {
		actions = 2
	}
	if os.Getenv("SETLOGGER_EXHAUSTIVE") == "1" {
		actions, by = most, writers
	}
	letters := alphabet()
	words, err := newWords(letters)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("begin: %s", genesis)
	for i, l := range letters {
		t.Logf("%3d  %-28s%s", i+1, l.name, l.body)
	}
	for n := 1; n <= actions; n++ {
		all := shapes(n, by)
		count := playAll(t, words, all, n < most)
		t.Logf("%d actions: %d causal orders of at most %d writers, %d histories, %d delivery orders: %d folds and %d merges agree, %d states judged by the oracle",
			n, len(all), by, count.Histories, count.Orders, count.Folds, count.Merges, count.Judged)
		if count.Histories == 0 && !t.Failed() {
			t.Error("nothing was played")
		}
	}
}

// task is the shape and the first letter of a part of the histories.
type task struct {
	shape shape
	first int
}

func playAll(t *testing.T, w words, all []shape, judging bool) Count {
	tasks := make(chan task)
	var sum Count
	var mutex sync.Mutex
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			p, err := newPlayer(w)
			if err != nil {
				t.Error(err)
			}
			p.judging, p.Count = judging, Count{}
			for next := range tasks {
				if err := p.play(next.shape, next.first); err != nil {
					tell(t, err)
				}
			}
			mutex.Lock()
			defer mutex.Unlock()
			sum.Add(p.Count)
		})
	}
	for _, s := range all {
		for first := range w {
			if !t.Failed() {
				tasks <- task{s, first}
			}
		}
	}
	close(tasks)
	workers.Wait()
	return sum
}

func tell(t *testing.T, err error) {
	if d, ok := errors.AsType[*judge.Disagreement](err); ok {
		t.Error(d.Dump())
		return
	}
	t.Error(err)
}
