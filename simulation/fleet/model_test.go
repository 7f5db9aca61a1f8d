package fleet

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestInterleavings lets two devices compact and collect at once, and a newcomer read meanwhile, in every order of their
// calls with up to two switches from one to the other; under the race detector in some of them.
func TestInterleavings(t *testing.T) {
	for _, c := range []struct {
		name   string
		second func(f *fleet) (*device, error)
		reads  bool
	}{
		{"two compactors and collectors", func(f *fleet) (*device, error) { return f.devices[1], nil }, false},
		{"a compactor and collector, and a newcomer", func(f *fleet) (*device, error) { return f.newDevice(true) }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			stride := 1
			if raced {
				stride = 40
			}
			var tried atomic.Int64
			var next atomic.Int64
			var all sync.WaitGroup
			for range runtime.GOMAXPROCS(0) {
				all.Go(func() {
					for more := true; more && !t.Failed(); {
						more = switchAfter(t, int(next.Add(1)-1)*stride, c.second, c.reads, &tried)
					}
				})
			}
			all.Wait()
			t.Logf("%d orders", tried.Load())
		})
	}
}

// switchAfter tries every number of calls of the second device after some of the first one. It tells whether the first has
// any left then.
func switchAfter(t *testing.T, first int, other func(f *fleet) (*device, error), reads bool, tried *atomic.Int64) (more bool) {
	t.Helper()
	for second := 0; ; second++ {
		left, err := interleaved(t, first, second, other, reads)
		if err != nil {
			t.Errorf("switches after %d and %d calls: %v", first, second, err)
			return false
		}
		tried.Add(1)
		more = more || left[0] > 0
		if left[1] == 0 {
			return more
		}
	}
}

// interleaved lets the first device make some calls, then the second, and then each the rest. It answers how many calls
// each had left at its switch.
func interleaved(t *testing.T, first, second int, other func(f *fleet) (*device, error), reads bool) (left [2]int, err error) {
	t.Helper()
	folder := home(t)
	defer func() { _ = os.RemoveAll(folder) }()
	f, err := aged(folder)
	defer f.close()
	if err != nil {
		return left, err
	}
	b, err := other(f)
	if err != nil {
		return left, err
	}
	devices := [2]*device{f.devices[0], b}
	var strands [2]*strand
	for i, d := range devices {
		d.share.Compact(bucketName)
		strands[i] = d.begin()
		strands[i].reads = reads
	}
	for i, calls := range [2]int{first, second} {
		for range calls {
			if _, more := strands[i].step(); !more {
				break
			}
		}
	}
	for i, s := range strands {
		for more := true; more; {
			if _, more = s.step(); more {
				left[i]++
			}
		}
		if err := s.end(); err != nil {
			return left, fmt.Errorf("device %d: %w", devices[i].index, err)
		}
	}
	return left, f.end()
}

// aged is a fleet of two devices with files that are due to be removed, and entries to be indexed.
func aged(folder string) (*fleet, error) {
	p := &Plan{Seed: 1, Devices: 2, Keep: "none", Limit: 15, Nodes: 10}
	m := newMaker(p)
	m.ids = 16 // of which come several chunks
	for range 10 {
		for d := range 2 {
			m.add(Step{Do: Act, Device: d, Bodies: m.bodies()}, Step{Do: Sync, Device: d}, Step{Do: Pass, Time: 12 * time.Hour}, Step{Do: Sync, Device: 1 - d})
		}
	}
	m.add(Step{Do: Pass, Time: 36 * time.Hour})
	f := newFleet(p, folder, false)
	return f, f.play()
}
