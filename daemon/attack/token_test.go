package attack

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"github.com/setlogger/setlogger/api"
)

// tokens are wrong, or in the wrong place.
func tokens() []attack {
	refused := by(served, served, 401, 401)
	none := by(served, served, served, 401) // as if no token were there
	query := func(_ call, r *request) {
		mark := "?"
		if strings.Contains(r.target, "?") {
			mark = "&"
		}
		r.target += mark + "TOKEN"
	}
	return []attack{
		{name: "token: none", want: none},
		{name: "token: empty", headers: []string{"Authorization:"}, want: refused},
		{name: "token: scheme alone", headers: []string{"Authorization: Bearer"}, want: refused},
		{name: "token: wrong", headers: []string{"Authorization: Bearer " + strings.Repeat("x", 43)}, want: refused},
		{name: "token: two, the second right", headers: []string{"Authorization: Bearer x", "Authorization: Bearer TOKEN"}, want: refused},
		{name: "token: two spaces", headers: []string{"Authorization: Bearer  TOKEN"}, want: refused},
		{name: "token: no scheme", headers: []string{"Authorization: TOKEN"}, want: refused},
		{name: "token: as a password", headers: []string{"Authorization: Basic TOKEN"}, want: refused},
		{name: "token: longer", headers: []string{"Authorization: Bearer TOKENx"}, want: refused},
		{name: "token: list", headers: []string{"Authorization: Bearer x, Bearer TOKEN"}, want: refused},
		{name: "token: for the proxy", headers: []string{"Proxy-Authorization: Bearer TOKEN"}, want: none},
		{name: "token: in a cookie", headers: []string{"Cookie: token=TOKEN; Authorization=Bearer TOKEN"}, want: none},
		{name: "token: in another header", headers: []string{"X-Auth-Token: TOKEN", "X-Api-Key: TOKEN"}, want: none},
		{name: "token: as a subprotocol of no WebSocket", headers: []string{"Sec-WebSocket-Protocol: setlogger.v1, bearer.TOKEN"}, only: func(c call) bool { return !c.socket }, want: none},
		{name: "token: in the query", change: query, want: none},
		{name: "subprotocol: wrong", headers: []string{"Sec-WebSocket-Protocol: setlogger.v1, bearer.x"}, only: socket, want: refused},
		{name: "subprotocol: two", headers: []string{"Sec-WebSocket-Protocol: bearer.TOKEN, bearer.x"}, only: socket, want: refused},
		{name: "subprotocol: from another page", headers: []string{"Sec-WebSocket-Protocol: setlogger.v1, bearer.TOKEN", "Origin: https://evil.example", "Sec-Fetch-Mode: websocket"}, only: socket, want: every(403)},
		{name: "subprotocol: from null", headers: []string{"Sec-WebSocket-Protocol: setlogger.v1, bearer.TOKEN", "Origin: null"}, only: socket, want: every(403)},
		{name: "subprotocol: from an app's page", headers: []string{"Sec-WebSocket-Protocol: setlogger.v1, bearer.TOKEN", "Origin: " + pageOrigin, "Sec-Fetch-Mode: websocket"}, only: socket, want: every(403)},
		{name: "revoked", by: "revoked", want: refused},
		{name: "app of a page, from a program", by: "page", want: by(served, served, 403, 403)},
		{name: "app of a page, from another app's page", by: "page", headers: []string{"Origin: " + otherOrigin}, want: by(served, served, 403, 403)},
		{name: "app of a page, from a look-alike", by: "page", headers: []string{"Origin: " + pageOrigin + ".evil.example"}, want: by(served, served, 403, 403)},
		{name: "app of a page, from our page", by: "page", headers: []string{"Origin: http://HOST", "Sec-Fetch-Site: same-origin"}, want: by(served, served, 403, 403)},
		{name: "app of another page, from a page", by: "notes", headers: []string{"Origin: " + pageOrigin}, want: by(served, served, 403, 403)},
		{name: "app of a program, from a page", by: "program", headers: []string{"Origin: " + pageOrigin}, want: by(served, served, 403, 403)},
	}
}

func socket(c call) bool { return c.socket }

// TestGuessing sends many wrong tokens, those that share the most with the right one among them. Nothing is locked by it, and nobody
// is let in; that the time of a refusal tells nothing is so by construction (TestSecretsAreComparedInConstantTime in package daemon).
func TestGuessing(t *testing.T) {
	v := start(t)
	right := v.tokens["owner"]
	sum := sha256.Sum256([]byte(right))
	guesses := []string{"", " ", hex.EncodeToString(sum[:]), string(sum[:8]), strings.ToUpper(right), strings.ToLower(right), right + "=", right + "\x00", v.asker}
	for i := range right { // each beginning, and each with one letter changed
		guesses = append(guesses, right[:i], right[:i]+"~"+right[i+1:])
	}
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for n := range 2000 {
		guess := guesses[n%len(guesses)]
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+v.address+"/v1/status", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+guess)
		response, err := client.Do(request)
		if err != nil {
			if strings.ContainsAny(guess, "\x00") || !isHeader(guess) {
				continue // no client sends it
			}
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusUnauthorized {
			t.Fatalf("guess %d: %d", n, response.StatusCode)
		}
	}
	port, err := api.NewClient(api.Options{Address: v.address, Data: v.data})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := port.Status(t.Context()); err != nil {
		t.Errorf("the owner is locked out: %v", err)
	}
	if whose := v.leak(v.log.String()); whose != "" {
		t.Errorf("the log holds the token of %s", whose)
	}
}

// isHeader tells whether a header may hold a text.
func isHeader(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f })
}
