package daemon

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/remote"
)

// frail opens channels when it may, which die as a connection does whose network went away: what is sent is taken, and reaches nobody.
type frail struct {
	may  chan chan struct{} // a channel opens for each, and ends once that is closed
	dead atomic.Bool        // the network is away
}

func newFrail() *frail {
	return &frail{may: make(chan chan struct{}, 1)}
}

func (f *frail) channels() *Channels {
	c := channels()
	open := c.Open
	c.Open = func(ctx context.Context, address, subscriber string) (remote.Channel, error) {
		select {
		case end := <-f.may:
			channel, err := open(ctx, address, subscriber)
			return &frailChannel{channel, f, end}, err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return c
}

type frailChannel struct {
	remote.Channel
	*frail

	end chan struct{}
}

func (c *frailChannel) Send(ctx context.Context, message []byte) error {
	if c.dead.Load() {
		return nil
	}
	return c.Channel.Send(ctx, message)
}

func (c *frailChannel) Receive(ctx context.Context) ([]byte, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	go func() {
		select {
		case <-c.end:
			stop(errors.New("the network is away"))
		case <-ctx.Done():
		}
	}()
	m, err := c.Channel.Receive(ctx)
	if err != nil {
		err = context.Cause(ctx)
	}
	return m, err
}

// frailly has the first of two devices on a channel start anew, on a frail one.
func frailly(t *testing.T) (a, b *served, f *frail) {
	t.Helper()
	both := onOneChannel(t, startBroker(t).address())
	if err := both[0].stop(); err != nil {
		t.Fatal(err)
	}
	f = newFrail()
	return serveOptions(t, Options{Data: both[0].data, Channels: f.channels()}), both[1], f
}

func (s *served) looks(t *testing.T, before float64) {
	t.Helper()
	s.awaits(t, "the word to look", func(figures map[string]float64) bool { return figures[ofMessages("look")] > before })
}

// TestSentBeforeTheChannelOpens: others hear, once they can, that there is something that was uploaded before.
func TestSentBeforeTheChannelOpens(t *testing.T) {
	a, b, f := frailly(t)
	e := b.listen(t)
	e.say(api.Subscription{Subscribe: "todos"})
	before := b.metrics(t)[ofMessages("look")]
	a.append(t, "todos", `{"type":"CREATE_NODE","id":"soon"}`)
	a.sync(t)
	f.may <- nil
	b.looks(t, before)
	e.until("the node", e.has("todos", "soon", "{}"))
}

// TestSentIntoADeadConnection: what may have been lost is left to files, of which others hear.
func TestSentIntoADeadConnection(t *testing.T) {
	a, b, f := frailly(t)
	end := make(chan struct{})
	f.may <- end
	a.awaits(t, "it is open", func(figures map[string]float64) bool { return figures[ofMessages("sent")] > 0 })
	e := b.listen(t)
	e.say(api.Subscription{Subscribe: "todos"})
	a.append(t, "todos", `{"type":"CREATE_NODE","id":"told"}`)
	e.until("a message", e.has("todos", "told", "{}"))
	looked := b.metrics(t)[ofMessages("look")]
	a.sync(t)
	b.looks(t, looked) // what is uploaded first may have been sealed before the start
	before, sent := b.metrics(t)[ofMessages("look")], a.metrics(t)[ofMessages("sent")]
	f.dead.Store(true)
	a.append(t, "todos", `{"type":"CREATE_NODE","id":"lost"}`)
	a.awaits(t, "it is told into nothing", func(figures map[string]float64) bool { return figures[ofMessages("sent")] > sent })
	a.sync(t)
	f.dead.Store(false)
	close(end)
	f.may <- nil
	b.looks(t, before)
	e.until("the node", e.has("todos", "lost", "{}"))
}
