package fleet

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/setlogger/setlogger/remote/faulty"
	"github.com/setlogger/setlogger/remote/memory"
	"github.com/setlogger/setlogger/replica"
	"github.com/setlogger/setlogger/setlog"
	"github.com/setlogger/setlogger/simulation/judge"
	"github.com/setlogger/setlogger/simulation/oracle"
)

// finish ends all faults, lets the devices sync until nothing moves, and compares what each of them and a newcomer show
// with what all entries amount to.
func (f *fleet) finish() error {
	if err := f.heal(); err != nil {
		return err
	}
	if err := f.settle(); err != nil {
		return err
	}
	if f.violation != nil {
		return f.violation
	}
	entries, want, err := f.want()
	if err != nil {
		return err
	}
	for _, d := range f.devices {
		if d.dead {
			continue
		}
		if err := d.use(); err != nil {
			return err
		}
		if err := f.compare(d, entries, want); err != nil {
			return err
		}
		if err := f.isIdle(d); err != nil && !f.thinned && f.counts[ForeignFiles] == 0 && len(f.devices) == f.plan.Devices {
			return err
		}
	}
	if err := f.newcomer("", want); err != nil {
		return err
	}
	if err := f.readView(want); err != nil {
		return err
	}
	orphaned, err := f.isOrphaned()
	if err != nil || orphaned {
		return err
	}
	return f.spoilEach(want)
}

// isOrphaned tells whether a segment on the share is broken that no device holds any more: its writer was set back before it was
// whole there. Then what it had may be in one index alone.
func (f *fleet) isOrphaned() (bool, error) {
	for name, data := range f.files() {
		segment, ok := setlog.ParseSegmentName(path.Base(name))
		if !ok || setlog.HashOf(data) == segment.Hash {
			continue
		}
		held, err := f.isHeld(path.Base(name))
		if err != nil || !held {
			return !held, err
		}
	}
	return false, nil
}

// isHeld tells whether any device holds a segment.
func (f *fleet) isHeld(name string) (bool, error) {
	for _, d := range f.devices {
		if d.dead {
			continue
		}
		if err := d.use(); err != nil {
			return false, err
		}
		if has, err := d.bucket.HasSegment(name); has || err != nil {
			return has, err
		}
	}
	return false, nil
}

// heal ends all faults.
func (f *fleet) heal() error {
	err := f.showShare()
	for _, d := range slices.Clone(f.devices) {
		err = errors.Join(err, f.unpause(d), f.mergeTwin(d))
		d.hushed, d.away, d.countdown = false, false, -1
		d.visit() // whatever is tried ever less often is tried again
	}
	f.weather = map[Fault]int{}
	if refused := f.share.Refused(); refused > 0 {
		f.violate("%d writes had names that %s does not take", refused, f.plan.Place.Name)
	}
	f.met = f.share.Counts()
	f.share.Heal()
	f.countWeather()
	return err
}

// settle lets the devices sync until nothing moves.
func (f *fleet) settle() error {
	const most, enough = 150, 4
	quiet := 0
	for range most {
		f.moved = false
		for _, d := range f.devices {
			if d.dead {
				continue
			}
			if err := d.use(); err != nil {
				return err
			}
			for range d.rounds() {
				f.now = f.now.Add(6 * time.Hour)
				if err := d.sync(); err != nil {
					return fmt.Errorf("device %d, with all faults over: %w", d.index, err)
				}
			}
		}
		if quiet++; f.moved {
			quiet = 0
		}
		if quiet == enough {
			return nil
		}
	}
	return fmt.Errorf("the devices still move after %d rounds", most)
}

// rounds is how many a device makes before the next one: one that gives its disk away then forgets what it waited for.
func (d *device) rounds() int {
	for _, o := range d.fleet.devices {
		if o != d && o.disk == d.disk {
			return 4
		}
	}
	return 1
}

// want answers the entries that must be everywhere, with those that may be and are, and their state.
func (f *fleet) want() (map[*record]bool, oracle.State, error) {
	entries := map[*record]bool{}
	for _, e := range f.ledger {
		if !e.lost {
			entries[e] = true
		}
	}
	for _, d := range f.devices {
		if d.dead {
			continue
		}
		if err := d.use(); err != nil {
			return nil, oracle.State{}, err
		}
		covered, err := f.coveredBy(d)
		if err != nil {
			return nil, oracle.State{}, fmt.Errorf("device %d: %w", d.index, err)
		}
		maps.Copy(entries, covered)
	}
	records := make([]judge.Record, 0, len(entries))
	for e := range entries {
		records = append(records, e.Record)
	}
	return entries, judge.Want(records), nil
}

// compare holds a device against what all entries amount to.
func (f *fleet) compare(d *device, entries map[*record]bool, want oracle.State) error {
	if err := cmp.Or(d.compareState(want), d.checkLog()); err != nil {
		return err
	}
	if f.plan.Keep == "remote" { // else an index may have brought an entry without saying so
		if err := f.compareCoverage(d, entries); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(slices.Collect(maps.Values(f.ledger)), func(e *record) bool { return e.lost && !entries[e] }) {
		return nil // an element beside which others stand may be among what is lost
	}
	for e := range entries {
		if value := keptValue(e.Line); value != "" && !bytes.Contains(want.Nodes["kept"].Value, []byte(value)) {
			return fmt.Errorf("%s was inserted and is in no list", value)
		}
	}
	return nil
}

// compareCoverage tells in an error of an entry that the device does not know to have.
func (f *fleet) compareCoverage(d *device, entries map[*record]bool) error {
	covered, err := f.coveredBy(d)
	if err != nil {
		return fmt.Errorf("device %d: %w", d.index, err)
	}
	for e := range entries {
		if !covered[e] {
			return fmt.Errorf("device %d lacks entry %d of writer %s, of %d of %d: %s", d.index, e.Number, e.Writer, len(entries)-len(covered), len(entries), e.Line)
		}
	}
	return nil
}

// compareState tells in an error how the device's nodes differ.
func (d *device) compareState(want oracle.State) error {
	ids, err := d.bucket.IDs("", 1<<20)
	if err != nil {
		return err
	}
	if len(ids) != len(want.Nodes) {
		return fmt.Errorf("device %d has %d nodes, want %d", d.index, len(ids), len(want.Nodes))
	}
	for id, w := range want.Nodes {
		n, err := d.bucket.Node(id)
		if err != nil {
			return err
		}
		if n == nil || !bytes.Equal(n.Value(), w.Value) || n.Rev() != w.Rev {
			return fmt.Errorf("device %d: node %q is %s, want %s", d.index, id, n.Value(), w.Value)
		}
	}
	return nil
}

// checkLog tells in an error of an entry that is in the log twice.
func (d *device) checkLog() error {
	log, err := d.bucket.Log(0, 1<<20)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for _, e := range log {
		line := string(e.Writer[:]) + string(e.Line)
		if seen[line] {
			return fmt.Errorf("device %d has entry %d of writer %s twice in its log", d.index, e.Number, e.Writer)
		}
		seen[line] = true
	}
	return nil
}

// isIdle tells in an error when rounds with nothing to do make more than one request. What is looked at once a day, or ever
// less often, may be due in one of them.
func (f *fleet) isIdle(d *device) error {
	before := d.door.count
	for range 4 {
		before = d.door.count
		if err := d.sync(); err != nil {
			return err
		}
		want := before
		want.lists++
		if d.door.count == want {
			return nil
		}
	}
	return fmt.Errorf("device %d, idle, makes more than one LIST: %+v after %+v", d.index, d.door.count, before)
}

// newcomer lets a new device read the share alone, less what was done to it. An index may hold more than it says that it
// covers, so the nodes alone count.
func (f *fleet) newcomer(done string, want oracle.State) error {
	d, err := f.newDevice(true)
	if err != nil {
		return err
	}
	defer func() { f.devices = f.devices[:len(f.devices)-1] }()
	defer func() { _ = d.bucket.Close() }()
	d.key = nil
	d.visit()
	for quiet := 0; quiet < 3; quiet++ {
		f.moved = false
		f.now = f.now.Add(time.Hour)
		if err := d.sync(); err != nil {
			return fmt.Errorf("a newcomer%s: %w", done, err)
		}
		if f.moved {
			quiet = 0
		}
	}
	if err := d.compareState(want); err != nil {
		return fmt.Errorf("a newcomer%s: %w", done, err)
	}
	return nil
}

// readView gives a newcomer only what the bucket's view names. What devices say they have seen stays: it tells a device, which
// lists, that there is more than log/ shows.
func (f *fleet) readView(want oracle.State) error {
	if !f.plan.Publish || f.thinned {
		return nil
	}
	all := f.files()
	named, err := namedByView(all)
	if err != nil {
		return err
	}
	maps.DeleteFunc(all, func(name string, _ []byte) bool {
		return !named[name] && strings.Contains(name, "/") && !strings.HasPrefix(name, "log/seen.")
	})
	return f.newcomerTo(all, " that has what the view names", want)
}

// namedByView are the files that the bucket's view names, itself or by its indexes.
func namedByView(all map[string][]byte) (map[string]bool, error) {
	view, err := setlog.DecodeView(all[replica.ViewFile(bucketName)])
	if err != nil {
		return nil, fmt.Errorf("the view: %w", err)
	}
	named := map[string]bool{}
	for _, name := range view.Tail {
		named[name] = true
	}
	for _, i := range view.Indexes {
		named["index/"+i.Name] = true
		index, err := setlog.DecodeIndex(all["index/"+i.Name])
		if err != nil {
			return nil, fmt.Errorf("the view names index %s: %w", i.Name, err)
		}
		for _, ref := range index.Chunks {
			named["chunk/"+index.Name(ref).String()] = true
		}
	}
	return named, nil
}

// spoilEach takes one index after the other away from newcomers: none is the only one that has something, unless the
// history had spoiled some itself.
func (f *fleet) spoilEach(want oracle.State) error {
	if f.thinned {
		return nil
	}
	all := f.files()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if !strings.HasPrefix(name, "index/") {
			continue
		}
		others := maps.Clone(all)
		delete(others, name)
		if err := f.newcomerTo(others, " without "+name, want); err != nil {
			return err
		}
	}
	return nil
}

// newcomerTo is newcomer with a remote that has these files alone.
func (f *fleet) newcomerTo(files map[string][]byte, done string, want oracle.State) error {
	whole := f.base
	defer func() { f.base = whole; f.share = faulty.New(whole, faulty.Options{}) }()
	f.base = memory.New()
	f.share = faulty.New(f.base, faulty.Options{})
	for name, data := range files {
		if err := f.put(name, data); err != nil {
			return err
		}
	}
	return f.newcomer(done, want)
}
