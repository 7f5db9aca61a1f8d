package disk

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/setlogger/setlogger/remote"
)

// temporary begins the names of files that are being written. The underscore keeps them apart from every good name.
const temporary = ".setlogger_"

// stale is by how much a temporary file must be older than one just written beside it to be nobody's any more. Both
// times are the file server's, so no clock need be right.
const stale = time.Hour

// Write stores the content under a temporary name, waits until it is on the disk, and only then gives it its name.
func (s *Storage) Write(ctx context.Context, name string, data []byte) (err error) {
	defer failing("write", name, &err)
	if len(data) > remote.MaxFile {
		return remote.ErrTooLarge
	}
	root, err := s.open(ctx, remote.CheckName(name))
	if err != nil {
		return err
	}
	defer closing(root, &err)
	folder := path.Dir(name)
	if err := makeFolder(root, folder); err != nil {
		return err
	}
	temp := path.Join(folder, temporary+rand.Text())
	if err := s.store(ctx, root, temp, data); err != nil {
		return errors.Join(err, removeTemporary(root, temp))
	}
	s.sweep(root, folder, temp)
	if err := root.Rename(temp, name); err != nil {
		return errors.Join(err, removeTemporary(root, temp))
	}
	return syncFolder(root, folder)
}

// store writes a new file and waits until it is on the disk.
func (s *Storage) store(ctx context.Context, root *os.Root, temp string, data []byte) (err error) {
	f, err := root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	defer closing(f, &err)
	for len(data) > 0 {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := f.Write(data[:min(slice, len(data))])
		if err != nil {
			return err
		}
		data = data[n:]
	}
	if err := f.Sync(); err != nil {
		return err
	}
	return ctx.Err()
}

func removeTemporary(root *os.Root, temp string) error {
	if err := root.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// sweep removes what interrupted writes left in the folder, once a process; just is the file written this moment.
func (s *Storage) sweep(root *os.Root, folder, just string) {
	if _, done := s.swept.LoadOrStore(folder, true); done {
		return
	}
	now, err := root.Stat(just)
	if err != nil {
		return
	}
	entries, err := fs.ReadDir(root.FS(), folder)
	if err != nil {
		return
	}
	for _, e := range entries {
		info, err := e.Info()
		if isTemporary(e.Name()) && err == nil && info.Mode().IsRegular() && now.ModTime().Sub(info.ModTime()) > stale {
			_ = root.Remove(path.Join(folder, e.Name()))
		}
	}
}

func isTemporary(step string) bool { return strings.HasPrefix(step, temporary) }

// makeFolder makes what is missing of the folder, durably.
func makeFolder(root *os.Root, folder string) error {
	if _, err := root.Stat(folder); err == nil {
		return nil
	}
	if err := root.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	for ; folder != "."; folder = path.Dir(folder) {
		if err := syncFolder(root, folder); err != nil {
			return err
		}
	}
	return syncFolder(root, ".")
}

// syncFolder waits until the folder's names are on the disk.
func syncFolder(root *os.Root, folder string) error {
	f, err := root.Open(folder)
	if err != nil {
		return err
	}
	return syncClose(f)
}

func syncPath(folder string) error {
	f, err := os.Open(folder)
	if err != nil {
		return err
	}
	return syncClose(f)
}

// syncClose syncs a folder where the system can: Windows has no such call, and some network and FUSE file systems
// refuse it.
func syncClose(f *os.File) (err error) {
	defer closing(f, &err)
	if runtime.GOOS == "windows" {
		return nil
	}
	err = f.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		return nil
	}
	return err
}

func parent(root string) string { return filepath.Dir(filepath.Clean(root)) }
