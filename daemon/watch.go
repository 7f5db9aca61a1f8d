package daemon

import (
	"context"
	"strings"
	"sync"
	"time"
)

// watchAgain is after how long a folder that could not be watched is tried again.
const watchAgain = time.Minute

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

// echoes are the files that this device writes and has not heard of yet: they are no news.
type echoes struct {
	mu    sync.Mutex
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
