package fleet

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/setlogger/setlogger/remote/memory"
	"github.com/setlogger/setlogger/setlog"
)

// makeTwin lets a device meet another folder of the same name from now on, a copy of the first.
func (f *fleet) makeTwin(d *device) error {
	if d.twin != nil {
		return nil
	}
	f.counts[TwinFolders]++
	twin := memory.New()
	for name, data := range f.files() {
		if err := twin.Write(context.Background(), name, data); err != nil {
			return err
		}
	}
	d.twin = twin
	return nil
}

// mergeTwin puts the files of the other folder beside those of the first.
func (f *fleet) mergeTwin(d *device) error {
	if d.twin == nil {
		return nil
	}
	there := f.files()
	for _, folder := range []string{"log", "past", "index", "chunk"} {
		for object := range d.twin.List(context.Background(), folder) { //nolint:errcheck // a list in memory does not fail
			if _, ok := there[object.Name]; ok {
				continue
			}
			data, err := d.twin.Read(context.Background(), object.Name)
			if err == nil {
				err = f.put(object.Name, data)
			}
			if err != nil {
				return err
			}
		}
	}
	d.twin = nil
	return nil
}

// clone makes a second device of one, neither of which can know; or sets one back, which cannot know either.
func (f *fleet) clone(d *device, n int) error {
	if n%2 == 1 && d.backup != nil && !f.lied {
		f.counts[ClonedDevice]++
		if err := d.stop(); err != nil {
			return err
		}
		if err := d.start(d.backup); err != nil {
			return err
		}
		return f.setBack(d, true)
	}
	if len(f.devices) > f.plan.Devices { // one is enough
		return nil
	}
	f.counts[ClonedDevice]++
	if err := d.stop(); err != nil {
		return err
	}
	was, err := d.snap()
	if err != nil {
		return err
	}
	c := *d
	c.index, c.random, c.image = len(f.devices), f.chance(byte(len(f.devices))), was
	c.door, c.share, c.id = &door{device: &c}, nil, d.share.ID()
	c.countdown, c.backup = -1, nil
	c.bucket = nil
	f.devices = append(f.devices, &c)
	return d.open()
}

// restore gives a device the disk of an old backup, as a new file; or the remote what it held some time ago, where a
// device may be lost for ever as well.
func (f *fleet) restore(d *device, n int) error {
	if f.lied {
		return nil
	}
	if n%3 == 0 && d.backup != nil && d.disk.user == d {
		f.counts[OldBackup]++
		if err := d.stop(); err != nil {
			return err
		}
		f.disks++
		d.disk.user = nil
		d.disk = &disk{path: filepath.Join(f.folder, fmt.Sprint(f.disks)+".db"), user: d}
		if err := d.start(d.backup); err != nil {
			return err
		}
		d.head = head{writer: d.bucket.Writer()}
		d.head.chain = setlog.FirstChain(bucketName, d.head.writer)
		return f.setBack(d, true)
	}
	if n%3 == 0 || len(f.snapshots) == 0 || f.shareGone {
		return nil
	}
	f.counts[OldBackup]++
	f.thinned = true
	old := f.snapshots[len(f.snapshots)-1]
	for name := range f.files() {
		if _, ok := old[name]; !ok && !strings.HasPrefix(name, "share.") {
			if err := f.drop(name); err != nil {
				return err
			}
		}
	}
	for name, data := range old {
		if strings.HasPrefix(name, "share.") {
			continue
		}
		if err := f.put(name, data); err != nil {
			return err
		}
	}
	if n%3 == 1 && f.alive() > 2 {
		f.log("     device %d is lost", d.index)
		d.dead = true
	}
	return f.setBack(d, false)
}

// alive counts the devices that are not lost.
func (f *fleet) alive() (n int) {
	for _, d := range f.devices {
		if !d.dead {
			n++
		}
	}
	return n
}

// mayGoBack tells whether a step that is still to come may give a device its own old disk.
func (f *fleet) mayGoBack(d *device) bool {
	return slices.ContainsFunc(f.plan.Steps[f.made:], func(s Step) bool {
		return s.Do == Strike && s.Device == d.index && (s.Fault == ClonedDevice || s.Fault == OldBackup)
	})
}

// setBack gives up what nobody has any more after a device or the remote was set back. What log/ holds read back counts
// as had if the remote still is what it was.
func (f *fleet) setBack(d *device, remote bool) error {
	f.setBacks++
	had := map[*record]bool{}
	for _, o := range f.devices {
		if o.dead {
			continue
		}
		if err := o.use(); err != nil {
			return err
		}
		covered, err := f.coveredBy(o)
		if err != nil {
			return err
		}
		maps.Copy(had, covered)
	}
	if err := d.use(); err != nil && !d.dead {
		return err
	}
	if remote {
		f.takeFiles(had)
	}
	for _, e := range f.ledger {
		e.lost = e.lost || !had[e]
	}
	return nil
}

// takeFiles notes the entries of the files that are whole, up to a gap in their writer's log.
func (f *fleet) takeFiles(had map[*record]bool) {
	var all []*record
	for name, data := range f.files() {
		s, err := setlog.DecodeSegment(data)
		if err != nil || !strings.HasPrefix(name, "log/") && !strings.HasPrefix(name, "past/") {
			continue
		}
		chain := s.Previous
		for _, line := range s.Lines {
			chain = chain.Next(line)
			if e := f.ledger[chain]; e != nil {
				all = append(all, e)
			}
		}
	}
	slices.SortFunc(all, func(a, b *record) int { return cmp.Compare(a.Number, b.Number) })
	for _, e := range all {
		had[e] = had[e] || e.Number == 1 || had[f.ledger[e.previous]]
	}
	maps.DeleteFunc(had, func(_ *record, is bool) bool { return !is })
}

func (f *fleet) coveredBy(d *device) (map[*record]bool, error) {
	coverage, err := d.bucket.Coverage()
	if err != nil {
		return nil, err
	}
	return f.ledger.covered(coverage)
}
