package faulty

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/setlogger/setlogger/remote"
)

// revenant is a file that was removed and is to come back.
type revenant struct {
	data []byte
	call int // at which it is there again
}

// beside stores what a Write brings to a name that is taken, under another name or, if not done then, under the same. No
// copy is made of the same bytes.
func (s *Storage) beside(ctx context.Context, m met, data []byte) (done bool) {
	old, err := s.under.Read(ctx, m.name)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil || m.fault == Copied && bytes.Equal(old, data) {
		s.counts[m.fault]--
		return false
	}
	if m.fault == Doubled {
		s.doubles[m.name] = old
		return false
	}
	s.copies[s.named(m.name)] = int64(len(data))
	return true
}

// either answers the newer or the older one of two files of a name.
func (s *Storage) either(m met, data []byte) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, ok := s.doubles[m.name]; ok && m.rng.IntN(2) == 0 {
		return old
	}
	return data
}

// takeOne removes the newer one of two files of a name.
func (s *Storage) takeOne(ctx context.Context, name string) bool {
	s.mu.Lock()
	old, ok := s.doubles[name]
	delete(s.doubles, name)
	s.mu.Unlock()
	return ok && s.under.Write(ctx, name, old) == nil
}

// haunt keeps a file that is about to be removed, to bring it back.
func (s *Storage) haunt(ctx context.Context, name string) {
	data, err := s.under.Read(ctx, name)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.counts[Returns]--
		return
	}
	s.back[name] = revenant{data, s.calls + s.options.lag()}
}

// bringBack writes what is due, or all of it. The caller holds the lock.
func (s *Storage) bringBack(all bool) {
	for name, r := range s.back {
		if !all && s.calls < r.call {
			continue
		}
		delete(s.back, name)
		_ = s.under.Write(context.Background(), name, r.data) // where it can't, it stays away
	}
}

// withMore adds the files that a folder shows beyond those below.
func (s *Storage) withMore(folder string, objects []remote.Object) []remote.Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range objects {
		if old, ok := s.doubles[objects[i].Name]; ok {
			objects = append(objects, remote.Object{Name: objects[i].Name, Size: int64(len(old))})
		}
	}
	for _, name := range sorted(s.copies) {
		if in, _ := path.Split(name); strings.TrimSuffix(in, "/") == folder {
			objects = append(objects, remote.Object{Name: name, Size: s.copies[name]})
		}
	}
	return objects
}

func (s *Storage) strayName(name string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.named(name)
}

// named is a foreign name made of one of ours. The caller holds the lock.
func (s *Storage) named(name string) string {
	if s.options.Stray != nil {
		return s.options.Stray(name)
	}
	return conflictedCopy(name)
}

// refuse answers ErrName for a name that the place does not take.
func (s *Storage) refuse(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.options.Refuses == nil {
		return nil
	}
	if why := s.options.Refuses(name); why != nil {
		s.refused++
		return fmt.Errorf("write %s: %w: %w", name, remote.ErrName, why)
	}
	return nil
}

// Refused answers how many Writes failed because of their name.
func (s *Storage) Refused() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused
}
