package daemon

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/setlogger/setlogger/api"
)

// eventPause is the least time between two events of one reader: what changes meanwhile is told at once.
const eventPause = 250 * time.Millisecond

// bell wakes any number of listeners, who then look for themselves what changed. The zero bell can be rung.
type bell struct {
	mu   sync.Mutex
	rung chan struct{} // nil: nobody listens
}

// ring wakes those who listen, and never waits.
func (b *bell) ring() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rung != nil {
		close(b.rung)
		b.rung = nil
	}
}

// next answers a channel that the next ring closes.
func (b *bell) next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.rung == nil {
		b.rung = make(chan struct{})
	}
	return b.rung
}

// streamStatus answers GET /v1/events: the status, and again after each change, until either side goes.
func (d *Daemon) streamStatus(w http.ResponseWriter, r *http.Request) error {
	if !takesEvents(r) {
		return problem(http.StatusNotAcceptable, "the status and its changes are an event stream", "send Accept: "+api.EventsType+", or read /v1/status")
	}
	ctx, end := d.beginStream(r)
	defer end()
	f := &statusFeed{d: d, who: callerOf(ctx).grant, out: &eventWriter{out: newLineWriter(w)}}
	f.out.out.kind = api.EventsType
	f.run(ctx)
	return nil
}

// takesEvents tells whether the caller takes an event stream; who names no form takes what there is.
func takesEvents(r *http.Request) bool {
	accept := r.Header.Get("Accept")
	return accept == "" || strings.Contains(accept, "*/*") || strings.Contains(accept, api.EventsType)
}

// statusFeed tells one reader how the daemon stands. Nothing is kept for the reader: it is told how things are when it can
// take more.
type statusFeed struct {
	d    *Daemon
	who  grant
	out  *eventWriter
	last []byte // what it was told
}

func (f *statusFeed) run(ctx context.Context) {
	ticker := time.NewTicker(beatTime)
	defer ticker.Stop()
	for {
		rung := f.d.changed.next() // before looking, so that nothing is missed
		took, err := f.tell(ctx)
		if err != nil || !rest(ctx, max(eventPause, 10*took)) { // of thousands of buckets: a tenth of the time
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-rung:
		case <-ticker.C: // what rings no bell, such as the size of a file, is told at the next beat
			if f.out.comment("alive") != nil {
				return
			}
		}
	}
}

// tell sends the status where it is another than before, and answers how long it took to find out.
func (f *statusFeed) tell(ctx context.Context) (took time.Duration, err error) {
	begin := time.Now()
	now, err := json.Marshal(f.d.statusFor(f.who))
	took = time.Since(begin)
	if err != nil || bytes.Equal(now, f.last) {
		return took, err
	}
	f.last = now
	return took, f.out.write(ctx, now, "", "")
}

// rest waits, and tells whether to go on.
func rest(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
