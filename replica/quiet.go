package replica

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/setlog"
)

// quiet is what a visit saw that found nothing to do and left nothing for later. While it stays so the next ones find
// nothing either and are spared: a round over thousands of buckets costs what the few cost in which something happens.
type quiet struct {
	bucket  *localstore.Bucket // another one may come to have its name
	inbox   []setlog.SegmentName
	changed <-chan struct{} // closed when the bucket changes
	news    int             // of the seen files
	until   time.Duration   // uptime at which something is due
}

// runUnlessQuiet visits a bucket in which something may have happened.
func (v *visit) runUnlessQuiet(ctx context.Context) error {
	name := v.bucket.Name()
	if v.isQuiet() {
		return nil
	}
	delete(v.quiet, name)
	changed, before := v.bucket.Changed(), v.round.work()
	err := v.run(ctx)
	if err == nil && !v.busy && v.round.work() == before {
		v.quiet[name] = quiet{v.bucket, slices.Clone(v.inbox), changed, v.seen.news, v.quietUntil()}
	}
	return err
}

// isQuiet tells whether all is as a visit left it that had nothing to do.
func (v *visit) isQuiet() bool {
	q, ok := v.quiet[v.bucket.Name()]
	if !ok || q.bucket != v.bucket || v.released || v.resized || q.news != v.seen.news || v.o.Uptime() >= q.until || !slices.Equal(q.inbox, v.inbox) {
		return false
	}
	select {
	case <-q.changed:
		return false
	default:
		return !v.wishes.has(v.bucket.Name())
	}
}

// quietUntil is the uptime at which a bucket in which nothing happens is to be visited all the same: to look for needless
// files, or because it has had no news for long.
func (v *visit) quietUntil() time.Duration {
	until := time.Duration(math.MaxInt64)
	if last, ok := v.collected[v.bucket.Name()]; ok {
		until = last + v.o.CollectEvery
	}
	if last, ok := v.moved[v.bucket.Name()]; ok && last.at+idleAfter > v.o.Uptime() {
		until = min(until, last.at+idleAfter)
	}
	return until
}

// isSettled tells whether a segment is where it stays as long as nothing else happens.
func (v *visit) isSettled(s localstore.StoredSegment, state localstore.Sent) bool {
	switch {
	case state == localstore.Retired:
		return true
	case s.Past:
		return !s.Own || !v.names.has(s.Name)
	}
	return state == localstore.Verified && v.names.has(s.Name) && !v.isResized(s)
}

// isResized tells whether the remote shows a segment with another size than it has: somebody who wrote it again was cut off.
// A place that always shows others was looked at before.
func (v *visit) isResized(s localstore.StoredSegment) bool {
	size, shown := v.names[s.Name]
	odd, known := v.odd[s.Name]
	return shown && size >= 0 && size != int64(s.Size) && (!known || odd != size)
}

// work counts all that a round did, and what it has to say.
func (r *Round) work() int { return r.done() + len(r.Problems) }

// done counts what a round did.
func (r *Round) done() int {
	return r.Fetched + r.Folded + r.Sealed + r.Uploaded + r.Checked + r.Joined + r.Indexed + r.Removed
}
