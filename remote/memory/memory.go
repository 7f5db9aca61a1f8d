package memory

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"

	"github.com/setlogger/setlogger/remote"
)

// Storage is a remote.Storage that lags never and forgets everything with the process. Safe for concurrent use.
type Storage struct {
	mu    sync.RWMutex
	files map[string][]byte
}

// New makes an empty Storage.
func New() *Storage { return &Storage{files: map[string][]byte{}} }

// List yields the folder as it was when the sequence began, by name.
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

func (s *Storage) list(ctx context.Context, folder string) ([]remote.Object, error) {
	if err := check(ctx, remote.CheckFolder(folder)); err != nil {
		return nil, err
	}
	prefix := remote.Join(folder, "")
	s.mu.RLock()
	defer s.mu.RUnlock()
	var objects []remote.Object
	for name, data := range s.files {
		if rest, ok := strings.CutPrefix(name, prefix); ok && !strings.Contains(rest, "/") {
			objects = append(objects, remote.Object{Name: name, Size: int64(len(data))})
		}
	}
	slices.SortFunc(objects, func(a, b remote.Object) int { return strings.Compare(a.Name, b.Name) })
	return objects, nil
}

// Read answers a copy of the content.
func (s *Storage) Read(ctx context.Context, name string) ([]byte, error) {
	if err := check(ctx, remote.CheckName(name)); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	data, ok := s.files[name]
	if !ok {
		return nil, fmt.Errorf("read %s: %w", name, remote.ErrNotExist)
	}
	return bytes.Clone(data), nil
}

// Write stores a copy of the content.
func (s *Storage) Write(ctx context.Context, name string, data []byte) error {
	if err := check(ctx, remote.CheckName(name)); err != nil {
		return err
	}
	if len(data) > remote.MaxFile {
		return fmt.Errorf("write %s: %w", name, remote.ErrTooLarge)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[name] = append([]byte{}, data...)
	return nil
}

// Remove deletes the file, if it is there.
func (s *Storage) Remove(ctx context.Context, name string) error {
	if err := check(ctx, remote.CheckName(name)); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.files, name)
	return nil
}

func check(ctx context.Context, nameErr error) error {
	if nameErr != nil {
		return nameErr
	}
	return ctx.Err()
}
