package daemon

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/gofrs/flock"
	"github.com/shirou/gopsutil/v4/disk"

	"github.com/setlogger/setlogger/api"
)

// lowRoom is how little room on the disk is told: it still takes millions of small entries.
const lowRoom = 256 << 20

// ExamineFolder looks at a data folder from outside, whether or not a daemon uses it: is it there, can it be written, is there
// room, and is it closed to other users? It changes nothing.
func ExamineFolder(path string) []api.Examined {
	found := []api.Examined{examineWriting(path)}
	if found[0].OK {
		found = append(found, examineRoom(path), examineAccess(path))
	}
	return found
}

// examineWriting writes a file of a name of its own, and removes it.
func examineWriting(path string) api.Examined {
	e := api.Examined{Name: "folder", Subject: path}
	file, err := os.CreateTemp(path, "doctor.*.new")
	if err == nil {
		_, err = file.WriteString("x")
		err = errors.Join(err, file.Sync(), file.Close(), os.Remove(file.Name()))
	}
	if err != nil {
		e.Detail, e.Hint = err.Error(), "give the daemon's user the right to write there, look at the disk, or name another folder with --data"
		e.Effect = "Nothing can be appended, and a daemon that is started there ends."
		return e
	}
	e.OK, e.Detail = true, "it can be written"
	return e
}

func examineRoom(path string) api.Examined {
	e := api.Examined{Name: "room", Subject: path, OK: true}
	usage, err := disk.Usage(path)
	if err != nil {
		e.Detail = "this system does not tell how much is free: " + err.Error()
		return e
	}
	e.Detail = fmt.Sprintf("%.1f GB are free", float64(usage.Free)/1e9)
	if usage.Free < lowRoom {
		e.OK, e.Effect = false, "When there is none left, appends are refused; what was acknowledged stays."
		e.Hint = "free some room on the disk"
	}
	return e
}

// examineAccess looks whether other users can read what is secret, or change anything.
func examineAccess(path string) api.Examined {
	e := api.Examined{Name: "access", Subject: path, OK: true, Detail: "it is closed to other users"}
	if runtime.GOOS == "windows" { // its lists of rights are not in the mode
		e.Detail = "the rights are those of the folder above"
		return e
	}
	var open []string
	for name, forbidden := range map[string]fs.FileMode{".": 0o022, api.TokenFile: 0o077, "daemon.db": 0o077, "buckets": 0o077} {
		info, err := os.Stat(filepath.Join(path, name))
		if err == nil && info.Mode().Perm()&forbidden != 0 {
			open = append(open, fmt.Sprintf("%s (%s)", name, info.Mode().Perm()))
		}
	}
	slices.Sort(open)
	if len(open) > 0 {
		e.OK, e.Detail = false, "other users of this machine reach "+strings.Join(open, ", ")
		e.Effect = "They may read or change all data."
		e.Hint = "chmod -R go= " + path
	}
	return e
}

// InUse tells whether a daemon holds a data folder.
func InUse(path string) bool {
	lock := filepath.Join(path, "lock")
	if _, err := os.Stat(lock); err != nil {
		return false
	}
	try := flock.New(lock)
	free, err := try.TryRLock()
	_ = try.Close()
	return err == nil && !free
}
