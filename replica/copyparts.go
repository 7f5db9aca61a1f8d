package replica

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/setlog"
)

// copyIndexes copies each index that To lacks after those of its chunks that To lacks; also the chunks of one that To has.
func (p *pass) copyIndexes(ctx context.Context, paths []string) error {
	for _, path := range paths {
		data, err := p.read(ctx, path)
		if err != nil {
			return err
		}
		if data == nil {
			continue
		}
		index, err := setlog.DecodeIndex(data)
		if err != nil {
			p.copied.Unfit = append(p.copied.Unfit, path)
			continue
		}
		if err := p.copyIndex(ctx, path, data, index); err != nil {
			return err
		}
	}
	return nil
}

// copyIndex leaves an index out whose chunks are not there: it counts for nothing.
func (p *pass) copyIndex(ctx context.Context, path string, data []byte, index *setlog.Index) error {
	var chunks []string
	for _, ref := range index.Chunks {
		chunks = append(chunks, chunkFolder+"/"+index.Name(ref).String())
	}
	if !p.isDoubtful(path) { // else any of them may be broken
		chunks = p.lacking(chunks)
	}
	whole := atomic.Bool{}
	whole.Store(true)
	p.expect(len(chunks))
	err := p.each(ctx, chunks, func(ctx context.Context, chunk string) error {
		fit, err := p.copyFile(ctx, chunk)
		if !fit {
			whole.Store(false)
		}
		return err
	})
	if err != nil || !whole.Load() || p.at[path] {
		return err
	}
	return p.write(ctx, path, data)
}

// copyLog copies segments of log/.
func (p *pass) copyLog(ctx context.Context, paths []string) error {
	var wanted []string
	for _, path := range paths {
		held, err := p.isKept(ctx, path)
		if err != nil {
			return err
		}
		if !held {
			wanted = append(wanted, path)
		}
	}
	return p.copyAll(ctx, wanted)
}

// keptSegment is the segment of To's past/ that was read last: those that follow in log/ often are of it too.
type keptSegment struct {
	path    string
	segment *setlog.Segment
}

// isKept tells whether To has the very lines of a segment of log/ in past/.
func (p *pass) isKept(ctx context.Context, path string) (bool, error) {
	small, _ := setlog.ParseSegmentName(strings.TrimPrefix(path, logFolder+"/"))
	for _, name := range p.past[logOf(small)] {
		if name.First > small.First || name.Last < small.Last {
			continue
		}
		holds, err := p.holdsLines(ctx, pastFolder+"/"+name.String(), path)
		if holds || err != nil {
			return holds, err
		}
	}
	return false, nil
}

func (p *pass) holdsLines(ctx context.Context, past, path string) (bool, error) {
	if p.kept.path != past {
		whole, err := readSegment(ctx, p.To, past)
		if err != nil {
			return false, err
		}
		p.kept = keptSegment{past, whole}
	}
	small, err := readSegment(ctx, p.From, path)
	if err != nil || small == nil || p.kept.segment == nil {
		return false, err
	}
	from := small.First - p.kept.segment.First
	return slices.EqualFunc(small.Lines, p.kept.segment.Lines[from:from+uint64(len(small.Lines))], bytes.Equal), nil
}

// readSegment reads a segment; nil for one that is not there, or not what its name says.
func readSegment(ctx context.Context, storage remote.Storage, path string) (*setlog.Segment, error) {
	data, err := storage.Read(ctx, path)
	if err != nil && !isUnfit(err) {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if err != nil {
		return nil, nil //nolint:nilnil,nilerr // there is none
	}
	segment, err := setlog.DecodeSegment(data)
	if err != nil || !strings.HasSuffix(path, "/"+segment.Name.String()) {
		return nil, nil //nolint:nilnil,nilerr // likewise
	}
	return segment, nil
}
