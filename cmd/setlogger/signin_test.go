package main

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/setlogger/setlogger/api"
)

// browse is a browser that the command line opens: it follows where it is sent.
func browse() {
	answer, err := http.Get(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	_ = answer.Body.Close()
}

// provider is a small OAuth provider. Its person signs in at once, or declines.
type provider struct {
	*httptest.Server

	declines atomic.Bool
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /token", p.token)
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func (p *provider) authorize(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	back, err := url.Parse(query.Get("redirect_uri"))
	if err != nil || query.Get("client_id") != "mine" || query.Get("response_type") != "code" {
		http.Error(w, "unknown client", http.StatusBadRequest)
		return
	}
	answer := url.Values{"state": {query.Get("state")}, "code": {"hush code"}}
	if p.declines.Load() {
		answer = url.Values{"state": answer["state"], "error": {"access_denied"}, "error_description": {"the person said no"}}
	}
	back.RawQuery = answer.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	id, secret, ok := r.BasicAuth() // both ways are in use
	if !ok {
		id, secret = r.FormValue("client_id"), r.FormValue("client_secret")
	}
	id, _ = url.QueryUnescape(id)
	secret, _ = url.QueryUnescape(secret)
	w.Header().Set("Content-Type", "application/json")
	if id != "mine" || secret != "hush secret" || r.FormValue("code") != "hush code" {
		w.WriteHeader(http.StatusUnauthorized)
		fmt.Fprint(w, `{"error":"invalid_client"}`)
		return
	}
	fmt.Fprint(w, `{"access_token":"hush access","token_type":"bearer","refresh_token":"hush refresh","expires_in":14400}`)
}

// newSignInGuide is a daemon whose Dropbox and Google Drive sign in at the provider; the latter is out of reach apart from that.
func newSignInGuide(t *testing.T, p *provider, env ...string) *guide {
	t.Helper()
	env = append(env, "DISPLAY=:none")
	for _, kind := range []string{"DROPBOX", "DRIVE"} {
		env = append(env, "RCLONE_"+kind+"_AUTH_URL="+p.URL+"/authorize", "RCLONE_"+kind+"_TOKEN_URL="+p.URL+"/token")
	}
	return newGuide(t, env...)
}

// TestSetupSignsIn goes through all of a sign-in: the browser is opened, and the token that comes is kept for its owner alone.
// All sign-ins are in this one test: they have one port on a machine.
func TestSetupSignsIn(t *testing.T) {
	waitForPort(t)
	p := newProvider(t)
	d, env := newDropbox(t)
	g := newSignInGuide(t, p, env...)
	g.run(t, "dropbox", exitOK, g.command("remote", "add"), []string{"dropbox", "cloud", "mine", "hush wrong", "", "", "hush secret", "", ""})
	d.wantTried(t)
	g.wantWorking(t, "cloud")
	section := g.section(t, "cloud")
	for _, want := range []string{"type = dropbox\n", "client_id = mine\n", "client_secret = hush secret\n", `"access_token":"hush access"`, `"refresh_token":"hush refresh"`} {
		if !strings.Contains(section, want) {
			t.Errorf("no %s in\n%s", want, section)
		}
	}
	if strings.Contains(section, "config_") || strings.Contains(section, "auth_url") {
		t.Errorf("settings have more than was answered:\n%s", section)
	}
	if info, err := os.Stat(g.settings); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("settings: %v, %v", info.Mode(), err)
	}
	// Google Drive asks more after the sign-in.
	g.run(t, "drive", exitFailed, g.command("remote", "add", "gdrive"), []string{"2", "mine", "hush secret", "2", "", "", "", "drop"})
	g.oneAtATime(t, p)
}

// waitForPort waits until the port of sign-ins is free: to any connection on this machine the system may give it.
func waitForPort(t *testing.T) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); ; <-tick.C {
		l, err := net.Listen("tcp", "127.0.0.1:53682")
		if err == nil {
			_ = l.Close()
			return
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
}

// oneAtATime: a second sign-in is refused until the first is given up; one that the person declines is told.
func (g *guide) oneAtATime(t *testing.T, p *provider) {
	t.Helper()
	first, second := g.untilSignIn(t, "first"), g.untilSignIn(t, "second")
	g.portTaken(t, first)
	asked, err := g.client.AnswerSetup(t.Context(), first, api.SetupAnswer{Question: "sign_in"})
	if err != nil || asked.Question.Address == "" {
		t.Fatalf("%+v, %v", asked, err)
	}
	_, err = g.client.AnswerSetup(t.Context(), second, api.SetupAnswer{Question: "sign_in"})
	if refused, ok := errors.AsType[*api.Error](err); !ok || refused.Status != http.StatusConflict || !strings.Contains(refused.Hint, "give up") {
		t.Errorf("two at once: %v", err)
	}
	if err := g.client.DropSetup(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if asked, err = g.client.AnswerSetup(t.Context(), second, api.SetupAnswer{Question: "sign_in"}); err != nil || asked.Question.Address == "" {
		t.Fatalf("%+v, %v", asked, err)
	}
	p.declines.Store(true)
	answer, err := http.Get(asked.Question.Address)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	_, err = g.client.AnswerSetup(t.Context(), second, api.SetupAnswer{Question: "browser"})
	if refused, ok := errors.AsType[*api.Error](err); !ok || !errors.Is(err, api.ErrRefused) || !strings.Contains(refused.Detail, "the person said no") {
		t.Errorf("declined: %v", err)
	}
	if stands, err := g.client.Setup(t.Context(), second); err != nil || stands.Question.Name != "sign_in" {
		t.Errorf("%+v, %v", stands, err)
	}
}

// portTaken: where another program has the port, that is what is said.
func (g *guide) portTaken(t *testing.T, id string) {
	t.Helper()
	other, err := net.Listen("tcp", "127.0.0.1:53682")
	if err != nil {
		t.Fatal(err)
	}
	_, err = g.client.AnswerSetup(t.Context(), id, api.SetupAnswer{Question: "sign_in"})
	if refused, ok := errors.AsType[*api.Error](err); !ok || !strings.Contains(refused.Hint, "another program has the port") {
		t.Errorf("the port is taken: %v", err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
}

// untilSignIn begins a setup and answers what comes before the sign-in.
func (g *guide) untilSignIn(t *testing.T, name string) string {
	t.Helper()
	s, err := g.client.BeginSetup(t.Context(), api.SetupStart{Name: name, Kind: "dropbox"})
	for err == nil && s.Question.Name != "sign_in" {
		s, err = g.client.AnswerSetup(t.Context(), s.ID, api.SetupAnswer{Question: s.Question.Name, Answer: map[string]string{"client_id": "mine", "client_secret": "hush secret"}[s.Question.Name]})
	}
	if err != nil {
		t.Fatal(err)
	}
	return s.ID
}
