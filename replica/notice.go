package replica

import (
	"fmt"
	"time"

	"github.com/setlogger/setlogger/setlog"
)

// noticeFor is how long a trouble is named that has mended itself: a person may want to end its cause.
const noticeFor = 24 * time.Hour

// notice is such a trouble, of a kind, in a bucket.
type notice struct {
	bucket string
	kind   trouble
	file   string // the first of them
	files  int
	until  time.Time
	lead   time.Duration // ahead: by how much, the most
}

// trouble is a kind of notice.
type trouble int

const (
	forked   trouble = iota // a writer wrote two entries of one number
	copied                  // it was this bucket's own, so that another took over
	vanished                // a file that was there is gone
	changed                 // a file came back other than it was sent
	ahead                   // entries are stamped later than it is here
)

// notice takes down a trouble that mended itself.
func (v *visit) notice(kind trouble, file string) {
	for i := range v.notices {
		if n := &v.notices[i]; n.bucket == v.bucket.Name() && n.kind == kind {
			n.files++
			n.until = v.o.Now().Add(noticeFor)
			return
		}
	}
	v.notices = append(v.notices, notice{bucket: v.bucket.Name(), kind: kind, file: file, files: 1, until: v.o.Now().Add(noticeFor)})
}

// clockLead is how far ahead of this device's clock another's stamps may be: what clocks that are looked after stay within.
const clockLead = 5 * time.Minute

// noticeLead takes down stamps that say that a clock is off: this device's, or that of who wrote them.
func (v *visit) noticeLead(latest setlog.Stamp, file string) {
	lead := latest.Time().Sub(v.o.Now())
	if lead <= clockLead {
		return
	}
	v.notice(ahead, file)
	for i := range v.notices {
		if n := &v.notices[i]; n.bucket == v.bucket.Name() && n.kind == ahead {
			n.lead = max(n.lead, lead)
		}
	}
}

// reportNotices names the troubles of this bucket that mended themselves, and forgets the old ones.
func (v *visit) reportNotices() {
	kept := v.notices[:0]
	for _, n := range v.notices {
		if n.bucket == v.bucket.Name() {
			if v.o.Now().After(n.until) {
				continue
			}
			v.round.Problems = append(v.round.Problems, n.problem())
		}
		kept = append(kept, n)
	}
	v.notices = kept
}

func (n notice) problem() Problem {
	const kept = "nothing is lost: what either wrote is kept; "
	switch n.kind {
	case forked:
		return Problem{
			Name: "log-forked", Subject: n.bucket, Detail: n.named() + ": its writer wrote two different entries of one number: a device was cloned, or an older copy of its data was started",
			Hint: kept + "make sure that no two devices run on copies of one data folder",
		}
	case copied:
		return Problem{
			Name: "writer-copied", Subject: n.bucket, Detail: n.named() + ": another device writes as this one does: this device was cloned, or its data are an older copy",
			Hint: kept + "this device goes on under a new key; make sure that no two devices run on copies of one data folder",
		}
	case vanished:
		return Problem{
			Name: "files-vanished", Subject: n.bucket, Detail: n.named() + ", once on the remote, vanished: the storage was set back to an older state, or something deletes files there",
			Hint: "what this device holds was sent again; let no other program clean up in the share's folder",
		}
	case ahead:
		return Problem{
			Name: "clock-off", Subject: n.bucket, Detail: fmt.Sprintf("%s: stamped up to %s ahead of this device's clock", n.named(), coarse(n.lead)),
			Hint: "set the clock of this device, or of the one that wrote it, to keep itself by the network",
		}
	default:
		return Problem{
			Name: "file-changed", Subject: n.bucket, Detail: n.named() + " came back from the remote other than it was sent",
			Hint: "it was sent again; let no other program write to the share's folder",
		}
	}
}

// coarse says a time in the largest unit that tells it.
func coarse(d time.Duration) string {
	if d >= 48*time.Hour {
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	}
	return d.Round(time.Minute).String()
}

// named names the first file, and how many there are.
func (n notice) named() string {
	if n.files == 1 {
		return n.file
	}
	return fmt.Sprintf("%s and %d more", n.file, n.files-1)
}
