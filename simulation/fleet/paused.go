package fleet

import (
	"fmt"
	"strings"
	"time"
)

// interleave lets two devices compact and collect at once, their calls mixed by chance.
func (f *fleet) interleave(d *device) error {
	others := f.others(d)
	if len(others) == 0 {
		return nil
	}
	pair := []*device{d, others[f.random.IntN(len(others))]}
	if err := pair[1].use(); err != nil {
		return err
	}
	var strands []*strand
	for _, one := range pair {
		one.share.Compact(bucketName)
		strands = append(strands, one.begin())
	}
	f.counts[TwoAtOnce]++
	for left := 2; left > 0; {
		i := f.random.IntN(2)
		s := strands[i]
		if s == nil {
			continue
		}
		if c, more := s.step(); more {
			f.log("     device %d: %s %s", pair[i].index, c.verb, c.name)
			continue
		}
		strands[i] = nil
		left--
		if err := s.end(); err != nil {
			f.log("     device %d: %v", pair[i].index, err)
		}
	}
	return nil
}

// pauseAtRemove lets a device sync up to where it would remove a file of the bucket, and stops it there.
func (f *fleet) pauseAtRemove(d *device) error {
	s := d.begin()
	for {
		c, more := s.step()
		if !more {
			if err := s.end(); err != nil {
				f.log("     device %d: %v", d.index, err)
			}
			return nil
		}
		if c.verb == "remove" && !strings.HasPrefix(c.name, "log/seen.") {
			f.log("     device %d waits before it removes %s", d.index, c.name)
			f.suspended[d], d.paused = s, true
			f.counts[PausedCollector]++
			return nil
		}
	}
}

// collectAndPause lets a device write and compact for some days, until it has something to remove, and stops it there.
func (f *fleet) collectAndPause(d *device) error {
	for day := range 12 {
		if err := d.act([]string{fmt.Sprintf(`{"type":"SET_PROPERTY","id":"kept","path":["day"],"value":"%d at %d"}`, day, f.rounds)}); err != nil {
			return err
		}
		d.share.Compact(bucketName)
		f.now = f.now.Add(30 * time.Hour)
		if day < 7 {
			f.round(d)
			continue
		}
		if err := f.pauseAtRemove(d); err != nil || d.paused {
			return err
		}
	}
	return nil
}

// unpause lets the paused device go on, after 90 days in which the others lived on.
func (f *fleet) unpause(d *device) error {
	s := f.suspended[d]
	if s == nil {
		return nil
	}
	if err := f.liveOn(d, 90*24*time.Hour); err != nil {
		return err
	}
	delete(f.suspended, d)
	d.paused = false
	for more := true; more; {
		_, more = s.step()
	}
	if err := s.end(); err != nil {
		f.log("     device %d: %v", d.index, err)
	}
	return nil
}

// liveOn lets time pass in which the others write, compact and collect.
func (f *fleet) liveOn(d *device, time time.Duration) error {
	others := f.others(d)
	const parts = 12
	for part := range parts {
		for i, o := range others {
			f.now = f.now.Add(time / parts / 2)
			if err := o.use(); err != nil {
				return err
			}
			if (part+i)%2 == 0 {
				if err := o.act([]string{fmt.Sprintf(`{"type":"SET_PROPERTY","id":"kept","path":["month"],"value":"%d of %d"}`, part, i)}); err != nil {
					return err
				}
			}
			if part%2 == 0 {
				o.share.Compact(bucketName)
			}
			f.round(o)
		}
		f.now = f.now.Add(time / parts / 2)
		for _, o := range others {
			if err := o.use(); err != nil {
				return err
			}
			f.round(o)
		}
	}
	return nil
}
