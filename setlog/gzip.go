package setlog

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// MaxFile is the most that a file of a share may inflate to, in bytes.
const MaxFile = 64 << 20

// The tables of a writer take up to 1.4 MB, those of a reader 37 kB: most files are smaller.
// Segments are made while people wait, chunks seldom, and read by every newcomer.
var (
	quick     = sync.Pool{New: func() any { return newWriter(segmentLevel) }}
	thorough  = sync.Pool{New: func() any { return newWriter(gzip.BestCompression) }}
	storing   = sync.Pool{New: func() any { return newWriter(gzip.NoCompression) }}
	inflaters = sync.Pool{New: func() any { return new(gzip.Reader) }}
)

// segmentLevel is the level of segments, of klauspost/compress: files a fortieth larger than by compress/gzip, in half the time.
const segmentLevel = 7

func newWriter(level int) *gzip.Writer {
	w, _ := gzip.NewWriterLevel(nil, level) // the level is one
	return w
}

// deflate makes a gzip file without a name or a time, by a writer of one of the pools.
func deflate(writers *sync.Pool, text []byte) ([]byte, error) {
	var file bytes.Buffer
	file.Grow(len(text) / 4)
	w, _ := writers.Get().(*gzip.Writer) // nothing else is put there
	defer writers.Put(w)
	w.Reset(&file)
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return file.Bytes(), nil
}

// claimed is how many bytes of text a file says it has, as far as so much can be in it.
func claimed(data []byte) int {
	const densest = 1032 // bytes of text in one of deflate
	if len(data) < 4 {
		return 0
	}
	return min(int(binary.LittleEndian.Uint32(data[len(data)-4:])), densest*len(data), MaxFile)
}

// inflate reads a gzip file of at most MaxFile bytes of text, with nothing behind it.
func inflate(data []byte) ([]byte, error) {
	from := bytes.NewReader(data)
	r, _ := inflaters.Get().(*gzip.Reader)
	defer inflaters.Put(r)
	if err := r.Reset(from); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFile, err)
	}
	r.Multistream(false)
	var text bytes.Buffer
	text.Grow(claimed(data) + bytes.MinRead)
	n, err := io.Copy(&text, io.LimitReader(r, MaxFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrFile, err)
	case n > MaxFile:
		return nil, fmt.Errorf("%w: it inflates to more than 64 MiB", ErrFile)
	case from.Len() > 0:
		return nil, fmt.Errorf("%w: %d bytes stand behind its end", ErrFile, from.Len())
	}
	return text.Bytes(), nil
}
