package replica

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/setlog"
)

// Bounds of what messages brought and log/ has not shown yet.
const (
	// maxEarly is how many bytes of messages wait for entries before them; a poll brings what does not find room.
	maxEarly = 4 << 20
	// maxTold is how many bytes of messages are in memory, those that wait among them.
	maxTold = 16 << 20
	// relayAfter is how long log/ may lack what a message brought before this device sends it.
	relayAfter = time.Minute
)

// Why a message is passed over.
var (
	// ErrNotHeld: it is of a bucket that this device does not hold, or of which it has nothing yet.
	ErrNotHeld = errors.New("replica: a message of a bucket that is not here")
	// ErrEarly: entries before it are missing. It waits for them.
	ErrEarly = errors.New("replica: a message that came before its time")
)

// told is what messages brought, until log/ shows it.
type told struct {
	mu   sync.Mutex
	all  []*letter // oldest first
	size int       // bytes of all
}

// letter is the segment of one message.
type letter struct {
	localstore.Incoming

	bucket   string
	at       time.Time // when it came
	folded   bool      // else it waits for entries before it
	forked   bool      // its entries are another branch
	copied   bool      // they are by the key of this device
	listings int       // of log/ since it was folded
}

// Offer takes in the segment of a message: it is verified and folded as a file of log/ is, for readers here to see it at once; find answers
// the bucket of a name that lives on this share, or nil. It answers how many entries were new. One that comes twice, or late, changes nothing. The file in log/ stays what counts: what a
// message brought and log/ does not show in time is sent by the rounds. An error says why the message was passed over, which
// loses nothing; setlog.ErrFile or localstore.ErrSegment: it was forged. Offer may be called beside the other methods.
func (s *Share) Offer(ctx context.Context, find func(name string) *localstore.Bucket, data []byte) (folded int, err error) {
	segment, err := setlog.DecodeSegment(data)
	if err != nil {
		return 0, err
	}
	b, name := find(segment.Bucket), segment.Name.String()
	if b == nil || len(b.Births()) == 0 {
		return 0, fmt.Errorf("%w: %s", ErrNotHeld, segment.Bucket)
	}
	if has, err := b.HasSegment(name); has || err != nil {
		return 0, err
	}
	s.told.mu.Lock()
	defer s.told.mu.Unlock()
	l := &letter{Incoming: localstore.Incoming{Name: name, Data: data, Segment: segment}, bucket: b.Name(), at: s.o.Now()}
	n, err := l.fold(ctx, b)
	switch {
	case errors.Is(err, localstore.ErrGap):
		s.told.await(l)
		return 0, fmt.Errorf("%w: %w", ErrEarly, err)
	case err != nil || n == 0:
		return 0, err
	}
	s.told.keep(l)
	more, err := s.told.retry(ctx, b, &segment.Writer)
	return n + more, err
}

// fold folds a letter, of which the store keeps no bytes.
func (l *letter) fold(ctx context.Context, b *localstore.Bucket) (int, error) {
	all, err := b.FoldAll(ctx, localstore.Incoming{Name: l.Name, Segment: l.Segment})
	if err != nil {
		return 0, err
	}
	l.folded, l.forked, l.copied = true, all[0].Forked, all[0].Minted != setlog.Writer{}
	return all[0].Entries, nil
}

// await keeps a letter that came early, if there is room for it.
func (t *told) await(l *letter) {
	early := len(l.Data)
	for _, o := range t.all {
		if o.Name == l.Name {
			return
		}
		if !o.folded {
			early += len(o.Data)
		}
	}
	if early <= maxEarly {
		t.keep(l)
	}
}

// keep keeps a letter; the oldest make room.
func (t *told) keep(l *letter) {
	t.all = append(t.all, l)
	t.size += len(l.Data)
	for t.size > maxTold {
		t.drop(0)
	}
}

func (t *told) drop(i int) {
	t.size -= len(t.all[i].Data)
	t.all = slices.Delete(t.all, i, i+1)
}

// retry folds what waits in a bucket, of one writer or of all.
func (t *told) retry(ctx context.Context, b *localstore.Bucket, of *setlog.Writer) (folded int, err error) {
	gaps := map[setlog.Writer]bool{} // of which the first that waits has to wait on
	for {
		l := t.first(b.Name(), func(l *letter) bool {
			return !gaps[l.Segment.Writer] && (of == nil || l.Segment.Writer == *of)
		})
		if l == nil {
			return folded, nil
		}
		n, err := l.fold(ctx, b)
		switch {
		case err == nil:
			folded += n
		case errors.Is(err, localstore.ErrGap):
			gaps[l.Segment.Writer] = true
		case isNone(err):
			t.drop(slices.Index(t.all, l))
		default:
			return folded, err
		}
	}
}

// isNone tells of a letter that is none of the bucket of that name: it was forged, or it came to one that was left since.
func isNone(err error) bool {
	return errors.Is(err, localstore.ErrOtherBirth) || errors.Is(err, localstore.ErrSegment)
}

// first answers the letter of a bucket that waits for the earliest entry, among those that are wanted.
func (t *told) first(bucket string, wanted func(*letter) bool) (first *letter) {
	for _, l := range t.all {
		if !l.folded && l.bucket == bucket && wanted(l) && (first == nil || l.Segment.First < first.Segment.First) {
			first = l
		}
	}
	return first
}

// settleTold compares what messages brought with what log/ has shown: that is forgotten; what log/ lacks for long is stored, so that
// this push and the later ones send it, as they do with any segment of another that a remote lacks.
func (v *visit) settleTold(ctx context.Context) error {
	v.told.mu.Lock()
	defer v.told.mu.Unlock()
	if !slices.ContainsFunc(v.told.all, func(l *letter) bool { return l.bucket == v.bucket.Name() }) {
		return nil
	}
	n, err := v.told.retry(ctx, v.bucket, nil)
	v.round.Folded += n
	if err != nil {
		return err
	}
	segments, err := v.bucket.Segments()
	if err != nil {
		return err
	}
	for i := 0; i < len(v.told.all); {
		l := v.told.all[i]
		done := false
		if l.bucket == v.bucket.Name() {
			if done, err = v.settleLetter(ctx, l, segments); err != nil {
				return err
			}
			v.busy = v.busy || !done
		}
		if done {
			v.told.drop(i)
		} else {
			i++
		}
	}
	return nil
}

// heard is how long a bucket has had entries, since the start, that only messages before it have brought.
type heard struct {
	listings int // of log/; patience: that is settled
	since    time.Duration
}

// settleHeard looks, after a start, for entries that messages brought before it: what was in memory to send them is gone. Where neither log/
// nor past/ comes to show them, an index is to say them: else no other device may ever have them.
func (v *visit) settleHeard(ctx context.Context) error {
	name := v.bucket.Name()
	h, known := v.heard[name]
	if h.listings >= patience {
		return nil
	}
	unfiled, err := v.bucket.Unfiled()
	if err != nil {
		return err
	}
	if !unfiled {
		v.heard[name] = heard{listings: patience}
		return nil
	}
	v.busy = true
	if !known {
		h.since = v.o.Uptime()
	}
	if h.listings < patience-1 || v.o.Uptime()-h.since < relayAfter || v.told.has(name) {
		v.heard[name] = heard{min(h.listings+1, patience-1), h.since}
		return nil
	}
	if _, err := v.searchPast(ctx); err != nil {
		return err
	}
	if unfiled, err = v.isUnfiled(ctx); err != nil {
		return err
	}
	if unfiled {
		v.Compact(name)
	}
	v.heard[name] = heard{listings: patience}
	return nil
}

// has tells whether there are letters of a bucket.
func (t *told) has(bucket string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.ContainsFunc(t.all, func(l *letter) bool { return l.bucket == bucket })
}

// isUnfiled tells whether neither the held segments nor the indexes have all of the log.
func (v *visit) isUnfiled(ctx context.Context) (bool, error) {
	segments, err := v.bucket.Segments()
	if err != nil {
		return false, err
	}
	files := make([]string, len(segments))
	for i, s := range segments {
		files[i] = s.Name
	}
	filed, err := v.rangesOf(files)
	if err != nil {
		return false, err
	}
	now, err := v.stand(ctx)
	if err != nil || now == nil {
		return now == nil, err
	}
	rest, err := v.bucket.Rest(ctx, setlog.Union(filed, now.covered))
	return rest.Entries > v.bucket.Stats().PendingUnsealed, err
}

// settleLetter tells whether a letter can be forgotten.
func (v *visit) settleLetter(ctx context.Context, l *letter, segments []localstore.StoredSegment) (done bool, err error) {
	late := v.o.Now().Sub(l.at) >= relayAfter
	if !l.folded {
		return late, nil
	}
	if l.forked {
		v.notice(forked, inLog(l.Name))
	}
	if l.copied {
		v.notice(copied, inLog(l.Name))
	}
	l.forked, l.copied = false, false
	if shown, err := v.isShown(l, segments); shown || err != nil {
		return shown, err
	}
	if l.listings++; l.listings < patience || !late {
		return false, nil
	}
	v.o.Logger.Info("log/ lacks what a message brought; it is sent", "remote", v.o.Remote, "file", inLog(l.Name))
	_, err = v.bucket.FoldAll(ctx, l.Incoming)
	if isNone(err) || errors.Is(err, localstore.ErrGap) { // what was left and joined anew may lack what this builds on
		return true, nil
	}
	return err == nil, err
}

// isShown tells whether held segments, which are files, have all lines of a letter.
func (v *visit) isShown(l *letter, segments []localstore.StoredSegment) (bool, error) {
	next := l.Segment.First
	for again := true; again && next <= l.Segment.Last(); {
		again = false
		for _, s := range segments {
			if s.Writer != l.Segment.Writer || s.First > next || s.Last < next {
				continue
			}
			if s.Forked {
				same, err := v.hasLines(s, l, next)
				if err != nil {
					return false, err
				}
				if !same {
					continue
				}
			}
			next, again = s.Last+1, true
		}
	}
	return next > l.Segment.Last(), nil
}

// hasLines tells whether a held segment has the lines of a letter from a number on, as far as it goes.
func (v *visit) hasLines(s localstore.StoredSegment, l *letter, from uint64) (bool, error) {
	data, err := v.bucket.SegmentData(s.Name)
	if err != nil {
		return false, err
	}
	file, err := v.o.Known.segment(data)
	if err != nil {
		return false, err
	}
	to := min(s.Last, l.Segment.Last()) + 1
	return slices.EqualFunc(file.Lines[from-file.First:to-file.First], l.Segment.Lines[from-l.Segment.First:to-l.Segment.First], bytes.Equal), nil
}
