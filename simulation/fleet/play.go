package fleet

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/setlogger/setlogger/remote/faulty"
	"github.com/setlogger/setlogger/remote/memory"
	"github.com/setlogger/setlogger/replica"
)

// grace is how long a file stays that others make needless.
const grace = 7 * 24 * time.Hour

// Outcome is what became of a plan.
type Outcome struct {
	Counts  Counts
	Devices int
	Actions int // requests that were acknowledged
	Rounds  int
	Indexes int                  // written
	Removed int                  // files
	Met     map[faulty.Fault]int // faults of the remote
	Trace   []string
}

// Violation is a promise that was broken.
type Violation struct {
	Step int // at or after which it showed; that of the end is the number of steps
	Err  error
}

func (v *Violation) Error() string { return fmt.Sprintf("after step %d: %v", v.Step, v.Err) }
func (v *Violation) Unwrap() error { return v.Err }

// fleet is a plan that is being played.
type fleet struct {
	plan    *Plan
	folder  string
	now     time.Time
	random  *rand.Rand
	base    *memory.Storage
	share   *faulty.Storage
	known   *replica.Known
	devices []*device
	disks   int // that were ever made
	made    int // steps, beside the one being made
	ledger  ledger

	weather   map[Fault]int // faults of the remote that last, by how often they were begun
	shareGone bool
	shareFile map[string][]byte // what stood there before
	thinned   bool              // an index rotted or lied, or the remote was set back: one alone may hold something
	lied      bool
	setBacks  int // of devices or of the remote
	suspended map[*device]*strand
	snapshots []map[string][]byte

	mu        sync.Mutex
	born      map[string]time.Time // files, by when they were first written
	order     []string             // of first writes
	violation error

	counts  Counts
	moved   bool
	acted   int
	rounds  int
	indexed int
	removed int
	met     map[faulty.Fault]int
	tracing bool
	trace   []string
}

// Play plays a plan, with its files in a folder. An error that is no *Violation is one of the fleet itself.
func Play(p *Plan, folder string, trace bool) (*Outcome, error) {
	f := newFleet(p, folder, trace)
	err := f.play()
	if err == nil {
		err = f.end()
	}
	f.close()
	return &Outcome{f.counts, len(f.devices), f.acted, f.rounds, f.indexed, f.removed, f.met, f.trace}, err
}

func newFleet(p *Plan, folder string, trace bool) *fleet {
	f := &fleet{
		plan: p, folder: folder, now: time.UnixMilli(1_800_000_000_000), tracing: trace, random: rand.New(rand.NewPCG(p.Seed, 26)),
		base: memory.New(), known: replica.NewKnown(), ledger: ledger{}, weather: map[Fault]int{}, born: map[string]time.Time{}, suspended: map[*device]*strand{},
	}
	f.share = faulty.New(f.base, faulty.Options{})
	return f
}

// close lets go of all files.
func (f *fleet) close() {
	for _, d := range f.devices {
		if d.bucket != nil {
			_ = d.bucket.Close()
		}
	}
}

// play makes the steps of the plan.
func (f *fleet) play() error {
	if err := f.found(); err != nil {
		return err
	}
	f.setWeather()
	for i, s := range f.plan.Steps {
		f.made = i
		f.log("%4d %s", i, s)
		if err := f.step(s); err != nil {
			return &Violation{i, err}
		}
		if f.violation != nil {
			return &Violation{i, f.violation}
		}
		if i%100 == 50 {
			f.snapshot()
		}
	}
	return nil
}

// end ends the history and judges it.
func (f *fleet) end() error {
	f.made = len(f.plan.Steps)
	if err := f.finish(); err != nil {
		return &Violation{len(f.plan.Steps), err}
	}
	return nil
}

// found makes the devices and the bucket, which all of them then know.
func (f *fleet) found() error {
	for i := range f.plan.Devices {
		if _, err := f.newDevice(i > 0); err != nil {
			return err
		}
	}
	if err := f.devices[0].act([]string{
		fmt.Sprintf(`{"type":"SET_SCHEMA","schema":{"x-setlogger":{"chunkLimit":%d,"keepHistory":%q,"publish":%t}}}`, f.plan.Nodes, f.plan.Keep, f.plan.Publish),
		`{"type":"CREATE_NODE","id":"kept"}`,
	}); err != nil {
		return err
	}
	if set := f.devices[0].bucket.Settings(); set.KeepHistory != f.plan.Keep || set.ChunkLimit != f.plan.Nodes {
		return fmt.Errorf("the bucket's settings are %+v", set)
	}
	for _, d := range append(f.devices, f.devices...) {
		if err := d.sync(); err != nil {
			return err
		}
	}
	return nil
}

// tick is what a round takes.
func (f *fleet) tick() {
	f.now = f.now.Add(time.Minute)
	f.rounds++
}

func (f *fleet) log(format string, args ...any) {
	if f.tracing {
		f.trace = append(f.trace, fmt.Sprintf(format, args...))
	}
}

// step does one thing.
func (f *fleet) step(s Step) error {
	d := f.devices[s.Device]
	switch s.Do {
	case Pass:
		f.now = f.now.Add(s.Time)
		return nil
	case Strike:
		return f.strike(s, d)
	case Ease:
		return f.ease(s, d)
	}
	if d.dead || d.paused {
		return nil
	}
	if err := d.use(); err != nil {
		return err
	}
	switch {
	case s.Do == Act:
		return d.act(s.Bodies)
	case s.Do == Compact:
		d.share.Compact(bucketName)
	case d.away, d.hushed:
	default:
		f.round(d)
	}
	return nil
}

// round lets a device sync while much may be wrong: only what must never be counts.
func (f *fleet) round(d *device) {
	if err := d.sync(); err != nil {
		f.log("     device %d: %v", d.index, err)
	}
}

// others are the devices that can sync beside one.
func (f *fleet) others(d *device) []*device {
	var all []*device
	for _, o := range f.devices {
		if o != d && !o.dead && !o.paused && !o.away && o.disk != d.disk {
			all = append(all, o)
		}
	}
	return all
}
