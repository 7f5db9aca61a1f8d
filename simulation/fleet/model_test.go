package fleet

import (
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/setlogger/setlogger/simulation/setting"
)

// TestInterleavings lets two devices compact and collect at once, and a newcomer read meanwhile, in every order of their
// calls with up to two switches from one to the other before each makes the rest; under the race detector in some of them.
// SETLOGGER_SWITCHES asks for more, SETLOGGER_STRIDE for switches after each so many calls alone.
func TestInterleavings(t *testing.T) {
	stride := uint64(1)
	if raced {
		stride = 12
	}
	for _, c := range []struct {
		name   string
		second func(f *fleet) (*device, error)
		reads  bool
	}{
		{"two compactors and collectors", func(f *fleet) (*device, error) { return f.devices[1], nil }, false},
		{"a compactor and collector, and a newcomer", func(f *fleet) (*device, error) { return f.newDevice(true) }, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			before, err := freeze(home(t))
			if err != nil {
				t.Fatal(err)
			}
			m := &model{
				before: before, second: c.second, reads: c.reads,
				switches: int(setting.Number(t, "SETLOGGER_SWITCHES", 2)), stride: int(setting.Number(t, "SETLOGGER_STRIDE", stride)),
			}
			var next atomic.Int64
			var all sync.WaitGroup
			for range runtime.GOMAXPROCS(0) {
				all.Go(func() {
					for more := true; more && !t.Failed(); {
						left := m.explore(t, schedule{int(next.Add(1)-1) * m.stride})
						more = left != nil && left[0]
					}
				})
			}
			all.Wait()
			t.Logf("%d orders, in which %d files were removed", m.orders.Load(), m.removed.Load())
		})
	}
}

// schedule is how many calls the first device makes, then the second, then the first again, and so on, before each makes the
// rest.
type schedule []int

// model is two devices whose calls come in all orders.
type model struct {
	before   *frozen
	second   func(f *fleet) (*device, error) // the one beside the first of the fleet
	reads    bool
	switches int
	stride   int // between the numbers of calls that are tried

	orders, removed atomic.Int64
}

// explore plays every schedule that begins as this one does. It tells of each of its numbers whether the device had calls left
// after these; nil after a failure.
func (m *model) explore(t *testing.T, begun schedule) (left []bool) {
	t.Helper()
	if len(begun) == m.switches {
		left, err := m.play(t, begun)
		if err != nil {
			t.Errorf("switches after %v calls: %v", begun, err)
			return nil
		}
		m.orders.Add(1)
		return left
	}
	for n := m.stride; ; n += m.stride {
		if left = m.explore(t, append(slices.Clone(begun), n)); left == nil || !left[len(begun)] {
			return left
		}
	}
}

// play makes the calls of one schedule.
func (m *model) play(t *testing.T, s schedule) (left []bool, err error) {
	t.Helper()
	folder := home(t)
	defer func() { _ = os.RemoveAll(folder) }()
	f, err := m.before.thaw(folder)
	defer f.close()
	if err != nil {
		return nil, err
	}
	other, err := m.second(f)
	if err != nil {
		return nil, err
	}
	devices := [2]*device{f.devices[0], other}
	var strands [2]*strand
	for i, d := range devices {
		d.share.Compact(bucketName)
		strands[i] = d.begin()
		strands[i].reads = m.reads
	}
	for i, calls := range s {
		left = append(left, strands[i%2].steps(calls))
	}
	for i := range devices {
		turn := (len(s) + i) % 2
		strands[turn].steps(math.MaxInt)
		if err := strands[turn].end(); err != nil {
			return nil, fmt.Errorf("device %d: %w", devices[turn].index, err)
		}
	}
	m.removed.Add(int64(f.removed))
	return left, f.end()
}

// steps lets a strand make so many calls, and tells whether it has more.
func (s *strand) steps(calls int) bool {
	for range calls {
		if _, more := s.step(); !more {
			return false
		}
	}
	return true
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
