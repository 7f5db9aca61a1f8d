package attack

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
)

// relay stands between the browser and the daemon, and records what went through. It also plays the attacker's server: under
// hostilePath it serves its page by any name, as one does whose name points to 127.0.0.1 right after.
type relay struct {
	server *httptest.Server

	mu   sync.Mutex
	met  []meeting
	come *sync.Cond // of one more
}

const hostilePath = "/hostile"

// meeting is a request of the browser and the daemon's answer.
type meeting struct {
	way     string
	call    int
	method  string
	asks    string // of a preflight: the method that it asks for
	page    string // the origin that may read the answer
	status  int
	headers http.Header // of the request
}

func newRelay(t *testing.T, v *victim) *relay {
	t.Helper()
	r := &relay{}
	r.come = sync.NewCond(&r.mu)
	target := &url.URL{Scheme: "http", Host: v.address}
	proxy := &httputil.ReverseProxy{
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(target)
			p.Out.Host = p.In.Host
		},
		ModifyResponse: func(response *http.Response) error { r.note(response); return nil },
	}
	mux := http.NewServeMux()
	mux.Handle(hostilePath+"/", hostile(t))
	mux.Handle("/", proxy)
	r.server = httptest.NewServer(mux)
	t.Cleanup(r.server.Close)
	return r
}

func (r *relay) note(response *http.Response) {
	query := response.Request.URL.Query()
	call, err := strconv.Atoi(query.Get("call"))
	if err != nil {
		return // the browser's own wish, as for an icon
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.met = append(r.met, meeting{
		way: query.Get("way"), call: call, method: response.Request.Method, asks: response.Request.Header.Get("Access-Control-Request-Method"),
		page: response.Header.Get("Access-Control-Allow-Origin"), status: response.StatusCode, headers: response.Request.Header,
	})
	r.come.Broadcast()
}

// take answers what went through since it was asked last, and waits for what is still under way: each way at each call.
func (r *relay) take(t *testing.T, awaited map[string]string) []meeting {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	defer context.AfterFunc(ctx, r.come.Broadcast)()
	r.mu.Lock()
	defer r.mu.Unlock()
	for {
		left := maps.Clone(awaited)
		for _, m := range r.met {
			delete(left, m.key())
		}
		if len(left) == 0 || ctx.Err() != nil {
			for key := range left {
				t.Errorf("%s did not come to the daemon", key)
			}
			all := r.met
			r.met = nil
			return all
		}
		r.come.Wait()
	}
}

func (m meeting) key() string { return m.way + " " + strconv.Itoa(m.call) }

// hostile serves the attacker's pages: one, one in a sandbox, and the text of it.
func hostile(t *testing.T) http.Handler {
	t.Helper()
	mux := http.NewServeMux()
	page := hostilePage(t)
	mux.HandleFunc(hostilePath+"/page", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte(page)) // the browser is gone
	})
	mux.HandleFunc(hostilePath+"/sandbox", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `%s<iframe sandbox="allow-scripts allow-forms" src="%s/page"></iframe>`, page, hostilePath)
	})
	return mux
}

func hostilePage(t *testing.T) string {
	t.Helper()
	script, err := os.ReadFile("testdata/page.js")
	if err != nil {
		t.Fatal(err)
	}
	return "<!doctype html><link rel=icon href=data:,><body><script>" + string(script) + "</script>"
}

// printMeetings shows with -v what each way met at each call: a status, * after one whose answer the page could read, or the preflight that held it back.
func printMeetings(t *testing.T, title string, calls []call, met []meeting, reads map[string]string) {
	t.Helper()
	cells := map[string]string{}
	var ways []string
	for _, m := range met {
		key := m.key()
		if m.method == http.MethodOptions {
			cells[key] = cmp.Or(cells[key], "pre")
			continue
		}
		cells[key] = strconv.Itoa(m.status)
		if reads[key] != "" {
			cells[key] += "*"
		}
	}
	head := "way"
	for i := range calls {
		head += "\t" + strconv.Itoa(i+1)
	}
	seen := map[string]bool{}
	for _, m := range met {
		if !seen[m.way] {
			seen[m.way] = true
			ways = append(ways, m.way)
		}
	}
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 1, ' ', 0)
	fmt.Fprintln(w, head)
	for _, way := range ways {
		row := way
		for i := range calls {
			row += "\t" + cmp.Or(cells[way+" "+strconv.Itoa(i)], "·")
		}
		fmt.Fprintln(w, row)
	}
	_ = w.Flush() // into memory
	t.Logf("%s: what went from the browser to the daemon; pre: held back by the preflight, *: the page reads the answer\n\n%s", title, b.String())
}
