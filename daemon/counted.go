package daemon

import (
	"context"
	"iter"

	"github.com/setlogger/setlogger/remote"
)

// countedStorage counts the calls of a remote.
type countedStorage struct {
	remote.Storage

	name    string
	metrics *metrics
	echoes  *echoes // nil: nobody hears of what is written
}

func (s *countedStorage) note(verb string, err error) {
	s.metrics.calls.WithLabelValues(s.name, verb, outcomeOf(err)).Inc()
}

// List is one call, however many pages the remote makes of it.
func (s *countedStorage) List(ctx context.Context, folder string) iter.Seq2[remote.Object, error] {
	return func(yield func(remote.Object, error) bool) {
		var failed error
		defer func() { s.note("list", failed) }()
		for object, err := range s.Storage.List(ctx, folder) {
			if failed = err; !yield(object, err) {
				return
			}
		}
	}
}

// Read counts the bytes that came.
func (s *countedStorage) Read(ctx context.Context, name string) ([]byte, error) {
	data, err := s.Storage.Read(ctx, name)
	s.note("read", err)
	s.metrics.received.WithLabelValues(s.name).Add(float64(len(data)))
	return data, err
}

// Write counts the bytes that the remote has taken.
func (s *countedStorage) Write(ctx context.Context, name string, data []byte) error {
	s.echoes.expect(name)
	err := s.Storage.Write(ctx, name, data)
	s.note("write", err)
	if err == nil {
		s.metrics.sent.WithLabelValues(s.name).Add(float64(len(data)))
	}
	return err
}

// Remove counts the call.
func (s *countedStorage) Remove(ctx context.Context, name string) error {
	err := s.Storage.Remove(ctx, name)
	s.note("remove", err)
	return err
}
