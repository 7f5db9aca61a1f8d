package history

import (
	"math/rand/v2"
	"time"

	"github.com/setlogger/setlogger/setlog"
	"github.com/setlogger/setlogger/simulation/judge"
)

// device writes to the bucket and holds some of its entries.
type device struct {
	writer setlog.Writer
	number uint64 // of its last entry
	clock  setlog.Clock
	skew   time.Duration
	latest time.Time // that its wall clock ever showed
	runs   *setlog.Runs
	state  *judge.State
	held   []int  // entries of the history, by index
	before moment // the last of held, if the device made that; else nil
}

func newDevice(random *rand.Rand, w setlog.Writer) *device {
	return &device{state: &judge.State{}, skew: skewOf(random), runs: &setlog.Runs{}, writer: w}
}

// newWriter is a writer's random name.
func newWriter(random *rand.Rand) setlog.Writer {
	var w setlog.Writer
	for i := range w {
		w[i] = byte(random.UintN(256))
	}
	return w
}

// skewOf is how far a device's clock is off; most are about right, so that equal stamps occur.
func skewOf(random *rand.Rand) time.Duration {
	const year = 365 * 24 * time.Hour
	switch random.IntN(8) {
	case 0:
		return 10 * year
	case 1:
		return -10 * year
	case 2:
		return time.Duration(random.IntN(600_000)) * time.Millisecond
	case 3:
		return -time.Duration(random.IntN(600_000)) * time.Millisecond
	}
	return 0
}

// clone is the device as a copy of its file: what both write from here on is a fork.
func (d *device) clone() *device {
	c := *d
	c.runs = &setlog.Runs{}
	c.state = d.state.Clone()
	c.held = append([]int(nil), d.held...)
	return &c
}

// wall is what the device's wall clock shows.
func (d *device) wall(now time.Time) time.Time {
	now = now.Add(d.skew)
	if now.After(d.latest) {
		d.latest = now
	}
	return now
}

// see is the value of a node that the device sees, nil for none.
func (d *device) see(id string) []byte {
	if n := d.state.Nodes[id]; n != nil {
		return n.Value()
	}
	return nil
}

// compose appends what a caller sends; nil when that is refused or changes nothing.
func (d *device) compose(now time.Time, salt setlog.Salt, actions []setlog.Action) (*judge.Record, error) {
	draft := setlog.Draft{
		Writer: d.writer, Number: d.number + 1, Salt: salt, Now: d.wall(now), Clock: &d.clock, Schema: d.state.Schema, Runs: d.runs,
	}
	e, change, err := setlog.Compose(d.state, draft, actions)
	if err != nil {
		return nil, err
	}
	d.number++
	d.state.Apply(change)
	r := judge.NewRecord(e.Writer, e.Number, e.Line)
	return &r, nil
}

// take folds an entry of another device.
func (d *device) take(now time.Time, i int, r judge.Record) error {
	d.clock.Observe(d.wall(now), r.Stamp)
	d.held, d.before = append(d.held, i), nil
	return d.state.Fold(r)
}

// lacks answers which of n entries the device does not hold.
func (d *device) lacks(n int) []int {
	holds := make([]bool, n)
	for _, i := range d.held {
		holds[i] = true
	}
	var lacking []int
	for i, held := range holds {
		if !held {
			lacking = append(lacking, i)
		}
	}
	return lacking
}

// bits are the entries that the device holds, as bits.
func (d *device) bits() uint64 {
	var bits uint64
	for _, i := range d.held {
		bits |= 1 << i
	}
	return bits
}
