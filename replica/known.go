package replica

import (
	"crypto/sha256"
	"sync"
	"time"

	"github.com/setlogger/setlogger/setlog"
)

const (
	// maxKnown is how many bytes of text a generation of known files has; there are two.
	maxKnown = 1 << 20
	// knownFor is how long files stay known while nobody asks for any.
	knownFor = time.Minute
)

// Known has what files say that were decoded and verified not long ago. Who reads the same bytes again, for another look or
// from another remote, gets that at once: a file is known by the hash of all its bytes, so what is read from a remote is
// verified each time. Nobody may change what is answered. Any number of shares may have one in common.
//
// What is asked for stays, up to a bound. What is not is forgotten as others come, and all of it a minute after the last one was
// asked for.
type Known struct {
	mu         sync.Mutex
	young, old map[fileSum]knownFile
	size       int // bytes of text of young
	idle       *time.Timer
}

// NewKnown knows nothing yet.
func NewKnown() *Known {
	k := &Known{young: map[fileSum]knownFile{}}
	k.idle = time.AfterFunc(knownFor, k.forget)
	return k
}

// fileSum names a file by what it is read as, and all its bytes.
type fileSum struct {
	kind string
	sum  [sha256.Size]byte
}

// knownFile is what a file says, of so many bytes of text.
type knownFile struct {
	said any
	size int
}

// nodes is what a chunk says.
type nodes struct {
	bucket, index string
	all           []setlog.Changed
}

func (k *Known) segment(data []byte) (*setlog.Segment, error) {
	return know(k, "segment", data, func() (*setlog.Segment, int, error) {
		s, err := setlog.DecodeSegment(data)
		if err != nil {
			return nil, 0, err
		}
		return s, textOf(s.Lines), nil
	})
}

// entries are those of a segment, without those that change nothing.
func (k *Known) entries(data []byte) ([]setlog.Entry, error) {
	return know(k, "entries", data, func() ([]setlog.Entry, int, error) {
		s, err := k.segment(data)
		if err != nil {
			return nil, 0, err
		}
		return entriesOf(s), textOf(s.Lines), nil
	})
}

func (k *Known) index(data []byte) (*setlog.Index, error) {
	return know(k, "index", data, func() (*setlog.Index, int, error) {
		index, err := setlog.DecodeIndex(data)
		return index, len(data), err
	})
}

func (k *Known) seen(data []byte) (*setlog.Seen, error) {
	return know(k, "seen", data, func() (*setlog.Seen, int, error) {
		seen, err := setlog.DecodeSeen(data)
		return seen, len(data), err
	})
}

func (k *Known) chunk(data []byte) (*nodes, error) {
	return know(k, "chunk", data, func() (*nodes, int, error) {
		chunk, err := setlog.DecodeChunk(data)
		if err != nil {
			return nil, 0, err
		}
		read, err := readNodes(chunk)
		return read, textOf(chunk.Lines), err
	})
}

func readNodes(chunk *setlog.Chunk) (*nodes, error) {
	read := &nodes{chunk.Bucket, chunk.Index, make([]setlog.Changed, 0, len(chunk.Lines))}
	for node, err := range chunk.Nodes() {
		if err != nil {
			return nil, err
		}
		read.all = append(read.all, node)
	}
	return read, nil
}

func textOf(lines [][]byte) (size int) {
	for _, line := range lines {
		size += len(line)
	}
	return size
}

// know answers what a file says. Where that is not known it is decoded, which tells how much text it is.
func know[T any](k *Known, kind string, data []byte, decode func() (T, int, error)) (T, error) {
	name := fileSum{kind, sha256.Sum256(data)}
	if said, ok := k.recall(name).(T); ok {
		return said, nil
	}
	said, size, err := decode()
	if err == nil {
		k.note(name, knownFile{said, size})
	}
	return said, err
}

// recall answers what a file says, nil where that is not known.
func (k *Known) recall(name fileSum) any {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.idle.Reset(knownFor)
	file, ok := k.young[name]
	if !ok {
		if file, ok = k.old[name]; ok {
			k.keep(name, file)
		}
	}
	return file.said
}

func (k *Known) note(name fileSum, file knownFile) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.keep(name, file)
}

// keep has a file among the young ones, unless it would drive too many out. The caller holds the lock.
func (k *Known) keep(name fileSum, file knownFile) {
	if file.size > maxKnown/4 {
		return
	}
	if k.size+file.size > maxKnown {
		k.age()
	}
	k.young[name] = file
	k.size += file.size
}

// age forgets what was not asked for since it did so before. The caller holds the lock.
func (k *Known) age() { k.old, k.young, k.size = k.young, map[fileSum]knownFile{}, 0 }

// forget lets go of all.
func (k *Known) forget() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.young, k.old, k.size = map[fileSum]knownFile{}, nil, 0
}
