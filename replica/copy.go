package replica

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/setlog"
)

// Copy brings the files of one share to another: segments, chunks and indexes, as they are. Each is checked against the hash in its
// name before it is written, and read back after. What a device says of a share (seen files, views) belongs to that share and stays.
// Both shares may be in use meanwhile: a name stands for the same bytes everywhere.
type Copy struct {
	From, To remote.Storage
	Wants    func(bucketID string) bool // nil: all buckets
	Progress func(done, total int)      // of the files that are known to lack; nil: nobody hears

	mu       sync.Mutex
	doubtful map[string]bool // paths that To may show and not have as they are to be
	met      map[string]bool // paths that From showed to the last pass; nil before it
}

// Doubt has files of To written again by the next pass, though a listing shows them; an index with all its chunks.
func (c *Copy) Doubt(paths ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.doubtful == nil {
		c.doubtful = map[string]bool{}
	}
	for _, path := range paths {
		c.doubtful[path] = true
	}
}

func (c *Copy) trust(path string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.doubtful, path)
}

func (c *Copy) isDoubtful(path string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.doubtful[path]
}

// Copied is what one pass did.
type Copied struct {
	Files int      // written
	Late  int      // those of them that From had shown to the pass before: To did not show them yet, or lost them
	Gone  []string // files of From that were listed and not found: removed since, or the listing runs ahead; sorted
	Unfit []string // files of From that are not what their names say; sorted
}

// IsWhole tells that a later listing of To has shown all that the pass before found in From, however much is new since.
func (c Copied) IsWhole() bool { return c.Late == 0 && len(c.Gone) == 0 && len(c.Unfit) == 0 }

// copyLanes is how many files are under way at once.
const copyLanes = 4

// Pass copies what a listing of To lacks: what is kept for ever first, then each index after its chunks, and log/ at last, without
// the segments whose lines To has in past/ already.
func (c *Copy) Pass(ctx context.Context) (Copied, error) {
	p := &pass{Copy: c, from: sizes{}, at: map[string]bool{}, past: map[string][]setlog.SegmentName{}}
	lists := map[string][]string{}
	for _, folder := range []string{logFolder, pastFolder, indexFolder, chunkFolder} { // log/ before past/: what moves between the two is in one of them
		from, err := sizesIn(ctx, c.From, folder)
		if err != nil {
			return p.copied, err
		}
		maps.Copy(p.from, from)
		lists[folder] = slices.DeleteFunc(slices.Sorted(maps.Keys(from)), func(path string) bool { return !c.wants(path) })
		there, err := sizesIn(ctx, c.To, folder)
		if err != nil {
			return p.copied, err
		}
		for path, size := range there {
			if want, known := from[path]; !c.isDoubtful(path) && (!known || size == want || size < 0 || want < 0) {
				p.note(path)
			}
		}
	}
	err := p.copyAll(ctx, p.lacking(lists[pastFolder]))
	if err == nil {
		err = p.copyIndexes(ctx, lists[indexFolder])
	}
	if err == nil {
		err = p.copyLog(ctx, p.lacking(lists[logFolder]))
	}
	if err == nil {
		c.met = map[string]bool{}
		for path := range p.from {
			c.met[path] = true
		}
	}
	slices.Sort(p.copied.Gone)
	slices.Sort(p.copied.Unfit)
	return p.copied, err
}

// sizesIn lists a folder: the bytes of its files by path, negative where that is not known.
func sizesIn(ctx context.Context, storage remote.Storage, folder string) (sizes, error) {
	all := sizes{}
	for object, err := range storage.List(ctx, folder) {
		if err != nil {
			return nil, fmt.Errorf("list %s/: %w", folder, err)
		}
		if size, twice := all[object.Name]; twice && size != object.Size {
			object.Size = -1
		}
		all[object.Name] = object.Size
	}
	return all, nil
}

// wants tells whether a file is one of the format, of a bucket that is wanted.
func (c *Copy) wants(path string) bool {
	bucket := bucketIn(path)
	return bucket != "" && (c.Wants == nil || c.Wants(bucket))
}

// bucketIn is the id of the bucket that a segment or an index is of, by its path; empty for other files.
func bucketIn(path string) string {
	folder, name, _ := strings.Cut(path, "/")
	switch folder {
	case logFolder, pastFolder:
		n, _ := setlog.ParseSegmentName(name)
		return n.Bucket
	case indexFolder:
		n, _ := setlog.ParseIndexName(name)
		return n.Bucket
	}
	return ""
}

// pass is one pass of a copy.
type pass struct {
	*Copy
	from   sizes                           // that From shows
	at     map[string]bool                 // paths that To shows, or that were written
	past   map[string][]setlog.SegmentName // those of them in past/, by log
	kept   keptSegment
	total  atomic.Int64
	done   atomic.Int64
	counts sync.Mutex // held for what follows, at and past
	copied Copied
}

// note takes in that To has a file.
func (p *pass) note(path string) {
	p.counts.Lock()
	defer p.counts.Unlock()
	p.at[path] = true
	folder, base, _ := strings.Cut(path, "/")
	if name, ok := setlog.ParseSegmentName(base); ok && folder == pastFolder {
		p.past[logOf(name)] = append(p.past[logOf(name)], name)
	}
}

// logOf names the log of one writer in one bucket.
func logOf(name setlog.SegmentName) string { return name.Bucket + "." + name.Writer.String() }

func (p *pass) lacking(paths []string) []string {
	return slices.DeleteFunc(slices.Clone(paths), func(path string) bool { return p.at[path] })
}

// copyAll copies files side by side.
func (p *pass) copyAll(ctx context.Context, paths []string) error {
	p.expect(len(paths))
	return p.each(ctx, paths, func(ctx context.Context, path string) error {
		_, err := p.copyFile(ctx, path)
		return err
	})
}

// each calls do for each path, some at once, up to the first error.
func (p *pass) each(ctx context.Context, paths []string, do func(ctx context.Context, path string) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	slots := make(chan struct{}, copyLanes)
	var running sync.WaitGroup
	for _, path := range paths {
		slots <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		running.Go(func() {
			defer func() { <-slots }()
			if err := do(ctx, path); err != nil {
				cancel(err)
			}
		})
	}
	running.Wait()
	return context.Cause(ctx)
}

// copyFile copies one file. It tells whether the file was there, and is what its name says.
func (p *pass) copyFile(ctx context.Context, path string) (fit bool, err error) {
	defer p.step()
	data, err := p.read(ctx, path)
	if data == nil || err != nil {
		return false, err
	}
	return true, p.write(ctx, path, data)
}

// read reads a file of From; nil for one that is gone or unfit, which is noted.
func (p *pass) read(ctx context.Context, path string) ([]byte, error) {
	data, err := p.From.Read(ctx, path)
	if err != nil && !isUnfit(err) {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	p.counts.Lock()
	defer p.counts.Unlock()
	switch {
	case isAbsent(err):
		p.copied.Gone = append(p.copied.Gone, path)
	case err != nil || setlog.HashOf(data) != hashIn(path):
		p.copied.Unfit = append(p.copied.Unfit, path)
	default:
		return data, nil
	}
	return nil, nil
}

// hashIn is the hash in a file's name, zero where there is none.
func hashIn(path string) setlog.Hash {
	folder, name, _ := strings.Cut(path, "/")
	switch folder {
	case indexFolder:
		n, _ := setlog.ParseIndexName(name)
		return n.Hash
	case chunkFolder:
		n, _ := setlog.ParseChunkName(name)
		return n.Hash
	}
	n, _ := setlog.ParseSegmentName(name)
	return n.Hash
}

// write writes a file and reads it back.
func (p *pass) write(ctx context.Context, path string, data []byte) error {
	p.Doubt(path) // what stands there after a write that failed is not known
	if err := p.To.Write(ctx, path, data); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	back, err := p.To.Read(ctx, path)
	if err == nil && !bytes.Equal(back, data) {
		err = errOtherHash
	}
	if err != nil {
		return fmt.Errorf("read back %s: %w", path, err)
	}
	p.trust(path)
	p.note(path)
	p.counts.Lock()
	defer p.counts.Unlock()
	p.copied.Files++
	if p.met == nil || p.met[path] {
		p.copied.Late++
	}
	return nil
}

func (p *pass) expect(files int) {
	p.total.Add(int64(files))
	p.tell()
}

func (p *pass) step() {
	p.done.Add(1)
	p.tell()
}

func (p *pass) tell() {
	if p.Progress != nil {
		p.Progress(int(p.done.Load()), int(p.total.Load()))
	}
}

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
