package localstore

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/setlogger/setlogger/setlog"
)

// Errors that a caller tells apart. What wraps them says what to do.
var (
	ErrExists     = errors.New("localstore: the bucket is here already")
	ErrMissing    = errors.New("localstore: not found")
	ErrLocked     = errors.New("localstore: in use by another process")
	ErrNewer      = errors.New("localstore: written by a newer version")
	ErrCorrupt    = errors.New("localstore: damaged file")
	ErrFull       = errors.New("localstore: no room on the disk")
	ErrCommit     = errors.New("localstore: the disk refused the write")
	ErrStopped    = errors.New("localstore: the store is closed")
	ErrClosed     = errors.New("localstore: the bucket was ended by CLOSE")
	ErrMatch      = errors.New("localstore: the node is not at the revision of If-Match")
	ErrUndone     = errors.New("localstore: the entry is undone already")
	ErrKeyReused  = errors.New("localstore: the idempotency key was used for another body")
	ErrGap        = errors.New("localstore: entries before the segment are missing")
	ErrOtherBirth = errors.New("localstore: another bucket of the same name")
	ErrSegment    = errors.New("localstore: not a segment of this bucket")
)

// GapError tells what is missing before a segment can be folded. It is an ErrGap.
type GapError struct {
	Writer   setlog.Writer
	Have     uint64       // highest number held of the writer
	First    uint64       // of the segment
	Previous setlog.Chain // before First; entries up to First-1 with another chain do not help
}

// Error names the writer and the numbers.
func (e *GapError) Error() string {
	return fmt.Sprintf("%v: writer %v is held up to %d, the segment begins at %d", ErrGap, e.Writer, e.Have, e.First)
}

// Is makes it an ErrGap.
func (e *GapError) Is(target error) bool { return target == ErrGap }

// OtherBirthError names the births of a segment of which this bucket has none. It is an ErrOtherBirth.
type OtherBirthError struct{ Births []string }

// Error names the births.
func (e *OtherBirthError) Error() string {
	return fmt.Sprintf("%v (birth %s): merge them or keep them apart", ErrOtherBirth, strings.Join(e.Births, ", "))
}

// Is makes it an ErrOtherBirth.
func (e *OtherBirthError) Is(target error) bool { return target == ErrOtherBirth }

// openError says what it means that bbolt could not open the file.
func openError(path string, err error) error {
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return fmt.Errorf("%w: %s: is another daemon running on the same data folder?", ErrLocked, path)
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: %s: %w", ErrMissing, path, err)
	}
	if _, ok := errors.AsType[syscall.Errno](err); ok {
		return writeError(fmt.Errorf("open %s: %w", path, err))
	}
	return corrupt(path, err)
}

func corrupt(path string, reason any) error {
	return fmt.Errorf("%w: %s: %v; move it aside, then join the bucket again from its remote", ErrCorrupt, path, reason)
}

// writeError says what it means that a write failed. A refused write changes nothing.
func writeError(err error) error {
	if err == nil || errors.Is(err, ErrCorrupt) {
		return err
	}
	for _, full := range [...]syscall.Errno{errNoSpace, errQuota, errTooBig} {
		// bbolt puts some causes into text only
		if errors.Is(err, full) || strings.Contains(err.Error(), full.Error()) {
			return fmt.Errorf("%w; nothing is lost, free some room and try again: %w", ErrFull, err)
		}
	}
	if _, ok := errors.AsType[syscall.Errno](err); ok {
		return fmt.Errorf("%w: %w; the last write may or may not be there, look at the disk's health", ErrCommit, err)
	}
	return fmt.Errorf("%w: %w", ErrCommit, err)
}
