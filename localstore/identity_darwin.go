package localstore

import (
	"encoding/hex"
	"io/fs"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// machineID is the host UUID, see gethostuuid(2).
func machineID() string {
	var id [16]byte
	var wait unix.Timespec
	_, _, errno := unix.Syscall(unix.SYS_GETHOSTUUID, uintptr(unsafe.Pointer(&id)), uintptr(unsafe.Pointer(&wait)), 0)
	if errno != 0 {
		return ""
	}
	return hex.EncodeToString(id[:])
}

func fileIdentity(_ string, info fs.FileInfo) (file uint64, born int64) {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Ino, st.Birthtimespec.Nano()
	}
	return 0, 0
}
