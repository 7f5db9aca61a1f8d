package notify

import "context"

// pump brings what a library hands over in a goroutine of its own.
type pump struct {
	coming chan []byte
	stop   context.CancelFunc
	ended  chan struct{} // closed after err is set
	err    error
}

// give hands a message to whoever receives; its error is the context's, which ended before.
type give func(ctx context.Context, message []byte) error

// startPump runs what brings messages until it fails, or is stopped by its context.
func startPump(bring func(ctx context.Context, hand give) error) *pump {
	ctx, stop := context.WithCancel(context.Background())
	p := &pump{coming: make(chan []byte), stop: stop, ended: make(chan struct{})}
	go func() {
		defer close(p.ended)
		p.err = bring(ctx, p.hand)
	}()
	return p
}

func (p *pump) hand(ctx context.Context, message []byte) error {
	select {
	case p.coming <- message:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *pump) receive(ctx context.Context) ([]byte, error) {
	select {
	case m := <-p.coming:
		return m, nil
	case <-p.ended:
		return nil, p.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// end stops it, and waits.
func (p *pump) end() {
	p.stop()
	<-p.ended
}
