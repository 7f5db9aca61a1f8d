package replica

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/setlogger/setlogger/localstore"
)

// push seals what was appended and brings every held segment a step further on this remote: sent, shown by a later
// listing, read back. A file that the remote lost is sent again, whoever wrote it.
func (v *visit) push(ctx context.Context) error {
	sealed, err := v.bucket.Seal(ctx)
	v.round.Sealed += sealed
	if err != nil {
		return err
	}
	segments, err := v.bucket.Segments()
	if err != nil {
		return err
	}
	sent, err := v.bucket.Sent(v.o.Remote)
	if err != nil {
		return err
	}
	for _, s := range segments {
		v.busy = v.busy || !v.isSettled(s, sent[s.Name])
	}
	p := pusher{visit: v, marks: map[localstore.Sent][]string{}}
	unsent, others := p.split(segments, sent)
	for _, segment := range unsent { // what is not there yet goes before every look at what is
		if err := p.upload(ctx, segment.Name); err != nil {
			return err
		}
	}
	if err := errors.Join(p.advanceAll(ctx, others, sent), p.flushMarks(ctx)); err != nil {
		return err
	}
	return v.consolidate(ctx, segments, sent)
}

// maxMarks is how many segments may be looked at again after a process was killed.
const maxMarks = 64

// pusher is the push of one bucket in one round.
type pusher struct {
	*visit

	marks map[localstore.Sent][]string // segments that a look showed to have come so far; they are noted together
}

// mark notes how far a segment has come, soon.
func (p *pusher) mark(ctx context.Context, state localstore.Sent, name string) error {
	p.marks[state] = append(p.marks[state], name)
	if len(p.marks[state]) < maxMarks {
		return nil
	}
	return p.flushMarks(ctx)
}

// flushMarks notes what was found.
func (p *pusher) flushMarks(ctx context.Context) error {
	for _, state := range slices.Sorted(maps.Keys(p.marks)) {
		if err := p.bucket.MarkSent(ctx, p.o.Remote, state, p.marks[state]...); err != nil {
			return err
		}
		delete(p.marks, state)
	}
	return nil
}

// split tells the own segments that were never sent from all others.
func (p *pusher) split(segments []localstore.StoredSegment, sent map[string]localstore.Sent) (unsent, others []localstore.StoredSegment) {
	for _, s := range segments {
		if s.Past || sent[s.Name] == localstore.Retired {
			continue
		}
		if s.Own && sent[s.Name] == localstore.Unsent && !p.names.has(s.Name) {
			unsent = append(unsent, s)
		} else {
			others = append(others, s)
		}
	}
	return unsent, others
}

func (p *pusher) advanceAll(ctx context.Context, segments []localstore.StoredSegment, sent map[string]localstore.Sent) error {
	for _, segment := range segments {
		if err := p.advance(ctx, segment, sent[segment.Name]); err != nil {
			return err
		}
	}
	return nil
}

// advance takes the one next step of a segment that was sent, or that another wrote.
func (p *pusher) advance(ctx context.Context, s localstore.StoredSegment, state localstore.Sent) error {
	shown := p.names.has(s.Name)
	switch {
	case shown && state == localstore.Verified && !p.isResized(s):
		delete(p.absent, s.Name)
		return nil
	case shown:
		return p.verify(ctx, s.Name)
	}
	if p.absent[s.Name]++; p.absent[s.Name] < patience {
		return nil
	}
	return p.restore(ctx, s)
}

// verify reads back a file that a listing shows.
func (p *pusher) verify(ctx context.Context, name string) error {
	data, err := p.bucket.SegmentData(name)
	if err != nil {
		return err
	}
	back, err := p.o.Storage.Read(ctx, inLog(name))
	switch {
	case isAbsent(err):
		return p.bucket.MarkSent(ctx, p.o.Remote, localstore.Uploaded, name)
	case err != nil && !isUnfit(err):
		return fmt.Errorf("read back %s: %w", inLog(name), err)
	case !bytes.Equal(back, data):
		p.o.Logger.Warn("the remote changed a file; it is sent again", "remote", p.o.Remote, "file", inLog(name))
		p.notice(changed, inLog(name))
		return p.upload(ctx, name)
	}
	delete(p.absent, name)
	delete(p.missed, name) // it is there again: whether it may go is for the next audit to find
	if size := p.names[name]; size != int64(len(data)) {
		p.odd[name] = size
	}
	p.round.Checked++
	return p.mark(ctx, localstore.Verified, name)
}

// restore sends a file again that several listings lack, unless it is there all the same, or others hold its entries.
func (p *pusher) restore(ctx context.Context, s localstore.StoredSegment) error {
	finds := []find{p.isInLog, p.retiredIf(p.isInPast), p.retiredIf(p.isCovered)}
	if !s.Own { // most likely its writer has joined it with others: that is looked for first, and spares a read
		finds[0], finds[1] = finds[1], finds[0]
	}
	for _, found := range finds {
		if done, err := found(ctx, s); done || err != nil {
			return err
		}
	}
	p.o.Logger.Warn("the remote lacks a file that is held here; it is sent again", "remote", p.o.Remote, "file", inLog(s.Name))
	p.notice(vanished, inLog(s.Name))
	return p.upload(ctx, s.Name)
}

// find tells whether a segment that listings lack need not be sent again.
type find func(ctx context.Context, s localstore.StoredSegment) (bool, error)

// isInLog tells whether a file is there, and the listing lags.
func (p *pusher) isInLog(ctx context.Context, s localstore.StoredSegment) (bool, error) {
	_, err := p.o.Storage.Read(ctx, inLog(s.Name))
	switch {
	case isUnfit(err):
		return false, nil
	case err != nil:
		return false, fmt.Errorf("look for %s: %w", inLog(s.Name), err)
	}
	p.absent[s.Name] = 0
	return true, nil
}

// retiredIf is a find that notes a segment as not needed any more where it succeeds.
func (p *pusher) retiredIf(found find) find {
	return func(ctx context.Context, s localstore.StoredSegment) (bool, error) {
		ok, err := found(ctx, s)
		if !ok || err != nil {
			return false, err
		}
		delete(p.absent, s.Name)
		return true, p.mark(ctx, localstore.Retired, s.Name)
	}
}

// upload writes a segment.
func (p *pusher) upload(ctx context.Context, name string) error {
	if err := p.ensure(ctx); err != nil {
		return err
	}
	data, err := p.bucket.SegmentData(name)
	if err != nil {
		return err
	}
	if err := p.o.Storage.Write(ctx, inLog(name), data); err != nil {
		return fmt.Errorf("write %s: %w", inLog(name), err)
	}
	delete(p.absent, name)
	p.round.Uploaded++
	return p.bucket.MarkSent(ctx, p.o.Remote, localstore.Uploaded, name)
}
