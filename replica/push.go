package replica

import (
	"bytes"
	"context"
	"fmt"

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
	p := pusher{v}
	unsent, others := p.split(segments, sent)
	for _, segment := range unsent { // what is not there yet goes before every look at what is
		if err := p.upload(ctx, segment.Name); err != nil {
			return err
		}
	}
	for _, segment := range others {
		if err := p.advance(ctx, segment, sent[segment.Name]); err != nil {
			return err
		}
	}
	return v.consolidate(ctx, segments, sent)
}

// pusher is the push of one bucket in one round.
type pusher struct{ *visit }

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
	case err != nil:
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
	return p.bucket.MarkSent(ctx, p.o.Remote, localstore.Verified, name)
}

// restore sends a file again that several listings lack and that a read does not find, unless past/ holds its entries.
func (p *pusher) restore(ctx context.Context, s localstore.StoredSegment) error {
	name := s.Name
	_, err := p.o.Storage.Read(ctx, inLog(name))
	switch {
	case err == nil:
		p.absent[name] = 0 // the listing lags
		return nil
	case !isAbsent(err):
		return fmt.Errorf("look for %s: %w", inLog(name), err)
	}
	retired, err := p.isInPast(ctx, s)
	if err != nil {
		return err
	}
	if !retired {
		retired, err = p.isCovered(ctx, s)
	}
	if err != nil {
		return err
	}
	if retired {
		delete(p.absent, name)
		return p.bucket.MarkSent(ctx, p.o.Remote, localstore.Retired, name)
	}
	p.o.Logger.Warn("the remote lacks a file that is held here; it is sent again", "remote", p.o.Remote, "file", inLog(name))
	p.notice(vanished, inLog(name))
	return p.upload(ctx, name)
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
