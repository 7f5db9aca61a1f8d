package faulty

import (
	"context"
	"slices"
	"strings"

	"github.com/setlogger/setlogger/remote"
)

// list takes the whole listing below, then spoils it.
func (s *Storage) list(ctx context.Context, folder string) ([]remote.Object, error) {
	m := s.meet(list, folder)
	if err := m.refusal(); err != nil {
		return nil, err
	}
	var objects []remote.Object
	for o, err := range s.under.List(ctx, folder) {
		if err != nil {
			return objects, err
		}
		objects = append(objects, o)
	}
	// Backends differ in order; with one order the same seed spoils the same names.
	slices.SortFunc(objects, func(a, b remote.Object) int { return strings.Compare(a.Name, b.Name) })
	return s.spoil(m, s.withMore(folder, s.visible(objects)))
}

func (s *Storage) spoil(m met, objects []remote.Object) ([]remote.Object, error) {
	some := m.rng.IntN(max(len(objects), 1))
	switch m.fault {
	case Omit:
		return s.omit(m, objects), nil
	case Empty:
		return nil, nil
	case Twice:
		if len(objects) > 0 {
			objects = append(objects, objects[some])
		}
	case Upper:
		if len(objects) > 0 {
			objects[some].Name = strings.ToUpper(objects[some].Name)
		}
	case Stray:
		name := remote.Join(m.name, "share.json")
		if len(objects) > 0 {
			name = objects[some].Name
		}
		objects = append(objects, remote.Object{Name: s.strayName(name), Size: 17})
	case Broken:
		return objects[:some], m.wrap(remote.ErrUnreachable)
	default:
	}
	return objects, nil
}

func (s *Storage) omit(m met, objects []remote.Object) []remote.Object {
	s.mu.Lock()
	omitted := s.options.Omitted
	s.mu.Unlock()
	if omitted == 0 {
		omitted = 0.3
	}
	return slices.DeleteFunc(objects, func(o remote.Object) bool {
		if m.once != nil && m.once.Omit != nil {
			return slices.Contains(m.once.Omit, o.Name)
		}
		return m.rng.Float64() < omitted
	})
}

// visible drops what is hidden, and notes that the Removes so far have now been shown.
func (s *Storage) visible(objects []remote.Object) []remote.Object {
	objects = slices.DeleteFunc(objects, func(o remote.Object) bool { return s.isHidden(o.Name) })
	s.mu.Lock()
	defer s.mu.Unlock()
	s.shown = s.removes
	return objects
}

// hide starts the lag of a file that does not show yet; one that shows stays.
func (s *Storage) hide(name string, m met) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.there[name] {
		s.counts[m.fault]--
		return
	}
	lag := s.options.lag()
	h := hiding{call: s.calls + lag + 1}
	if m.fault == Reorder {
		h = hiding{call: s.calls + 4*lag + 1, remove: s.removes + 1}
	}
	s.hidden[name] = h
}

func (s *Storage) isHidden(name string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, ok := s.hidden[name]
	if !ok {
		return false
	}
	if s.calls >= h.call || (h.remove > 0 && s.shown >= h.remove) {
		delete(s.hidden, name)
		return false
	}
	return true
}

// lag is how many calls a file is hidden for.
func (o Options) lag() int {
	if o.LagCalls == 0 {
		return 5
	}
	return o.LagCalls
}
