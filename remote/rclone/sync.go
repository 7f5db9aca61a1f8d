package rclone

import (
	"errors"
	"os"
	"runtime"
	"syscall"
)

// syncName waits until a file, or a folder's names, are on the disk, where the system can.
func syncName(name string) error {
	mode := os.O_RDONLY
	if runtime.GOOS == "windows" {
		info, err := os.Stat(name)
		if err != nil || info.IsDir() {
			return err
		}
		mode = os.O_RDWR
	}
	f, err := os.OpenFile(name, mode, 0)
	if err != nil {
		return err
	}
	err = f.Sync()
	if errors.Is(err, syscall.EINVAL) || errors.Is(err, errors.ErrUnsupported) {
		err = nil
	}
	return errors.Join(err, f.Close())
}
