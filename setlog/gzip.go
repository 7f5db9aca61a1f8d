package setlog

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
)

// MaxFile is the most that a file of a share may inflate to, in bytes.
const MaxFile = 64 << 20

// deflate makes a gzip file without a name or a time.
func deflate(text []byte) ([]byte, error) {
	var file bytes.Buffer
	file.Grow(len(text) / 4)
	w := gzip.NewWriter(&file)
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return file.Bytes(), nil
}

// inflate reads a gzip file of at most MaxFile bytes of text, with nothing behind it.
func inflate(data []byte) ([]byte, error) {
	from := bytes.NewReader(data)
	r, err := gzip.NewReader(from)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrSegment, err)
	}
	r.Multistream(false)
	var text bytes.Buffer
	text.Grow(min(8*len(data), MaxFile))
	n, err := io.Copy(&text, io.LimitReader(r, MaxFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrSegment, err)
	case n > MaxFile:
		return nil, fmt.Errorf("%w: it inflates to more than 64 MiB", ErrSegment)
	case from.Len() > 0:
		return nil, fmt.Errorf("%w: %d bytes stand behind its end", ErrSegment, from.Len())
	}
	return text.Bytes(), nil
}
