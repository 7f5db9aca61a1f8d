package daemon

import (
	"errors"
	"net/http"
	"slices"
	"testing"

	"github.com/setlogger/setlogger/api"
)

func TestSchema(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "b")
	if text, err := s.client.Schema(t.Context(), "b"); err != nil || string(text) != "null" {
		t.Fatalf("%s, %v", text, err)
	}
	s.mustAppend(t, `{"type":"CREATE_NODE","id":"old","properties":{"n":"x"}}`)
	s.mustAppend(t, `{"type":"SET_SCHEMA","schema":{"properties":{"n":{"type":"number"},"o":{"required":["a/b"]}}}}`)
	text, err := s.client.Schema(t.Context(), "b")
	if want := `{"properties":{"n":{"type":"number"},"o":{"required":["a/b"]}}}`; err != nil || string(text) != want {
		t.Errorf("%s, %v", text, err)
	}
	_, err = s.client.Append(t.Context(), "b", []byte(`{"type":"CREATE_NODE","id":"a","properties":{"n":"1","o":{}}}`), api.AppendOptions{})
	var e *api.Error
	if !errors.As(err, &e) || e.Status != http.StatusUnprocessableEntity || e.Hint == "" {
		t.Fatal(err)
	}
	paths := []string{}
	for _, v := range e.Violations {
		paths = append(paths, v.Path)
	}
	if want := []string{"/n", "/o/a~1b"}; !slices.Equal(paths, want) {
		t.Errorf("failing paths are %v, want %v: %v", paths, want, e)
	}
	n, err := s.client.Node(t.Context(), "b", "old")
	if err != nil || len(n.Invalid) != 1 || n.Invalid[0].Path != "/n" {
		t.Errorf("%+v, %v", n, err)
	}
	page, err := s.client.Nodes(t.Context(), "b", api.Query{})
	if err != nil || len(page.Nodes) != 1 || len(page.Nodes[0].Invalid) != 1 {
		t.Errorf("%+v, %v", page, err)
	}
	for _, bad := range []string{`{"$ref":"https://example.com/s.json"}`, `{"x-setlogger":{"order":["-"]}}`, `{"x-setlogger":{"colour":1}}`, `{"x-setlogger":{"keepHistory":"some"}}`, `{"type":"strong"}`} {
		_, err := s.client.Append(t.Context(), "b", []byte(`{"type":"SET_SCHEMA","schema":`+bad+`}`), api.AppendOptions{})
		if !errors.As(err, &e) || e.Status != http.StatusUnprocessableEntity || len(e.Violations) == 0 {
			t.Errorf("%s: %v", bad, err)
		}
	}
	s.mustAppend(t, `{"type":"SET_SCHEMA","schema":{"x-setlogger":{"order":["-created","id"],"indexes":[["author","-created"]],"chunkLimit":1000,"logLimit":10000,"publish":true,"keepHistory":"local"}}}`)
}

func (s *served) mustAppend(t *testing.T, body string) {
	t.Helper()
	if _, err := s.client.Append(t.Context(), "b", []byte(body), api.AppendOptions{}); err != nil {
		t.Fatal(err)
	}
}
