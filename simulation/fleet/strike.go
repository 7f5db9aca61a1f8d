package fleet

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/ed25519"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/setlogger/setlogger/remote/faulty"
	"github.com/setlogger/setlogger/remote/memory"
	"github.com/setlogger/setlogger/setlog"
)

// weather is how the remote fails under each fault that lasts, with the chance of each call.
var weather = map[Fault]map[faulty.Fault]float64{
	ListingOmits:  {faulty.Omit: 0.4},
	ListingEmpty:  {faulty.Empty: 0.3},
	UploadCut:     {faulty.Cut: 0.15, faulty.BrokenUpload: 0.15},
	AnswerLost:    {faulty.LostAnswer: 0.25},
	BodyKept:      {faulty.KeptBody: 0.25},
	LoginPage:     {faulty.HTML: 0.25},
	ZeroBytes:     {faulty.Zeros: 0.15, faulty.WrittenZeros: 0.15},
	NameTwice:     {faulty.Twice: 0.4},
	CaseFolding:   {faulty.Upper: 0.4},
	DeleteFirst:   {faulty.Reorder: 0.4, faulty.Lag: 0.1},
	RemoteRefuses: {faulty.Busy: 0.3, faulty.Full: 0.3, faulty.Denied: 0.2},
	ForeignFiles:  {faulty.Stray: 0.4},
	ErrorBurst:    {faulty.Unreachable: 1},
}

// strike lets a fault begin, or happen.
func (f *fleet) strike(s Step, d *device) error {
	if _, ok := weather[s.Fault]; ok && s.Fault != ErrorBurst {
		f.weather[s.Fault]++
		f.setWeather()
	}
	if d.dead || d.paused {
		return nil
	}
	if err := d.use(); err != nil {
		return err
	}
	switch s.Fault {
	case ShareGone:
		return f.hideShare(s.N)
	case TwinFolders:
		return f.makeTwin(d)
	case SilentHints:
		d.hushed = true
		f.counts[SilentHints]++
	case ErrorBurst:
		f.burst(d)
	case TwoAtOnce:
		return f.interleave(d)
	case PausedCollector:
		if d.rounds() == 1 { // else another needs its disk
			return f.collectAndPause(d)
		}
	case RottenIndex:
		return f.rot(s.N)
	case LyingIndex:
		return f.lie(d, s.N)
	case AwayForAYear:
		d.away = true
		f.counts[AwayForAYear]++
	case ClonedDevice:
		return f.clone(d, s.N)
	case OldBackup:
		return f.restore(d, s.N)
	case WrongClock:
		f.setWrong(d, s.N)
	case BadDisk:
		d.mode, d.countdown = diskMode(s.N%int(diskModes)), s.N/int(diskModes)%12
	case ForeignFiles:
		return f.plant(s.N)
	}
	return nil
}

// setWrong sets the clock of a device wrong, by ten years at most.
func (f *fleet) setWrong(d *device, n int) {
	d.skew = []time.Duration{87_600 * time.Hour, -87_600 * time.Hour, -24 * time.Hour, 30 * time.Minute}[n%4]
	f.counts[WrongClock]++
}

// ease ends what a fault began.
func (f *fleet) ease(s Step, d *device) error {
	if f.weather[s.Fault] > 0 {
		f.weather[s.Fault]--
		f.setWeather()
	}
	switch s.Fault {
	case ShareGone:
		return f.showShare()
	case TwinFolders:
		return f.mergeTwin(d)
	case SilentHints:
		d.hushed = false
	case PausedCollector:
		return f.unpause(d)
	case AwayForAYear:
		if !d.away {
			return nil
		}
		err := f.liveOn(d, 365*24*time.Hour)
		d.away = false
		return err
	case WrongClock:
		d.skew = 0
	case BadDisk:
		d.countdown = -1
	}
	return nil
}

func (f *fleet) setWeather() {
	chance := map[faulty.Fault]float64{}
	for fault, times := range f.weather {
		if times > 0 {
			maps.Copy(chance, weather[fault])
		}
	}
	f.share.Set(faulty.Options{Seed: f.plan.Seed, Chance: chance})
}

// countWeather takes over what the remote counted.
func (f *fleet) countWeather() {
	counts := f.share.Counts()
	for fault, kinds := range weather {
		for kind := range kinds {
			f.counts[fault] += counts[kind]
		}
	}
}

// burst lets a device try again and again while nothing is reached.
func (f *fleet) burst(d *device) {
	f.share.Set(faulty.Options{Seed: f.plan.Seed, Chance: weather[ErrorBurst]})
	for range 8 {
		f.round(d)
	}
	f.setWeather()
}

// files answers what the remote really holds.
func (f *fleet) files() map[string][]byte {
	all := map[string][]byte{}
	for _, folder := range []string{"", "log", "past", "index", "chunk"} {
		for object := range f.base.List(context.Background(), folder) { //nolint:errcheck // a list in memory does not fail
			all[object.Name], _ = f.base.Read(context.Background(), object.Name) // it is there
		}
	}
	return all
}

func (f *fleet) put(name string, data []byte) error {
	return f.base.Write(context.Background(), name, data)
}

func (f *fleet) drop(name string) error { return f.base.Remove(context.Background(), name) }

// snapshot keeps what the remote holds, for an old backup.
func (f *fleet) snapshot() { f.snapshots = append(f.snapshots, f.files()) }

// hideShare takes the share's file away, or puts that of another share in its place.
func (f *fleet) hideShare(n int) error {
	for _, d := range f.devices {
		if d.share == nil || d.share.ID() == "" {
			return nil
		}
	}
	if f.shareGone {
		return nil
	}
	f.shareGone, f.shareFile = true, map[string][]byte{}
	f.counts[ShareGone]++
	for name, data := range f.files() {
		if strings.HasPrefix(name, "share.") {
			f.shareFile[name] = data
			if err := f.drop(name); err != nil {
				return err
			}
		}
	}
	if n%2 == 0 {
		return nil
	}
	return f.put("share."+strangersShare+".json", fmt.Appendf(nil, `{"format":1,"kind":"share","min_reader":1,"share":%q}`, strangersShare))
}

const strangersShare = "00000000000000000000000000000000"

func (f *fleet) showShare() error {
	if !f.shareGone {
		return nil
	}
	f.shareGone = false
	err := f.drop("share." + strangersShare + ".json")
	for name, data := range f.shareFile {
		err = errors.Join(err, f.put(name, data))
	}
	return err
}

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

// rot spoils the newest index that is there, or one of its chunks.
func (f *fleet) rot(n int) error {
	folder := []string{"index/", "chunk/"}[n%2]
	for _, name := range slices.Backward(f.order) {
		data, err := f.base.Read(context.Background(), name)
		if err != nil || !strings.HasPrefix(name, folder) || len(data) == 0 {
			continue
		}
		f.counts[RottenIndex]++
		f.thinned = true
		f.log("     %s rots", name)
		switch n / 2 % 4 {
		case 0:
			data[n%len(data)] ^= 1 << (n % 8)
		case 1:
			data = data[:n%len(data)]
		case 2:
			data = make([]byte, len(data))
		case 3:
			return f.drop(name)
		}
		return f.put(name, data)
	}
	return nil
}

// lie writes an index that claims all that a device has and holds none of it, once for each level. After a lie, what
// devices say they have is no proof of what was lost, so a history has either lies or devices that are set back.
func (f *fleet) lie(d *device, n int) error {
	coverage, err := d.bucket.Coverage()
	if err != nil || len(coverage) == 0 || f.setBacks > 0 {
		return err
	}
	f.counts[LyingIndex]++
	f.thinned, f.lied = true, true
	for i := range 1 + n%4 {
		var id [16]byte
		_, _ = io.ReadFull(d.random, id[:]) // never fails
		lie := setlog.Index{
			ID: hex.EncodeToString(id[:]), Bucket: bucketName, Births: d.bucket.Births(), Coverage: coverage,
			Order: []string{"-created", "id"}, Level: i,
		}
		name, data, err := lie.Encode(ed25519.NewKeyFromSeed(bytes.Repeat([]byte{byte(200 + i)}, ed25519.SeedSize)))
		if err != nil {
			return err
		}
		if err := f.put("index/"+name.String(), data); err != nil {
			return err
		}
	}
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
		d.head = head{writer: d.bucket.Stats().Writer}
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

// plant leaves files that are not ours, or not for us: of a newer version, empty ones, copies under other names.
func (f *fleet) plant(n int) error {
	for _, name := range slices.Backward(f.order) {
		data, err := f.base.Read(context.Background(), name)
		segment, ok := setlog.ParseSegmentName(strings.TrimPrefix(name, "log/"))
		if err != nil || !ok {
			continue
		}
		f.counts[ForeignFiles]++
		switch n % 4 {
		case 0:
			newer := rewrite(data, `"format":1`, `"format":9`, `"min_reader":1`, `"min_reader":9`)
			segment.Hash = setlog.HashOf(newer)
			return f.put("log/"+segment.String(), newer)
		case 1:
			segment.Hash = setlog.HashOf(nil)
			return f.put("log/"+segment.String(), nil)
		case 2:
			return errors.Join(f.put("log/copy-of-a-file.jsonl.gz", data), f.put("index/readme.txt", []byte("a note")))
		}
		segment.Hash = setlog.HashOf(make([]byte, len(data)))
		return f.put("past/"+segment.String(), make([]byte, len(data)))
	}
	return nil
}

// rewrite replaces parts of what a file inflates to.
func rewrite(data []byte, pairs ...string) []byte {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return data
	}
	text, err := io.ReadAll(r)
	if err != nil {
		return data
	}
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = io.WriteString(w, strings.NewReplacer(pairs...).Replace(string(text))) // a buffer takes all
	_ = w.Close()
	return out.Bytes()
}
