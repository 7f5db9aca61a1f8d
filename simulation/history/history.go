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
	Records []judge.Record
	Tally   Tally
	Undos   int // entries that undo another
	Scenes  Scenes
	Trace   []string // what happened, if it was asked for

	random  *rand.Rand // makes every choice
	salts   *rand.Rand
	tracing bool
	forging bool // there is one who writes what he likes
	aloof   bool // devices sync less
	copied  bool // a device was
	now     time.Time
	devices []*device
	forged  uint64   // records, as bits
	saw     []uint64 // records that each record's writer held; bit i stands for record i
}

// most is how many records a history has at most: as many as a set of bits holds.
const most = 64

// Make plays the history of a seed. An error is one of the model that is no refusal.
func Make(seed uint64, trace bool) (*History, error) {
	return play(rand.NewPCG(seed, 0), seed, trace, newWriter)
}

// Read plays the history that some bytes choose.
func Read(choices []byte, trace bool) (*History, error) {
	return read(choices, trace, newWriter)
}

func read(choices []byte, trace bool, writer func(*rand.Rand) setlog.Writer) (*History, error) {
	return play(&choice{left: choices, then: rand.NewPCG(0, 0)}, 0, trace, writer)
}

// choice is a source of chance that begins with the bytes given.
type choice struct {
	left []byte
	then rand.Source
}

// Uint64 spreads one byte, as both the high and the low bits choose.
func (c *choice) Uint64() uint64 {
	if len(c.left) == 0 {
		return c.then.Uint64()
	}
	b := c.left[0]
	c.left = c.left[1:]
	return uint64(b) * 0x0101010101010101
}

func play(source rand.Source, seed uint64, trace bool, writer func(*rand.Rand) setlog.Writer) (*History, error) {
	h := &History{
		Tally: Tally{}, tracing: trace,
		random: rand.New(source),
		salts:  rand.New(rand.NewPCG(seed, 1)),
		now:    time.UnixMilli(1_700_000_000_000),
	}
	for range 2 + h.random.IntN(4) {
		h.devices = append(h.devices, newDevice(h.random, writer(h.random)))
	}
	h.forging, h.aloof = h.random.IntN(4) == 0, h.random.IntN(2) == 0
	err := h.run()
	h.Scenes = h.see()
	return h, err
}

func (h *History) run() error {
	var here *device
	a := newAuthor(h.random, func(id string) []byte { return here.see(id) })
	entries := 4 + h.random.IntN(9)
	if h.random.IntN(32) == 0 {
		entries = most
	}
	for tries := 0; len(h.Records) < entries && tries < 4*entries; tries++ {
		here = h.devices[h.random.IntN(len(h.devices))]
		if err := h.before(here); err != nil {
			return err
		}
		body := a.body()
		if tries == 0 {
			body = a.first()
		}
		if err := h.write(here, body); err != nil {
			return err
		}
		if len(h.Records) < entries && h.random.IntN(16) == 0 {
			if err := h.undo(here); err != nil {
				return err
			}
		}
		if h.forging && len(h.Records) > 0 && len(h.Records) < entries && h.random.IntN(3) == 0 {
			h.forged |= 1 << len(h.Records)
			h.add(forge(h.random, h.Records), 0)
		}
	}
	return nil
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
	switch h.random.IntN(16) {
	case 0:
		h.copied = true
		h.devices = append(h.devices, d.clone())
		h.trace("%s is copied", d.writer)
	case 1:
		d.runs = &setlog.Runs{} // a restart
	}
	return h.sync(d)
}

// sync brings a device some of the entries that it lacks, in any order: none, all, or each or not.
func (h *History) sync(d *device) error {
	lacking := d.lacks(len(h.Records))
	h.random.Shuffle(len(lacking), func(i, j int) { lacking[i], lacking[j] = lacking[j], lacking[i] })
	how := h.random.IntN(4)
	if h.aloof && len(d.held) > 2 && h.random.IntN(3) > 0 {
		return nil
	}
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
	var before moment
	if err == nil {
		before = d.look()
		r, err = d.compose(h.now, setlog.Salt(h.salts.Uint64()), actions)
	}
	refusal := (*setlog.Refusal)(nil)
	switch {
	case err == nil:
		h.trace("%s appends %s", d.writer, body)
		return h.accept(d, *r, before, body)
	case errors.As(err, &refusal):
		h.trace("%s is refused %s: %v", d.writer, body, err)
		h.Tally.refuse(body, refusal.Position)
		if h.forging {
			return nil // a forged stamp or count may leave none above it
		}
		return checkTaken(body, err)
	case errors.Is(err, setlog.ErrUnchanged):
		h.trace("%s changes nothing by %s", d.writer, body)
		h.Tally.count(actions[0].Type).Unchanged++
		return checkIntent(before, d, body, "")
	}
	return fmt.Errorf("%s: %w", body, err)
}

// accept adds an entry that a device made of what a caller sent.
func (h *History) accept(d *device, r judge.Record, before moment, body string) error {
	saw := d.bits()
	stamped := h.checkStamp(d, r)
	d.held, d.before = append(d.held, len(h.Records)), before
	h.Tally.accept(r.Actions)
	h.add(r, saw)
	first := r.Actions[0]
	if stamped != nil || h.forging || h.copied && first.Type == setlog.Increment {
		return stamped // others may use the ids and the totals of the writer's runs
	}
	return checkIntent(before, d, body, string(r.Line))
}

func (h *History) add(r judge.Record, saw uint64) {
	h.trace("  entry %d: %s", len(h.Records), r)
	h.Records = append(h.Records, r)
	h.saw = append(h.saw, saw)
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
