package dropbox

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Storm is a time in which an account is used too much: Dropbox then answers 429 to every call, with the seconds to
// wait in Retry-After.
type Storm struct {
	// After is how many calls still pass before each pause.
	After int
	// Pause is how long calls are refused, told in whole seconds.
	Pause time.Duration
	// Times is how many pauses there are; 0 is one, and -1 none.
	Times int
	// Plain has the refusals come as text instead of JSON, which the API reserves the right to.
	Plain bool
}

// Refused tells what became of the calls of storms.
type Refused struct {
	Calls int // answered with 429
	// Early are those that a client made although it had been told to wait, and not at the very moment at which it
	// was told, when others of it are still on their way.
	Early int
}

// onTheWay is how long after its first refusal a client's other calls may still come.
const onTheWay = 500 * time.Millisecond

type limits struct {
	mu      sync.Mutex
	storm   Storm
	passed  int                  // since the last pause
	until   time.Time            // of the pause
	told    map[string]time.Time // by client: when it first heard of this pause
	refused Refused
}

func newLimits() *limits { return &limits{told: map[string]time.Time{}} }

// Storm begins one; it ends one that is under way.
func (s *Server) Storm(storm Storm) {
	s.limits.mu.Lock()
	defer s.limits.mu.Unlock()
	if storm.Times == 0 {
		storm.Times = 1
	}
	s.limits.storm, s.limits.passed, s.limits.until = storm, 0, time.Time{}
}

// Refused answers what was refused so far, over all storms.
func (s *Server) Refused() Refused {
	s.limits.mu.Lock()
	defer s.limits.mu.Unlock()
	return s.limits.refused
}

// meet lets a call pass, or answers its refusal.
func (l *limits) meet(client, route string) *refusal {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if !now.Before(l.until) {
		if l.storm.Times <= 0 {
			return nil
		}
		if l.passed < l.storm.After {
			l.passed++
			return nil
		}
		l.passed, l.until = 0, now.Add(l.storm.Pause)
		l.storm.Times--
		clear(l.told)
	}
	l.refused.Calls++
	if at, ok := l.told[client]; !ok {
		l.told[client] = now
	} else if now.Sub(at) > onTheWay {
		l.refused.Early++
	}
	return l.refuse(route, int(math.Ceil(l.until.Sub(now).Seconds())))
}

// refuse gives lock contention as the reason of every other write, as an account does that several devices write to.
func (l *limits) refuse(route string, after int) *refusal {
	reason := "too_many_requests"
	if strings.HasPrefix(route, "/2/files/upload") && l.refused.Calls%2 == 0 {
		reason = "too_many_write_operations"
	}
	r := &refusal{status: http.StatusTooManyRequests, after: after}
	if l.storm.Plain {
		r.text = reason + "/.."
		return r
	}
	r.body = object{"error_summary": reason + "/..", "error": object{"reason": object{".tag": reason}, "retry_after": after}}
	return r
}

// tokens are the logins of an account.
type tokens struct {
	mu      sync.Mutex
	devices map[string]string // refresh token to the access token in use
	made    int
}

func newTokens() *tokens { return &tokens{devices: map[string]string{}} }

// login answers the refresh token of another device.
func (t *tokens) login() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.made++
	token := fmt.Sprintf("refresh-%d", t.made)
	t.devices[token] = ""
	return token
}

// renew answers an access token, good until the next.
func (t *tokens) renew(refresh string) (string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.devices[refresh]; !ok {
		return "", false
	}
	t.made++
	t.devices[refresh] = fmt.Sprintf("access-%d", t.made)
	return t.devices[refresh], true
}

// device answers whose access token this is.
func (t *tokens) device(access string) (refresh string, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for refresh, token := range t.devices {
		if token == access && access != "" {
			return refresh, true
		}
	}
	return "", false
}

// Revoke ends all logins, as the user does on Dropbox's page of connected apps.
func (s *Server) Revoke() {
	s.tokens.mu.Lock()
	defer s.tokens.mu.Unlock()
	clear(s.tokens.devices)
}
