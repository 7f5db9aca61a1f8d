package daemon

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/remote"
)

const (
	// watchAgain is after how long a folder that could not be watched is tried again.
	watchAgain = time.Minute
	// tellAnew is after how long a place is asked anew to tell of changes: it may have stopped without a word.
	tellAnew = time.Hour
)

// hearing hurries the rounds of a remote when others put files there; own are those of this device.
type hearing func(ctx context.Context, r *heldRemote, own *echoes)

// hearingOf answers what hears of a remote's changes, nil where nothing does.
func (d *Daemon) hearingOf(r localstore.Remote, storage remote.Storage) (hearing, *echoes) {
	_, tells := storage.(remote.Teller)
	switch {
	case isLocal(r.Path):
		if d.o.Watch == nil || r.Encrypted { // below crypt, names tell nothing
			return nil, nil
		}
		return d.watch, &echoes{}
	case tells:
		return d.hearPlace, &echoes{}
	}
	return nil, nil
}

// watch hurries the rounds of a remote that is a folder when others put files there.
func (d *Daemon) watch(ctx context.Context, r *heldRemote, own *echoes) {
	for {
		err := d.o.Watch(ctx, r.path, func(name string) {
			if !own.take(name) {
				r.lane.noteHint()
			}
		})
		if ctx.Err() != nil {
			return
		}
		d.log.Debug("the folder is not watched for now", "remote", r.name, "error", err)
		if !rest(ctx, watchAgain) {
			return
		}
	}
}

// hearPlace hurries the rounds of a remote whose place tells of changes by itself, as long as they go well.
func (d *Daemon) hearPlace(ctx context.Context, r *heldRemote, own *echoes) {
	place, _ := r.storage.(remote.Teller) // calls are counted by one
	for d.await(ctx, func() bool { return r.lane.look().isWell() && !r.valve.closed.Load() }) {
		lasting, cancel := context.WithTimeout(ctx, tellAnew)
		err := place.Tell(lasting, func(name string) {
			if !own.take(name) {
				r.lane.noteHint()
			}
		})
		anew := lasting.Err() != nil
		cancel()
		if errors.Is(err, remote.ErrSilent) {
			own.mute()
			return
		}
		if !anew {
			d.log.Debug("the place does not tell of changes for now", "remote", r.name, "error", err)
			rest(ctx, watchAgain)
		}
	}
}

// await waits until a condition holds, which is looked at again whenever the status changes; false: the context ended before.
func (d *Daemon) await(ctx context.Context, holds func() bool) bool {
	for {
		rung := d.changed.next()
		if holds() {
			return ctx.Err() == nil
		}
		select {
		case <-ctx.Done():
			return false
		case <-rung:
		}
	}
}

// echoes are the files that this device writes and has not heard of yet: they are no news.
type echoes struct {
	mu    sync.Mutex
	muted bool // nobody hears of them
	names map[string]bool
}

// maxEchoes bounds those that are never heard of.
const maxEchoes = 1000

// expect notes that a file is about to be written.
func (e *echoes) expect(name string) {
	if e == nil || !strings.HasPrefix(name, "log/") {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.muted {
		return
	}
	if e.names == nil || len(e.names) >= maxEchoes {
		e.names = map[string]bool{}
	}
	e.names[name] = true
}

// take tells, once, whether a file was written by this device.
func (e *echoes) take(name string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	own := e.names[name]
	delete(e.names, name)
	return own
}

// mute forgets what was written, and does not note it any more.
func (e *echoes) mute() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.muted, e.names = true, nil
}
