package daemon

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/setlogger/setlogger/api"
)

// indexed is a bucket of nodes with indexes that are ready.
func indexed(t *testing.T, nodes int, indexes string) *served {
	t.Helper()
	s := serveDaemon(t)
	s.bucket(t, "b")
	s.append(t, "b", `{"type":"SET_SCHEMA","schema":{"x-setlogger":{"indexes":`+indexes+`}}}`)
	random := rand.New(rand.NewPCG(3, 4))
	var lines strings.Builder
	for i := range nodes {
		values := []string{`"ann"`, `"bob"`, `"anna"`, `5`, `null`, `true`, `["ann","bob"]`, `{"ann":1}`, `"` + strings.Repeat("ann", 100) + `"`}
		fmt.Fprintf(&lines, `{"type":"CREATE_NODE","id":"n%d","properties":{"author":%s,"year":%d}}`+"\n", i, values[random.IntN(len(values))], 1900+random.IntN(100))
	}
	if got := s.call(t, "POST", "/v1/buckets/b/actions", lines.String(), http.Header{"Content-Type": {api.LinesType}}); got.status != http.StatusOK {
		t.Fatalf("%d %s", got.status, got.body)
	}
	s.awaitIndexes(t, "b")
	return s
}

// awaitIndexes waits until all indexes of a bucket are ready.
func (s *served) awaitIndexes(t testing.TB, bucket string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Minute); ; time.Sleep(time.Millisecond) {
		b, err := s.client.Bucket(t.Context(), bucket)
		if err != nil || time.Now().After(deadline) {
			t.Fatalf("indexes %+v, %v", b.Indexes, err)
		}
		if !slices.ContainsFunc(b.Indexes, func(i api.IndexStatus) bool { return !i.Ready }) {
			return
		}
	}
}

// TestWhereByIndex: what an index finds is what looking at all nodes finds, in its order, and in pages of any size.
func TestWhereByIndex(t *testing.T) {
	s := indexed(t, 300, `[["author","-year"],["-year","author"]]`)
	long := strings.Repeat("ann", 100)
	for where, scanned := range map[string]bool{
		"author:eq:ann": true, "author:eq:bob&year:gt:1950": true, "author:in:bob,anna,5": true, "author:starts-with:ann": true, // some hold arrays
		"author:eq:" + long: true, "author:gt:ann": true, "author:lt:b&author:gt:a": true, "author:eq:true": true, "author:eq:{}": true, "author:in:[]": true,
		"author:lt:null": true, "author:gt:1e20": true, "author:eq:1e20": true, "author:eq:1&author:eq:5": true,
		"year:gt:1990": false, "year:lt:1910&year:gt:1905": false, "year:eq:1950": false, "year:in:1950,1960,1970": false, "year:gt:2500": false,
		"year:eq:1950&author:eq:bob": true, "year:eq:1950&nothing:eq:1": true,
	} {
		conditions := strings.Split(where, "&")
		want, _ := s.idsOf(t, "b", api.Query{Order: "id", Where: conditions})
		for _, limit := range []int{1, 7, 1000} {
			got, looked := s.idsOf(t, "b", api.Query{Where: conditions, Limit: limit})
			if slices.Sort(got); !slices.Equal(got, want) {
				t.Errorf("%s, %d a page: %v, not %v", where, limit, got, want)
			}
			if looked && !scanned {
				t.Errorf("%s, %d a page: all nodes were looked at", where, limit)
			}
		}
		backwards, _ := s.idsOf(t, "b", api.Query{Where: conditions, Order: "-author,year"}) // not stored
		if slices.Sort(backwards); !slices.Equal(backwards, want) {
			t.Errorf("%s in another order: %v, not %v", where, backwards, want)
		}
	}
}

// TestIndexOrder: what an index finds comes in the index's order, before it is ready too, and a cursor stays good.
func TestIndexOrder(t *testing.T) {
	s := indexed(t, 0, `[["author","-rank"]]`)
	for i, author := range []string{"ann", "bob", "ann", "bob", "ann"} {
		s.append(t, "b", fmt.Sprintf(`{"type":"CREATE_NODE","id":"%d","properties":{"author":%q,"rank":%d}}`, i, author, i*3%5))
	}
	got, scanned := s.idsOf(t, "b", api.Query{Where: []string{"author:eq:ann"}, Limit: 1})
	if want := []string{"4", "2", "0"}; scanned || !slices.Equal(got, want) {
		t.Errorf("%v, not %v; scanned %t", got, want, scanned)
	}
	first, err := s.client.Nodes(t.Context(), "b", api.Query{Where: []string{"author:eq:ann"}, Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	s.append(t, "b", `{"type":"CREATE_NODE","id":"new","properties":{"author":"ann","rank":9}}`)
	second, err := s.client.Nodes(t.Context(), "b", api.Query{Where: []string{"author:eq:ann"}, Limit: 2, Cursor: *first.Next})
	if err != nil || len(second.Nodes) != 2 || second.Nodes[0].ID != "2" || second.Next != nil {
		t.Errorf("after the first page: %+v, %v", second, err)
	}
	body := s.call(t, "GET", "/v1/buckets/b/nodes?"+url.Values{"where": {"author:eq:bob"}, "cursor": {*first.Next}}.Encode(), "", nil)
	if !strings.Contains(string(body.body), `"id":"3"`) { // a cursor is a place in the order, whoever is sought
		t.Errorf("%s", body.body)
	}
}
