package localstore

import (
	"bufio"
	"crypto/rand"
	"io"
	"log/slog"
	"time"
)

// Options of a store. The zero value works.
type Options struct {
	Logger *slog.Logger     // nil: nothing is logged
	Now    func() time.Time // nil: time.Now
	Random io.Reader        // nil: crypto/rand; keys, births and salts are read from it
	NoSync bool             // for tests only: commits without fsync, so a crash may lose what was acknowledged
	// CommitFault, for tests only, makes a commit fail before (false) or after (true) it was written.
	CommitFault func(written bool) error

	// Committing, when set, is told of what a commit that begins is to write of few own entries. The writer waits for it: it must be
	// quick.
	Committing func(bucket string, u *Upcoming)

	// Committed, when set, is told of each durable commit. The writer waits for it: it must be quick.
	Committed func(Commit)

	LockTimeout  time.Duration // how long to wait for another process to let go of the file; 0: a second
	OverlayBytes int           // of changed nodes kept in memory before a flush; 0: 24 MiB
	JoinBytes    int           // likewise while an index is being taken in; 0: 256 MiB, or an eighth of the machine's memory where that is less
	IdleFlush    time.Duration // flush after so long without a write; 0: 5 s

	// reloadFault, for tests, makes the look at what is stored fail, after a commit failed.
	reloadFault func() error
	// flushFault, for tests, makes a transaction of a flush fail.
	flushFault func() error
	// firstMap, for tests, is how many bytes of a file are mapped at first, as few as on Windows.
	firstMap int
	// machine, for tests, stands for the machine's id.
	machine string
}

// Commit is what one durable transaction of a bucket's log wrote. What many callers appended at one time is one commit.
type Commit struct {
	Own     int           // entries appended here
	Actions int           // of those
	Entries int           // all: of other writers too
	Bytes   int           // of their lines and of what was written beside them
	Took    time.Duration // fsync included
}

// Bounds of one transaction, and of the log's tail that an open folds again.
const (
	maxBatchEntries = 4096
	maxBatchBytes   = 4 << 20
	maxFlushNodes   = 2048
	maxFlushBytes   = 8 << 20
	maxTail         = 1 << 16 // entries
)

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Random == nil {
		o.Random = rand.Reader
	}
	o.Random = bufio.NewReaderSize(o.Random, 512)
	if o.LockTimeout == 0 {
		o.LockTimeout = time.Second
	}
	if o.firstMap == 0 {
		o.firstMap = initialMap()
	}
	if o.OverlayBytes == 0 {
		o.OverlayBytes = 24 << 20
	}
	if o.JoinBytes == 0 {
		o.JoinBytes = roomToJoin()
	}
	if o.IdleFlush == 0 {
		o.IdleFlush = 5 * time.Second
	}
	return o
}
