package daemon

import (
	"context"
	"errors"
	"iter"
	"sync"
	"time"

	"github.com/setlogger/setlogger/remote"
)

// countedStorage counts the calls of a remote, and makes none while it is paused.
type countedStorage struct {
	remote.Storage

	name    string
	metrics *metrics
	echoes  *echoes // nil: nobody hears of what is written
	budget  *budget
	valve   *valve
}

// note counts a call. One that the valve ended has sent its request all the same.
func (s *countedStorage) note(verb string, spent requests, err error) {
	s.budget.spend(time.Now(), spent)
	s.metrics.calls.WithLabelValues(s.name, verb, outcomeOf(err)).Inc()
}

// List is one call, and a request for each page that an object store would make of it.
func (s *countedStorage) List(ctx context.Context, folder string) iter.Seq2[remote.Object, error] {
	return func(yield func(remote.Object, error) bool) {
		ctx, leave, ok := s.valve.enter(ctx)
		defer leave()
		if !ok {
			yield(remote.Object{}, pausedError{s.name})
			return
		}
		var failed error
		names := 0
		defer func() { s.note("list", requests{writes: max(1, (names+listPage-1)/listPage)}, failed) }()
		for object, err := range s.Storage.List(ctx, folder) {
			names++
			if failed = err; !yield(object, s.of(err)) {
				return
			}
		}
	}
}

// of is an error of a call, or that of the pause which ended it.
func (s *countedStorage) of(err error) error {
	if errors.Is(err, context.Canceled) && s.valve.closed.Load() {
		return pausedError{s.name}
	}
	return err
}

// Read counts the bytes that came.
func (s *countedStorage) Read(ctx context.Context, name string) ([]byte, error) {
	ctx, leave, ok := s.valve.enter(ctx)
	defer leave()
	if !ok {
		return nil, pausedError{s.name}
	}
	data, err := s.Storage.Read(ctx, name)
	s.note("read", requests{reads: 1}, err)
	s.metrics.received.WithLabelValues(s.name).Add(float64(len(data)))
	return data, s.of(err)
}

// Tell implements remote.Teller. Of its requests the remote alone knows: one is counted for each time that news may have been
// asked for.
func (s *countedStorage) Tell(ctx context.Context, hint func(name string)) error {
	teller, ok := s.Storage.(remote.Teller)
	if !ok {
		return remote.ErrSilent
	}
	ctx, leave, ok := s.valve.enter(ctx)
	defer leave()
	if !ok {
		return pausedError{s.name}
	}
	ctx, stop := context.WithCancel(ctx)
	var counting sync.WaitGroup
	counting.Go(func() {
		for rest(ctx, remote.TellEvery) {
			s.note("tell", requests{reads: 1}, nil)
		}
	})
	err := teller.Tell(ctx, hint)
	stop()
	counting.Wait()
	return s.of(err)
}

// Write counts the bytes that the remote has taken.
func (s *countedStorage) Write(ctx context.Context, name string, data []byte) error {
	ctx, leave, ok := s.valve.enter(ctx)
	defer leave()
	if !ok {
		return pausedError{s.name}
	}
	s.echoes.expect(name)
	err := s.Storage.Write(ctx, name, data)
	s.note("write", requests{writes: 1}, err)
	if err == nil {
		s.metrics.sent.WithLabelValues(s.name).Add(float64(len(data)))
	}
	return s.of(err)
}

// Remove counts the call.
func (s *countedStorage) Remove(ctx context.Context, name string) error {
	ctx, leave, ok := s.valve.enter(ctx)
	defer leave()
	if !ok {
		return pausedError{s.name}
	}
	err := s.Storage.Remove(ctx, name)
	s.note("remove", requests{removes: 1}, err)
	return s.of(err)
}
