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
// strike. SETLOGGER_PLACES says how many for each, SETLOGGER_SEED which is the first, SETLOGGER_PLACE names one kind.
func TestEachPlace(t *testing.T) {
	first, count := setting.Number(t, "SETLOGGER_SEED", 1), setting.Number(t, "SETLOGGER_PLACES", 10)
	only := os.Getenv("SETLOGGER_PLACE")
	if raced {
		only, count = "syncthing", 1
	}
	met, shown := map[faulty.Fault]int{}, map[faulty.Fault]bool{}
	for _, place := range faulty.Personalities() {
		if only != "" && only != place.Name {
			continue
		}
		t.Run(place.Name, func(t *testing.T) {
			here := playAt(t, place, first, count)
			var told []string
			for _, f := range faulty.Faults() {
				if place.Options.Chance[f] > 0 {
					told, shown[f] = append(told, fmt.Sprintf("%d × %v", here[f], f)), true
				}
				met[f] += here[f]
			}
			t.Logf("%d histories: %s", count, strings.Join(told, ", "))
		})
	}
	for f := range shown {
		if met[f] == 0 && only == "" {
			t.Errorf("%v never happened", f)
		}
	}
}

// TestFoundAtPlaces plays histories over kinds of remote that once failed.
func TestFoundAtPlaces(t *testing.T) {
	for _, place := range faulty.Personalities() {
		seed := map[string]uint64{"s3": 12, "syncthing": 16}[place.Name]
		if seed == 0 || raced {
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
