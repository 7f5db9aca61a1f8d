package disk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"strings"
	"sync"
	"syscall"

	"github.com/setlogger/setlogger/remote"
)

// Storage is a remote.Storage over one folder, which other programs and devices may write to as well (a synced folder,
// a network share, a stick). Links that lead out of the folder are not followed. Safe for concurrent use.
type Storage struct {
	root  string
	swept sync.Map // folder → true once its stale temporary files are gone
}

// New answers the Storage below root, an absolute path. Nothing is opened: the folder may come and go.
func New(root string) *Storage { return &Storage{root: root} }

// Make makes the root, and the folders above it, durably.
func Make(root string) error {
	if err := os.MkdirAll(root, 0o777); err != nil {
		return failure("make", root, err)
	}
	if err := syncPath(root); err != nil {
		return failure("make", root, err)
	}
	// The folder above may be another's, unreadable to us; then its own name is the system's to keep.
	_ = syncPath(parent(root))
	return nil
}

// List yields the files of one reading of the folder; links to files count as files.
func (s *Storage) List(ctx context.Context, folder string) iter.Seq2[remote.Object, error] {
	return func(yield func(remote.Object, error) bool) {
		objects, err := s.list(ctx, folder)
		for _, o := range objects {
			if !yield(o, nil) {
				return
			}
		}
		if err != nil {
			yield(remote.Object{}, failure("list", folder, err))
		}
	}
}

func (s *Storage) list(ctx context.Context, folder string) (objects []remote.Object, err error) {
	root, err := s.open(ctx, remote.CheckFolder(folder))
	if err != nil {
		return nil, err
	}
	defer closing(root, &err)
	entries, err := fs.ReadDir(root.FS(), path.Join(".", folder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if e.IsDir() || isTemporary(e.Name()) {
			continue
		}
		// A file may go between the reading and this look at it, and a link may lead nowhere.
		info, err := root.Stat(path.Join(folder, e.Name()))
		if err == nil && info.Mode().IsRegular() {
			objects = append(objects, remote.Object{Name: remote.Join(folder, e.Name()), Size: info.Size()})
		}
	}
	return objects, ctx.Err()
}

// Read answers the content of a regular file; whatever else has the name counts as absent.
func (s *Storage) Read(ctx context.Context, name string) (data []byte, err error) {
	defer failing("read", name, &err)
	root, err := s.open(ctx, remote.CheckName(name))
	if err != nil {
		return nil, err
	}
	defer closing(root, &err)
	// Looked at before it is opened: to open a named pipe would wait for its writer.
	info, err := root.Stat(name)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, remote.ErrNotExist
	case info.Size() > remote.MaxFile:
		return nil, remote.ErrTooLarge
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer closing(f, &err)
	data = make([]byte, 0, info.Size()+1)
	data, err = readAll(ctx, data, io.LimitReader(f, remote.MaxFile+1))
	if err == nil && len(data) > remote.MaxFile {
		return nil, remote.ErrTooLarge
	}
	return data, err
}

// Remove deletes the file, durably.
func (s *Storage) Remove(ctx context.Context, name string) (err error) {
	defer failing("remove", name, &err)
	root, err := s.open(ctx, remote.CheckName(name))
	if err != nil {
		return err
	}
	defer closing(root, &err)
	if info, err := root.Lstat(name); err == nil && info.IsDir() {
		return nil
	}
	err = root.Remove(name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil
	}
	if err != nil {
		return err
	}
	return syncFolder(root, path.Dir(name))
}

// open opens the root for one call. It is not kept open: an open folder outlives its name, and would keep its disk from
// being unmounted.
func (s *Storage) open(ctx context.Context, nameErr error) (*os.Root, error) {
	if err := errors.Join(nameErr, ctx.Err()); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(s.root)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, fmt.Errorf("%w: no folder %s", remote.ErrVanished, s.root)
	}
	return root, err
}

// slice is how many bytes go between two looks at the context.
const slice = 1 << 20

func readAll(ctx context.Context, data []byte, r io.Reader) ([]byte, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if len(data) == cap(data) {
			data = append(data, 0)[:len(data)]
		}
		n, err := r.Read(data[len(data):min(cap(data), len(data)+slice)])
		data = data[:len(data)+n]
		if errors.Is(err, io.EOF) {
			return data, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// failing is failure for a deferred call.
func failing(verb, name string, err *error) {
	if *err != nil {
		*err = failure(verb, name, *err)
	}
}

// failure says what was tried and which of remote's errors it is.
func failure(verb, name string, err error) error {
	for _, known := range []error{
		remote.ErrName, remote.ErrNotExist, remote.ErrTooLarge, remote.ErrUnreachable, context.Canceled, context.DeadlineExceeded,
	} {
		if errors.Is(err, known) {
			return fmt.Errorf("%s: %w", strings.TrimSpace(verb+" "+name), err)
		}
	}
	kind := remote.ErrUnreachable
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR):
		kind = remote.ErrNotExist
	case isFull(err):
		kind = remote.ErrFull
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS), strings.Contains(err.Error(), "path escapes"):
		kind = remote.ErrDenied
	}
	return fmt.Errorf("%s: %w: %w", strings.TrimSpace(verb+" "+name), kind, err)
}

func closing(c io.Closer, err *error) {
	if e := c.Close(); *err == nil {
		*err = e
	}
}
