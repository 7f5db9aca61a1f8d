package history

import (
	"errors"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"testing"

	"github.com/setlogger/setlogger/simulation/judge"
	"github.com/setlogger/setlogger/simulation/setting"
)

// ordersEach is how many orders and ways each history is folded in.
const ordersEach = 8

// total sums up many histories.
type total struct {
	histories, entries, orders, undos int
	tally                             Tally
	scenes                            Scenes
}

// TestHistories plays random histories and folds each in random orders. SETLOGGER_HISTORIES says how many,
// SETLOGGER_SEED which is the first.
func TestHistories(t *testing.T) {
	usual := uint64(20_000)
	if testing.Short() {
		usual = 500
	}
	first, count := setting.Number(t, "SETLOGGER_SEED", 1), setting.Number(t, "SETLOGGER_HISTORIES", usual)
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // histories are small and many
	workers := uint64(runtime.GOMAXPROCS(0))
	sums := make([]total, workers)
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			sums[w].tally = Tally{}
			for seed := first + w; seed < first+count && !t.Failed(); seed += workers {
				playOne(t, seed, &sums[w])
			}
		})
	}
	all.Wait()
	sum := total{tally: Tally{}}
	for _, s := range sums {
		sum.histories += s.histories
		sum.entries += s.entries
		sum.orders += s.orders
		sum.undos += s.undos
		sum.tally.Add(s.tally)
		sum.scenes.Add(s.scenes)
	}
	t.Logf("%d histories from seed %d, %d entries, %d of them undos, %d orders", sum.histories, first, sum.entries, sum.undos, sum.orders)
	t.Logf("\n%s\n%s", sum.tally, &sum.scenes)
	for scene, n := range sum.scenes {
		if n == 0 && count >= 10_000 && !t.Failed() {
			t.Errorf("no history shows %s", Scene(scene))
		}
	}
}

func playOne(t *testing.T, seed uint64, sum *total) {
	h, err := Make(seed, false)
	if err != nil {
		traced, _ := Make(seed, true)
		t.Errorf("SETLOGGER_SEED=%d SETLOGGER_HISTORIES=1: %v\nthe history:\n%s", seed, err, strings.Join(traced.Trace, "\n"))
		return
	}
	orders, err := h.Check(ordersEach)
	sum.histories++
	sum.entries += len(h.Records)
	sum.orders += orders
	sum.undos += h.Undos
	sum.tally.Add(h.Tally)
	sum.scenes.Add(h.Scenes)
	if d := (*judge.Disagreement)(nil); errors.As(err, &d) {
		tell(t, seed, d)
	}
}

// tell prints a failure: the fewest entries that show it, and the history they come from.
func tell(t *testing.T, seed uint64, d *judge.Disagreement) {
	h, err := Make(seed, true)
	if err != nil {
		t.Error(err)
	}
	t.Errorf("SETLOGGER_SEED=%d SETLOGGER_HISTORIES=1: %s\nthe history:\n%s", seed, judge.Shrink(d).Dump(), strings.Join(h.Trace, "\n"))
}
