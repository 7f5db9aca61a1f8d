package fleet

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
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
				stride = 12
			}
			before, err := freeze(home(t))
			if err != nil {
				t.Fatal(err)
			}
			var tried tally
			var next atomic.Int64
			var all sync.WaitGroup
			for range runtime.GOMAXPROCS(0) {
				all.Go(func() {
					for more := true; more && !t.Failed(); {
						more = switchAfter(t, before, int(next.Add(1)-1)*stride, stride, c.second, c.reads, &tried)
					}
				})
			}
			all.Wait()
			t.Logf("%d orders, in which %d files were removed", tried.orders.Load(), tried.removed.Load())
		})
	}
}

// tally counts over all orders.
type tally struct{ orders, removed atomic.Int64 }

// switchAfter tries every number of calls of the second device, or each stride of them, after some of the first one. It tells
// whether the first has any left then.
func switchAfter(t *testing.T, before *frozen, first, stride int, other func(f *fleet) (*device, error), reads bool, tried *tally) (more bool) {
	t.Helper()
	for second := 0; ; second += stride {
		left, err := interleaved(t, before, first, second, other, reads, tried)
		if err != nil {
			t.Errorf("switches after %d and %d calls: %v", first, second, err)
			return false
		}
		tried.orders.Add(1)
		more = more || left[0] > 0
		if left[1] == 0 {
			return more
		}
	}
}

// interleaved lets the first device make some calls, then the second, and then each the rest. It answers how many calls
// each had left at its switch.
func interleaved(t *testing.T, before *frozen, first, second int, other func(f *fleet) (*device, error), reads bool, tried *tally) (left [2]int, err error) {
	t.Helper()
	folder := home(t)
	defer func() { _ = os.RemoveAll(folder) }()
	f, err := before.thaw(folder)
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
	tried.removed.Add(int64(f.removed))
	return left, f.end()
}

// aged is a fleet of two devices with files that are soon due to be removed, and entries to be indexed.
func aged(folder string) (*fleet, error) {
	p := &Plan{Seed: 1, Devices: 2, Keep: "none", Limit: 15, Nodes: 10}
	m := newMaker(p)
	m.ids = 16 // of which come several chunks
	for range 10 {
		for d := range 2 {
			m.add(Step{Do: Act, Device: d, Bodies: m.bodies()}, Step{Do: Sync, Device: d}, Step{Do: Pass, Time: 12 * time.Hour}, Step{Do: Sync, Device: 1 - d})
		}
	}
	f := newFleet(p, folder, false)
	return f, f.play()
}

// frozen is a fleet that was stopped.
type frozen struct {
	fleet *fleet
	disks []*image
	files map[string][]byte
}

// freeze stops the fleet that every order begins with.
func freeze(folder string) (*frozen, error) {
	f, err := aged(folder)
	defer f.close()
	if err != nil {
		return nil, err
	}
	z := &frozen{fleet: f, files: f.files()}
	for _, d := range f.devices {
		was, err := d.snap()
		if err != nil {
			return nil, err
		}
		z.disks = append(z.disks, was)
	}
	return z, nil
}

// thaw starts a copy of the fleet; its devices have looked around once, and what is due to be removed is so now.
func (z *frozen) thaw(folder string) (*fleet, error) {
	f := newFleet(z.fleet.plan, folder, false)
	f.now, f.ledger, f.born, f.order = z.fleet.now, maps.Clone(z.fleet.ledger), maps.Clone(z.fleet.born), slices.Clone(z.fleet.order)
	for name, data := range z.files {
		if err := f.put(name, data); err != nil {
			return f, err
		}
	}
	for i, was := range z.disks {
		f.disks++
		d := *z.fleet.devices[i]
		d.fleet, d.random, d.id, d.share = f, f.chance(byte(100+i)), d.share.ID(), nil
		d.door, d.disk = &door{device: &d}, &disk{path: filepath.Join(folder, fmt.Sprint(f.disks)+".db")}
		if err := d.start(was); err != nil {
			return f, err
		}
		f.devices = append(f.devices, &d)
		if err := d.sync(); err != nil {
			return f, err
		}
	}
	f.now = f.now.Add(36 * time.Hour)
	return f, nil
}
