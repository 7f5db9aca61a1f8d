package syncthing

import (
	"os"
	"path/filepath"
	"strings"
)

const (
	before = ".syncthing." // a temporary file's name is that of the file between these
	behind = ".tmp"
)

func isTemporary(base string) bool {
	return strings.HasPrefix(base, before) && strings.HasSuffix(base, behind)
}

// arrive brings a file's latest version to a copy: half of it under a temporary name at first, the rest at the next step.
func (c *Cluster) arrive(r *peer, name string) {
	c.look(r, name) // the device may have changed it this moment
	last, a := c.latest[name], r.due[name]
	if r.has[name].number == last.number {
		r.forget(name)
		return
	}
	if last.gone {
		if err := os.Remove(r.file(name)); err != nil && !os.IsNotExist(err) {
			return
		}
		r.has[name] = held{number: last.number, gone: true}
		r.forget(name)
		c.counts.Arrivals++
		return
	}
	length := len(last.data)
	if !a.begun {
		length /= 2
	}
	if os.MkdirAll(filepath.Dir(r.file(name)), 0o755) != nil || os.WriteFile(r.temporary(name), last.data[:length], 0o644) != nil {
		return
	}
	if !a.begun {
		a.begun = true
		r.due[name] = a
		return
	}
	if os.Rename(r.temporary(name), r.file(name)) != nil {
		return
	}
	if info, err := os.Lstat(r.file(name)); err == nil {
		r.has[name] = held{number: last.number, size: info.Size(), time: info.ModTime()}
	}
	delete(r.due, name)
	c.counts.Arrivals++
}

// forget drops what was on its way.
func (r *peer) forget(name string) {
	if r.due[name].begun {
		_ = os.Remove(r.temporary(name)) // devices leave it alone
	}
	delete(r.due, name)
}

func (r *peer) temporary(name string) string {
	folder, base := filepath.Split(r.file(name))
	return filepath.Join(folder, before+base+behind)
}
