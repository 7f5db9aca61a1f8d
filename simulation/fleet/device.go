package fleet

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/replica"
	"github.com/setlogger/setlogger/setlog"
)

// bucketName is the bucket that all devices share.
const bucketName = "todos"

// disk is a file that devices have in common which do not know that they were cloned: each has it for a while.
type disk struct {
	path string
	user *device // whose bytes are there
}

// device is a daemon: a store, a share, a clock.
type device struct {
	fleet  *fleet
	index  int
	disk   *disk
	door   *door
	random io.Reader
	key    ed25519.PrivateKey

	bucket *localstore.Bucket // nil while another uses the disk
	share  *replica.Share
	id     string // of the share
	image  *image // of the disk while another uses it

	started time.Time
	skew    time.Duration
	twin    remote.Storage // another folder of the same name, where the device is instead
	away    bool
	hushed  bool
	dead    bool
	paused  bool

	head   head
	noted  uint64 // offset in the log up to which own entries are in the ledger
	last   string // the newest value of its own in the list
	shown  showing
	backup *image
	syncs  int

	countdown int // commits until the disk fails; negative: never
	mode      diskMode
	cut       *image // what the disk holds since the power was cut
}

// image is a disk's bytes, with what was on it.
type image struct {
	data []byte
	head head
	last string
}

// showing is a node that was seen to have a value.
type showing struct {
	node  *setlog.Node
	value string
}

// diskMode is how a disk fails.
type diskMode int

const (
	refuses    diskMode = iota // a commit is refused
	unanswered                 // a commit succeeds, but is answered with an error
	cutBefore                  // the power goes before a commit
	cutAfter                   // and after one
	cutOnline                  // and at a call of the remote
	diskModes
)

func (f *fleet) newDevice(joins bool) (*device, error) {
	i := len(f.devices)
	f.disks++
	d := &device{
		fleet: f, index: i, countdown: -1, started: f.now,
		disk:   &disk{path: filepath.Join(f.folder, fmt.Sprint(f.disks)+".db")},
		random: f.chance(byte(i)),
		key:    ed25519.NewKeyFromSeed(bytes.Repeat([]byte{byte(i + 1)}, ed25519.SeedSize)),
	}
	d.door, d.disk.user = &door{device: d}, d
	var births []string
	if joins {
		births = []string{}
	}
	b, err := localstore.Create(d.disk.path, bucketName, births, d.options())
	if err != nil {
		return nil, err
	}
	d.bucket = b
	d.visit()
	f.devices = append(f.devices, d)
	return d, nil
}

// chance is the randomness of one device.
func (f *fleet) chance(device byte) io.Reader {
	var seed [32]byte
	binary.LittleEndian.PutUint64(seed[:], f.plan.Seed)
	seed[8] = device
	return rand.NewChaCha8(seed)
}

func (d *device) options() localstore.Options {
	return localstore.Options{Now: d.now, Random: d.random, NoSync: true, CommitFault: d.fault, IdleFlush: time.Hour}
}

// now is what the device's clock shows.
func (d *device) now() time.Time { return d.fleet.now.Add(d.skew) }

// visit begins with the share as after a start of the daemon.
func (d *device) visit() {
	if d.share != nil {
		d.id = d.share.ID()
	}
	d.share = replica.NewShare(replica.Options{
		Storage: d.door, Remote: "r", ID: d.id, Now: d.now, Random: d.random, Fetches: 1, Known: d.fleet.known, Key: d.key, LogLimit: d.fleet.plan.Limit, Reserve: 4096,
		Uptime: func() time.Duration { return d.fleet.now.Sub(d.started) },
	})
}

// place is where the device's calls go.
func (d *device) place() remote.Storage {
	if d.twin != nil {
		return d.twin
	}
	return d.fleet.share
}

// fault is what a commit of the device meets.
func (d *device) fault(written bool) error {
	if d.cut != nil {
		return errCut
	}
	if after := d.mode == unanswered || d.mode == cutAfter; d.countdown < 0 || d.mode == cutOnline || after != written {
		return nil
	}
	if d.countdown--; d.countdown >= 0 {
		return nil
	}
	d.fleet.counts[BadDisk]++
	if d.mode == refuses || d.mode == unanswered {
		return fmt.Errorf("write %s: %w", d.disk.path, syscall.ENOSPC)
	}
	return d.cutPower()
}

// cutPower ends the device's doing at this moment.
func (d *device) cutPower() error {
	data, err := os.ReadFile(d.disk.path)
	if err != nil {
		return err
	}
	d.cut = &image{data, d.head, d.last}
	return errCut
}

// restart starts the device after its power was cut.
func (d *device) restart() error {
	was := d.cut
	if err := d.stop(); err != nil {
		return err
	}
	d.cut = nil
	if err := d.start(was); err != nil {
		return err
	}
	return d.note()
}

// stop lets go of the disk.
func (d *device) stop() error {
	err := d.bucket.Close()
	if d.cut != nil {
		err = nil
	}
	d.bucket = nil
	return err
}

// start puts bytes onto the disk, in place, and opens them.
func (d *device) start(was *image) error {
	if err := overwrite(d.disk.path, was.data); err != nil {
		return err
	}
	d.head, d.last, d.noted, d.disk.user = was.head, was.last, 0, d
	return d.open()
}

// overwrite gives a file other bytes. Unlike os.WriteFile it does not let go of the room that it takes before.
func overwrite(path string, data []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	return errors.Join(err, file.Truncate(int64(len(data))), file.Close())
}

func (d *device) open() error {
	b, err := localstore.Open(d.disk.path, d.options())
	if err != nil {
		return fmt.Errorf("device %d: %w", d.index, err)
	}
	d.bucket = b
	d.visit()
	return nil
}

// snap answers the bytes of the disk.
func (d *device) snap() (*image, error) {
	data, err := os.ReadFile(d.disk.path)
	return &image{data, d.head, d.last}, err
}

// leave keeps the bytes of the disk, which is for another now, where those are that were kept before.
func (d *device) leave() error {
	var room []byte
	if d.image != nil {
		room = d.image.data
	}
	file, err := os.Open(d.disk.path)
	if err != nil {
		return err
	}
	buffer := bytes.NewBuffer(room[:0])
	_, err = buffer.ReadFrom(file)
	d.image = &image{buffer.Bytes(), d.head, d.last}
	return errors.Join(err, file.Close())
}

// use makes sure that the device has its disk.
func (d *device) use() error {
	user := d.disk.user
	if user == d {
		return nil
	}
	if user != nil { // else it got another disk
		if err := user.stop(); err != nil {
			return err
		}
		if err := user.leave(); err != nil {
			return err
		}
	}
	return d.start(d.image)
}

// note keeps the own entries that are not in the ledger yet.
func (d *device) note() error {
	entries, err := d.bucket.Log(d.noted, 1<<20)
	if err != nil {
		return err
	}
	writer := d.bucket.Writer()
	for _, e := range entries {
		if e.Writer != writer || e.Writer == d.head.writer && e.Number <= d.head.number {
			continue
		}
		if err := d.fleet.ledger.add(&d.head, e.Writer, e.Number, e.Line); err != nil {
			return err
		}
		d.noted = e.Offset
		if value := keptValue(e.Line); value != "" {
			d.last = value
		}
	}
	return nil
}

// act appends what an app sends. A refusal is none of ours.
func (d *device) act(bodies []string) error {
	var previous setlog.EntryID
	for _, body := range bodies {
		if body == undo && previous.Number == 0 {
			continue
		}
		d.fleet.now = d.fleet.now.Add(time.Millisecond)
		err := d.append(body, previous)
		if d.cut != nil {
			return d.restart()
		}
		if noted := d.note(); noted != nil {
			return noted
		}
		refusal := (*setlog.Refusal)(nil)
		switch {
		case err == nil:
			d.fleet.acted++
			previous = setlog.EntryID{Writer: d.head.writer, Number: d.head.number}
		case errors.As(err, &refusal), errors.Is(err, localstore.ErrMissing), errors.Is(err, localstore.ErrUndone):
		case errors.Is(err, localstore.ErrFull), errors.Is(err, localstore.ErrCommit):
		default:
			return fmt.Errorf("device %d: %s: %w", d.index, body, err)
		}
		if err := d.readsOwn(); err != nil {
			return err
		}
	}
	return nil
}

// append sends one request; an undo is that of the one before it.
func (d *device) append(body string, previous setlog.EntryID) error {
	if body == undo {
		_, err := d.bucket.Undo(context.Background(), localstore.UndoRequest{Entry: previous})
		return err
	}
	actions, err := setlog.ParseActions([]byte(body))
	if err != nil {
		return err
	}
	_, err = d.bucket.Append(context.Background(), localstore.Request{Actions: actions, NoRevs: true})
	return err
}

// readsOwn tells in an error when the device does not see what it wrote last.
func (d *device) readsOwn() error {
	if d.last == "" {
		return nil
	}
	n, err := d.bucket.Node("kept")
	if err != nil || d.shown == (showing{n, d.last}) { // a node never changes
		return err
	}
	if !bytes.Contains(n.Value(), []byte(d.last)) {
		return fmt.Errorf("device %d does not see its own %s", d.index, d.last)
	}
	d.shown = showing{n, d.last}
	return nil
}

// keptValue is what an entry inserts into the list that nobody removes from.
func keptValue(line []byte) string {
	_, rest, ok := bytes.Cut(line, []byte(`"values":["v`))
	if !ok {
		return ""
	}
	value, _, _ := bytes.Cut(rest, []byte(`"`))
	return `"v` + string(value) + `"`
}

// sync makes a round. Its error is for who knows whether there was a reason.
func (d *device) sync() error {
	d.syncs++
	d.fleet.tick()
	r, err := d.share.Sync(context.Background(), []*localstore.Bucket{d.bucket})
	return d.after(r, err)
}

// after looks at what a round did.
func (d *device) after(r replica.Round, err error) error {
	d.fleet.indexed += r.Indexed
	d.fleet.moved = d.fleet.moved || r.Moved() || r.Indexed > 0
	if d.cut != nil {
		return d.restart()
	}
	if own := d.readsOwn(); own != nil {
		d.fleet.violate("after a round: %w", own)
	}
	if d.syncs%7 == 0 && d.fleet.mayGoBack(d) {
		var snapErr error
		if d.backup, snapErr = d.snap(); snapErr != nil {
			return snapErr
		}
	}
	return err
}
