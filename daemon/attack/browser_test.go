package attack

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/setlogger/setlogger/api"
)

// browser is a headless Chromium whose way to the daemon leads through a relay.
type browser struct {
	v        *victim
	relay    *relay
	attacker *httptest.Server // another origin on this machine
	port     string           // of the attacker
	tab      context.Context
}

// newBrowser starts Chromium with a profile of its own, and ends it with the test. With local pages, the browser lets them reach the
// daemon, so that the gate is what is tested; else it takes the attacker's for pages of the internet, which are to ask the user first.
func newBrowser(t *testing.T, v *victim, local bool) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		missing(t, "chromium is not installed")
	}
	t.Setenv("TMPDIR", t.TempDir()) // of all that the browser makes; it is removed with the test
	b := &browser{v: v, relay: newRelay(t, v), attacker: httptest.NewServer(hostile(t))}
	t.Cleanup(b.attacker.Close)
	where, _ := url.Parse(b.attacker.URL) // it is one
	b.port = where.Port()
	through := strings.TrimPrefix(b.relay.server.URL, "http://")
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path),
		chromedp.Flag("host-resolver-rules", fmt.Sprintf("MAP *:%s %s, MAP *.example 127.0.0.1", v.port, through)),
		chromedp.WSURLReadTimeout(2*time.Minute))
	if local {
		options = append(options, chromedp.Flag("disable-features", "Translate,LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets,IsolateOrigins,site-per-process,IsolateSandboxedIframes"))
	} else {
		options = append(options, chromedp.Flag("ip-address-space-overrides", "127.0.0.1:"+b.port+"=public"))
	}
	if os.Getuid() == 0 {
		options = append(options, chromedp.Flag("no-sandbox", true))
	}
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	tab, leave := chromedp.NewContext(allocator)
	t.Cleanup(func() {
		if err := chromedp.Cancel(tab); err != nil {
			t.Errorf("the browser did not end: %v", err)
		}
		leave()
		stop()
	})
	b.tab = tab
	return b
}

// missing skips the test by name, or fails it where SETLOGGER_TEST_REQUIRED is 1.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("SETLOGGER_TEST_REQUIRED") == "1" {
		t.Fatalf("%s: %s", t.Name(), what)
	}
	t.Skipf("%s: skipped: %s", t.Name(), what)
}

// page is a page that attacks.
type page struct {
	name    string
	address string // ATTACKER, PORT of it, and DAEMON stand for the ports
	base    string // of the daemon, as the page calls it; none: by the page's own name
	run     string // the function that attacks
	null    bool   // its origin is null
}

func hostilePages(t *testing.T) []page {
	return []page{
		{name: "other port", address: "http://localhost:PORT/hostile/page", base: "http://localhost:DAEMON", run: "attack"},
		{name: "another site", address: "http://evil.example:PORT/hostile/page", base: "http://127.0.0.1:DAEMON", run: "attack"},
		{name: "sandboxed frame", address: "http://evil.example:PORT/hostile/sandbox", base: "http://127.0.0.1:DAEMON", run: "attackInFrame", null: true},
		{name: "data page", address: "data:text/html," + url.PathEscape(hostilePage(t)), base: "http://127.0.0.1:DAEMON", run: "attack", null: true},
		{name: "rebound name", address: "http://rebound.example:DAEMON/hostile/page", run: "attack"},
	}
}

// browsed are the calls that a browser makes: those of the document, and the status page.
func browsed(calls []call) []call {
	return slices.DeleteFunc(calls, func(c call) bool { return c.socket || c.open == static && c.target != "/" })
}

// told is what a page could read of one call by one way.
type told struct {
	Way  string
	Call int
	Read string
}

// attack has a page attack every call, and answers what it could read.
func (b *browser) attack(t *testing.T, p page, calls []call, patience time.Duration) map[string]string {
	t.Helper()
	type wish struct {
		Method string `json:"method"`
		Target string `json:"target"`
		Body   string `json:"body"`
	}
	var wishes []wish
	for _, c := range calls {
		wishes = append(wishes, wish{c.method, c.target, c.body})
	}
	list, _ := json.Marshal(wishes) // strings marshal
	script := fmt.Sprintf("%s(%q, %s, %d)", p.run, b.fill(p.base), list, patience.Milliseconds())
	b.open(t, p.address)
	all, err := chromedp.Run(b.tab, chromedp.Evaluate[[]told](script, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatalf("%s: %v", p.name, err)
	}
	reads := map[string]string{}
	for _, one := range all {
		reads[one.Way+" "+strconv.Itoa(one.Call)] = one.Read
	}
	return reads
}

func (b *browser) open(t *testing.T, address string) {
	t.Helper()
	if _, err := chromedp.Run(b.tab, chromedp.Navigate(b.fill(address))); err != nil {
		t.Fatal(err)
	}
}

func (b *browser) fill(text string) string {
	return strings.NewReplacer("DAEMON", b.v.port, "PORT", b.port).Replace(text)
}

// TestPagesInABrowser has hostile pages attack every call of the document from a real browser.
func TestPagesInABrowser(t *testing.T) {
	v := start(t)
	b := newBrowser(t, v, true)
	calls := browsed(v.calls(t))
	for _, p := range hostilePages(t) {
		before := v.state(t)
		reads := b.attack(t, p, calls, patience)
		met := b.relay.take(t, reads)
		printMeetings(t, p.name, calls, met, reads)
		b.judge(t, p, calls, met, reads)
		if after := v.state(t); after != before {
			t.Errorf("%s: changed\n%s\ninto\n%s", p.name, before, after)
		}
	}
	if whose := v.leak(v.log.String()); whose != "" {
		t.Errorf("the log holds the token of %s", whose)
	}
}

// TestPublicPageInABrowser attacks from a page that the browser takes for one of the internet, with the browser's own defence as it
// comes. How much that holds back is the browser's affair, and printed; what comes through meets the gate.
func TestPublicPageInABrowser(t *testing.T) {
	v := start(t)
	b := newBrowser(t, v, false)
	calls := browsed(v.calls(t))
	p := hostilePages(t)[1]
	before := v.state(t)
	reads := b.attack(t, p, calls, time.Second)
	met := b.relay.take(t, nil)
	t.Logf("%d requests of a public page came through to the daemon", len(met))
	b.judge(t, p, calls, met, reads)
	if after := v.state(t); after != before {
		t.Errorf("changed\n%s\ninto\n%s", before, after)
	}
}

// judge looks at what went through, and at what the page could read.
func (b *browser) judge(t *testing.T, p page, calls []call, met []meeting, reads map[string]string) {
	t.Helper()
	for _, m := range met {
		c := calls[m.call]
		how := p.openness(m.method, c)
		switch {
		case m.method == http.MethodOptions && p.base != "":
			if m.page != "" && p.openness(m.asks, c) == closed {
				t.Errorf("%s: %s: the preflight of %s %s is granted to %s", p.name, m.way, m.asks, c.template, m.page)
			}
		case m.status == http.StatusForbidden:
		case how == static && isHandshake(m): // it fails: the files are no WebSocket
		case (how == health || how == pairing) && m.status < 500:
		default:
			t.Errorf("%s: %s: %s %s is answered %d to %v", p.name, m.way, m.method, c.template, m.status, m.headers)
		}
	}
	for key, read := range reads {
		call, _ := strconv.Atoi(key[strings.LastIndexByte(key, ' ')+1:])
		if read != "" && !p.mayRead(calls[call], read) || strings.Contains(read, marker) || b.v.leak(read) != "" {
			t.Errorf("%s: %s %s reads %s", p.name, key, calls[call].template, read)
		}
	}
}

// openness is how far a call is open to the page. To ask to be let in takes an origin.
func (p page) openness(method string, c call) openness {
	how := opened()[method+" "+c.template]
	switch {
	case p.base == "" || how == pairing && p.null:
		return closed
	case c.template == "/healthz":
		return health
	}
	return how
}

// mayRead tells whether a page may read an answer: that of an open call, and under a rebound name that it is refused.
func (p page) mayRead(c call, read string) bool {
	if p.base == "" {
		return strings.HasPrefix(read, "403 ")
	}
	for _, method := range []string{http.MethodGet, http.MethodPost} {
		if how := p.openness(method, c); how == health || how == pairing {
			return true
		}
	}
	return false
}

func isHandshake(m meeting) bool { return strings.EqualFold(m.headers.Get("Upgrade"), "websocket") }

// TestAppInABrowser has the page of an app work with its bucket, and lets it out.
func TestAppInABrowser(t *testing.T) {
	v := start(t)
	b := newBrowser(t, v, true)
	granted := v.admit(t, api.AppRequest{Name: "lists", Origin: "http://localhost:" + b.port, Scopes: []string{otherBucket + ":rw"}})
	b.open(t, "http://localhost:PORT/hostile/page")
	script := fmt.Sprintf("work(%q, %q, %q, %q)", "http://127.0.0.1:"+v.port, granted.Token, otherBucket, secretBucket)
	got, err := chromedp.Run(b.tab, chromedp.Evaluate[map[string]string](script, chromedp.EvalAwaitPromise))
	if err != nil {
		t.Fatal(err)
	}
	for what, want := range map[string]string{
		"append": "200 ", "read": `200 {"id":"p","value":{"text":"by the page"}`, "heard": `{"bucket":"other","type":"reset"}`, "other": "403 ", "written": "403 ", "apps": "403 ",
	} {
		if !strings.HasPrefix(got[what], want) {
			t.Errorf("%s: %s, want %s", what, got[what], want)
		}
	}
	v.revoke(t, "lists")
	if code, err := chromedp.Run(b.tab, chromedp.Evaluate[int]("streamEnded", chromedp.EvalAwaitPromise)); err != nil || code != 1001 {
		t.Errorf("the stream of who is let out: closed with %d, %v", code, err)
	}
	if _, err := chromedp.Run(b.tab, chromedp.Evaluate[map[string]string](script, chromedp.EvalAwaitPromise)); err == nil {
		t.Error("who is let out works on")
	}
}
