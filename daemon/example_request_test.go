package daemon

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/setlogger/setlogger/api"
)

// tokenOf is the token that has what the call takes, and no more.
func (s *story) tokenOf(c docCase) string {
	switch {
	case c.Scope != "":
		return s.tokens[c.Scope]
	case len(c.call.Security) != 1:
		return ""
	}
	return s.tokens[strings.Join(c.call.Security[0]["token"], "")]
}

// request is the call as the example shows it, with what the daemon has given before.
func (s *story) request(t *testing.T, c docCase) *http.Request {
	t.Helper()
	path, query, header := c.call.path, url.Values{}, http.Header{}
	for _, p := range c.call.Parameters {
		e, ok := p.Examples[c.name]
		if !ok {
			continue
		}
		for _, value := range valuesOf(t, s.real(e.Value)) {
			switch p.In {
			case "path":
				path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(value))
			case "query":
				query.Add(p.Name, value)
			case "header":
				header.Add(p.Name, value)
			}
		}
	}
	kind, body := s.body(t, c)
	request, err := http.NewRequestWithContext(t.Context(), c.call.method, "http://"+s.address+path+"?"+query.Encode(), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = header
	if body != "" {
		request.Header.Set("Content-Type", kind)
	}
	if token := s.tokenOf(c); token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	request.Header.Set("Accept", acceptOf(c))
	return request
}

// valuesOf are the texts of a parameter's example.
func valuesOf(t *testing.T, text []byte) []string {
	t.Helper()
	var value any
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	list, ok := value.([]any)
	if !ok {
		list = []any{value}
	}
	texts := make([]string, len(list))
	for i, one := range list {
		texts[i] = fmt.Sprint(one)
	}
	return texts
}

func (s *story) body(t *testing.T, c docCase) (kind, body string) {
	t.Helper()
	if c.call.RequestBody == nil {
		return "", ""
	}
	for kind, media := range c.call.RequestBody.Content {
		e, ok := media.Examples[c.name]
		switch {
		case ok && kind == "application/json":
			return kind, string(s.real(e.Value))
		case ok:
			return kind, stringIn(t, s.real(e.Value))
		}
	}
	return "", ""
}

func stringIn(t *testing.T, value []byte) string {
	t.Helper()
	var text string
	if err := json.Unmarshal(value, &text); err != nil {
		t.Fatal(err)
	}
	return text
}

// acceptOf is what the caller of an example takes: the answer that is shown, or that of a success in its place.
func acceptOf(c docCase) string {
	success := c.call.Responses["200"].Content
	_, plain := success["application/json"]
	switch {
	case c.status < 300 && c.kind != "":
		return c.kind
	case !plain && success != nil && c.status != http.StatusNotAcceptable:
		return api.EventsType
	}
	return "application/json"
}

// real puts what the daemon has given in the place of what the examples show of it.
func (s *story) real(text []byte) []byte {
	pairs := make([]string, 0, 2*len(s.given))
	for shown, real := range s.given {
		pairs = append(pairs, shown, real)
	}
	return []byte(strings.NewReplacer(pairs...).Replace(string(text)))
}
