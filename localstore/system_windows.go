package localstore

import (
	"os"
	"syscall"
)

// How Windows says that there is no room: ERROR_DISK_FULL, ERROR_DISK_QUOTA_EXCEEDED, ERROR_HANDLE_DISK_FULL.
const (
	errNoSpace = syscall.Errno(112)
	errQuota   = syscall.Errno(1295)
	errTooBig  = syscall.Errno(39)
)

// syncFolder does nothing: Windows has no way to, and NTFS logs renames.
func syncFolder(string) error { return nil }

func abandon(f *os.File) error { return f.Close() }
