package replica

import (
	"context"
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
	logFolder  = "log"
	pastFolder = "past"
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
	if o.Fetches == 0 {
		o.Fetches = 8
	}
	return o
}

// Share is the folder on a remote that holds a set of buckets, as one device sees it. Its methods are for one
// goroutine at a time.
type Share struct {
	o       Options
	id      string
	rounds  int                 // made since the start
	checked bool                // the share's file was read since the start
	shown   map[string]bool     // names in the last listing of log/
	unsure  map[string]*suspect // files that could not be folded, by name
	absent  map[string]int      // held files that listings in a row have not shown
	births  map[string][]string // births of others met under a bucket's name
}

// NewShare makes no call yet.
func NewShare(o Options) *Share {
	return &Share{
		o: o.withDefaults(), id: o.ID, unsure: map[string]*suspect{}, absent: map[string]int{}, births: map[string][]string{},
	}
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

// check makes sure that the share is the one we know, or finds or makes it at the first visit.
func (s *Share) check(ctx context.Context) error {
	ids, strangers, err := s.listShares(ctx)
	if err != nil {
		return err
	}
	switch {
	case s.id == "" && len(ids) == 0:
		return s.make(ctx, strangers)
	case s.id == "":
		return s.adopt(ctx, ids[0])
	case !slices.Contains(ids, s.id):
		return s.look(ctx, ids)
	case ids[0] < s.id || !s.checked:
		return s.adopt(ctx, ids[0]) // several devices made it at once: the smallest id is the share
	}
	return nil
}

func (s *Share) listShares(ctx context.Context) (ids []string, strangers int, err error) {
	for object, err := range s.o.Storage.List(ctx, "") {
		if err != nil {
			return nil, 0, fmt.Errorf("list the share: %w", err)
		}
		if part := shareName.FindStringSubmatch(object.Name); part != nil {
			ids = append(ids, part[1])
		} else {
			strangers++
		}
	}
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

func (s *Share) adopt(ctx context.Context, id string) error {
	if err := s.read(ctx, id); err != nil {
		return err
	}
	s.id, s.checked = id, true
	return nil
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
	for _, folder := range []string{logFolder, pastFolder, "index", "chunk"} {
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
	if err := s.o.Storage.Write(ctx, shareFileName(name), append(data, '\n')); err != nil {
		return fmt.Errorf("make the share: %w", err)
	}
	s.o.Logger.Info("made a share", "remote", s.o.Remote, "share", name)
	s.id, s.checked = name, true
	return nil
}
