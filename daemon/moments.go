package daemon

import (
	"context"
	"net/http"
	"time"

	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/setlog"
)

// keepMoment is how long a moment that was read stays, for who goes on with its pages.
const keepMoment = time.Minute

// moments holds the moment that was read last: each takes the memory of a whole bucket.
type moments struct {
	turn  chan struct{} // holds the right to what follows
	of    momentKey
	last  *localstore.Moment
	timer *time.Timer
}

// momentKey is what a moment is of.
type momentKey struct {
	bucket *heldBucket
	stamp  setlog.Stamp
}

func newMoments() *moments { return &moments{turn: make(chan struct{}, 1)} }

// at answers a bucket's nodes at a stamp; one moment is read at a time.
func (m *moments) at(ctx context.Context, b *heldBucket, stamp setlog.Stamp) (*localstore.Moment, error) {
	select {
	case m.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-m.turn }()
	if still, err := m.isOf(ctx, b, stamp); err != nil {
		return nil, err
	} else if !still {
		m.last = nil
		read, err := b.At(ctx, stamp)
		if err != nil {
			return nil, err
		}
		m.of, m.last = momentKey{b, stamp}, read
	}
	m.keep()
	return m.last, nil
}

// isOf tells whether the last moment is the one that is asked for.
func (m *moments) isOf(ctx context.Context, b *heldBucket, stamp setlog.Stamp) (bool, error) {
	if m.last == nil || m.of != (momentKey{b, stamp}) {
		return false, nil
	}
	return b.StillAt(ctx, m.last)
}

// keep lets go of the moment some time after it was last asked for.
func (m *moments) keep() {
	if m.timer != nil {
		m.timer.Stop()
	}
	m.timer = time.AfterFunc(keepMoment, m.drop)
}

func (m *moments) drop() {
	m.turn <- struct{}{}
	defer func() { <-m.turn }()
	m.last, m.of = nil, momentKey{}
	if m.timer != nil {
		m.timer.Stop()
	}
}

// moment is where the nodes of a bucket come from with at=.
func (d *Daemon) moment(ctx context.Context, b *heldBucket, at string) (source, error) {
	stamp, err := stampOf(at)
	if err != nil {
		return nil, err
	}
	return d.moments.at(ctx, b, stamp)
}

// lastYear is that of the last moment which stamps tell apart.
const lastYear = 2099

// stampOf reads at=: a stamp as entries have it, or a time, which stands for the last stamp of its millisecond.
func stampOf(text string) (setlog.Stamp, error) {
	stamp, err := setlog.ParseStamp(text)
	if err == nil {
		return stamp, nil
	}
	moment, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return 0, problem(http.StatusBadRequest, "at="+text+" is neither a stamp nor a time",
			"say 1764000000000-0 as entries of the log do, or 2026-01-31T12:00:00Z; + in a URL is %2B")
	}
	switch next := setlog.Wall(moment.Add(time.Millisecond)); {
	case next == 0: // before there were any
		return 0, nil
	case moment.Year() > lastYear:
		return setlog.MaxStamp, nil
	default:
		return next - 1, nil
	}
}
