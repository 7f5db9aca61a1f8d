package attack

import (
	"cmp"
	"encoding/json"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// call is one call of the OpenAPI document, filled in so that it would succeed for the owner.
type call struct {
	name     string // method and path as in the document
	method   string
	template string
	target   string // path and query
	body     string // empty: it takes none
	bucket   bool   // it is about the secret bucket
	socket   bool   // it is made as a WebSocket
	open     openness
}

// openness is how far a call is open to those who have no token.
type openness int

const (
	closed  openness = iota
	health           // to everybody, from any page
	static           // files that hold no data: to everybody, but to no page that embeds them
	pairing          // to programs, and to pages that can read the answer
)

// opened lists what needs no token, as docs/api.md does. All else is closed.
func opened() map[string]openness {
	return map[string]openness{
		"GET /healthz":       health,
		"GET /":              static,
		"GET /page.js":       static,
		"GET /style.css":     static,
		"GET /icon.svg":      static,
		"GET /docs":          static,
		"GET /docs.js":       static,
		"GET /openapi.json":  static,
		"POST /v1/apps":      pairing,
		"GET /v1/apps/{app}": pairing,
	}
}

// forApps lists the calls that every app may make: the answers are cut to its scopes, and a stream judges each bucket.
func forApps() []string {
	return []string{"GET /v1/status", "GET /v1/events", "GET /v1/buckets", "GET /v1/stream (socket)"}
}

// bodies that do harm, by the id of the operation; what is not here sends an empty object where it takes a body.
func (v *victim) bodies(folder string) map[string]string {
	return map[string]string{
		"append":       `{"type":"SET_PROPERTY","id":"` + secretNode + `","property":"text","value":"changed"}`,
		"undo":         `{"last":true}`,
		"changeBucket": `{"settings":{"keepHistory":"none"}}`,
		"makeBucket":   `{"name":"evil"}`,
		"addRemote":    `{"name":"evil","path":` + quote(folder) + `}`,
		"askApp":       `{"name":"evil","scopes":["admin"]}`,
		"moveRemote":   `{"to":"evil"}`,
		"makeKey":      `{"name":"hidden","path":` + quote(filepath.Join(folder, "hidden")) + `}`,
		"beginSetup":   `{"name":"evil","kind":"local"}`,
		"answerSetup":  `{"question":"path","answer":` + quote(folder) + `}`,
		"backup":       `{"to":` + quote(filepath.Join(folder, "backup")) + `}`,
		"restore":      `{"from":"local"}`,
	}
}

func quote(text string) string {
	data, _ := json.Marshal(text) // a string marshals
	return string(data)
}

// parameters are what names in paths and queries stand for; others of a query are left out.
func (v *victim) parameters() map[string]string {
	return map[string]string{"bucket": secretBucket, "id": secretNode, "remote": "local", "app": v.asker, "purge": "true"}
}

// operation is what the document says of a call.
type operation struct {
	OperationID string
	Parameters  []struct{ Name, In string }
	RequestBody *struct{}
	Responses   map[string]struct{}
}

// calls reads the daemon's own document and lists every call of it, and the open paths that it does not describe.
func (v *victim) calls(t *testing.T) []call {
	t.Helper()
	response, err := http.Get("http://" + v.address + "/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var document struct {
		Paths map[string]map[string]operation
	}
	if err := json.NewDecoder(response.Body).Decode(&document); err != nil {
		t.Fatal(err)
	}
	bodies := v.bodies(t.TempDir())
	var all []call
	for path, verbs := range document.Paths {
		for verb, o := range verbs {
			all = append(all, v.callsOf(strings.ToUpper(verb), path, o, bodies)...)
		}
	}
	if len(all) < 28 {
		t.Fatalf("the document has only %d calls", len(all))
	}
	for name, how := range opened() {
		if how == static {
			method, path, _ := strings.Cut(name, " ")
			all = append(all, call{name: name, method: method, template: path, target: path, open: static})
		}
	}
	slices.SortFunc(all, func(a, b call) int { return cmp.Or(cmp.Compare(a.template, b.template), cmp.Compare(a.name, b.name)) })
	return all
}

// callsOf fills one operation in; one that may be a WebSocket is a call as that too.
func (v *victim) callsOf(method, path string, o operation, bodies map[string]string) []call {
	values := v.parameters()
	c := call{name: method + " " + path, method: method, template: path, open: opened()[method+" "+path]}
	c.target = regexp.MustCompile(`\{\w+\}`).ReplaceAllStringFunc(path, func(name string) string {
		return cmp.Or(url.PathEscape(values[strings.Trim(name, "{}")]), "x")
	})
	query := url.Values{}
	for _, p := range o.Parameters {
		if value := values[p.Name]; value != "" && p.In == "query" {
			query.Set(p.Name, value)
		}
		c.bucket = c.bucket || p.Name == "bucket"
	}
	if len(query) > 0 {
		c.target += "?" + query.Encode()
	}
	if o.RequestBody != nil {
		c.body = cmp.Or(bodies[o.OperationID], "{}")
	}
	all := []call{c}
	if _, ok := o.Responses["101"]; ok {
		c.name, c.socket, c.bucket = c.name+" (socket)", true, false
		c.target, _, _ = strings.Cut(c.target, "?")
		all = append(all, c)
	}
	return all
}
