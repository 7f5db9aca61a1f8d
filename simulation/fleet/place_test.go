package fleet

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/setlogger/setlogger/remote/faulty"
	"github.com/setlogger/setlogger/simulation/setting"
)

// TestEachPlace plays histories over a remote of each kind, which fails as such places do while all the other faults
// strike. SETLOGGER_FLEETS says how many, a twentieth for each kind; SETLOGGER_PLACE names one kind.
func TestEachPlace(t *testing.T) {
	first, count := setting.Number(t, "SETLOGGER_SEED", 1), setting.Number(t, "SETLOGGER_FLEETS", 100)/20
	if raced {
		count = 1
	}
	for _, place := range faulty.Personalities() {
		t.Run(place.Name, func(t *testing.T) {
			if only := os.Getenv("SETLOGGER_PLACE"); only != "" && only != place.Name {
				return
			}
			met := playAt(t, place, first, max(count, 1))
			var told []string
			for _, f := range faulty.Faults() {
				if place.Options.Chance[f] > 0 {
					told = append(told, fmt.Sprintf("%d × %v", met[f], f))
				}
				if place.Options.Chance[f] > 0 && met[f] == 0 && count >= 5 && first == 1 && !t.Failed() {
					t.Errorf("%v never happened", f)
				}
			}
			t.Logf("%d histories: %s", max(count, 1), strings.Join(told, ", "))
		})
	}
}

// TestFoundAtPlaces plays histories over kinds of remote that once failed.
func TestFoundAtPlaces(t *testing.T) {
	for _, place := range faulty.Personalities() {
		seed := map[string]uint64{"s3": 12, "syncthing": 16}[place.Name]
		if seed == 0 {
			continue
		}
		t.Run(fmt.Sprint(place.Name, " ", seed), func(t *testing.T) {
			var sum total
			if playOne(t, NewPlan(seed).At(place), &sum); t.Failed() {
				t.Log("before, two devices of a log that forked wrote over each other's view of the bucket for ever")
			}
		})
	}
}

// playAt plays histories over a place, and counts the faults that its calls met.
func playAt(t *testing.T, place faulty.Personality, first, count uint64) map[faulty.Fault]int {
	t.Helper()
	met := map[faulty.Fault]int{}
	var mu sync.Mutex
	var next atomic.Uint64
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for i := next.Add(1) - 1; i < count && !t.Failed(); i = next.Add(1) - 1 {
				var sum total
				playOne(t, NewPlan(first+i).At(place), &sum)
				mu.Lock()
				for f, times := range sum.met {
					met[f] += times
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	return met
}
