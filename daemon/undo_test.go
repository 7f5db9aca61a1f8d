package daemon

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/setlogger/setlogger/api"
)

func TestUndo(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "b")
	s.mustAppend(t, `{"type":"CREATE_NODE","id":"a","properties":{"n":1,"l":["x","y"]}}`)
	s.mustAppend(t, `{"type":"ARRAY_REMOVE","id":"a","property":"l","index":0}`)
	s.mustAppend(t, `{"type":"SET_PROPERTY","id":"a","property":"n","value":2}`)
	first, err := s.client.Undo(t.Context(), "b", api.Undo{Last: true}, "k")
	if err != nil || first.Number == nil || *first.Number != 4 || first.Entry != first.Writer+":3" || len(first.Left) > 0 || first.Revs["a"] == "" {
		t.Fatalf("%+v, %v", first, err)
	}
	again, err := s.client.Undo(t.Context(), "b", api.Undo{Last: true}, "k")
	if err != nil || fmt.Sprint(*again.Number, again.Entry, again.Revs) != fmt.Sprint(*first.Number, first.Entry, first.Revs) {
		t.Errorf("a repeat answers %+v, %v", again, err)
	}
	removed := first.Writer + ":2"
	if _, err := s.client.Undo(t.Context(), "b", api.Undo{Entry: removed}, ""); err != nil {
		t.Fatal(err)
	}
	n, err := s.client.Node(t.Context(), "b", "a")
	if err != nil || string(n.Value) != `{"l":["x","y"],"n":1}` {
		t.Errorf("%s, %v", n.Value, err)
	}
	s.mustAppend(t, `{"type":"SET_PROPERTY","id":"a","property":"l","value":0}`)
	left, err := s.client.Undo(t.Context(), "b", api.Undo{Entry: first.Writer + ":1"}, "")
	if err != nil || left.Number != nil || len(left.Left) != 1 || left.Left[0].ID != "a" || len(left.Left[0].Path) != 0 || left.Left[0].Reason == "" {
		t.Errorf("%+v, %v", left, err)
	}

	for _, refused := range []struct {
		undo   api.Undo
		key    string
		bucket string
		status int
	}{
		{api.Undo{}, "", "b", http.StatusUnprocessableEntity},
		{api.Undo{Entry: removed, Last: true}, "", "b", http.StatusUnprocessableEntity},
		{api.Undo{Entry: "x:1"}, "", "b", http.StatusUnprocessableEntity},
		{api.Undo{Entry: first.Writer + ":99"}, "", "b", http.StatusNotFound},
		{api.Undo{Last: true}, "", "nowhere", http.StatusNotFound},
		{api.Undo{Entry: removed}, "", "b", http.StatusConflict},
		{api.Undo{Entry: removed}, "k", "b", http.StatusUnprocessableEntity},
	} {
		_, err := s.client.Undo(t.Context(), refused.bucket, refused.undo, refused.key)
		if e, ok := errors.AsType[*api.Error](err); !ok || e.Status != refused.status || e.Hint == "" {
			t.Errorf("%+v: %v, want %d", refused, err, refused.status)
		}
	}
}
