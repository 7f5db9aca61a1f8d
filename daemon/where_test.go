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

func TestWhere(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "b")
	for id, value := range map[string]string{
		"a": `{"author":"ann","year":1990,"tags":["x","y"],"done":true}`,
		"b": `{"author":"bob","year":2001,"tags":[],"done":false}`,
		"c": `{"author":"anna","year":2010,"none":null}`,
		"d": `{"author":5,"year":"1990","in":{"author":"ann"}}`,
		"e": `{"author":"ann:a,b","year":-1.5}`,
	} {
		s.append(t, "b", fmt.Sprintf(`{"type":"CREATE_NODE","id":%q,"properties":%s}`, id, value))
	}
	for where, want := range map[string]string{
		"author:eq:ann":                    "a",
		`author:eq:"ann"`:                  "a",
		"author:eq:5":                      "d",
		`author:eq:"5"`:                    "",
		"author:eq:ann:a,b":                "e",
		"author:in:ann,bob":                "a b",
		`author:in:["ann","ann:a,b",5]`:    "a d e",
		"author:starts-with:ann":           "a c e",
		`author:starts-with:"ann"`:         "a c e",
		"author:starts-with:":              "a b c e",
		"author:gt:ann":                    "b c e",
		"year:lt:2001":                     "a e",
		"year:gt:-1.5":                     "a b c",
		"year:eq:1990":                     "a",
		`year:eq:"1990"`:                   "d",
		"done:eq:true":                     "a",
		"done:in:true,false":               "a b",
		"none:eq:null":                     "c",
		"none:in:null":                     "c",
		"tags:eq:y":                        "a",
		"absent:eq:null":                   "",
		"in:eq:ann":                        "",
		"author:starts-with:a&year:gt:0":   "a c",
		"author:eq:ann&author:eq:bob":      "",
		`tags:eq:["x","y"]`:                "",
		`author:in:[["ann"],{"a":1},null]`: "",
	} {
		for _, q := range []api.Query{{Order: "id"}, {Order: "id", Limit: 1}, {Order: "zzz,id", Limit: 2}} {
			q.Where = strings.Split(where, "&")
			if got, scanned := s.idsOf(t, "b", q); strings.Join(got, " ") != want || !scanned {
				t.Errorf("%s, %+v: %v, want %s; scanned %t", where, q, got, want, scanned)
			}
		}
	}
	lines := s.call(t, "GET", "/v1/buckets/b/nodes?order=id&fields=year,none&where=author:starts-with:ann", "", http.Header{"Accept": {api.LinesType}})
	var values []string
	for line := range strings.Lines(string(lines.body)) {
		var n api.Node
		if err := json.Unmarshal([]byte(line), &n); err != nil {
			t.Fatal(err)
		}
		values = append(values, string(n.Value))
	}
	if got := strings.Join(values, " "); got != `{"year":1990} {"none":null,"year":2010} {"year":-1.5}` {
		t.Errorf("fields: %s", got)
	}
}

// TestWhereAmongMany finds the few among many, each once, in pages that end though little was found.
func TestWhereAmongMany(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "b")
	var lines strings.Builder
	const n, found = mostLookedAt + 5000, 5
	for i := range n {
		fmt.Fprintf(&lines, `{"type":"CREATE_NODE","id":"%06d","properties":{"rare":%t}}`+"\n", i, i%(n/found) == 7)
	}
	if got := s.call(t, "POST", "/v1/buckets/b/actions", lines.String(), http.Header{"Content-Type": {api.LinesType}}); got.status != 200 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	for _, order := range []string{"id", "", "-rare,id"} {
		ids, _ := s.idsOf(t, "b", api.Query{Order: order, Where: []string{"rare:eq:true"}, Limit: 2})
		if len(ids) != found {
			t.Errorf("order %q: %v", order, ids)
		}
	}
	got := s.call(t, "GET", "/v1/buckets/b/nodes?"+url.Values{"where": {"rare:eq:false", "rare:eq:true"}}.Encode(), "", nil)
	var page api.Page
	if err := json.Unmarshal(got.body, &page); err != nil || len(page.Nodes) != 0 || page.Next == nil {
		t.Errorf("a page of nothing: %.200s, %v", got.body, err)
	}
}

func TestPick(t *testing.T) {
	for _, c := range []struct{ value, fields, want string }{
		{`{"a":1,"b":{"a":2},"c":[3]}`, "b", `{"b":{"a":2}}`},
		{`{"a":1,"b":2,"c":3}`, "c,a,x", `{"a":1,"c":3}`},
		{`{"é":"x"}`, "é", `{"é":"x"}`},
		{`{}`, "a", `{}`},
	} {
		if got := string(pick([]byte(c.value), strings.Split(c.fields, ","))); got != c.want {
			t.Errorf("%s of %s: %s, want %s", c.fields, c.value, got, c.want)
		}
	}
}
