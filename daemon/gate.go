package daemon

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"log/slog"
	"maps"
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
	// answerTime bounds what a caller who does not read can hold; streams extend it as they go, and it begins anew when a call
	// that took long is answered.
	answerTime = 15 * time.Minute
)

const contentSecurity = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// gate stands before every route: only the owner's programs come in, and apps that were let in.
type gate struct {
	hosts []string // exact Host headers, with port
	token [sha256.Size]byte
	apps  *apps
	open  map[string]bool // paths that need no token: static files that hold no data
	log   *slog.Logger
	next  http.Handler

	refused func(method string, status int) // is told of each refusal
}

// caller is who makes a request: the owner, an app, or somebody who asks to be one.
type caller struct {
	grant grant
	app   *app
}

var owner = caller{grant: grant{admin: true}}

// letOut tells whether the caller is an app that was revoked meanwhile.
func (c caller) letOut() bool {
	if c.app == nil {
		return false
	}
	select {
	case <-c.app.ended:
		return true
	default:
		return false
	}
}

type callerKey struct{}

// callerOf answers who makes the request that came through the gate.
func callerOf(ctx context.Context) caller {
	who, _ := ctx.Value(callerKey{}).(caller)
	return who
}

// ServeHTTP lets a request through or answers why not.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	harden(w.Header())
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(answerTime)) // a real connection has it
	if r.ContentLength != 0 {
		r.Body = limitBody(w, r)
	}
	g.openToApps(w.Header(), r)
	who, e := g.judge(r)
	if e != nil {
		g.log.Debug("request refused", "method", r.Method, "remote", r.RemoteAddr, "why", e.Detail)
		g.refused(r.Method, e.Status)
		if e.Status == http.StatusUnauthorized {
			w.Header().Set("WWW-Authenticate", `Bearer realm="setlogger"`)
		}
		writeProblem(w, e)
		return
	}
	if r.Method == http.MethodOptions {
		g.answerOptions(w, r)
		return
	}
	if who.app != nil {
		g.apps.noteUse(who.app)
	}
	g.next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), callerKey{}, who)))
}

// hardened are the header fields of every answer, in net/http's spelling of their names. Answers share the lists, which have
// no room to be appended to.
var hardened = http.Header{
	"Content-Security-Policy":      {contentSecurity},
	"X-Content-Type-Options":       {"nosniff"},
	"Referrer-Policy":              {"no-referrer"},
	"Cross-Origin-Resource-Policy": {"same-origin"},
	"Cross-Origin-Opener-Policy":   {"same-origin"},
	"Cache-Control":                {"no-store"},
	"Vary":                         {"Origin"},
}

func harden(h http.Header) { maps.Copy(h, hardened) }

// judge applies the rules in order: who was addressed, from which page, who calls, in what form, and what may they do.
func (g *gate) judge(r *http.Request) (caller, *api.Error) {
	if !g.addressed(r) {
		return caller{}, problem(http.StatusForbidden, "the Host header names another server", "call http://"+g.hosts[0])
	}
	if r.URL.Path == healthPath || r.Method == http.MethodOptions {
		return caller{}, nil
	}
	if g.open[r.URL.Path] && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		return caller{}, judgeLink(r)
	}
	page, e := g.judgeOrigin(r)
	if e != nil {
		return caller{}, e
	}
	who, e := g.judgeCaller(r, page)
	if e == nil {
		e = judgeForm(r)
	}
	if e == nil && !isPairing(r.Method, r.URL.Path) && !who.grant.permits(r) {
		e = problem(http.StatusForbidden, "this is not among the app's scopes", "the owner lets it in anew with more: setlogger app list")
	}
	return who, e
}

// isPairing tells which calls need no token: to ask to be let in, and how that stands.
func isPairing(method, path string) bool {
	id, one := strings.CutPrefix(path, appsPath+"/")
	return method == http.MethodPost && path == appsPath || method == http.MethodGet && one && !strings.Contains(id, "/")
}

// addressed tells whether the Host header is ours: a name that an attacker's DNS points here is not.
func (g *gate) addressed(r *http.Request) bool {
	return slices.Contains(g.hosts, r.Host) || peerOf(r.Context()).socket && r.Host == "localhost"
}

// foreign refuses what a browser says comes from another page.
func foreign() *api.Error {
	return problem(http.StatusForbidden, "the request comes from another web page", "the page first asks to be let in: POST /v1/apps")
}

// judgeLink judges a request for a page that is open to all: a plain link to it is followed, but it is not embedded.
func judgeLink(r *http.Request) *api.Error {
	if isOurs(r) || r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document" {
		return nil
	}
	return foreign()
}

// isOurs tells whether the browser says that the request comes from our own page, or nothing at all.
func isOurs(r *http.Request) bool {
	site := r.Header.Values("Sec-Fetch-Site")
	return len(site) == 0 || slices.Equal(site, []string{"same-origin"}) || slices.Equal(site, []string{"none"})
}

// judgeOrigin answers the foreign page that a request comes from: one that was let in, or that asks to be. Our own page
// sends its own origin, and programs send none.
func (g *gate) judgeOrigin(r *http.Request) (page string, e *api.Error) {
	origin := r.Header.Values("Origin")
	switch {
	case len(origin) > 1:
		return "", foreign()
	case len(origin) == 1 && origin[0] != "http://"+r.Host:
		if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" && mode != "cors" && (mode != "websocket" || !isUpgrade(r)) || !g.welcomes(r, origin[0]) {
			return "", foreign()
		}
		return origin[0], nil
	case !isOurs(r):
		return "", foreign()
	}
	return "", nil
}

// welcomes tells whether the page of an origin may make a call: any page may ask to be let in.
func (g *gate) welcomes(r *http.Request, origin string) bool {
	method := r.Method
	if method == http.MethodOptions {
		method = r.Header.Get("Access-Control-Request-Method")
	}
	return isOrigin(origin) && (isPairing(method, r.URL.Path) || g.apps.knowsOrigin(origin))
}

// judgeCaller tells who calls: the owner, by the token or as the user at the other end of the socket, or an app by its
// token, from its own page. Who asks to be let in needs neither.
func (g *gate) judgeCaller(r *http.Request, page string) (caller, *api.Error) {
	given := r.Header.Values("Authorization")
	if len(given) == 0 && isUpgrade(r) {
		given = tokensOf(r.Header.Values("Sec-WebSocket-Protocol"))
	}
	switch {
	case len(given) == 0 && peerOf(r.Context()).owner && page == "":
		return owner, nil
	case len(given) == 0 && isPairing(r.Method, r.URL.Path):
		return caller{}, nil
	}
	if len(given) != 1 {
		return caller{}, tokenless()
	}
	scheme, token, _ := strings.Cut(given[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return caller{}, tokenless()
	}
	sum := sha256.Sum256([]byte(token))
	if subtle.ConstantTimeCompare(sum[:], g.token[:]) == 1 {
		if page != "" {
			return caller{}, problem(http.StatusForbidden, "the owner's token came from another web page", "a page has a token of its own: POST /v1/apps")
		}
		return owner, nil
	}
	one := g.apps.find(token)
	switch {
	case one == nil:
		return caller{}, unknownToken()
	case one.Origin != page:
		return caller{}, problem(http.StatusForbidden, "the token is not for this page or program", "each asks for its own: POST /v1/apps")
	}
	return caller{one.grant, one}, nil
}

func unknownToken() *api.Error {
	return problem(http.StatusUnauthorized, "the token is not known", "it was revoked, or is another daemon's: compare --data and --listen")
}

func tokenless() *api.Error {
	return problem(http.StatusUnauthorized, "no token came with the request",
		"send Authorization: Bearer TOKEN; the owner's token is in the file token of the data folder, an app asks for its own: POST /v1/apps")
}

// tokensOf reads the tokens among the subprotocols of a WebSocket: a page can set no header there.
func tokensOf(protocols []string) []string {
	var tokens []string
	for _, list := range protocols {
		for protocol := range strings.SplitSeq(list, ",") {
			if token, ok := strings.CutPrefix(strings.TrimSpace(protocol), api.BearerProtocol); ok {
				tokens = append(tokens, "Bearer "+token)
			}
		}
	}
	return tokens
}

// judgeForm takes only bodies that no form and no page without our leave can send.
func judgeForm(r *http.Request) *api.Error {
	if r.ContentLength == 0 || r.Method == http.MethodGet || r.Method == http.MethodHead {
		return nil
	}
	if kind := kindOf(r); (kind == jsonType || kind == api.LinesType) && r.Header.Get("Content-Encoding") == "" {
		return nil
	}
	return problem(http.StatusUnsupportedMediaType, "the body is not sent as JSON", "send Content-Type: application/json, or application/x-ndjson for many lines")
}

// What pages that were let in may send and read.
const (
	corsMethods = "GET, HEAD, POST, PATCH, DELETE"
	corsSent    = "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, " + api.SecretHeader
	corsRead    = "ETag, Allow, WWW-Authenticate"
)

// openToApps lets the page of an app read the answers, errors too.
func (g *gate) openToApps(h http.Header, r *http.Request) {
	origin := r.Header.Values("Origin")
	if len(origin) != 1 || !g.addressed(r) || !g.welcomes(r, origin[0]) {
		return
	}
	h.Set("Access-Control-Allow-Origin", origin[0])
	h.Set("Access-Control-Expose-Headers", corsRead)
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
}

// answerOptions tells pages that were let in what they may send, and others nothing, save that anyone may ask whether the
// daemon is there, and to be let in.
func (g *gate) answerOptions(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Allow", corsMethods+", OPTIONS")
	if r.URL.Path == healthPath {
		openToAll(h)
	}
	if h.Get("Access-Control-Allow-Origin") != "" {
		h.Set("Access-Control-Allow-Methods", corsMethods)
		h.Set("Access-Control-Allow-Headers", corsSent)
		h.Set("Access-Control-Allow-Private-Network", "true")
		h.Set("Access-Control-Max-Age", "600")
	}
	w.WriteHeader(http.StatusNoContent)
}

func openToAll(h http.Header) {
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
}
