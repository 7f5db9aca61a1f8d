package replica

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"slices"
	"time"

	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/setlog"
)

// Folders of a share.
const (
	logFolder   = "log"
	pastFolder  = "past"
	indexFolder = "index"
	chunkFolder = "chunk"
)

// Options of a share. Storage and Remote are needed; the rest has defaults.
type Options struct {
	Storage remote.Storage
	Remote  string // name under which stores keep what they sent
	ID      string // of the share, empty until it was first reached
	Logger  *slog.Logger
	Now     func() time.Time
	Random  io.Reader
	Fetches int // downloads at once; 0 is 8

	Key    ed25519.PrivateKey   // of the device, with which it says what it has seen; nil: it says nothing, and consolidates nothing
	Uptime func() time.Duration // of the device, over all its starts; nil: since this share was opened

	Grace        time.Duration // uptime between finding that a file is needless and removing it; 0 is 7 days
	CollectEvery time.Duration // uptime between two looks for needless files; 0 is a day

	// Progress hears how many nodes of the indexes that a bucket is taking in are there; the last call has done = total.
	Progress func(bucket string, done, total int)

	Known *Known // files that were decoded, which shares may have in common; nil: of this share alone

	Reserve int // bytes of the share's reserve file; 0 is 1 MiB, less than 0 none

	LogLimit int // entries of a bucket that no index covers before one is written, where its schema does not say; 0 is 10,000
	LogBytes int // likewise, of their lines; 0 is 1 MiB
}

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
	o.Fetches = cmp.Or(o.Fetches, 8)
	o.Reserve = cmp.Or(o.Reserve, reserveSize)
	o.LogLimit = cmp.Or(o.LogLimit, 10_000)
	o.LogBytes = cmp.Or(o.LogBytes, 1<<20)
	o.Grace = cmp.Or(o.Grace, grace)
	o.CollectEvery = cmp.Or(o.CollectEvery, collectEvery)
	if o.Progress == nil {
		o.Progress = func(string, int, int) {}
	}
	if o.Known == nil {
		o.Known = NewKnown()
	}
	if o.Uptime == nil {
		start := time.Now()
		o.Uptime = func() time.Duration { return time.Since(start) }
	}
	return o
}

// Share is the folder on a remote that holds a set of buckets, as one device sees it. Its methods but Offer are for one
// goroutine at a time.
type Share struct {
	o         Options
	id        string
	rounds    int  // made since the start
	checked   bool // the share's file was read since the start
	sure      sight
	shown     sizes               // of segments in the last listing of log/
	unsure    map[string]*suspect // files that could not be folded, by name
	absent    map[string]int      // held files that listings in a row have not shown
	births    map[string][]string // births of others met under a bucket's name
	shelf     shelf
	pile      pile
	indexes   map[string]*listed // that were read, by name
	looked    map[string]look    // by bucket
	views     map[string]viewing // by bucket
	grown     map[string]uint64  // entries at the last look at a log, by bucket
	relook    map[string]bool    // buckets of which the indexes are to be compared with the log at the next round
	liars     map[string]bool    // indexes that lack what they say they cover
	mends     map[string]bool    // buckets of which what a lie covers is still to be written
	vouched   map[string]uint64  // extent of the entries of the log that were found in an index
	made      *newShare          // until its file is known to stand
	archive   archive
	moved     map[string]movement // by bucket
	quiet     map[string]quiet    // by bucket
	seen      witness
	wishes    wishes
	collected map[string]time.Duration // uptime of the last look for needless files, by bucket
	lagging   map[string]lack          // by bucket
	doubting  map[string]int           // rounds in a row in which others had seen branches that may be none of a bucket here
	ranges    map[string]setlog.Range  // of held segments
	audited   map[string]setlog.Hash   // the index that was found to hold a segment
	missed    map[string]bool          // segments that no index was found to hold
	notices   []notice
	told      told
	heard     map[string]heard   // by bucket
	attempts  map[string]attempt // likewise
	odd       sizes              // that a listing shows of files which are as they are to be
	released  bool               // the reserve, for the remote is full
	reserved  bool               // the last listing of the share showed its reserve
}

// NewShare makes no call yet.
func NewShare(o Options) *Share {
	s := &Share{
		o: o.withDefaults(), id: o.ID, unsure: map[string]*suspect{}, absent: map[string]int{}, births: map[string][]string{},
		indexes: map[string]*listed{}, views: map[string]viewing{}, looked: map[string]look{}, grown: map[string]uint64{}, moved: map[string]movement{}, lagging: map[string]lack{}, doubting: map[string]int{},
		collected: map[string]time.Duration{}, audited: map[string]setlog.Hash{}, ranges: map[string]setlog.Range{}, missed: map[string]bool{}, relook: map[string]bool{}, quiet: map[string]quiet{}, odd: sizes{}, liars: map[string]bool{}, mends: map[string]bool{}, vouched: map[string]uint64{},
		seen: witness{others: map[setlog.Writer]*setlog.Seen{}}, heard: map[string]heard{}, attempts: map[string]attempt{},
	}
	if o.Key != nil {
		s.seen.device = setlog.WriterOf(ed25519.PublicKey(o.Key[ed25519.PrivateKeySize-ed25519.PublicKeySize:]))
	}
	return s
}

// ID names the share; empty until a round reached it.
func (s *Share) ID() string { return s.id }

// OtherBirths are the births met under a bucket's name that it does not have: what a merge would accept.
func (s *Share) OtherBirths(bucket string) []string { return s.births[bucket] }

// shareFile is the content of share.<id>.json.
type shareFile struct {
	Created   string `json:"created"`
	Format    int    `json:"format"`
	Kind      string `json:"kind"`
	MinReader int    `json:"min_reader"`
	Share     string `json:"share"`
}

var shareName = regexp.MustCompile(`^share\.([0-9a-f]{32})\.json$`)

func shareFileName(id string) string { return "share." + id + ".json" }

// sureFor is how long a share that was just seen is taken to be there: a round of many buckets takes longer.
const sureFor = time.Second

// ensure makes sure of the share before something is written or removed, unless this round has just done that.
func (s *Share) ensure(ctx context.Context) error {
	if s.sure.round == s.rounds && s.o.Uptime()-s.sure.at < sureFor {
		return nil
	}
	s.sure = sight{s.rounds, s.o.Uptime()}
	err := s.check(ctx)
	if err != nil {
		s.sure = sight{}
	}
	return err
}

// sight is when the share's file was seen last.
type sight struct {
	round int
	at    time.Duration // uptime
}

// check makes sure that the share is the one we know, or finds or makes it at the first visit.
func (s *Share) check(ctx context.Context) error {
	ids, strangers, err := s.listShares(ctx)
	if err != nil {
		return err
	}
	switch {
	case s.id == "" && s.made != nil:
		return s.putShare(ctx)
	case s.id == "" && len(ids) == 0:
		return s.make(ctx, strangers)
	case s.id == "":
		return s.adopt(ctx, ids)
	case !slices.Contains(ids, s.id):
		return s.look(ctx, ids)
	case ids[0] < s.id || !s.checked:
		return s.adopt(ctx, ids[:slices.Index(ids, s.id)+1]) // several devices made it at once: the smallest id is the share
	}
	return nil
}

func (s *Share) listShares(ctx context.Context) (ids []string, strangers int, err error) {
	reserved := false
	for object, err := range s.o.Storage.List(ctx, "") {
		if err != nil {
			return nil, 0, fmt.Errorf("list the share: %w", err)
		}
		part := shareName.FindStringSubmatch(object.Name)
		switch {
		case part != nil:
			ids = append(ids, part[1])
		case object.Name == reserveName:
			reserved = true
		default:
			strangers++
		}
	}
	s.reserved = reserved
	slices.Sort(ids)
	return slices.Compact(ids), strangers, nil
}

// look asks for a share's file that the listing does not show.
func (s *Share) look(ctx context.Context, others []string) error {
	err := s.read(ctx, s.id)
	if errors.Is(err, remote.ErrNotExist) {
		s.checked = false
		if len(others) > 0 {
			return fmt.Errorf("%w: %s instead of %s", ErrShareOther, others[0], s.id)
		}
		return fmt.Errorf("%w: %s", ErrShareMissing, shareFileName(s.id))
	}
	return err
}

// adopt takes the share of the smallest id whose file can be read: who made one before may have died on it, and nobody would write it
// again.
func (s *Share) adopt(ctx context.Context, ids []string) error {
	var broken error
	for _, id := range ids {
		err := s.read(ctx, id)
		switch {
		case err == nil:
			s.id, s.checked = id, true
			return nil
		case !errors.Is(err, ErrShareOther) && !isUnfit(err):
			return err
		}
		broken = err
	}
	return broken
}

func (s *Share) read(ctx context.Context, id string) error {
	data, err := s.o.Storage.Read(ctx, shareFileName(id))
	if err != nil {
		return fmt.Errorf("read the share's file: %w", err)
	}
	var file shareFile
	if err := json.Unmarshal(data, &file); err != nil || file.Share != id {
		return fmt.Errorf("%w: %s does not hold its id; with crypt this is a sign of a wrong password", ErrShareOther, shareFileName(id))
	}
	if file.MinReader > setlog.Format {
		return fmt.Errorf("%w: format %d", ErrNewer, file.Format)
	}
	return nil
}

// make writes the share's file into an empty folder.
func (s *Share) make(ctx context.Context, strangers int) error {
	for _, folder := range []string{logFolder, pastFolder, indexFolder, chunkFolder} {
		for _, err := range s.o.Storage.List(ctx, folder) {
			if err != nil {
				return fmt.Errorf("list %s/: %w", folder, err)
			}
			strangers++
			break
		}
	}
	if strangers > 0 {
		return fmt.Errorf("%w: choose an empty folder, or one with a share (with crypt: is the password right?)", ErrNotEmpty)
	}
	var id [16]byte
	if _, err := io.ReadFull(s.o.Random, id[:]); err != nil {
		return fmt.Errorf("make a share id: %w", err)
	}
	name := hex.EncodeToString(id[:])
	data, err := json.Marshal(shareFile{
		Created: s.o.Now().UTC().Format(time.RFC3339), Format: setlog.Format, Kind: "share", MinReader: setlog.MinReader, Share: name,
	})
	if err != nil {
		return err
	}
	s.made = &newShare{name, append(data, '\n')}
	return s.putShare(ctx)
}

// newShare is a share's file that this device made up and that may stand on the remote in part.
type newShare struct {
	id   string
	data []byte
}

// putShare writes the file of a new share, again and again until it reads back.
func (s *Share) putShare(ctx context.Context) error {
	name := shareFileName(s.made.id)
	if err := writeBack(ctx, s.o.Storage, name, s.made.data); err != nil {
		return fmt.Errorf("make the share: %w", err)
	}
	s.o.Logger.Info("made a share", "remote", s.o.Remote, "share", s.made.id)
	s.id, s.checked, s.made = s.made.id, true, nil
	return nil
}
