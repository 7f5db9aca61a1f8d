package daemon

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/setlogger/setlogger/api"
)

// TestHistory: each entry that names a node comes once, the last first, whatever the id, and undo takes what it says.
func TestHistory(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "b/c")
	for _, id := range []string{"a", "history", "a/history", "/", "a b", "ü%2F", "a/b/history/"} {
		q := fmt.Sprintf("%q", id)
		s.append(t, "b/c", `{"type":"CREATE_NODE","id":`+q+`,"properties":{"n":1}}`)
		s.append(t, "b/c", `{"actions":[{"type":"SET_PROPERTY","id":`+q+`,"property":"n","value":2},{"type":"CREATE_NODE","id":"other"}]}`)
		last := s.append(t, "b/c", `{"type":"DELETE_NODE","id":`+q+`}`)
		var types []string
		for cursor := ""; ; {
			page, err := s.client.History(t.Context(), "b/c", id, cursor, 2)
			if err != nil || !page.Whole {
				t.Fatal(id, page, err)
			}
			for _, e := range page.Entries {
				if len(e.Actions) != 1 || e.Overridden != "" || !strings.HasSuffix(e.Time, "Z") {
					t.Errorf("%+v", e)
				}
				types = append(types, string(e.Actions[0]))
			}
			if page.Next == nil {
				break
			}
			cursor = *page.Next
		}
		if len(types) != 3 || !strings.Contains(types[0], "DELETE_NODE") || !strings.Contains(types[2], "CREATE_NODE") {
			t.Errorf("history of %q: %v", id, types)
		}
		page, err := s.client.History(t.Context(), "b/c", id, "", 1)
		if err != nil || page.Entries[0].Entry != fmt.Sprintf("%s:%d", last.Writer, *last.Number) {
			t.Fatalf("%+v, %v", page, err)
		}
		if _, err := s.client.Undo(t.Context(), "b/c", api.Undo{Entry: page.Entries[0].Entry}, ""); err != nil {
			t.Error(err)
		}
	}
	for query, status := range map[string]int{"cursor=x": 400, "cursor=1-0.aaaaaaaaaaaaaaaa.x": 400, "limit=0": 400, "cursor=1-0.aaaaaaaaaaaaaaaa.1": 200} {
		if got := s.call(t, "GET", "/v1/buckets/b%2Fc/nodes/a/history?"+query, "", nil); got.status != status {
			t.Errorf("%s: %d %s", query, got.status, got.body)
		}
	}
	if got := s.call(t, "GET", "/v1/buckets/none/nodes/a/history", "", nil); got.status != http.StatusNotFound {
		t.Errorf("%d", got.status)
	}
}

// TestAt: pages and nodes as they were, by stamp and by time, while things change.
func TestAt(t *testing.T) {
	s := indexed(t, 0, `[["n"]]`)
	var stamps []string
	for i := range 9 {
		a := s.append(t, "b", fmt.Sprintf(`{"type":"CREATE_NODE","id":"%d","properties":{"n":%d}}`, i%5, i))
		stamps = append(stamps, a.Stamp)
	}
	s.append(t, "b", `{"type":"DELETE_NODE","id":"2"}`)
	for i, stamp := range stamps {
		for _, q := range []api.Query{{Order: "id"}, {Where: []string{"n:gt:-1"}}, {Where: []string{"n:in:0,1,2,3,4,5,6,7,8"}}} {
			q.At, q.Limit = stamp, 2
			got, _ := s.idsOf(t, "b", q)
			if slices.Sort(got); len(got) != min(i+1, 5) || got[len(got)-1] != fmt.Sprint(min(i, 4)) {
				t.Errorf("at entry %d, %+v: %v", i, q, got)
			}
		}
	}
	n, err := s.client.NodeAt(t.Context(), "b", "2", stamps[3])
	if err != nil || string(n.Value) != `{"n":2}` {
		t.Errorf("%+v, %v", n, err)
	}
	if n, err = s.client.NodeAt(t.Context(), "b", "2", time.Now().Add(time.Hour).Format(time.RFC3339)); err == nil {
		t.Errorf("a node that was deleted: %+v", n)
	}
	var refused *api.Error
	if _, err = s.client.NodeAt(t.Context(), "b", "2", "1999-12-31T00:00:00+01:00"); !errors.As(err, &refused) || refused.Status != http.StatusNotFound {
		t.Errorf("before all: %v", err)
	}
	for _, path := range []string{"nodes", "nodes/2"} {
		if got := s.call(t, "GET", "/v1/buckets/b/"+path+"?"+url.Values{"at": {"yesterday"}}.Encode(), "", nil); got.status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	for moment, want := range map[string]int{"1960-01-01T00:00:00Z": 0, "1970-01-01T00:00:00Z": 0, "2100-06-01T00:00:00Z": 4, "9999-01-01T00:00:00Z": 4} {
		if got, _ := s.idsOf(t, "b", api.Query{At: moment}); len(got) != want {
			t.Errorf("at %s: %v", moment, got)
		}
	}
	lines := s.call(t, "GET", "/v1/buckets/b/nodes?at="+stamps[1], "", http.Header{"Accept": {api.LinesType}})
	if strings.Count(string(lines.body), "\n") != 2 {
		t.Errorf("lines: %s", lines.body)
	}
}
