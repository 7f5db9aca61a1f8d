package localstore

import (
	"os"

	"github.com/setlogger/setlogger/setlog"
)

// Stats is what status shows of a bucket.
type Stats struct {
	Nodes           uint64 // alive
	Entries         uint64 // in the log
	Bytes           uint64 // of their lines
	PendingUnsealed uint64 // own entries that are in no segment yet
	Offset          uint64 // of the newest entry, see Log
	Writer          setlog.Writer
	Head            uint64 // number of the current writer's last entry; 0: none yet
	Writers         int    // that entries are held of
	Forks           int    // branches beside the first one of each writer
	Closed          bool   // ended by CLOSE
	Adopted         bool   // some of the state came by an index, and is not in the log
}

// Stats answers at once, from memory.
func (b *Bucket) Stats() Stats {
	l := b.now()
	s := Stats{
		Nodes: l.alive, Entries: l.offset, Bytes: l.bytes, PendingUnsealed: l.unsealed(), Offset: l.offset, Writer: l.writer,
		Writers: l.writers(), Forks: l.forks(), Closed: l.closed, Adopted: len(l.adopted) > 0,
	}
	if l.current != 0 {
		s.Head = l.branch(l.current).head
	}
	return s
}

// FileBytes is how large the bucket's file is; 0 where that can't be told.
func (b *Bucket) FileBytes() int64 {
	info, err := os.Stat(b.path)
	if err != nil {
		return 0
	}
	return info.Size()
}

// Offset is that of the newest entry, see Log.
func (b *Bucket) Offset() uint64 { return b.now().offset }

// Writer is the one that this bucket's file appends as: another after it was copied, or an older one was put in its place.
func (b *Bucket) Writer() setlog.Writer { return b.now().writer }

// Heads are the heads of all writers, two for one whose log forked.
func (b *Bucket) Heads() []setlog.Head { return b.now().heads() }
