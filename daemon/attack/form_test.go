package attack

import (
	"net/http"
	"strings"
)

// forms are bodies that a page can send without being asked first, and such as are no JSON of a size. They come with the
// owner's token: the form alone is judged.
func forms() []attack {
	var all []attack
	for _, kind := range [][2]string{
		{"none", ""},
		{"text", "text/plain"},
		{"text with charset", "text/plain;charset=UTF-8"},
		{"urlencoded", "application/x-www-form-urlencoded"},
		{"multipart", "multipart/form-data; boundary=x"},
		{"binary", "application/octet-stream"},
		{"text that says JSON", "text/plain; application/json"},
		{"list", "text/plain, application/json"},
		{"other JSON", "text/json"},
		{"longer JSON", "application/jsonx"},
		{"JSON of a shape", "application/ld+json"},
		{"broken", "application/json; ="},
	} {
		all = append(all, attack{name: "type: " + kind[0], by: "owner", headers: []string{"Content-Type: " + kind[1]}, change: withBody, only: writes, want: every(http.StatusUnsupportedMediaType)})
	}
	return append(
		all,
		attack{name: "type: two", by: "owner", headers: []string{"Content-Type: application/json", "Content-Type: text/plain"}, change: withBody, only: writes, want: every(http.StatusUnsupportedMediaType)},
		attack{name: "type: no header", by: "owner", headers: []string{"Content-Type"}, change: withBody, only: writes, want: every(http.StatusUnsupportedMediaType)},
		attack{name: "type: packed JSON", by: "owner", headers: []string{"Content-Type: application/json", "Content-Encoding: gzip"}, change: withBody, only: writes, want: every(http.StatusUnsupportedMediaType)},
		attack{name: "type: form from a page, no token", headers: []string{"Content-Type: text/plain", "Origin: https://evil.example", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"}, change: withBody, only: writes, want: every(http.StatusForbidden)},
		attack{name: "type: text from a page by CORS", headers: []string{"Content-Type: text/plain", "Origin: https://evil.example", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: cors"}, change: withBody, only: writes, want: by(415, 415, 415, 403)},
		attack{name: "body: of a page's text in chunks", headers: []string{"Content-Type: text/plain", "Origin: https://evil.example", "Transfer-Encoding: chunked"}, change: chunked, only: writes, want: by(415, 415, 415, 403)},
		attack{name: "body: larger than 4 MiB", by: "owner", change: large, only: takesBody, want: every(http.StatusRequestEntityTooLarge)},
		attack{name: "body: larger than 4 MiB, no token", headers: []string{"Content-Type: application/json"}, change: large, want: by(served, served, repelled, 401)},
		attack{name: "body: arrays 250,000 deep", by: "owner", change: deep, only: takesBody, want: every(repelled)},
		attack{name: "body: objects 120,000 deep", by: "owner", change: deepObjects, only: takesBody, want: every(repelled)},
		attack{name: "body: no JSON", by: "owner", change: func(_ call, r *request) { r.body = "<html>" }, only: takesBody, want: every(repelled)},
		attack{name: "header: larger than 16 KiB", by: "owner", headers: []string{"X: " + strings.Repeat("x", 40<<10)}, want: every(http.StatusRequestHeaderFieldsTooLarge)},
		attack{name: "header: ten thousand", by: "owner", headers: many("X: x", 10000), want: every(http.StatusRequestHeaderFieldsTooLarge)},
		attack{name: "target: larger than 16 KiB", by: "owner", change: func(_ call, r *request) { r.target += "?" + strings.Repeat("x", 40<<10) }, want: every(http.StatusRequestHeaderFieldsTooLarge)},
	)
}

func writes(c call) bool    { return c.method != http.MethodGet }
func takesBody(c call) bool { return c.body != "" }

// withBody gives a body to calls that take none: that is what a form would send.
func withBody(c call, r *request) {
	if c.body == "" {
		r.body = "{}"
	}
}

func chunked(_ call, r *request) { r.body = "2\r\n{}\r\n0\r\n\r\n" }

func large(_ call, r *request) { r.body = `{"x":"` + strings.Repeat("x", 4<<20) + `"}` }

func deep(_ call, r *request) {
	r.body = `{"type":"SET_PROPERTY","id":"a","property":"p","value":` + strings.Repeat("[", 250_000) + strings.Repeat("]", 250_000) + "}"
}

func deepObjects(_ call, r *request) {
	r.body = strings.Repeat(`{"a":`, 120_000) + "1" + strings.Repeat("}", 120_000)
}

func many(line string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = line
	}
	return all
}

// methods say one thing in the request line and another in a header: the line alone counts.
func methods() []attack {
	override := func(method string) func(call, *request) {
		return func(c call, r *request) {
			r.method, r.body = method, ""
			r.set("X-HTTP-Method-Override: "+c.method, "X-HTTP-Method: "+c.method, "X-Method-Override: "+c.method, "Content-Type")
			r.target += "?_method=" + c.method
		}
	}
	as := func(method string) func(call, *request) {
		return func(_ call, r *request) { r.method, r.body = method, "" }
	}
	return []attack{
		{name: "method: GET that says another", by: "reader", change: override(http.MethodGet), only: writes, want: every(harmless)},
		{name: "method: GET that says another, owner's token", by: "owner", change: override(http.MethodGet), only: writes, want: every(served)},
		{name: "method: HEAD that says another", by: "owner", change: override(http.MethodHead), only: writes, want: every(served)},
		{name: "method: OPTIONS that says another", by: "owner", change: override(http.MethodOptions), want: every(http.StatusNoContent)},
		{name: "method: PUT", by: "owner", change: as(http.MethodPut), want: every(http.StatusMethodNotAllowed)},
		{name: "method: PATCH", by: "program", change: as(http.MethodPatch), only: behind, want: every(http.StatusForbidden)},
		{name: "method: lower case", by: "program", change: func(_ call, r *request) { r.method = strings.ToLower(r.method) }, only: behind, want: every(http.StatusForbidden)},
		{name: "method: TRACE", change: as(http.MethodTrace), want: by(http.StatusMethodNotAllowed, 401, 401, 401)},
		{name: "method: CONNECT", change: as(http.MethodConnect), want: every(repelled)},
		{name: "method: none there is", change: as("SUBSCRIBE"), want: by(http.StatusMethodNotAllowed, 401, 401, 401)},
	}
}
