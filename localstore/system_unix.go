//go:build !windows

package localstore

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// How a system says that there is no room: disk, quota and size limit.
const (
	errNoSpace = syscall.ENOSPC
	errQuota   = syscall.EDQUOT
	errTooBig  = syscall.EFBIG
)

// syncFolder makes a rename in the folder durable.
func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// abandon closes a file whose lock outlives the descriptor, since it is still mapped.
func abandon(f *os.File) error {
	return errors.Join(unix.Flock(int(f.Fd()), unix.LOCK_UN), f.Close())
}
