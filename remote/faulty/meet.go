package faulty

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
)

// met is one call with the fault it meets, if any, and chance for its details.
type met struct {
	verb  verb
	name  string
	fault Fault
	once  *Once // nil when chance chose it
	rng   *rand.Rand
}

// meet counts the call and picks its fault.
func (s *Storage) meet(v verb, name string) met {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	s.bringBack(false)
	s.requests.add(v)
	key := fmt.Sprint(v, " ", name)
	s.nth[key]++
	h := fnv.New64a()
	_, _ = h.Write([]byte(key))
	m := met{verb: v, name: name, rng: rand.New(rand.NewPCG(s.options.Seed^h.Sum64(), s.nth[key]))}
	if m.once = s.scripted(v, name); m.once != nil {
		m.fault = m.once.Fault
	} else if m.fault = s.options.draw(v, m.rng); s.burst > 0 {
		s.burst--
		m.fault = Busy
	} else if m.fault == Busy {
		s.burst = max(s.options.Burst-1, 0)
	}
	if m.fault != 0 {
		s.counts[m.fault]++
	}
	return m
}

func (s *Storage) scripted(v verb, name string) *Once {
	for i := range s.script {
		o := &s.script[i]
		if !o.Fault.carries(v) || (o.Name != "" && o.Name != name) {
			continue
		}
		if o.Skip > 0 {
			o.Skip--
			continue
		}
		found := *o
		s.script = append(s.script[:i:i], s.script[i+1:]...)
		return &found
	}
	return nil
}

// draw lays the chances end to end in [0, 1): one number decides, and what is left over is no fault.
func (o Options) draw(v verb, rng *rand.Rand) Fault {
	at := rng.Float64()
	for f := Omit; f < end; f++ {
		if !f.carries(v) {
			continue
		}
		if at -= o.Chance[f]; at < 0 {
			return f
		}
	}
	return 0
}

func (r *Requests) add(v verb) {
	switch v {
	case list:
		r.Lists++
	case read:
		r.Reads++
	case write:
		r.Writes++
	case remove:
		r.Removes++
	}
}

func (m met) refusal() error {
	if err := m.fault.refusal(); err != nil {
		return m.wrap(err)
	}
	return nil
}

func (m met) wrap(err error) error {
	return &failure{m.fault, fmt.Errorf("%s %s: %w (%s)", m.verb, m.name, err, m.fault)}
}

// failure is an error that a fault made.
type failure struct {
	fault Fault
	error
}

// Unwrap answers what it is of.
func (f *failure) Unwrap() error { return f.error }

// Of answers the fault that made an error, 0 where none did.
func Of(err error) Fault {
	if f, ok := errors.AsType[*failure](err); ok {
		return f.fault
	}
	return 0
}

// cut answers how many of n bytes arrive: scripted, or any number below n.
func (m met) cut(n int) int {
	if m.once != nil {
		return min(m.once.At, n)
	}
	return m.rng.IntN(max(n, 1))
}
