package faulty

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"sync"

	"github.com/setlogger/setlogger/remote"
)

// Options of a Storage; the zero value has no faults.
type Options struct {
	// Seed picks the history: the nth call of a verb on a name meets the same fault whatever runs beside it.
	Seed uint64
	// Chance of each fault, 0 to 1, for every call that can carry it. A call meets at most one.
	Chance map[Fault]float64
	// Omitted is the share of names that Omit leaves out; 0 means 0.3.
	Omitted float64
	// LagCalls is how many calls Lag hides a file for; 0 means 5. Reorder hides it four times that at most. Returns brings
	// one back after as many.
	LagCalls int
	// Burst is how many calls Busy refuses, once it is met by chance; 0 means that one.
	Burst int
	// Stray answers the foreign name that Stray shows and Copied stores, of a name; nil is a conflict copy like Dropbox's.
	Stray func(name string) string
	// Refuses answers why the place does not take a name; nil takes all. Such a Write answers ErrName.
	Refuses func(name string) error
}

// Once is a scripted fault: the next call that matches meets it.
type Once struct {
	Fault Fault
	Name  string   // the file, or List's folder; "" is any
	Skip  int      // matching calls to let pass first
	At    int      // Short, BrokenUpload, Cut: the bytes that arrive, if fewer than all
	Omit  []string // Omit: the names left out; nil takes Options.Omitted of them
}

// Requests counts the calls that reached the Storage, refused ones too.
type Requests struct{ Lists, Reads, Writes, Removes int }

// Storage is a remote.Storage that fails on purpose. Safe for concurrent use.
type Storage struct {
	under remote.Storage

	mu       sync.Mutex
	options  Options
	script   []Once
	counts   map[Fault]int
	requests Requests
	nth      map[string]uint64
	calls    int
	hidden   map[string]hiding
	there    map[string]bool   // names written and not removed since
	copies   map[string]int64  // files under other names, with their sizes
	doubles  map[string][]byte // older files of a name
	back     map[string]revenant
	burst    int // calls that are still refused
	refused  int // names
	removes  int // Removes so far
	shown    int // Removes that a List has shown
}

// hiding says until when a file does not show.
type hiding struct {
	call   int // the first call that sees it
	remove int // Reorder: or the first Remove that, once shown, uncovers it; 0 is none
}

// New wraps a Storage.
func New(under remote.Storage, o Options) *Storage {
	return &Storage{
		under: under, options: o,
		counts: map[Fault]int{}, nth: map[string]uint64{}, hidden: map[string]hiding{}, there: map[string]bool{},
		copies: map[string]int64{}, doubles: map[string][]byte{}, back: map[string]revenant{},
	}
}

// Set replaces the options from the next call on.
func (s *Storage) Set(o Options) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.options = o
}

// Script adds one-shot faults; of those that match a call, the oldest is met.
func (s *Storage) Script(faults ...Once) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = append(s.script, faults...)
}

// Heal ends all faults: no more chances, no script, nothing hidden; what is to return is back. What was stored wrongly
// stays so, save that of two files of a name the newer one is left.
func (s *Storage) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bringBack(true)
	clear(s.doubles)
	s.burst = 0
	s.options = Options{}
	s.script = nil
	clear(s.hidden)
}

// Counts answers how often each fault was met.
func (s *Storage) Counts() map[Fault]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.counts)
}

// Requests answers the calls so far.
func (s *Storage) Requests() Requests {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// List yields what the wrapped Storage lists, less what is hidden, with at most one fault.
func (s *Storage) List(ctx context.Context, folder string) iter.Seq2[remote.Object, error] {
	return func(yield func(remote.Object, error) bool) {
		objects, err := s.list(ctx, folder)
		for _, o := range objects {
			if !yield(o, nil) {
				return
			}
		}
		if err != nil {
			yield(remote.Object{}, err)
		}
	}
}

// Read answers the content, or nothing while the file is hidden, with at most one fault.
func (s *Storage) Read(ctx context.Context, name string) ([]byte, error) {
	m := s.meet(read, name)
	if err := m.refusal(); err != nil {
		return nil, err
	}
	if s.isHidden(name) {
		return nil, fmt.Errorf("read %s: %w", name, remote.ErrNotExist)
	}
	data, err := s.under.Read(ctx, name)
	if err != nil {
		return nil, err
	}
	data = s.either(m, data)
	switch m.fault {
	case HTML:
		return []byte("<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Please sign in.</body></html>\n"), nil
	case Zeros:
		return make([]byte, len(data)), nil
	case Short:
		return data[:m.cut(len(data))], nil
	default:
		return data, nil
	}
}

// Write stores the content, part of it or none, with at most one fault.
func (s *Storage) Write(ctx context.Context, name string, data []byte) error {
	m := s.meet(write, name)
	if err := cmp.Or(s.refuse(name), m.refusal()); err != nil {
		return err
	}
	stored, answer := data, error(nil)
	switch m.fault {
	case LostAnswer:
		answer = m.wrap(remote.ErrUnreachable)
	case KeptBody:
		answer = m.wrap(remote.ErrDenied)
	case BrokenUpload:
		stored, answer = data[:m.cut(len(data))], m.wrap(remote.ErrUnreachable)
	case Cut:
		stored = data[:m.cut(len(data))]
	case WrittenZeros:
		stored = make([]byte, len(data))
	case Lag, Reorder:
		s.hide(name, m)
	case Copied, Doubled:
		if done := s.beside(ctx, m, data); done {
			return nil
		}
	default:
	}
	if err := s.under.Write(ctx, name, stored); err != nil {
		return err
	}
	s.mu.Lock()
	s.there[name] = true
	s.mu.Unlock()
	return answer
}

// Remove deletes the file at once, hidden or not.
func (s *Storage) Remove(ctx context.Context, name string) error {
	m := s.meet(remove, name)
	if err := m.refusal(); err != nil {
		return err
	}
	if s.takeOne(ctx, name) {
		return nil
	}
	if m.fault == Returns {
		s.haunt(ctx, name)
	}
	if err := s.under.Remove(ctx, name); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.hidden, name)
	delete(s.there, name)
	s.removes++
	return nil
}
