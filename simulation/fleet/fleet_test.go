package fleet

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/setlogger/setlogger/remote/faulty"
	"github.com/setlogger/setlogger/simulation/setting"
)

// total sums up many histories.
type total struct {
	histories int
	counts    Counts
	actions   []int
	kinds     []int
	indexes   []int
	removed   int
	rounds    int
	met       map[faulty.Fault]int // by the calls of the last history
}

// TestFleet plays histories. SETLOGGER_FLEETS says how many, SETLOGGER_SEED which is the first, and SETLOGGER_FAULTS, as
// numbers with commas between, of which faults. Once there are SETLOGGER_FLEETS_LEAST, none is begun after SETLOGGER_UNTIL, in
// seconds since 1970.
func TestFleet(t *testing.T) {
	first, count := setting.Number(t, "SETLOGGER_SEED", 1), setting.Number(t, "SETLOGGER_FLEETS", 200)
	if raced {
		count = min(count, 12)
	}
	seeds := &seeds{
		next: first, end: first + count, least: first + setting.Number(t, "SETLOGGER_FLEETS_LEAST", count),
		until: time.Unix(int64(setting.Number(t, "SETLOGGER_UNTIL", 0)), 0),
	}
	var wanted []Fault
	for text := range strings.FieldsFuncSeq(os.Getenv("SETLOGGER_FAULTS"), func(r rune) bool { return r == ',' }) {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > faults {
			t.Fatalf("SETLOGGER_FAULTS: %q is no number of a fault", text)
		}
		wanted = append(wanted, Fault(n))
	}
	defer debug.SetGCPercent(debug.SetGCPercent(800)) // histories are small and many
	sums := make([]total, runtime.GOMAXPROCS(0))
	var all sync.WaitGroup
	for w := range sums {
		all.Go(func() {
			for seed, ok := seeds.take(); ok && !t.Failed(); seed, ok = seeds.take() {
				playOne(t, NewPlan(seed, wanted...), &sums[w])
			}
		})
	}
	all.Wait()
	var sum total
	for i := range sums {
		sum.add(&sums[i])
	}
	if sum.histories == 0 {
		return
	}
	t.Logf("%d histories, seeds %d to %d, %d rounds, %d files removed", sum.histories, first, first+uint64(sum.histories)-1, sum.rounds, sum.removed)
	t.Logf("medians: %d actions, %d kinds of fault, %d indexes\n%s", median(sum.actions), median(sum.kinds), median(sum.indexes), &sum.counts)
}

// seeds are handed out one after the other.
type seeds struct {
	mu               sync.Mutex
	next, least, end uint64
	until            time.Time // from then on none from least on
}

func (s *seeds) take() (seed uint64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next >= s.end || s.next >= s.least && !time.Now().Before(s.until) {
		return 0, false
	}
	s.next++
	return s.next - 1, true
}

// TestFoundBefore plays histories beyond those of every run that once failed.
func TestFoundBefore(t *testing.T) {
	for seed, what := range map[uint64]string{
		4874: "a file that was read back was written again by a device that forgot it, cut off, and nobody who held it looked",
		809:  "what an index that lied had replaced counted unchecked, and lied too: nobody wrote what both lacked",
		880:  "a view stayed that named files which were gone: no device could prove that the files of a new one were all",
		4080: "a device and its clone, whose log forked, wrote over each other's view for ever",
		6384: "likewise, with other files in past/",
		680:  "of two devices one knew that an index was broken, and each wrote its view over the other's day after day",
		5475: "a device that could not take an index in whole no more looked after what it held",
		6473: "files that waited for others, which never came, were read anew in each round",
		4106: "a branch that no remote had any more, of a log that forked unseen, was taken for the other one by its numbers",
	} {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			var sum total
			if playOne(t, NewPlan(seed), &sum); t.Failed() {
				t.Log("before, " + what)
			}
		})
	}
}

// TestEachFault plays histories in which one fault strikes again and again.
func TestEachFault(t *testing.T) {
	histories := 3
	if raced {
		histories = 1
	}
	for f := Fault(1); int(f) <= faults; f++ {
		t.Run(f.String(), func(t *testing.T) {
			var sum total
			for seed := range uint64(histories) {
				playOne(t, NewPlan(100*uint64(f)+seed, f), &sum)
			}
			if sum.counts[f] == 0 && !raced {
				t.Errorf("fault %d did not occur", f)
			}
		})
	}
}

// playOne plays a plan; one that fails is shrunk.
func playOne(t *testing.T, p *Plan, sum *total) {
	t.Helper()
	folder := home(t)
	out, err := Play(p, folder, false)
	if rm := os.RemoveAll(folder); rm != nil {
		t.Error(rm)
	}
	if err != nil {
		report(t, p, err)
		return
	}
	sum.histories++
	sum.counts.Add(out.Counts)
	sum.actions = append(sum.actions, out.Actions)
	sum.kinds = append(sum.kinds, out.Counts.Kinds())
	sum.indexes = append(sum.indexes, out.Indexes)
	sum.removed += out.Removed
	sum.rounds += out.Rounds
	sum.met = out.Met
}

// report tells of a plan that failed, with the least of it that fails.
func report(t *testing.T, p *Plan, err error) {
	t.Helper()
	t.Errorf("seed %d: %v", p.Seed, err)
	if _, ok := errors.AsType[*Violation](err); !ok || os.Getenv("SETLOGGER_SHRINK") == "no" {
		return
	}
	least := Shrink(p, err, func() string { return home(t) })
	out, err := Play(least, home(t), true)
	t.Errorf("seed %d, shrunk to %d steps: %v\n%s", p.Seed, len(least.Steps), err, strings.Join(out.Trace, "\n"))
}

// home is a folder for one history, in memory where that can be had.
func home(t *testing.T) string {
	t.Helper()
	base := os.TempDir()
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		base = "/dev/shm"
	}
	folder, err := os.MkdirTemp(base, "setlogger-fleet")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	return filepath.Clean(folder)
}

func (s *total) add(o *total) {
	s.histories += o.histories
	s.counts.Add(o.counts)
	s.actions = append(s.actions, o.actions...)
	s.kinds = append(s.kinds, o.kinds...)
	s.indexes = append(s.indexes, o.indexes...)
	s.removed += o.removed
	s.rounds += o.rounds
}

func median(of []int) int {
	slices.Sort(of)
	return of[len(of)/2]
}
