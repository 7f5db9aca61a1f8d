package attack

import "net/http"

// forged are origins of pages that were not let in, though some look as if.
func forged() [][2]string {
	return [][2]string{
		{"null", "null"},
		{"another page", "https://evil.example"},
		{"other port", "http://127.0.0.1:1"},
		{"no port", "http://127.0.0.1"},
		{"https", "https://HOST"},
		{"WebSocket", "ws://HOST"},
		{"our other name", "http://localhost:PORT"},
		{"our other number", "http://[::1]:PORT"},
		{"longer address", "http://HOST.evil.example"},
		{"longer number", "http://127.0.0.1.evil.example:PORT"},
		{"longer port", "http://HOST0"},
		{"user", "http://HOST@evil.example"},
		{"slash", "http://HOST/"},
		{"path", "http://HOST/x"},
		{"upper case", "HTTP://HOST"},
		{"space", "http://HOST x"},
		{"list", "http://HOST, https://evil.example"},
		{"empty", ""},
		{"file", "file://"},
		{"data", "data:"},
		{"extension", "chrome-extension://abcdefghijklmnop"},
		{"longer app", pageOrigin + ".evil.example"},
		{"app over http", "http://app.example"},
		{"app at another port", pageOrigin + ":8443"},
		{"subdomain of an app", "https://x.app.example"},
		{"app with a dot", pageOrigin + "."},
		{"app in capitals", "https://APP.example"},
	}
}

// origins come with the owner's token: no page but the daemon's own may use it.
func origins() []attack {
	var all []attack
	for _, origin := range forged() {
		all = append(all, attack{name: "origin, owner's token: " + origin[0], by: "owner", headers: []string{"Origin: " + origin[1]}, want: by(served, served, 403, 403)})
	}
	return append(
		all,
		attack{name: "origin, owner's token: of an app", by: "owner", headers: []string{"Origin: " + pageOrigin}, want: by(served, served, 403, 403)},
		attack{name: "origin, owner's token: two", by: "owner", headers: []string{"Origin: http://HOST", "Origin: https://evil.example"}, want: by(served, served, 403, 403)},
		attack{name: "site, owner's token: cross-site", by: "owner", headers: []string{"Sec-Fetch-Site: cross-site"}, want: by(served, 403, 403, 403)},
		attack{name: "site, owner's token: same-site", by: "owner", headers: []string{"Sec-Fetch-Site: same-site"}, want: by(served, 403, 403, 403)},
		attack{name: "site, owner's token: two", by: "owner", headers: []string{"Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: cross-site"}, want: by(served, 403, 403, 403)},
		attack{name: "site, owner's token: empty", by: "owner", headers: []string{"Sec-Fetch-Site:"}, want: by(served, 403, 403, 403)},
		attack{name: "site, owner's token: link from another page", by: "owner", headers: []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"}, want: by(served, served, 403, 403)},
		attack{name: "site, owner's token: frame", by: "owner", headers: []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"}, want: by(served, 403, 403, 403)},
	)
}

// strangers are pages without a token: they may ask to be let in where they could read the answer, and no more.
func strangers() []attack {
	var all []attack
	for _, origin := range forged() {
		asks := http.StatusForbidden
		if isPlain(origin[0]) {
			asks = served
		}
		all = append(all, attack{name: "origin, no token: " + origin[0], headers: []string{"Origin: " + origin[1], "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: cors"}, want: by(served, 403, asks, 403)})
	}
	for _, mode := range []string{"no-cors", "navigate", "same-origin", "nested-navigate"} {
		all = append(all, attack{
			name:    "mode, no token: " + mode,
			headers: []string{"Origin: https://evil.example", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: " + mode}, want: by(served, 403, 403, 403),
		})
	}
	return append(
		all,
		attack{name: "mode, no token: websocket", headers: []string{"Origin: https://evil.example", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: websocket"}, want: by(served, 403, 403, 403)},
		attack{name: "image, no origin", headers: []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image"}, want: by(served, 403, 403, 403)},
		attack{name: "own page, no token", headers: []string{"Origin: http://HOST", "Sec-Fetch-Site: same-origin"}, want: by(served, served, served, 401)},
	)
}

// isPlain tells whether a forged origin is one that a browser could send of a page: that page may ask, in its own name.
func isPlain(name string) bool {
	switch name {
	case "null", "slash", "path", "upper case", "space", "list", "empty", "file", "data", "user", "longer address", "app in capitals":
		return false
	}
	return true
}
