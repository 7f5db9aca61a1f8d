package fleet

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/setlogger/setlogger/remote/faulty"
)

// Plan is a history before it is played. Any of its steps may be left out: what is left is a plan, too.
type Plan struct {
	Seed    uint64
	Devices int
	Keep    string             // keepHistory of the bucket
	Publish bool               // a view of it is kept
	Limit   int                // entries of the log before an index is written
	Nodes   int                // of a chunk
	Place   faulty.Personality // how the remote fails by itself, all the time; none where it has no name
	Steps   []Step
}

// Step is one thing that happens.
type Step struct {
	Do     Deed
	Device int
	Fault  Fault
	N      int           // chooses how
	Time   time.Duration // that passes, or that it lasts
	Bodies []string      // of the requests of an Act
}

// Deed is what happens in a step.
type Deed int

// The deeds.
const (
	Act     Deed = iota // a device appends
	Sync                // a device makes a round
	Compact             // a device is to write an index at its next round
	Pass                // time passes
	Strike              // a fault begins, or happens
	Ease                // a fault ends
)

// String is the step in one line.
func (s Step) String() string {
	switch s.Do {
	case Act:
		return fmt.Sprintf("device %d appends %s", s.Device, strings.Join(s.Bodies, " "))
	case Sync:
		return fmt.Sprintf("device %d syncs", s.Device)
	case Compact:
		return fmt.Sprintf("device %d is to compact", s.Device)
	case Pass:
		return fmt.Sprintf("%v pass", s.Time)
	case Strike:
		return fmt.Sprintf("fault %d, %v, device %d, variant %d", s.Fault, s.Fault, s.Device, s.N)
	}
	return fmt.Sprintf("fault %d, %v, ends", s.Fault, s.Fault)
}

// NewPlan makes the plan of a seed. Of the faults given at least one strikes; none given stands for all.
func NewPlan(seed uint64, wanted ...Fault) *Plan {
	random := rand.New(rand.NewPCG(seed, 25))
	p := &Plan{Seed: seed, Devices: 3 + random.IntN(4)/3, Limit: 30 + random.IntN(70), Nodes: max(10, 2+random.IntN(40))}
	p.Keep = []string{"remote", "local", "none", "none"}[random.IntN(4)]
	p.Publish = p.Seed%4 == 0 // by no chance, so that the plans of seeds stay what they were
	m := newMaker(p)
	m.chooseFaults(wanted)
	m.live()
	return p
}

// At answers the same plan over a remote of some kind.
func (p *Plan) At(place faulty.Personality) *Plan {
	q := *p
	q.Place = place
	return &q
}

// maker makes a plan day by day.
type maker struct {
	plan   *Plan
	random *rand.Rand
	strike map[int][]Fault // by day
	until  map[int][]Step  // ends of what lasts, by day
	serial int
	ids    int // nodes that appends choose from
}

func newMaker(p *Plan) *maker {
	return &maker{plan: p, random: rand.New(rand.NewPCG(p.Seed, 27)), until: map[int][]Step{}, ids: 8}
}

// days of a history in which devices are used.
const days = 10

// chooseFaults sets the days on which faults strike.
func (m *maker) chooseFaults(wanted []Fault) {
	m.strike = map[int][]Fault{}
	if len(wanted) == 0 {
		for f := 1; f <= faults; f++ {
			wanted = append(wanted, Fault(f))
		}
		if m.plan.Seed%3 == 0 { // logs that fork are rare, and hard
			wanted = append(wanted, slices.Repeat([]Fault{ClonedDevice, OldBackup}, faults/2)...)
		}
	}
	n := 6 + m.random.IntN(5)
	for i := range n {
		day := 1 + m.random.IntN(days-3)
		f := wanted[m.random.IntN(len(wanted))]
		if i < len(wanted) && len(wanted) < faults { // each of them at least once
			f = wanted[i]
		}
		m.strike[day] = append(m.strike[day], f)
	}
}

func (m *maker) add(steps ...Step) { m.plan.Steps = append(m.plan.Steps, steps...) }

func (m *maker) live() {
	for day := range days {
		m.add(m.until[day]...)
		for _, f := range m.strike[day] {
			m.begin(day, f)
		}
		m.day()
	}
}

// begin lets a fault strike, for some days if it lasts.
func (m *maker) begin(day int, f Fault) {
	s := Step{Do: Strike, Fault: f, Device: m.random.IntN(m.plan.Devices), N: m.random.IntN(1 << 16)}
	m.add(s)
	if f == TwoAtOnce || f == PausedCollector { // there is to be something to collect
		m.add(Step{Do: Compact, Device: (s.Device + 1) % m.plan.Devices})
	}
	end := min(day+1+m.random.IntN(4), days-1)
	m.until[end] = append(m.until[end], Step{Do: Ease, Fault: f, Device: s.Device, N: s.N})
}

// day lets every device write now and then, and sync.
func (m *maker) day() {
	var today []Step
	for d := range m.plan.Devices {
		if m.random.IntN(10) < 8 {
			today = append(today, Step{Do: Act, Device: d, Bodies: m.bodies()})
		}
		for range 1 + m.random.IntN(3)/2 {
			today = append(today, Step{Do: Sync, Device: d})
		}
		if m.random.IntN(12) == 0 {
			today = append(today, Step{Do: Compact, Device: d})
		}
	}
	m.random.Shuffle(len(today), func(i, j int) { today[i], today[j] = today[j], today[i] })
	for _, s := range today {
		m.add(s)
		if s.Do == Sync {
			m.add(Step{Do: Pass, Time: time.Duration(1+m.random.IntN(6)) * time.Hour})
		}
	}
	if m.random.IntN(3) == 0 {
		m.add(Step{Do: Pass, Time: 48 * time.Hour})
	}
}

// bodies are what an app sends: requests of an entry each.
func (m *maker) bodies() []string {
	bodies := make([]string, 10+m.random.IntN(5))
	for i := range bodies {
		m.serial++
		bodies[i] = m.body(fmt.Sprintf("n%d", m.random.IntN(m.ids)))
	}
	m.serial++
	return append(bodies, fmt.Sprintf(`{"type":"ARRAY_INSERT","id":"kept","path":["list"],"index":0,"values":["v%d"]}`, m.serial))
}

func (m *maker) body(id string) string {
	at := m.random.IntN(3)
	switch m.random.IntN(12) {
	case 0:
		return fmt.Sprintf(`{"type":"DELETE_NODE","id":%q}`, id)
	case 1, 2:
		return fmt.Sprintf(`{"type":"INCREMENT","id":%q,"path":["count"],"by":%d}`, id, 1+at)
	case 3:
		return fmt.Sprintf(`{"type":"ARRAY_INSERT","id":%q,"path":["list"],"index":0,"values":[%d,%d]}`, id, m.serial, -m.serial)
	case 4:
		return fmt.Sprintf(`{"type":"ARRAY_REMOVE","id":%q,"path":["list"],"index":%d}`, id, at)
	case 5:
		return fmt.Sprintf(`{"type":"ARRAY_MOVE","id":%q,"path":["list"],"index":%d,"to":0}`, id, at)
	case 6:
		return fmt.Sprintf(`{"actions":[{"type":"SET_PROPERTY","id":"kept","path":["by",%q],"value":%d},{"type":"CREATE_NODE","id":%q}]}`, id, m.serial, id)
	case 7:
		return undo
	case 8, 9:
		return fmt.Sprintf(`{"type":"SET_PROPERTY","id":%q,"path":["a","b%d"],"value":%d}`, id, at, m.serial)
	}
	return fmt.Sprintf(`{"type":"CREATE_NODE","id":%q,"properties":{"a":{"b0":%d},"n":%d}}`, id, m.serial, at)
}

// undo stands for an undo of the device's last entry.
const undo = "undo"

// without answers the plan less some of its steps.
func (p *Plan) without(from, to int) *Plan {
	q := *p
	q.Steps = slices.Delete(slices.Clone(p.Steps), from, to)
	return &q
}
