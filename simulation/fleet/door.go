package fleet

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/remote"
)

// door is a device's way to the remote: what it asks for can be watched, held up and cut off.
type door struct {
	device *device
	count  struct{ lists, reads, writes, removes int }
	strand *strand // the round that runs step by step, if one does
}

// errCut is what a device hears after its power was cut: nothing that it does then counts.
var errCut = errors.New("fleet: the power is cut")

// strand is a round that waits at each of its calls until it may go on. Reads mostly go through at once: files never change.
type strand struct {
	calls  chan call
	resume chan error
	done   chan struct{}
	end    func() error // once done: what is to follow, with the error of the round
	reads  bool         // reads wait, too
	waits  bool         // at a call
}

type call struct{ verb, name string }

// begin starts a round that goes on call by call.
func (d *device) begin() *strand {
	s := &strand{calls: make(chan call), resume: make(chan error), done: make(chan struct{})}
	d.door.strand = s
	d.fleet.tick()
	go func() {
		r, err := d.share.Sync(context.Background(), []*localstore.Bucket{d.bucket})
		s.end = func() error { d.door.strand = nil; return d.after(r, err) }
		close(s.done)
	}()
	return s
}

// pass lets a call through or not.
func (o *door) pass(verb, name string) error {
	if o.device.cut != nil {
		return errCut
	}
	if o.strand == nil {
		return nil
	}
	o.strand.calls <- call{verb, name}
	return <-o.strand.resume
}

// next waits for the strand's next call; false when the round has ended.
func (s *strand) next() (call, bool) {
	select {
	case c := <-s.calls:
		return c, true
	case <-s.done:
		return call{}, false
	}
}

// step lets a strand make its next call; false when it has ended.
func (s *strand) step() (call, bool) {
	if s.waits {
		s.resume <- nil
	}
	var c call
	c, s.waits = s.next()
	return c, s.waits
}

func (o *door) List(ctx context.Context, folder string) iter.Seq2[remote.Object, error] {
	return func(yield func(remote.Object, error) bool) {
		o.count.lists++
		if err := o.pass("list", folder); err != nil {
			yield(remote.Object{}, err)
			return
		}
		for object, err := range o.device.place().List(ctx, folder) {
			if !yield(object, err) {
				return
			}
		}
	}
}

func (o *door) Read(ctx context.Context, name string) ([]byte, error) {
	o.count.reads++
	if o.device.cut != nil {
		return nil, errCut
	}
	if s := o.strand; s != nil && s.reads {
		if err := o.pass("read", name); err != nil {
			return nil, err
		}
	}
	return o.device.place().Read(ctx, name)
}

func (o *door) Write(ctx context.Context, name string, data []byte) error {
	o.count.writes++
	if err := o.pass("write", name); err != nil {
		return err
	}
	f := o.device.fleet
	if f.shareGone && o.strand == nil && o.device.twin == nil {
		f.violate("device %d writes %s to a share that is not there", o.device.index, name)
	}
	f.noteWrite(name)
	return o.device.place().Write(ctx, name, data)
}

func (o *door) Remove(ctx context.Context, name string) error {
	o.count.removes++
	if err := o.pass("remove", name); err != nil {
		return err
	}
	o.device.fleet.judgeRemove(o.device, name)
	return o.device.place().Remove(ctx, name)
}

// judgeRemove holds a removal against the grace: indexes, chunks and what was consolidated stay for a week at least.
func (f *fleet) judgeRemove(d *device, name string) {
	folder, _, _ := strings.Cut(name, "/")
	born, known := f.born[name]
	if folder != "log" && folder != "reserve.bin" && known && f.now.Sub(born) < grace {
		f.violate("device %d removes %s, which is %v old", d.index, name, f.now.Sub(born))
	}
	f.removed++
}

// violate notes the first thing that must not be.
func (f *fleet) violate(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.violation == nil {
		f.violation = fmt.Errorf(format, args...)
	}
}

// noteWrite keeps when a file was first written, and which indexes and chunks there are, in order.
func (f *fleet) noteWrite(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if _, known := f.born[name]; !known {
		f.born[name] = f.now
		f.order = append(f.order, name)
	}
}
