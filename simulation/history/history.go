package history

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/setlogger/setlogger/setlog"
	"github.com/setlogger/setlogger/simulation/judge"
)

// History is what became of one seed.
type History struct {
	Seed    uint64
	Records []judge.Record
	Tally   Tally
	Trace   []string // what happened, if it was asked for

	random  *rand.Rand
	tracing bool
	now     time.Time
	devices []*device
}

// Make plays the history of a seed. An error is one of the model that is no refusal.
func Make(seed uint64, trace bool) (*History, error) {
	h := &History{
		Seed: seed, Tally: Tally{}, tracing: trace,
		random: rand.New(rand.NewPCG(seed, 0)),
		now:    time.UnixMilli(1_700_000_000_000),
	}
	for range 2 + h.random.IntN(4) {
		h.devices = append(h.devices, newDevice(h.random))
	}
	var here *device
	a := newAuthor(h.random, func(id string) []byte {
		if n := here.state.Nodes[id]; n != nil {
			return n.Value()
		}
		return nil
	})
	entries := 4 + h.random.IntN(9)
	for tries := 0; len(h.Records) < entries && tries < 5*entries; tries++ {
		here = h.devices[h.random.IntN(len(h.devices))]
		if err := h.before(here); err != nil {
			return h, err
		}
		body := a.body()
		if tries == 0 {
			body = a.first()
		}
		if err := h.write(here, body); err != nil {
			return h, err
		}
	}
	return h, nil
}

// before is what happens between two appends: time passes, entries travel, a device is copied.
func (h *History) before(d *device) error {
	switch h.random.IntN(6) {
	case 0:
		h.now = h.now.Add(time.Duration(h.random.IntN(3000)) * time.Millisecond)
	case 1:
		d.skew = skewOf(h.random)
	case 2, 3:
		h.now = h.now.Add(time.Duration(h.random.IntN(3)) * time.Millisecond)
	}
	if h.random.IntN(16) == 0 {
		h.devices = append(h.devices, d.clone())
		h.trace("%s is copied", d.writer)
	}
	return h.sync(d)
}

// sync brings a device some of the entries that it lacks, in any order: none, all, or each or not.
func (h *History) sync(d *device) error {
	lacking := d.lacks(len(h.Records))
	h.random.Shuffle(len(lacking), func(i, j int) { lacking[i], lacking[j] = lacking[j], lacking[i] })
	how := h.random.IntN(4)
	for _, i := range lacking {
		if how == 0 || how == 1 && h.random.IntN(2) == 0 {
			continue
		}
		h.trace("%s takes entry %d", d.writer, i)
		if err := d.take(h.now, i, h.Records[i]); err != nil {
			return err
		}
	}
	return nil
}

// write lets a device append what a caller sends.
func (h *History) write(d *device, body string) error {
	actions, err := setlog.ParseActions([]byte(body))
	var r *judge.Record
	if err == nil {
		r, err = d.compose(h.now, setlog.Salt(h.random.Uint64()), actions)
	}
	refusal := (*setlog.Refusal)(nil)
	switch {
	case err == nil:
		d.held = append(d.held, len(h.Records))
		h.trace("%s appends entry %d: %s\n  %s", d.writer, len(h.Records), body, r.Line)
		h.Records = append(h.Records, *r)
		h.Tally.accept(r.Actions)
	case errors.As(err, &refusal):
		h.trace("%s is refused %s: %v", d.writer, body, err)
		h.Tally.refuse(body, refusal.Position)
	case errors.Is(err, setlog.ErrUnchanged):
		h.trace("%s changes nothing by %s", d.writer, body)
		h.Tally.count(actions[0].Type).Unchanged++
	default:
		return fmt.Errorf("%s: %w", body, err)
	}
	return nil
}

func (h *History) trace(format string, args ...any) {
	if h.tracing {
		h.Trace = append(h.Trace, fmt.Sprintf(format, args...))
	}
}

// Check compares each device, and all entries in several orders, with the oracle. It answers how many orders it tried.
func (h *History) Check(orders int) (int, error) {
	for _, d := range h.devices {
		held := make([]judge.Record, len(d.held))
		for i, at := range d.held {
			held[i] = h.Records[at]
		}
		if err := d.state.Compare(judge.Want(held)); err != nil {
			return 0, &judge.Disagreement{Way: "on the device of " + d.writer.String(), Records: held, Err: err}
		}
	}
	return judge.Check(h.random, h.Records, orders)
}
