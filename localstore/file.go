package localstore

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strconv"
	"sync"

	bolt "go.etcd.io/bbolt"
)

// initialMap is how much of a file is mapped from the start: growing a map waits for all readers. On Windows a map
// makes the file as large as itself.
func initialMap() int {
	if runtime.GOOS == "windows" || strconv.IntSize < 64 {
		return 0
	}
	return 256 << 20
}

// createFile makes a file whole or not at all: what a killed process left half-made is made anew.
func createFile(path string, o Options, fill func(tx *bolt.Tx, temporary string) error) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%w: %s", ErrExists, path)
	}
	temporary := path + ".new"
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return writeError(fmt.Errorf("create %s: %w", path, err))
	}
	err := fillFile(temporary, o, fill)
	if err == nil {
		err = os.Rename(temporary, path)
	}
	if err == nil && !o.NoSync {
		err = syncFolder(filepath.Dir(path))
	}
	if err != nil {
		err = writeError(errors.Join(fmt.Errorf("create %s: %w", path, err), ignoreMissing(os.Remove(temporary))))
	}
	return err
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func fillFile(temporary string, o Options, fill func(tx *bolt.Tx, temporary string) error) error {
	// with the map of a later open, a fresh file would be as large as one step of growth
	db, err := bolt.Open(temporary, 0o600, &bolt.Options{Timeout: o.LockTimeout, NoSync: o.NoSync, NoGrowSync: o.NoSync, FreelistType: bolt.FreelistMapType})
	if err != nil {
		return err
	}
	return errors.Join(db.Update(func(tx *bolt.Tx) error { return fill(tx, temporary) }), db.Close())
}

// boltFile is an open file.
type boltFile struct {
	*bolt.DB
	path   string
	handle *os.File

	writing sync.Mutex // held by who writes: after a panic bbolt may never let go of its own lock
	broken  error      // of a write that panicked: nothing more is written
}

// write runs what writes, alone. A panic of bbolt leaves in memory what can't be believed any more.
func (f *boltFile) write(do func() error) error {
	f.writing.Lock()
	defer f.writing.Unlock()
	if f.broken != nil {
		return f.broken
	}
	ended := false
	err := guard(f.path, func() error {
		err := do()
		ended = true
		return err
	})
	if !ended {
		f.broken = err
	}
	return err
}

// close lets go of the file.
func (f *boltFile) close() error {
	f.writing.Lock()
	defer f.writing.Unlock()
	if f.broken != nil {
		return abandon(f.handle)
	}
	return f.Close()
}

// openFile opens a file that createFile made. A file that ends early faults in bbolt's map, which is answered as an
// error.
func openFile(path string, o Options) (opened *boltFile, err error) {
	if _, err := os.Stat(path); err != nil {
		return nil, openError(path, err)
	}
	var file *os.File
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if fault := recover(); fault != nil {
			opened, err = nil, errors.Join(corrupt(path, fault), abandon(file))
		}
	}()
	db, err := bolt.Open(path, 0o600, &bolt.Options{
		Timeout: o.LockTimeout, NoSync: o.NoSync, NoGrowSync: o.NoSync, FreelistType: bolt.FreelistMapType, InitialMmapSize: o.firstMap, NoStatistics: true,
		OpenFile: func(name string, flag int, mode os.FileMode) (*os.File, error) {
			var err error
			file, err = os.OpenFile(name, flag&^os.O_CREATE, mode)
			return file, err
		},
	})
	if err != nil {
		return nil, openError(path, err)
	}
	if err := db.View(func(tx *bolt.Tx) error { return checkShape(tx, file) }); err != nil {
		return nil, errors.Join(openError(path, err), db.Close())
	}
	return &boltFile{DB: db, path: path, handle: file}, nil
}

// checkShape looks at what bbolt would believe of a file at once.
func checkShape(tx *bolt.Tx, file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	if info.Size() < tx.Size() {
		return fmt.Errorf("%w: it has %d bytes of %d", ErrCorrupt, info.Size(), tx.Size())
	}
	if err := checkHeaders(file, tx); err != nil {
		return fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return nil
}

// guard answers a panic of bbolt, or a fault in its map, as an error: a damaged file stays the trouble of its bucket.
func guard(path string, do func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if fault := recover(); fault != nil {
			err = corrupt(path, fault)
		}
	}()
	return do()
}
