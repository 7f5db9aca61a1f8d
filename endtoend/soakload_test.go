package endtoend

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
)

// onSocket is the device as its unix socket answers: the port has too few connections for 200 subscribers and 64 writers.
func (d *device) onSocket() *device {
	socket := *d
	socket.address = "localhost"
	socket.client = &http.Client{Transport: &http.Transport{
		MaxIdleConnsPerHost: soakWriters,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var dialer net.Dialer
			return dialer.DialContext(ctx, "unix", d.file("sock"))
		},
	}}
	return &socket
}

// lowest is the least of what many subscribers have been told of one writer.
type lowest struct {
	mu    sync.Mutex
	at    []int
	low   int
	there int           // subscribers that are there
	moved chan struct{} // holds one note
}

func newLowest(subscribers int) *lowest {
	return &lowest{at: make([]int, subscribers), there: subscribers, moved: make(chan struct{}, 1)}
}

// raise says how far one subscriber is; less than before does not count.
func (l *lowest) raise(subscriber, to int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	from := l.at[subscriber]
	if to <= from {
		return
	}
	l.at[subscriber] = to
	if from > l.low {
		return
	}
	if l.there--; l.there > 0 {
		return
	}
	l.low = slices.Min(l.at)
	for _, at := range l.at {
		if at == l.low {
			l.there++
		}
	}
	select {
	case l.moved <- struct{}{}:
	default:
	}
}

// reaches waits until all are at least so far.
func (l *lowest) reaches(ctx context.Context, least int) error {
	for {
		l.mu.Lock()
		low := l.low
		l.mu.Unlock()
		if low >= least {
			return nil
		}
		select {
		case <-l.moved:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// soakWriter makes nodes and deletes them, each once, never further than window ahead of the slowest subscriber.
type soakWriter struct {
	number     int
	device     *device
	appends    *atomic.Int64 // of all writers
	made, gone int
	increments [hotNodes]int
	toldMade   *lowest
	toldGone   *lowest
}

// write goes on until the context ends. Between the last entry that a subscriber has for sure and the next of this writer lie
// fewer than window others, so it is known of each node, when it is deleted or its id used anew, that all were told of it.
func (w *soakWriter) write(ctx, until context.Context) error {
	for until.Err() == nil {
		k := w.made
		if w.toldMade.reaches(until, k-window+1) != nil || w.toldGone.reaches(until, k-ring+1) != nil {
			break
		}
		if err := w.append(ctx, `{"type":"CREATE_NODE","id":%q,"properties":{"k":%d}}`, ringID(w.number, k), k); err != nil {
			return err
		}
		w.made++
		if old := k - 2*window; old >= 0 {
			if err := w.append(ctx, `{"type":"DELETE_NODE","id":%q}`, ringID(w.number, old)); err != nil {
				return err
			}
			w.gone++
		}
		if k%4 == 0 {
			hot := (w.number + k/4) % hotNodes
			if err := w.append(ctx, `{"type":"INCREMENT","id":%q,"property":"n"}`, hotID(hot)); err != nil {
				return err
			}
			w.increments[hot]++
		}
	}
	return nil
}

func (w *soakWriter) append(ctx context.Context, format string, args ...any) error {
	_, err := w.device.appendOne(ctx, soakBucket, fmt.Sprintf(format, args...))
	w.appends.Add(1)
	return err
}
