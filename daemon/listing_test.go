package daemon

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/setlogger/setlogger/api"
)

// idsOf pages through a bucket.
func (s *served) idsOf(t *testing.T, bucket string, q api.Query) (ids []string, scanned bool) {
	t.Helper()
	for {
		page, err := s.client.Nodes(t.Context(), bucket, q)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range page.Nodes {
			ids = append(ids, n.ID)
		}
		scanned = scanned || page.Scanned
		if page.Next == nil {
			return ids, scanned
		}
		q.Cursor = *page.Next
	}
}

func TestOrders(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "b")
	for i, id := range []string{"c", "a", "d", "b", "e"} {
		s.append(t, "b", fmt.Sprintf(`{"type":"CREATE_NODE","id":%q,"properties":{"n":%d}}`, id, i/2))
	}
	tests := []struct {
		query   api.Query
		want    string
		scanned bool
	}{
		{api.Query{}, "e b d a c", false},
		{api.Query{Order: "-created,id"}, "e b d a c", false},
		{api.Query{Order: "id"}, "a b c d e", false},
		{api.Query{Prefix: "a"}, "a", false},
		{api.Query{Prefix: "a", Order: "id"}, "a", false},
		{api.Query{Order: "-id"}, "e d c b a", true},
		{api.Query{Order: "-n,id"}, "e b d a c", true},
		{api.Query{Order: "none,-n,created"}, "e d b c a", true},
	}
	for _, test := range tests {
		for _, limit := range []int{1, 2, 5, 6} {
			test.query.Limit = limit
			if got, scanned := s.idsOf(t, "b", test.query); strings.Join(got, " ") != test.want || scanned != test.scanned {
				t.Errorf("%+v: %v, scanned %v", test.query, got, scanned)
			}
		}
	}
	got := s.call(t, "GET", "/v1/buckets/b/nodes", "", http.Header{"Accept": {api.LinesType}})
	if ids := lineIDs(t, got.body); strings.Join(ids, " ") != "e b d a c" {
		t.Error("lines come as", ids)
	}
	s.append(t, "b", `{"type":"SET_SCHEMA","schema":{"x-setlogger":{"order":["n","-id"]}}}`)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		got, scanned := s.idsOf(t, "b", api.Query{Limit: 2})
		if strings.Join(got, " ") != "c a d b e" || time.Now().After(deadline) {
			t.Fatal("after a new schema they come as", got, scanned)
		}
		if !scanned {
			break
		}
	}
}

func lineIDs(t *testing.T, body []byte) (ids []string) {
	t.Helper()
	for line := range bytes.Lines(body) {
		var n api.Node
		if err := json.Unmarshal(line, &n); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, n.ID)
	}
	return ids
}

// TestCursor: cursors of pages stand where they stood while nodes change, and others are refused.
func TestCursor(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "b")
	var want []string
	for i := range 20 {
		id := fmt.Sprintf("n%02d", i)
		s.append(t, "b", fmt.Sprintf(`{"type":"CREATE_NODE","id":%q}`, id))
		want = append(want, id)
	}
	slices.Reverse(want)
	first, err := s.client.Nodes(t.Context(), "b", api.Query{Limit: 5})
	if err != nil || first.Next == nil {
		t.Fatal(first, err)
	}
	s.append(t, "b", `{"type":"CREATE_NODE","id":"newest"}`)
	s.append(t, "b", fmt.Sprintf(`{"type":"DELETE_NODE","id":%q}`, want[4])) // where the cursor stands
	s.append(t, "b", fmt.Sprintf(`{"type":"SET_PROPERTY","id":%q,"properties":{"x":1}}`, want[7]))
	if got, _ := s.idsOf(t, "b", api.Query{Limit: 3, Cursor: *first.Next}); !slices.Equal(got, want[5:]) {
		t.Errorf("after the cursor come %v, not %v", got, want[5:])
	}
	data, err := base64.RawURLEncoding.DecodeString(*first.Next)
	if err != nil {
		t.Fatal(err)
	}
	again := base64.RawURLEncoding.EncodeToString
	for query, status := range map[string]int{
		"cursor=%21": 400, "cursor=AA": 400, "cursor=" + again(data[:mark]): 400, "cursor=" + again(data[:mark+3]): 400,
		"cursor=" + *first.Next:                200,
		"order=id&cursor=" + *first.Next:       422,
		"prefix=n&cursor=" + *first.Next:       422,
		"order=-created&cursor=" + *first.Next: 200,
		"order=,":                              400, "order=a,-a": 400, "order=-": 400, "prefix=n&order=-created": 400,
	} {
		got := s.get(t, "/v1/buckets/b/nodes?"+query)
		if got.status != status || status != 200 && !bytes.Contains(got.body, []byte(`"hint"`)) {
			t.Errorf("%s: %d %s", query, got.status, got.body)
		}
	}
	s.append(t, "b", `{"type":"SET_SCHEMA","schema":{"x-setlogger":{"order":["id"]}}}`)
	if got := s.get(t, "/v1/buckets/b/nodes?cursor="+*first.Next); got.status != 422 || !bytes.Contains(got.body, []byte(`[\"id\"]`)) {
		t.Errorf("a cursor of the order before: %d %s", got.status, got.body)
	}
	if got, scanned := s.idsOf(t, "b", api.Query{}); !slices.IsSorted(got) || scanned {
		t.Error("by id they come as", got, scanned)
	}
}
