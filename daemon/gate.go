package daemon

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/setlogger/setlogger/api"
)

// Bounds of one request's body. Streams of lines have no bound as a whole, only for each line and each pause.
const (
	maxBody  = 4 << 20 // bytes of a body of one JSON value: an entry of 1 MiB, with room for its white space
	bodyTime = 20 * time.Second
	idleTime = 60 * time.Second
	// answerTime bounds what a caller who does not read can hold; streams extend it as they go.
	answerTime = 15 * time.Minute
)

const contentSecurity = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// gate stands before every route: only the owner's programs come in, and no web page but our own.
type gate struct {
	hosts []string // exact Host headers, with port
	token [sha256.Size]byte
	open  func(path string) bool // needs no token: static files that hold no data
	log   *slog.Logger
	next  http.Handler
}

// ServeHTTP lets a request through or answers why not.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	harden(w.Header())
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerTime)) // a real connection has it
	if r.ContentLength != 0 {
		r.Body = limitBody(w, r)
	}
	if e := g.judge(r); e != nil {
		g.log.Debug("request refused", "method", r.Method, "remote", r.RemoteAddr, "why", e.Detail)
		if e.Status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Bearer realm="setlogger"`)
		}
		writeProblem(w, e)
		return
	}
	if r.Method == http.MethodOptions {
		answerOptions(w, r)
		return
	}
	g.next.ServeHTTP(w, r)
}

func harden(h http.Header) {
	h.Set("Content-Security-Policy", contentSecurity)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// judge applies the rules in order: who was addressed, from which page, who calls, and in what form.
func (g *gate) judge(r *http.Request) *api.Error {
	if !g.addressed(r) {
		return problem(http.StatusForbidden, "the Host header names another server", "call http://"+g.hosts[0])
	}
	if r.URL.Path == healthPath || r.Method == http.MethodOptions {
		return nil
	}
	open := g.open(r.URL.Path) && (r.Method == http.MethodGet || r.Method == http.MethodHead)
	if e := judgeOrigin(r, open); e != nil {
		return e
	}
	if open {
		return nil
	}
	if e := g.judgeCaller(r); e != nil {
		return e
	}
	return judgeForm(r)
}

// addressed tells whether the Host header is ours: a name that an attacker's DNS points here is not.
func (g *gate) addressed(r *http.Request) bool {
	return slices.Contains(g.hosts, r.Host) || peerOf(r.Context()).socket && r.Host == "localhost"
}

// judgeOrigin refuses what a browser says comes from another page. Our own page sends its own origin; programs send
// neither header. A plain link to an open page is followed, but it is not embedded.
func judgeOrigin(r *http.Request, open bool) *api.Error {
	foreign := problem(http.StatusForbidden, "the request comes from another web page", "web pages need a grant of their own")
	switch site := r.Header.Values("Sec-Fetch-Site"); {
	case len(site) == 0 || slices.Equal(site, []string{"same-origin"}) || slices.Equal(site, []string{"none"}):
	case open && r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document":
	default:
		return foreign
	}
	origin := r.Header.Values("Origin")
	if open || len(origin) == 0 || len(origin) == 1 && origin[0] == "http://"+r.Host {
		return nil
	}
	return foreign
}

// judgeCaller wants the owner's token, or the owner's user at the other end of the socket.
func (g *gate) judgeCaller(r *http.Request) *api.Error {
	given := r.Header.Values("Authorization")
	if len(given) == 0 && peerOf(r.Context()).owner {
		return nil
	}
	missing := problem(http.StatusUnauthorized, "no token came with the request",
		"send Authorization: Bearer TOKEN; the owner's token is in the file token of the data folder")
	if len(given) == 0 {
		return missing
	}
	scheme, token, _ := strings.Cut(given[0], " ")
	if len(given) > 1 || !strings.EqualFold(scheme, "Bearer") {
		return missing
	}
	sum := sha256.Sum256([]byte(token))
	if subtle.ConstantTimeCompare(sum[:], g.token[:]) != 1 {
		return problem(http.StatusUnauthorized, "the token is not the owner's", "it may be another daemon's: compare --data and --listen")
	}
	return nil
}

// judgeForm takes only bodies that no form and no page without our leave can send.
func judgeForm(r *http.Request) *api.Error {
	if r.ContentLength == 0 || r.Method == http.MethodGet || r.Method == http.MethodHead {
		return nil
	}
	kinds := r.Header.Values("Content-Type")
	if len(kinds) == 1 {
		kind, _, err := mime.ParseMediaType(kinds[0])
		if err == nil && (kind == "application/json" || kind == api.LinesType) && r.Header.Get("Content-Encoding") == "" {
			return nil
		}
	}
	return problem(http.StatusUnsupportedMediaType, "the body is not sent as JSON", "send Content-Type: application/json, or application/x-ndjson for many lines")
}

// answerOptions tells nothing to other pages, save that anyone may ask whether the daemon is there.
func answerOptions(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Allow", "GET, HEAD, POST, DELETE, OPTIONS")
	if r.URL.Path == healthPath {
		openToAll(w.Header())
		w.Header().Set("Access-Control-Allow-Methods", "GET")
		w.Header().Set("Access-Control-Allow-Private-Network", "true")
	}
	w.WriteHeader(http.StatusNoContent)
}

func openToAll(h http.Header) {
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
}

// isLines tells whether the body is a stream of lines.
func isLines(r *http.Request) bool {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return kind == api.LinesType
}

// limitBody bounds the size and the time of a body, from now on, whether it is read or not.
func limitBody(w http.ResponseWriter, r *http.Request) io.ReadCloser {
	timed := &timedBody{ReadCloser: r.Body, control: http.NewResponseController(w)}
	if isLines(r) {
		timed.pause = idleTime
		_ = timed.extend(idleTime)
		return timed
	}
	_ = timed.extend(bodyTime)
	return http.MaxBytesReader(w, timed, maxBody)
}

// timedBody ends a body whose sender takes too long. The deadline is lifted at the end of the body: left in place, it
// would end the request while it is being answered.
type timedBody struct {
	io.ReadCloser
	control *http.ResponseController
	pause   time.Duration // between two reads; 0: the whole body has the time that was set at first
}

func (b *timedBody) Read(p []byte) (int, error) {
	if b.pause > 0 {
		if err := b.extend(b.pause); err != nil {
			return 0, err
		}
	}
	n, err := b.ReadCloser.Read(p)
	if err != nil {
		_ = b.control.SetReadDeadline(time.Time{}) // the connection's own error, if any, is err
	}
	return n, err
}

func (b *timedBody) extend(d time.Duration) error {
	err := b.control.SetReadDeadline(time.Now().Add(d))
	if errors.Is(err, http.ErrNotSupported) {
		return nil
	}
	return err
}
