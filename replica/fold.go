package replica

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/setlog"
)

// fold fetches and folds files, a window at a time. It tells whether any of them waits for a file that is not there.
func (v *visit) fold(ctx context.Context, wanted []file) (waits bool, err error) {
	var early []localstore.Incoming
	for part := range slices.Chunk(wanted, window) {
		incoming, unread := v.fetch(ctx, part)
		gaps, err := v.foldAll(ctx, append(early, incoming...))
		if err := errors.Join(unread, err); err != nil {
			return false, err
		}
		early = gaps[:min(len(gaps), window)] // the rest is fetched again once its time has come
	}
	return len(early) > 0, nil
}

// fetch downloads files side by side and answers those that verify, also beside an error.
func (v *visit) fetch(ctx context.Context, files []file) (whole []localstore.Incoming, err error) {
	results := make([]localstore.Incoming, len(files))
	errs := make([]error, len(files))
	slots := make(chan struct{}, v.o.Fetches)
	var running sync.WaitGroup
	for i, f := range files {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			results[i], errs[i] = v.fetchOne(ctx, f)
		})
	}
	running.Wait()
	for i, f := range files {
		var broken *brokenError
		switch {
		case errs[i] == nil:
			v.round.Fetched++
			whole = append(whole, results[i])
		case errors.As(errs[i], &broken), isUnfit(errs[i]):
			v.doubt(f.folder, f.String(), errs[i])
		case err == nil:
			err = errs[i]
		}
	}
	return whole, err
}

// brokenError says that a file's content is not what its name says.
type brokenError struct{ cause error }

func (e *brokenError) Error() string { return e.cause.Error() }

func (e *brokenError) Unwrap() error { return e.cause }

func (v *visit) fetchOne(ctx context.Context, f file) (localstore.Incoming, error) {
	name := f.String()
	data, err := v.o.Storage.Read(ctx, f.folder+"/"+name)
	if err != nil {
		return localstore.Incoming{}, fmt.Errorf("read %s/%s: %w", f.folder, name, err)
	}
	if setlog.HashOf(data) != f.Hash {
		return localstore.Incoming{}, &brokenError{errOtherHash}
	}
	segment, err := v.o.Known.segment(data)
	if err == nil && segment.Name != f.SegmentName {
		err = fmt.Errorf("%w: it holds %s", setlog.ErrFile, segment.Name)
	}
	if err != nil {
		return localstore.Incoming{}, &brokenError{err}
	}
	return localstore.Incoming{Name: name, Data: data, Segment: segment}, nil
}

// foldAll folds what can be folded, in whatever order that takes, and answers what waits for entries before it.
func (v *visit) foldAll(ctx context.Context, incoming []localstore.Incoming) ([]localstore.Incoming, error) {
	for {
		gaps, progress, err := v.foldOnce(ctx, incoming)
		if err != nil || len(gaps) == 0 || !progress {
			return gaps, err
		}
		incoming = gaps
	}
}

func (v *visit) foldOnce(ctx context.Context, incoming []localstore.Incoming) (gaps []localstore.Incoming, progress bool, err error) {
	for len(incoming) > 0 {
		writer := v.bucket.Writer()
		folded, err := v.bucket.FoldAll(ctx, incoming...)
		names := make([]string, len(folded))
		for i, f := range folded {
			names[i] = incoming[i].Name
			v.round.Folded += f.Entries
			if f.Forked {
				v.notice(forked, inLog(names[i]))
			}
			v.noticeLead(f.Latest, inLog(names[i]))
			delete(v.unsure, names[i])
		}
		progress = progress || len(folded) > 0
		if v.bucket.Writer() != writer {
			v.notice(copied, inLog(incoming[max(len(folded), 1)-1].Name))
		}
		if err := v.bucket.MarkSent(ctx, v.o.Remote, localstore.Verified, names...); err != nil {
			return nil, progress, err
		}
		if err == nil {
			return gaps, progress, nil
		}
		if len(folded) == len(incoming) {
			return nil, progress, err
		}
		failed := incoming[len(folded)]
		switch {
		case errors.Is(err, localstore.ErrGap):
			gaps = append(gaps, failed)
			v.doubt(v.folderOf(failed.Name), failed.Name, err)
		case errors.Is(err, localstore.ErrOtherBirth), errors.Is(err, localstore.ErrSegment):
			v.doubt(v.folderOf(failed.Name), failed.Name, err)
		default:
			return nil, progress, err
		}
		incoming = incoming[len(folded)+1:]
	}
	return gaps, progress, nil
}

// folderOf is the folder in which this round has found a segment.
func (v *visit) folderOf(name string) string {
	if v.names.has(name) {
		return logFolder
	}
	return pastFolder
}
