package replica

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

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
	met      map[string]bool // paths that From showed to any pass, less those that went since
	passes   int
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
	Pass  int      // how many there were of this copy, with this one
	Files int      // written
	Late  int      // those of them that From had shown to the pass before: To did not show them yet, or lost them
	Gone  []string // files of From that were listed and not found: removed since, or the listing runs ahead; sorted
	Unfit []string // files of From that are not what their names say; sorted
}

// IsWhole tells that a later listing of To has shown all that the passes before found in From, however much is new since. From was
// listed twice then at least: one listing may omit anything.
func (c Copied) IsWhole() bool {
	return c.Pass > 1 && c.Late == 0 && len(c.Gone) == 0 && len(c.Unfit) == 0
}

// copyLanes is how many files are under way at once.
const copyLanes = 4

// Pass copies what a listing of To lacks: what is kept for ever first, then each index after its chunks, and log/ at last, without
// the segments whose lines To has in past/ already.
func (c *Copy) Pass(ctx context.Context) (Copied, error) {
	p := &pass{Copy: c, from: sizes{}, at: map[string]bool{}, past: map[string][]setlog.SegmentName{}}
	c.passes++
	p.copied.Pass = c.passes
	lists := map[string][]string{}
	for _, folder := range []string{logFolder, pastFolder, indexFolder, chunkFolder} { // log/ before past/: what moves between the two is in one of them
		from, err := sizesIn(ctx, c.From, folder)
		if err != nil {
			return p.copied, err
		}
		maps.Copy(p.from, from)
		lists[folder] = p.wanted(folder, from)
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
	p.keepMet()
	slices.Sort(p.copied.Gone)
	slices.Sort(p.copied.Unfit)
	return p.copied, err
}

// wanted are the files of a folder that From shows or has shown, sorted.
func (p *pass) wanted(folder string, from sizes) []string {
	all := maps.Clone(from)
	for path := range p.met {
		if strings.HasPrefix(path, folder+"/") {
			all[path] = 0
		}
	}
	return slices.DeleteFunc(slices.Sorted(maps.Keys(all)), func(path string) bool { return !p.wants(path) })
}

// keepMet remembers what From has shown.
func (p *pass) keepMet() {
	if p.met == nil {
		p.met = map[string]bool{}
	}
	for path := range p.from {
		p.met[path] = true
	}
	for _, path := range p.went {
		delete(p.met, path)
	}
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
	counts sync.Mutex // held for what follows, at and past
	copied Copied
	went   []string // paths that From had shown

	telling     sync.Mutex // held for what follows
	done, total int        // files
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
		if _, shown := p.from[path]; !shown {
			p.went = append(p.went, path) // neither a listing nor a read finds it any more
		} else {
			p.copied.Gone = append(p.copied.Gone, path)
		}
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
	if err := writeBack(ctx, p.To, path, data); err != nil {
		return err
	}
	p.trust(path)
	p.note(path)
	p.counts.Lock()
	defer p.counts.Unlock()
	p.copied.Files++
	if p.met[path] {
		p.copied.Late++
	}
	return nil
}

func (p *pass) expect(files int) { p.tell(0, files) }

func (p *pass) step() { p.tell(1, 0) }

// tell adds to what is done and to all, and tells of both, one call after the other.
func (p *pass) tell(done, total int) {
	p.telling.Lock()
	defer p.telling.Unlock()
	p.done += done
	p.total += total
	if p.Progress != nil {
		p.Progress(p.done, p.total)
	}
}
