package attack

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/setlogger/setlogger/api"
)

// TestGate tries what no browser is needed for, on every call of the document.
func TestGate(t *testing.T) {
	t.Parallel() // beside TestSlowRequests, which waits
	v := start(t)
	all := &table{calls: v.calls(t)}
	groups := [][]attack{hosts(), targets(), origins(), strangers(), tokens(), places(), forms(), methods()}
	for _, group := range groups {
		for _, a := range group {
			v.try(t, all, a)
		}
	}
	all.print(t)
	if whose := v.leak(v.log.String()); whose != "" {
		t.Errorf("the log holds the token of %s", whose)
	}
}

// TestOwner makes each call as the owner: what TestGate attacks are calls that succeed, and change things.
func TestOwner(t *testing.T) {
	v := start(t)
	calls := v.calls(t)
	before := v.state(t)
	for _, last := range []bool{false, true} {
		if last {
			v.settle(t)
		}
		for _, c := range calls {
			if last != (c.method == http.MethodDelete) {
				continue
			}
			got := v.send(t, v.attacking(attack{by: "owner"}, c))
			if !meets(got.status, served) || got.status >= 400 && !lacking(c.name) {
				t.Errorf("the owner: %s: %d %s", c.name, got.status, got.body)
			}
		}
	}
	if v.state(t) == before {
		t.Error("nothing has changed: then attacks could change nothing either")
	}
}

// settle waits until the share is where a call moved it, with all of the bucket: before, nobody may purge that.
func (v *victim) settle(t *testing.T) {
	t.Helper()
	for s, err := range v.client.Events(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(s.Remotes, func(r api.RemoteStatus) bool { return r.MovedTo != "" }) && s.Pending == 0 {
			return
		}
		if _, err := v.client.Sync(t.Context(), ""); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatal("the events ended")
}

// lacking tells of a call that finds nothing to work on here: no asker's secret, no setup, no encrypted remote, none with a channel.
func lacking(name string) bool {
	return name == "GET /v1/apps/{app}" || name == "GET /v1/remotes/{remote}/key" || strings.Contains(name, " /v1/setups") || strings.HasSuffix(name, "/channel")
}

// hosts are names under which a page could reach the daemon, were they taken: the owner's token does not help.
func hosts() []attack {
	var all []attack
	for _, host := range [][2]string{
		{"rebound name", "evil.example:PORT"},
		{"rebound name, no port", "evil.example"},
		{"longer name", "localhost.evil.example:PORT"},
		{"number as a subdomain", "127.0.0.1.evil.example:PORT"},
		{"no port", "127.0.0.1"},
		{"socket's name", "localhost"},
		{"port 80", "127.0.0.1:80"},
		{"next port", "127.0.0.1:1PORT"},
		{"port with zeros", "127.0.0.1:0PORT"},
		{"dot after the number", "127.0.0.1.:PORT"},
		{"dot after the name", "localhost.:PORT"},
		{"upper case", "LOCALHOST:PORT"},
		{"decimal number", "2130706433:PORT"},
		{"hexadecimal number", "0x7f000001:PORT"},
		{"short number", "127.1:PORT"},
		{"other loopback", "127.0.0.2:PORT"},
		{"any address", "0.0.0.0:PORT"},
		{"IPv6, no port", "[::1]"},
		{"IPv6 of IPv4", "[::ffff:127.0.0.1]:PORT"},
		{"long IPv6", "[0:0:0:0:0:0:0:1]:PORT"},
		{"IPv6 with a zone", "[::1%25lo]:PORT"},
		{"IPv6 without brackets", "::1:PORT"},
		{"empty", ""},
		{"null", "null"},
	} {
		all = append(all, attack{name: "host: " + host[0], by: "owner", headers: []string{"Host: " + host[1]}, want: every(http.StatusForbidden)})
	}
	return append(
		all,
		attack{name: "host: user", by: "owner", headers: []string{"Host: x@127.0.0.1:PORT"}, want: every(http.StatusBadRequest)},
		attack{name: "host: user and password", by: "owner", headers: []string{"Host: 127.0.0.1:PORT@evil.example"}, want: every(http.StatusBadRequest)},
		attack{name: "host: list", by: "owner", headers: []string{"Host: HOST, evil.example"}, want: every(http.StatusBadRequest)},
		attack{name: "host: none", by: "owner", headers: []string{"Host"}, want: every(http.StatusBadRequest)},
		attack{name: "host: two", by: "owner", headers: []string{"Host: HOST", "Host: evil.example"}, want: every(http.StatusBadRequest)},
		attack{name: "host: none, HTTP/1.0", by: "owner", headers: []string{"Host"}, change: func(_ call, r *request) { r.version = "HTTP/1.0" }, want: every(http.StatusForbidden)},
		attack{name: "host: ours as forwarded", by: "owner", headers: []string{"Host: evil.example:PORT", "X-Forwarded-Host: HOST", "Forwarded: host=HOST"}, want: every(http.StatusForbidden)},
		attack{name: "forwarded from here", headers: []string{"X-Forwarded-For: 127.0.0.1", "Forwarded: for=127.0.0.1", "X-Real-IP: 127.0.0.1"}, want: by(served, served, served, 401)},
	)
}

// targets name another server where the path stands.
func targets() []attack {
	whole := func(prefix string) func(call, *request) {
		return func(_ call, r *request) { r.target = prefix + r.target }
	}
	return []attack{
		{name: "target: another server", by: "owner", change: whole("http://evil.example"), want: every(http.StatusForbidden)},
		{name: "target: another server with our name as user", by: "owner", change: whole("http://127.0.0.1@evil.example"), want: every(http.StatusForbidden)},
		{name: "target: no scheme", change: whole("//evil.example"), want: every(http.StatusUnauthorized)},
		{name: "target: two slashes", change: whole("/"), want: every(http.StatusUnauthorized)},
		{name: "target: up and down", change: whole("/healthz/.."), want: by(401, 401, 401, 401)},
		{name: "target: under an open path", change: whole("/docs"), want: by(401, repelled, 401, 401)},
		{name: "target: open path in the query", change: func(_ call, r *request) { r.target += "?/healthz" }, want: by(served, served, served, 401)},
		{name: "target: upper case", change: func(_ call, r *request) { r.target = strings.ToUpper(r.target) }, only: lettered, want: every(http.StatusUnauthorized)},
		{name: "target: packed slashes", change: func(_ call, r *request) { r.target = "/" + strings.ReplaceAll(r.target[1:], "/", "%2F") }, want: by(served, served, repelled, 401)},
	}
}

func lettered(c call) bool { return len(c.template) > 1 }
