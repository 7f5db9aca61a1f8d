package localstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"

	bolt "go.etcd.io/bbolt"

	"github.com/setlogger/setlogger/setlog"
)

// StoredSegment is a segment whose bytes this device holds: its own, to be sent, or one of others, for relay.
type StoredSegment struct {
	Name        string
	Writer      setlog.Writer
	First, Last uint64
	Size        int
	Own         bool // a writer of this file wrote it
	Past        bool // it is for past/: it holds the entries of several others
	Forked      bool // of its writer more than one branch is, or may be, known here: another may hold entries of these numbers
}

// Sent says how far a segment has come on one remote.
type Sent uint8

// The states of a segment on a remote.
const (
	Unsent   Sent = iota // not there as far as we know
	Uploaded             // the upload was answered with success
	Listed               // a later listing showed it
	Verified             // it was read back
	Retired              // it went, since one in past/ holds its entries
)

// segmentRecord is a stored segment beside its bytes.
type segmentRecord struct {
	id          uint32 // of its parts
	writer      setlog.Writer
	first, last uint64
	size        uint64
	past        bool
}

// The size of a record, less a byte that tells of past/.
const segmentRecordSize = 4 + 10 + 8 + 8 + 8

func (r *segmentRecord) encode() []byte {
	dst := binary.BigEndian.AppendUint32(make([]byte, 0, segmentRecordSize+1), r.id)
	dst = append(dst, r.writer[:]...)
	dst = binary.BigEndian.AppendUint64(dst, r.first)
	dst = binary.BigEndian.AppendUint64(dst, r.last)
	dst = binary.BigEndian.AppendUint64(dst, r.size)
	if r.past {
		dst = append(dst, 1)
	}
	return dst
}

func decodeSegmentRecord(v []byte) (segmentRecord, error) {
	var r segmentRecord
	if len(v) != segmentRecordSize && len(v) != segmentRecordSize+1 {
		return r, fmt.Errorf("segment: %w", errRecord)
	}
	r.id = binary.BigEndian.Uint32(v)
	copy(r.writer[:], v[4:])
	r.first, r.last, r.size = binary.BigEndian.Uint64(v[14:]), binary.BigEndian.Uint64(v[22:]), binary.BigEndian.Uint64(v[30:])
	r.past = len(v) > segmentRecordSize
	return r, nil
}

// storedSegment is a segment to be stored.
type storedSegment struct {
	segmentRecord
	name string
	data []byte
}

// partSize is how many bytes of a segment are one value: two fit a page of bbolt, see block.
const partSize = 1990

func (s *storedSegment) write(tx *bolt.Tx) error {
	segments, parts := tx.Bucket([]byte(bucketSegments)), tx.Bucket([]byte(bucketParts))
	parts.FillPercent = 1
	id, err := segments.NextSequence()
	if err != nil {
		return err
	}
	s.id = uint32(id)
	for i := 0; i*partSize < len(s.data); i++ {
		key := binary.BigEndian.AppendUint32(uint32Key(s.id), uint32(i))
		if err := parts.Put(key, s.data[i*partSize:min(len(s.data), (i+1)*partSize)]); err != nil {
			return err
		}
	}
	return segments.Put([]byte(s.name), s.encode())
}

// Segments lists the segments held, in the order of their names.
func (b *Bucket) Segments() ([]StoredSegment, error) {
	l := b.now()
	var list []StoredSegment
	err := b.view(func(tx *bolt.Tx) error {
		return tx.Bucket([]byte(bucketSegments)).ForEach(func(k, v []byte) error {
			r, err := decodeSegmentRecord(v)
			_, own := l.keys[r.writer]
			list = append(list, StoredSegment{string(k), r.writer, r.first, r.last, int(r.size), own, r.past, l.mayFork(r.writer)})
			return err
		})
	})
	return list, b.wrap(err)
}

// mayFork tells whether more than one branch of a writer is known, in the log or by indexes, or may be: a branch that does
// not lead through the end of what came by an index may be another one than that.
func (l *ledger) mayFork(w setlog.Writer) bool {
	branches, adopted := l.byWriter[w], l.adopted.Of(w)
	if len(branches) != 1 || len(adopted) != 1 {
		return len(branches) > 1 || len(adopted) > 1
	}
	return !l.branch(branches[0]).from(adopted[0].Last, adopted[0].Chain)
}

// HasSegment tells whether the bytes of a segment are held, and so its entries.
func (b *Bucket) HasSegment(name string) (bool, error) {
	has, err := b.HasSegments(name)
	return has[0], err
}

// HasSegments is HasSegment for each of some names.
func (b *Bucket) HasSegments(names ...string) ([]bool, error) {
	has := make([]bool, len(names))
	err := b.view(func(tx *bolt.Tx) error {
		segments := tx.Bucket([]byte(bucketSegments))
		for i, name := range names {
			has[i] = segments.Get([]byte(name)) != nil
		}
		return nil
	})
	return has, err
}

// SegmentData answers the bytes of a segment, as they are on a remote; ErrMissing when they are not held.
func (b *Bucket) SegmentData(name string) ([]byte, error) {
	var data []byte
	err := b.view(func(tx *bolt.Tx) error {
		var err error
		data, err = segmentData(tx, name)
		return err
	})
	return data, b.wrap(err)
}

func segmentData(tx *bolt.Tx, name string) ([]byte, error) {
	v := tx.Bucket([]byte(bucketSegments)).Get([]byte(name))
	if v == nil {
		return nil, fmt.Errorf("%w: segment %s", ErrMissing, name)
	}
	r, err := decodeSegmentRecord(v)
	if err != nil {
		return nil, err
	}
	data := make([]byte, 0, r.size)
	c := tx.Bucket([]byte(bucketParts)).Cursor()
	prefix := uint32Key(r.id)
	for k, part := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, part = c.Next() {
		data = append(data, part...)
	}
	if uint64(len(data)) != r.size {
		return nil, fmt.Errorf("segment %s has %d bytes of %d: %w", name, len(data), r.size, errRecord)
	}
	return data, nil
}

// Sent answers the states of all segments on a remote but those that are Unsent.
func (b *Bucket) Sent(remote string) (map[string]Sent, error) {
	sent := map[string]Sent{}
	err := b.view(func(tx *bolt.Tx) error {
		prefix := sentKey(remote, "")
		c := tx.Bucket([]byte(bucketSent)).Cursor()
		for k, v := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, v = c.Next() {
			if len(v) != 1 {
				return fmt.Errorf("sent: %w", errRecord)
			}
			if v[0] != byte(Unsent) {
				sent[string(k[len(prefix):])] = Sent(v[0])
			}
		}
		return nil
	})
	return sent, b.wrap(err)
}

// MarkSent notes the state of segments on a remote, all in one transaction.
func (b *Bucket) MarkSent(ctx context.Context, remote string, state Sent, names ...string) error {
	if len(names) == 0 {
		return nil
	}
	_, err := b.do(ctx, 1, func(p *batch, _ int) error {
		for _, name := range names {
			p.put(bucketSent, sentKey(remote, name), []byte{byte(state)})
		}
		return nil
	})
	return err
}

func sentKey(remote, name string) []byte { return []byte(remote + "\x00" + name) }
