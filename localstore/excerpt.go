package localstore

import (
	"crypto/ed25519"
	"fmt"

	"github.com/setlogger/setlogger/setlog"
)

// Excerpt is a segment of own entries that is kept nowhere: it goes to others by a message, before or after they are sealed.
type Excerpt struct {
	Writer setlog.Writer
	Last   uint64 // number of its last entry
	Data   []byte // the segment's file; nil where one entry alone is larger than asked for
	Head   uint64 // number of the last entry there is
}

// Excerpt makes a segment of entries of the bucket's current writer: those after the ones of a place up to which this was done
// before, or where that is of another writer, after those that are sealed. Its file has at most so many bytes. Last is 0
// where there is none: nothing was written, or the bucket has no birth yet.
func (b *Bucket) Excerpt(after Excerpt, most int) (Excerpt, error) {
	l := b.now()
	if l.current == 0 || len(l.births) == 0 {
		return Excerpt{}, nil
	}
	br := l.branch(l.current)
	if after.Writer != br.writer {
		after = Excerpt{Writer: br.writer, Last: br.sealed}
	}
	if after.Last >= br.own {
		return Excerpt{}, nil
	}
	header, lines, err := b.linesFrom(l, br, after.Last+1, br.own)
	if err != nil {
		return Excerpt{}, err
	}
	key := ed25519.NewKeyFromSeed(keyOf(l, br.writer))
	_, data, lines, err := encodeUpTo(most, setlog.EncodeExcerpt, header, lines, key)
	if err != nil {
		return Excerpt{}, fmt.Errorf("make an excerpt from entry %d of %v: %w", header.First, br.writer, err)
	}
	last := after.Last + uint64(len(lines))
	if len(data) > most {
		data = nil
	}
	return Excerpt{Writer: br.writer, Last: last, Data: data, Head: br.own}, nil
}
