package attack

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"

	"github.com/setlogger/setlogger/api"
)

// attack is one way to come to a call without the right to it.
type attack struct {
	name    string
	by      string                   // whose token is sent, none: nobody's
	headers []string                 // in the place of those that a program sends; HOST, PORT and TOKEN are filled in
	change  func(c call, r *request) // what no header says
	only    func(c call) bool        // the calls that it can be tried on; nil: all
	want    func(c call) int         // the status by the contract
}

// Outcomes that are no single status.
const (
	served   = 0  // the gate lets it through: whatever the call answers, but no refusal of the gate's and no fault
	repelled = -1 // refused, whatever with: nothing is served
	harmless = -2 // whatever: nothing changes, and nothing of others is told
)

// every call is answered alike.
func every(status int) func(call) int { return func(call) int { return status } }

// by tells the status for each kind of call.
func by(ofHealth, ofStatic, ofPairing, ofRest int) func(call) int {
	return func(c call) int {
		return map[openness]int{health: ofHealth, static: ofStatic, pairing: ofPairing, closed: ofRest}[c.open]
	}
}

// meets tells whether a status is as wanted.
func meets(status, want int) bool {
	switch want {
	case served:
		return status > 0 && status < 500 && status != http.StatusUnauthorized && status != http.StatusForbidden && status != http.StatusUnsupportedMediaType
	case repelled:
		return status == 0 || status >= 300 && status < 500 || status == http.StatusNotImplemented
	case harmless:
		return status < 500
	}
	return status == want
}

// table holds what each attack met at each call.
type table struct {
	calls []call
	rows  []string // of cells, parted by tabs
}

// try makes an attack on every call at once, and judges each answer and that nothing has changed.
func (v *victim) try(t *testing.T, all *table, a attack) {
	t.Helper()
	before := v.state(t)
	got := make([]reply, len(all.calls))
	var sending sync.WaitGroup
	for i, c := range all.calls {
		if a.on(c) {
			sending.Go(func() { got[i] = v.send(t, v.attacking(a, c)) })
		}
	}
	sending.Wait()
	cells := []string{a.name}
	for i, c := range all.calls {
		if !a.on(c) {
			cells = append(cells, "·")
			continue
		}
		cells = append(cells, strconv.Itoa(got[i].status))
		v.judge(t, a, c, got[i])
	}
	all.rows = append(all.rows, strings.Join(cells, "\t"))
	if after := v.state(t); after != before {
		t.Errorf("%s: changed\n%s\ninto\n%s", a.name, before, after)
	}
}

func (a attack) on(c call) bool { return a.only == nil || a.only(c) }

func words(want int) string {
	return map[int]string{served: "served", repelled: "refused", harmless: "no fault"}[want] + map[bool]string{true: fmt.Sprint(want)}[want > 0]
}

// attacking is the request of an attack on a call.
func (v *victim) attacking(a attack, c call) *request {
	r := v.request(c)
	if a.by != "" {
		r.set("Authorization: Bearer " + v.tokens[a.by])
	}
	fill := strings.NewReplacer("HOST", v.address, "PORT", v.port, "TOKEN", v.tokens["owner"])
	var headers []string
	for _, line := range a.headers {
		headers = append(headers, fill.Replace(line))
	}
	r.set(headers...)
	if a.change != nil {
		a.change(c, r)
	}
	return r
}

// judge compares an answer with the contract, and looks for what no answer to an attacker may hold.
func (v *victim) judge(t *testing.T, a attack, c call, got reply) {
	t.Helper()
	if want := a.want(c); !meets(got.status, want) {
		t.Errorf("%s: %s: %d, want %s: %s", a.name, c.name, got.status, words(want), got.body)
	}
	if whose := v.leak(got.whole); whose != "" {
		t.Errorf("%s: %s: the answer holds the token of %s", a.name, c.name, whose)
	}
	mayRead := (a.by == "owner" || a.by == "reader") && (a.want(c) == served || a.want(c) == harmless)
	if strings.Contains(got.whole, marker) && !mayRead {
		t.Errorf("%s: %s: the answer holds what nobody may read: %s", a.name, c.name, got.body)
	}
	if kind := got.header.Get("Content-Type"); got.status == 401 || got.status == 403 || got.status == 415 {
		if kind != api.ProblemType {
			t.Errorf("%s: %s: a refusal in the form %q", a.name, c.name, kind)
		}
	}
	if got.header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("%s: %s: allows credentials", a.name, c.name)
	}
}

// print shows the table with -v: attacks down, calls across, by their number.
func (all *table) print(t *testing.T) {
	t.Helper()
	var b strings.Builder
	head := "attack"
	for i, c := range all.calls {
		fmt.Fprintf(&b, "%3d  %s\n", i+1, c.name)
		head += fmt.Sprintf("\t%d", i+1)
	}
	w := tabwriter.NewWriter(&b, 0, 0, 1, ' ', 0)
	for _, row := range append([]string{head}, all.rows...) {
		fmt.Fprintln(w, row)
	}
	_ = w.Flush() // into memory
	t.Logf("status of each attack at each call; 0: closed without an answer, ·: cannot be tried there\n\n%s", b.String())
}
