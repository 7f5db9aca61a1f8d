package daemon

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/setlogger/setlogger/api"
)

// document is what the tests read of /openapi.json.
type document struct {
	text       []byte
	Paths      map[string]map[string]*docCall
	Tags       []struct{ Name, Description string }
	Components struct {
		Examples  map[string]docExample
		Responses map[string]docResponse
	}
	schemas *jsonschema.Compiler
}

type docCall struct {
	method, path string

	OperationID, Summary string
	Tags                 []string
	Parameters           []docParameter
	RequestBody          *struct{ Content map[string]docMedia }
	Responses            map[string]docResponse
	Security             []map[string][]string
}

type docParameter struct {
	Name, In, Description string
	Schema                json.RawMessage
	Examples              map[string]docExample
}

type docResponse struct {
	Ref         string `json:"$ref"`
	Description string
	Content     map[string]docMedia
	Bare        map[string]docExample `json:"x-examples"`
}

type docMedia struct {
	Schema   json.RawMessage
	Item     json.RawMessage `json:"x-oai-itemSchema"`
	Examples map[string]docExample
}

type docExample struct {
	Ref     string `json:"$ref"`
	Summary string
	Value   json.RawMessage
	Order   int    `json:"x-order"`
	Scope   string `json:"x-scope"`
}

// documentURL is where the schemas of the document stand for their references.
const documentURL = "test:///openapi.json"

func (s *served) document(t *testing.T) *document {
	t.Helper()
	d := &document{text: s.get(t, "/openapi.json").body, schemas: jsonschema.NewCompiler()}
	if err := json.Unmarshal(d.text, d); err != nil {
		t.Fatal(err)
	}
	for path, verbs := range d.Paths {
		for verb, call := range verbs {
			call.method, call.path = strings.ToUpper(verb), path
		}
	}
	whole, err := jsonschema.UnmarshalJSON(bytes.NewReader(d.text))
	if err != nil {
		t.Fatal(err)
	}
	d.schemas.AssertFormat()
	if err := d.schemas.AddResource(documentURL, whole); err != nil {
		t.Fatal(err)
	}
	return d
}

// calls are all of the document, by path and method.
func (d *document) calls() []*docCall {
	var all []*docCall
	for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
		for _, verb := range slices.Sorted(maps.Keys(d.Paths[path])) {
			all = append(all, d.Paths[path][verb])
		}
	}
	return all
}

// schema is the one at a place in the document.
func (d *document) schema(t *testing.T, tokens ...string) *jsonschema.Schema {
	t.Helper()
	var pointer strings.Builder
	for _, token := range tokens {
		pointer.WriteString("/" + strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D").Replace(token))
	}
	compiled, err := d.schemas.Compile(documentURL + "#" + pointer.String())
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// checkValue checks JSON against the schema at a place in the document.
func (d *document) checkValue(t *testing.T, text []byte, tokens ...string) error {
	t.Helper()
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return err
	}
	return d.schema(t, tokens...).Validate(value)
}

// TestDocumentIsComplete: each call says all that a caller must know, with an example of each part.
func TestDocumentIsComplete(t *testing.T) {
	d := serveDaemon(t).document(t)
	known := map[string]bool{}
	for _, tag := range d.Tags {
		known[tag.Name] = tag.Description != ""
	}
	for _, call := range d.calls() {
		lacks := func(what string) { t.Errorf("%s %s lacks %s", call.method, call.path, what) }
		if call.Summary == "" || call.OperationID == "" || call.Security == nil {
			lacks("a summary, an id or its security")
		}
		if len(call.Tags) != 1 || !known[call.Tags[0]] {
			lacks("a described tag")
		}
		for _, p := range call.Parameters {
			if p.Description == "" || p.Schema == nil || len(p.Examples) == 0 {
				lacks("words, a schema or an example for " + p.Name)
			}
		}
		if call.RequestBody != nil {
			for kind, media := range call.RequestBody.Content {
				if media.Schema == nil || len(media.Examples) == 0 {
					lacks("a schema or an example of its body as " + kind)
				}
			}
		}
		for status, response := range call.Responses {
			if len(response.Content) == 0 && len(response.Bare) == 0 && response.Ref == "" {
				lacks("an example of " + status)
			}
			for kind, media := range response.Content {
				if media.Schema == nil || len(media.Examples) == 0 {
					lacks("a schema or an example of " + status + " as " + kind)
				}
				if status >= "400" && kind != api.ProblemType {
					lacks("problem+json for " + status)
				}
			}
		}
	}
}

// TestEveryRefusalHasAHint makes each call in wrong ways, and reads every refusal as a caller would.
func TestEveryRefusalHasAHint(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "x")
	added, err := s.client.AddApp(t.Context(), api.AppRequest{Name: "x", Scopes: []string{"other:r"}})
	if err != nil {
		t.Fatal(err)
	}
	refused := 0
	for _, call := range s.document(t).calls() {
		for _, name := range []string{"x", "nowhere", "%2E%2E", "%00"} {
			path := regexp.MustCompile(`\{\w+\}`).ReplaceAllString(call.path, name)
			for _, way := range []struct{ method, query, token, kind, body string }{
				{call.method, "", "", "", ""},
				{call.method, "", added.Token, "application/json", "{}"},
				{call.method, "", s.token, "application/json", `{"`},
				{call.method, "", s.token, "application/json", `[{"colour":"red"}]`},
				{call.method, "", s.token, api.LinesType, "{}\n{}"},
				{call.method, "", s.token, "text/plain", "hello"},
				{call.method, "?limit=x&cursor=x&after=x&where=x&order=-&live=x&purge=x&bucket=x", s.token, "", ""},
				{http.MethodPut, "", s.token, "application/json", "{}"},
			} {
				if way.method == http.MethodDelete {
					path = strings.Replace(path, "/x", "/nowhere", 1) // the others go on with what is there
				}
				got := s.wrong(t, way.method, path+way.query, way.token, way.kind, way.body)
				if got.status < http.StatusBadRequest {
					continue
				}
				refused++
				var e api.Error
				err := json.Unmarshal(got.body, &e)
				if err != nil || got.header.Get("Content-Type") != api.ProblemType || e.Status != got.status || e.Title == "" || e.Detail == "" || e.Hint == "" {
					t.Errorf("%s %s %s: %d %s %s", way.method, path+way.query, way.body, got.status, got.header.Get("Content-Type"), got.body)
				}
			}
		}
	}
	if refused < 500 {
		t.Errorf("only %d refusals were met", refused)
	}
}

func (s *served) wrong(t *testing.T, method, path, token, kind, body string) reply {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.address+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "application/json") // and no stream without end
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	if kind != "" {
		request.Header.Set("Content-Type", kind)
	}
	return s.do(t, request)
}

// TestAnyAppMayCall what names no scope.
func TestAnyAppMayCall(t *testing.T) {
	s := serveDaemon(t)
	added, err := s.client.AddApp(t.Context(), api.AppRequest{Name: "x", Scopes: []string{"other:r"}})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, call := range s.document(t).calls() {
		if len(call.Security) != 1 || len(call.Security[0]["token"]) > 0 {
			continue
		}
		n++
		if got := s.wrong(t, call.method, call.path, added.Token, "", ""); got.status >= 400 && got.status != http.StatusNotAcceptable {
			t.Errorf("%s %s: %d %s", call.method, call.path, got.status, got.body)
		}
	}
	if n < 3 {
		t.Errorf("only %d such calls", n)
	}
}
