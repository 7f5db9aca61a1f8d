package daemon

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/anishathalye/porcupine"
)

// liar stands between clients and the daemon, and now and then does what the daemon must not do.
type liar struct {
	honest http.RoundTripper
	lie    func(l *liar, r *http.Request) *http.Response // nil: passed on, as it changed the request

	mu    sync.Mutex
	calls int
	kept  map[string][]byte // answers of before
}

// lieEvery is how many calls pass between two lies.
const lieEvery = 5

func (l *liar) RoundTrip(r *http.Request) (*http.Response, error) {
	l.mu.Lock()
	l.calls++
	lies := l.calls%lieEvery == 0
	l.mu.Unlock()
	if lies {
		if response := l.lie(l, r); response != nil {
			return response, nil
		}
	}
	response, err := l.honest.RoundTrip(r)
	if err != nil || response.StatusCode != http.StatusOK {
		return response, err
	}
	defer func() { _ = response.Body.Close() }()
	data, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if key := r.Method + r.URL.Path; l.kept[key] == nil {
		l.kept[key] = data
	}
	response.Body = io.NopCloser(bytes.NewReader(data))
	return response, nil
}

// repeat answers as the daemon once did.
func (l *liar) repeat(r *http.Request) *http.Response {
	l.mu.Lock()
	defer l.mu.Unlock()
	data := l.kept[r.Method+r.URL.Path]
	if data == nil {
		return nil
	}
	header := http.Header{"Content-Type": {"application/json"}}
	if _, rest, ok := strings.Cut(string(data), `"rev":"`); ok {
		rev, _, _ := strings.Cut(rest, `"`)
		header.Set("ETag", `"`+rev+`"`)
	}
	return &http.Response{StatusCode: http.StatusOK, Header: header, Body: io.NopCloser(bytes.NewReader(data)), Request: r}
}

// TestLinearizabilityCanFail: each lie about the nodes is found out.
func TestLinearizabilityCanFail(t *testing.T) {
	for name, lie := range map[string]func(l *liar, r *http.Request) *http.Response{
		"a stale read": func(l *liar, r *http.Request) *http.Response {
			if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/nodes/") {
				return l.repeat(r)
			}
			return nil
		},
		"an append that was none": func(l *liar, r *http.Request) *http.Response {
			if r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/actions") {
				return l.repeat(r)
			}
			return nil
		},
		"If-Match not looked at":        func(_ *liar, r *http.Request) *http.Response { r.Header.Del("If-Match"); return nil },
		"Idempotency-Key not looked at": func(_ *liar, r *http.Request) *http.Response { r.Header.Del("Idempotency-Key"); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			c := newCrowd(t, 8, 2)
			c.each, c.curious = 60, 60
			c.wrap = func(honest http.RoundTripper) http.RoundTripper {
				return &liar{honest: honest, lie: lie, kept: map[string][]byte{}}
			}
			history := c.run(t, false)
			if result := porcupine.CheckOperationsTimeout(registers(), history, checkTime); result != porcupine.Illegal {
				t.Errorf("%d calls with lies among them: %s", len(history), result)
			}
		})
	}
}

// TestRegisters: what the model allows of two calls, of which the second may begin before the first ends.
func TestRegisters(t *testing.T) {
	made := register{count: 1, alive: true, value: 7}
	creation := porcupine.Operation{Input: wish{node: "a", kind: create, value: 7}, Output: heard{status: 200, rev: made.rev()}, Call: 10, Return: 20}
	for _, c := range []struct {
		name string
		ask  wish
		hear heard
		call int64
		want bool
	}{
		{"read after it", wish{kind: get}, heard{status: 200, rev: made.rev(), value: `{"v":7}`}, 30, true},
		{"stale read", wish{kind: get}, heard{status: 404}, 30, false},
		{"stale read, at the same time", wish{kind: get}, heard{status: 404}, 15, true},
		{"read of another value", wish{kind: get}, heard{status: 200, rev: made.rev(), value: `{"v":8}`}, 30, false},
		{"not modified", wish{kind: get, match: made.rev()}, heard{status: 304, rev: made.rev()}, 30, true},
		{"set that matches", wish{kind: set, value: 8, match: made.rev()}, heard{status: 200, rev: register{2, true, 8}.rev()}, 30, true},
		{"set that matches is refused", wish{kind: set, value: 8, match: made.rev()}, heard{status: 412}, 30, false},
		{"set that does not match", wish{kind: set, value: 8, match: "1-0"}, heard{status: 412}, 30, true},
		{"set that does not match is done", wish{kind: set, value: 8, match: "1-0"}, heard{status: 200, rev: register{2, true, 8}.rev()}, 30, false},
		{"increment", wish{kind: add, value: 2}, heard{status: 200, rev: register{2, true, 9}.rev()}, 30, true},
		{"increment twice", wish{kind: add, value: 2}, heard{status: 200, rev: register{3, true, 11}.rev()}, 30, false},
		{"delete", wish{kind: remove}, heard{status: 200, rev: register{count: 2}.rev()}, 30, true},
		{"delete of nothing, at the same time", wish{kind: remove}, heard{status: 409}, 15, true},
		{"found in the log", wish{kind: set, value: 8}, heard{status: logged, count: 2}, 30, true},
		{"found elsewhere in the log", wish{kind: set, value: 8}, heard{status: logged, count: 3}, 30, false},
		{"said in two ways", wish{kind: get}, heard{status: contradicted}, 30, false},
	} {
		c.ask.node = "a"
		second := porcupine.Operation{ClientId: 1, Input: c.ask, Output: c.hear, Call: c.call, Return: 40}
		if got := porcupine.CheckOperations(registers(), []porcupine.Operation{creation, second}); got != c.want {
			t.Errorf("%s: %t", c.name, got)
		}
	}
}
