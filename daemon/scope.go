package daemon

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/setlogger/setlogger/setlog"
)

// scope is what an app may do with the buckets of a pattern: a name, or the beginning of names and *.
type scope struct {
	pattern string
	write   bool
}

// grant is all that a caller may do.
type grant struct {
	admin  bool
	scopes []scope
}

// parseScopes reads scopes such as todos:rw, photos/*:r and admin.
func parseScopes(words []string) (grant, error) {
	var g grant
	for _, word := range words {
		if word == "admin" {
			g.admin = true
			continue
		}
		pattern, mode, _ := strings.Cut(word, ":")
		name := strings.TrimSuffix(pattern, "*")
		wrong := mode != "r" && mode != "rw" || strings.HasSuffix(name, "*")
		if name != "" && !wrong {
			wrong = setlog.CheckBucketName(strings.TrimSuffix(name, "/")) != nil
		}
		if wrong || pattern == "" {
			return grant{}, fmt.Errorf("%q is no scope", word)
		}
		g.scopes = append(g.scopes, scope{pattern, mode == "rw"})
	}
	if !g.admin && len(g.scopes) == 0 {
		return grant{}, fmt.Errorf("no scope is asked for")
	}
	return g, nil
}

func (s scope) has(bucket string) bool {
	prefix, open := strings.CutSuffix(s.pattern, "*")
	return open && strings.HasPrefix(bucket, prefix) || s.pattern == bucket
}

func (g grant) mayRead(bucket string) bool {
	return g.admin || slices.ContainsFunc(g.scopes, func(s scope) bool { return s.has(bucket) })
}

func (g grant) mayWrite(bucket string) bool {
	return g.admin || slices.ContainsFunc(g.scopes, func(s scope) bool { return s.write && s.has(bucket) })
}

// permits tells whether a caller may make a call. What is not named here takes the owner, or an app with the scope admin.
func (g grant) permits(r *http.Request) bool {
	if g.admin {
		return true
	}
	parts := strings.Split(strings.TrimPrefix(r.URL.EscapedPath(), "/"), "/")
	read := r.Method == http.MethodGet || r.Method == http.MethodHead
	if parts[0] != "v1" || len(parts) < 2 || slices.Contains(parts, "") || slices.Contains(parts, "..") {
		return false
	}
	switch {
	case (parts[1] == "status" || parts[1] == "events") && len(parts) == 2:
		return read // of the buckets in its scopes
	case parts[1] == "stream" && len(parts) == 2:
		return read // each bucket is judged by itself
	case parts[1] == "buckets" && len(parts) == 2:
		return read || r.Method == http.MethodPost // likewise; makeBucket looks at the name
	case parts[1] == "buckets":
		return g.permitsBucket(r.Method, read, parts[2:])
	}
	return false
}

// permitsBucket judges calls on one bucket.
func (g grant) permitsBucket(method string, read bool, parts []string) bool {
	name, err := url.PathUnescape(parts[0])
	if err != nil {
		return false
	}
	if read {
		return g.mayRead(name)
	}
	writes := method == http.MethodPost && len(parts) == 2 && slices.Contains([]string{"actions", "undo", "compact"}, parts[1]) ||
		method == http.MethodPatch && len(parts) == 1
	return writes && g.mayWrite(name)
}
