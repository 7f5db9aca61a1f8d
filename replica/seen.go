package replica

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/setlog"
)

// seenEvery is after how much uptime a device says again what it has seen, where it changed.
const seenEvery = 10 * time.Minute

// witness is what the seen files of a share say.
type witness struct {
	device  setlog.Writer
	others  map[setlog.Writer]*setlog.Seen // the newest of each other device
	own     *setlog.Seen                   // that a listing has shown and that was read back; nil for none
	written *setlog.Seen                   // last, perhaps not shown yet
	name    string                         // of written
	tried   string                         // name of the last that was to be written
	foreign *setlog.Seen                   // the newest with this device's name that this program did not write
	at      time.Duration                  // uptime at which it was written
	wanted  bool                           // something waits for a newer one
	news    int                            // how often one of them was read
}

// all answers what the devices say, this one too: a copy of it, or what it was before it was set back, may have said it.
func (w *witness) all() []*setlog.Seen {
	all := slices.Collect(maps.Values(w.others))
	if w.own != nil {
		all = append(all, w.own)
	}
	return all
}

// readSeen reads what log/ shows of others' seen files, the newest of each device, and looks after the own ones. One that
// can't be read is as one that is not there yet: it holds back no other, and no bucket.
func (s *Share) readSeen(ctx context.Context, names []setlog.SeenName) error {
	newest := map[setlog.Writer]setlog.SeenName{}
	for _, name := range names {
		if name.Count > newest[name.Device].Count && (s.unsure[name.String()] == nil || s.dueAgain(name.String())) {
			newest[name.Device] = name
		}
	}
	var errs []error
	for _, name := range slices.SortedFunc(maps.Values(newest), compareDevices) {
		device := name.Device
		known := s.seen.others[device]
		if device == s.seen.device {
			known = s.seen.own
		}
		if known != nil && known.Count >= name.Count {
			continue
		}
		seen, err := s.fetchSeen(ctx, name)
		switch {
		case err != nil:
			errs = append(errs, err)
			continue
		case seen == nil:
			continue
		case device != s.seen.device:
			s.seen.others[device] = seen
		default:
			s.seen.own = seen
			if name.String() != s.seen.tried {
				s.seen.foreign = seen
			}
			if s.seen.written == nil || s.seen.written.Count <= seen.Count {
				s.seen.written, s.seen.name = seen, name.String()
			}
		}
		s.seen.news++
	}
	return errors.Join(append(errs, s.removeOldSeen(ctx, names))...)
}

func compareDevices(a, b setlog.SeenName) int { return bytes.Compare(a.Device[:], b.Device[:]) }

// dueAgain tells whether a seen file that was not whole is to be tried again.
func (s *Share) dueAgain(name string) bool {
	suspect := s.unsure[name]
	suspect.next--
	return suspect.next <= 0
}

// fetchSeen reads one; nil for one that is not whole, which is noted.
func (s *Share) fetchSeen(ctx context.Context, name setlog.SeenName) (*setlog.Seen, error) {
	data, err := s.o.Storage.Read(ctx, inLog(name.String()))
	var seen *setlog.Seen
	switch {
	case isUnfit(err):
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", inLog(name.String()), err)
	case setlog.HashOf(data) != name.Hash:
		err = errOtherHash
	default:
		if seen, err = s.o.Known.seen(data); err == nil && (seen.Device != name.Device || seen.Count != name.Count) {
			err = fmt.Errorf("%w: it is the %d. of %v", setlog.ErrFile, seen.Count, seen.Device)
		}
	}
	if err != nil {
		s.doubt(logFolder, name.String(), err)
		return nil, nil //nolint:nilnil // it is not there yet
	}
	delete(s.unsure, name.String())
	return seen, nil
}

// removeOldSeen deletes the own files before the one that a listing has shown.
func (s *Share) removeOldSeen(ctx context.Context, names []setlog.SeenName) error {
	for _, name := range names {
		if s.seen.own == nil || name.Device != s.seen.device || name.Count >= s.seen.own.Count {
			continue
		}
		if err := s.ensure(ctx); err != nil {
			return err
		}
		if err := s.o.Storage.Remove(ctx, inLog(name.String())); err != nil {
			return fmt.Errorf("remove %s: %w", inLog(name.String()), err)
		}
	}
	return nil
}

// writeSeen says what this device has seen, if something waits for it or if it is time.
func (s *Share) writeSeen(ctx context.Context, buckets []*localstore.Bucket, names []setlog.SeenName) error {
	if s.o.Key == nil || !s.seen.wanted && s.seen.written != nil && s.o.Uptime()-s.seen.at < seenEvery {
		return nil
	}
	now, err := s.gather(buckets)
	if err != nil || len(now.Buckets) == 0 {
		return err
	}
	s.seen.at = s.o.Uptime()
	if s.seen.foreign != nil {
		join(now, s.seen.foreign)
	}
	if s.seen.written != nil && sameSeen(s.seen.written, now) {
		s.seen.wanted = s.seen.own == nil || s.seen.own.Count < s.seen.written.Count
		return s.writeAgain(ctx, names)
	}
	now.Count = 1
	for _, name := range names {
		if name.Device == s.seen.device {
			now.Count = max(now.Count, name.Count+1)
		}
	}
	if s.seen.written != nil {
		now.Count = max(now.Count, s.seen.written.Count+1)
	}
	return s.put(ctx, now)
}

// writeAgain writes the last one again where the remote has lost it.
func (s *Share) writeAgain(ctx context.Context, names []setlog.SeenName) error {
	shown := slices.ContainsFunc(names, func(n setlog.SeenName) bool { return n.String() == s.seen.name })
	if shown {
		return nil
	}
	if s.absent[s.seen.name]++; s.absent[s.seen.name] < patience {
		return nil
	}
	delete(s.absent, s.seen.name)
	return s.put(ctx, s.seen.written)
}

func (s *Share) put(ctx context.Context, seen *setlog.Seen) error {
	name, data, err := seen.Encode(s.o.Key)
	if err != nil {
		return err
	}
	if err := s.ensure(ctx); err != nil {
		return err
	}
	s.seen.tried = name.String()
	if err := s.o.Storage.Write(ctx, inLog(name.String()), data); err != nil {
		return fmt.Errorf("write %s: %w", inLog(name.String()), err)
	}
	s.seen.written, s.seen.name, s.seen.wanted = seen, name.String(), false
	return nil
}

// gather answers what this device has of the buckets.
func (s *Share) gather(buckets []*localstore.Bucket) (*setlog.Seen, error) {
	now := &setlog.Seen{Device: s.seen.device, Buckets: map[string]setlog.SeenBucket{}}
	for _, b := range buckets {
		heads, births := b.Heads(), b.Births()
		if len(heads) == 0 || len(births) == 0 {
			continue
		}
		slices.SortFunc(heads, setlog.CompareHeads)
		seen := setlog.SeenBucket{Births: births, Heads: heads}
		whole, err := b.Whole()
		if err != nil {
			return nil, err
		}
		for name := range whole {
			if index, ok := setlog.ParseIndexName(name); ok && s.indexes[name] != nil {
				seen.Indexes = append(seen.Indexes, index.Hash)
			}
		}
		slices.SortFunc(seen.Indexes, compareHashes)
		now.Buckets[b.Name()] = seen
	}
	return now, nil
}

// maxHeads bounds what of a copy is said again.
const maxHeads = 64

// join adds what another program said under the name of this device: the one before the last start, or that of a copy of
// this device. Two that took back what the other says would go on for ever.
func join(now, foreign *setlog.Seen) {
	for name, b := range now.Buckets {
		theirs := foreign.Buckets[name]
		if len(theirs.Heads) > maxHeads {
			continue
		}
		b.Heads = append(b.Heads, theirs.Heads...)
		slices.SortFunc(b.Heads, setlog.CompareHeads)
		b.Indexes = append(b.Indexes, theirs.Indexes...)
		slices.SortFunc(b.Indexes, compareHashes)
		b.Heads, b.Indexes = slices.Compact(b.Heads), slices.Compact(b.Indexes)
		now.Buckets[name] = b
	}
}

func compareHashes(a, b setlog.Hash) int { return strings.Compare(a.String(), b.String()) }

func sameSeen(a, b *setlog.Seen) bool {
	return maps.EqualFunc(a.Buckets, b.Buckets, func(x, y setlog.SeenBucket) bool {
		return slices.Equal(x.Births, y.Births) && slices.Equal(x.Heads, y.Heads) && slices.Equal(x.Indexes, y.Indexes)
	})
}

// saw tells whether the device's own seen file, shown by a listing, has a writer's entries up to a number.
func (v *visit) saw(w setlog.Writer, number uint64) bool {
	if v.seen.own == nil {
		return false
	}
	return slices.ContainsFunc(v.seen.own.Buckets[v.bucket.Name()].Heads, func(h setlog.Head) bool { return h.Writer == w && h.Number >= number })
}

// behind counts the entries that this device knows of and does not have. Where somebody else wrote with the key of this
// bucket's writer, a new one takes over.
func (v *visit) behind(ctx context.Context) (uint64, error) {
	var theirs, ours []setlog.Head
	own := v.bucket.Writer()
	for _, seen := range v.seen.all() {
		other, ok := seen.Buckets[v.bucket.Name()]
		if !ok || len(other.Births) == 0 || !v.ours(other.Births) {
			continue
		}
		theirs = append(theirs, other.Heads...)
		for _, h := range other.Heads {
			if h.Writer == own {
				ours = append(ours, h)
			}
		}
	}
	known, err := v.bucket.Knows(ours...)
	if err != nil {
		return 0, err
	}
	slices.SortFunc(theirs, setlog.CompareHeads)
	missing, err := v.bucket.Missing(slices.Compact(theirs))
	if err == nil && !known {
		v.notice(copied, logFolder)
		err = v.bucket.TakeOver(ctx)
	}
	return missing, err
}
