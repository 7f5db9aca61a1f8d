package syncthing

import (
	"bytes"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// scan finds what a device changed in its copy.
func (c *Cluster) scan(r *peer) {
	there := map[string]bool{}
	_ = filepath.WalkDir(r.folder, func(file string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || isTemporary(e.Name()) {
			return nil // what can't be read now is looked at again
		}
		name, err := filepath.Rel(r.folder, file)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		there[name] = true
		c.look(r, name)
		return nil
	})
	for _, name := range sorted(r.has) {
		if _, err := os.Lstat(r.file(name)); !there[name] && !r.has[name].gone && os.IsNotExist(err) {
			c.removed(r, name)
		}
	}
}

// look takes note of a file if the device has changed it.
func (c *Cluster) look(r *peer, name string) {
	h := r.has[name]
	info, err := os.Lstat(r.file(name))
	if err != nil || !h.gone && h.number > 0 && info.Size() == h.size && info.ModTime().Equal(h.time) {
		return
	}
	data, err := os.ReadFile(r.file(name))
	if err != nil {
		return
	}
	now := held{size: info.Size(), time: info.ModTime()}
	last := c.latest[name]
	same := last.number > 0 && !last.gone && bytes.Equal(last.data, data)
	switch {
	case same:
		now.number = last.number
	case h.number == last.number || last.gone: // nobody else changed it; and a change counts more than a removal
		if last.gone && h.number < last.number {
			c.counts.Returned++
		}
		now.number = c.change(r, name, version{data: data})
	default:
		c.conflict(r, name)
		return
	}
	r.has[name] = now
}

// removed takes note of a removal, which counts less than a change that is on its way.
func (c *Cluster) removed(r *peer, name string) {
	last := c.latest[name]
	number := r.has[name].number
	if number == last.number {
		number = c.change(r, name, version{gone: true, data: last.data})
		if c.chance.Float64() < c.options.Returns {
			c.revives[name] = time.Now().Add(c.delay())
		}
	}
	r.has[name] = held{number: number, gone: true}
}

// change makes the next version of a file, and sends it to the other copies.
func (c *Cluster) change(from *peer, name string, v version) (number int) {
	v.number = c.latest[name].number + 1
	c.latest[name] = v
	c.counts.Changes++
	for _, r := range c.peers {
		if r != from {
			c.schedule(r, name)
		}
	}
	return v.number
}

// conflict gives way to the version that is on its way: the file here gets another name, which the next scan finds.
func (c *Cluster) conflict(r *peer, name string) {
	extension := path.Ext(name)
	other := strings.TrimSuffix(name, extension) + ".sync-conflict-20261123-101500-ABCDEFG" + extension
	if os.Rename(r.file(name), r.file(other)) != nil {
		return // it is found again
	}
	c.counts.Conflicts++
	r.has[name] = held{number: r.has[name].number, gone: true}
}

// revive undoes a removal, if that is still the latest that happened to the file.
func (c *Cluster) revive(name string) {
	if last := c.latest[name]; last.gone {
		c.counts.Returned++
		c.change(nil, name, version{data: last.data})
	}
}

func (r *peer) file(name string) string { return filepath.Join(r.folder, filepath.FromSlash(name)) }

func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
