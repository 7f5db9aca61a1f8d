package tray

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/setlogger/setlogger/api"
)

// View is what the tray shows: words and an icon, in the order of the menu.
type View struct {
	Icon     Icon
	Headline string // the whole in a few words
	Detail   string // what to know beside it
	Problems []Problem
	CanSync  bool
	CanOpen  bool
}

// Problem is a trouble and what to do about it.
type Problem struct{ What, Hint string }

// Tooltip is the view in one line.
func (v View) Tooltip() string { return "SetLogger: " + v.Headline }

// Look says how a status is shown, or the error that came in its place.
func Look(status *api.Status, err error, now time.Time) View {
	if err != nil {
		return lookAtError(err)
	}
	v := View{
		Headline: headline(status),
		Detail:   detail(status, now),
		CanSync:  paused(status) < len(status.Remotes),
		CanOpen:  true,
	}
	for _, p := range status.Problems {
		v.Problems = append(v.Problems, Problem{What: about(p), Hint: p.Hint})
	}
	switch status.State {
	case api.StateIdle:
		v.Icon = IconIdle
	case api.StateSyncing:
		v.Icon = IconSyncing
	case api.StateOffline:
		v.Icon = IconOffline
	case api.StateProblem:
		v.Icon = IconProblem
	default: // of a newer daemon
		v.Icon, v.Headline = IconProblem, string(status.State)
	}
	return v
}

// lookAtError tells a daemon that is not there from one that refuses.
func lookAtError(err error) View {
	var refusal *api.Error
	switch {
	case errors.As(err, &refusal):
		return View{
			Icon:     IconProblem,
			Headline: "SetLogger refuses to answer",
			Problems: []Problem{{What: refusal.Detail, Hint: refusal.Hint}},
			CanOpen:  true,
		}
	case errors.Is(err, api.ErrNoDaemon):
		return View{
			Icon:     IconStopped,
			Headline: "SetLogger is not running",
			Detail:   "Start it with: setlogger service start",
		}
	case errors.Is(err, context.DeadlineExceeded):
		return View{
			Icon:     IconProblem,
			Headline: "SetLogger does not answer",
			Detail:   "Look into its log, or: setlogger service restart",
		}
	default:
		return View{Icon: IconStopped, Headline: "SetLogger can't be reached", Detail: err.Error()}
	}
}

func headline(s *api.Status) string {
	switch {
	case s.State == api.StateProblem && len(s.Problems) > 0:
		return count(uint64(len(s.Problems)), "problem", "problems")
	case s.State == api.StateProblem:
		return "Something is wrong"
	case s.State == api.StateOffline:
		return "Offline"
	case paused(s) == len(s.Remotes) && len(s.Remotes) > 0:
		return "Paused"
	case s.State == api.StateSyncing:
		return "Syncing…"
	case s.Pending > 0:
		return "Waiting to send"
	case len(s.Remotes) == 0:
		return "Kept on this device only"
	default:
		return "Up to date"
	}
}

// detail says what waits, and since when nothing was heard.
func detail(s *api.Status, now time.Time) string {
	if len(s.Remotes) == 0 {
		return "Add a remote to sync"
	}
	last := "never synced"
	if s.LastSync != nil {
		last = "last sync " + ago(now.Sub(*s.LastSync))
	}
	if n := paused(s); n > 0 && n < len(s.Remotes) {
		last += ", " + count(uint64(n), "remote", "remotes") + " paused"
	}
	if s.Pending == 0 {
		return upper(last)
	}
	return count(s.Pending, "entry", "entries") + " to send, " + last
}

// paused counts the remotes of which nothing is asked.
func paused(s *api.Status) int {
	n := 0
	for _, r := range s.Remotes {
		if r.Paused {
			n++
		}
	}
	return n
}

func about(p api.Problem) string {
	switch {
	case p.Subject == "":
		return upper(p.Detail)
	case p.Detail == "":
		return p.Subject + ": " + p.Name
	default:
		return p.Subject + ": " + p.Detail
	}
}

// ago says a span of time as coarsely as people do.
func ago(span time.Duration) string {
	switch {
	case span < time.Minute:
		return "just now"
	case span < time.Hour:
		return count(uint64(span.Minutes()), "minute", "minutes") + " ago"
	case span < 48*time.Hour:
		return count(uint64(span.Hours()), "hour", "hours") + " ago"
	default:
		return count(uint64(span.Hours()/24), "day", "days") + " ago"
	}
}

func count(n uint64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return grouped(n) + " " + many
}

// grouped is n with a comma between thousands.
func grouped(n uint64) string {
	digits := strconv.FormatUint(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// upper makes a sentence's beginning of an ASCII word.
func upper(text string) string {
	if text == "" || text[0] < 'a' || text[0] > 'z' {
		return text
	}
	return string(text[0]-'a'+'A') + text[1:]
}
