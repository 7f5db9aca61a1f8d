package daemon

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/setlogger/setlogger/api"
)

func TestNamesAndIdsAreOneSegment(t *testing.T) {
	s := serveDaemon(t)
	for _, name := range []string{"todos/work", "a/../b", "x..y", "z//"} {
		s.bucket(t, name)
		for _, id := range []string{"a", "a/b", "a b", "ü€🙂", "%2F", "?x=1#y", "..", ".", "/", "a//b", "\x00\n", "+", strings.Repeat("x", 512)} {
			quoted, _ := json.Marshal(id)
			s.append(t, name, fmt.Sprintf(`{"type":"CREATE_NODE","id":%s,"properties":{"is":%s}}`, quoted, quoted))
			n, err := s.client.Node(t.Context(), name, id)
			if err != nil || n.ID != id {
				t.Errorf("bucket %q, id %q: %+v, %v", name, id, n, err)
			}
		}
		if b, err := s.client.Bucket(t.Context(), name); err != nil || b.Name != name || b.Nodes != 13 {
			t.Errorf("bucket %q: %+v, %v", name, b, err)
		}
	}
}

func TestETag(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "b")
	s.append(t, "b", `{"type":"CREATE_NODE","id":"a","properties":{"n":1}}`)
	first := s.get(t, "/v1/buckets/b/nodes/a")
	tag := first.header.Get("ETag")
	if want := `{"id":"a","value":{"n":1},"rev":` + tag + "}\n"; string(first.body) != want {
		t.Errorf("%s, want %s", first.body, want)
	}
	for header, want := range map[string]int{tag: 304, "W/" + tag: 304, `"x", ` + tag: 304, "*": 304, `"x"`: 200} {
		got := s.call(t, "GET", "/v1/buckets/b/nodes/a", "", http.Header{"If-None-Match": {header}})
		if got.status != want || want == 304 && len(got.body) > 0 {
			t.Errorf("If-None-Match %s: %d %s", header, got.status, got.body)
		}
	}
	s.append(t, "b", `{"type":"DELETE_NODE","id":"a"}`)
	if got := s.get(t, "/v1/buckets/b/nodes/a"); got.status != 404 {
		t.Errorf("deleted: %d", got.status)
	}
}

func TestPages(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "b")
	const count = 2*maxPage + 50
	if _, err := s.client.AppendMany(t.Context(), "b", strings.NewReader(manyLines(count)), nil); err != nil {
		t.Fatal(err)
	}
	for _, limit := range []int{0, 1000, 333} {
		var ids []string
		query := api.Query{Limit: limit, Order: "id"}
		for pages := 1; ; pages++ {
			page, err := s.client.Nodes(t.Context(), "b", query)
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range page.Nodes {
				ids = append(ids, n.ID)
			}
			if page.Next == nil {
				break
			}
			query.Cursor = *page.Next
		}
		if len(ids) != count || !slices.IsSorted(ids) {
			t.Errorf("limit %d: %d ids, sorted %v", limit, len(ids), slices.IsSorted(ids))
		}
	}
	page, err := s.client.Nodes(t.Context(), "b", api.Query{Prefix: "0004"})
	if err != nil || len(page.Nodes) != 10 || page.Next != nil || page.Scanned {
		t.Errorf("prefix: %+v, %v", page, err)
	}
	got := s.call(t, "GET", "/v1/buckets/b/nodes", "", http.Header{"Accept": {api.LinesType}})
	if got.header.Get("Content-Type") != api.LinesType || bytes.Count(got.body, []byte("\n")) != count {
		t.Errorf("lines: %s, %d", got.header.Get("Content-Type"), bytes.Count(got.body, []byte("\n")))
	}
	for _, query := range []string{"limit=0", "limit=1001", "limit=x", "where=a:is:b", "where=a", "where=:eq:a", "at=1"} {
		if got := s.get(t, "/v1/buckets/b/nodes?"+query); got.status != 400 && got.status != 422 {
			t.Errorf("%s: %d", query, got.status)
		}
	}
	if got := s.get(t, "/v1/buckets/b/nodes?prefix=none"); string(got.body) != `{"nodes":[],"next":null,"scanned":false}`+"\n" {
		t.Errorf("empty page: %s", got.body)
	}
}

func TestExportIsCanonical(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "b")
	for _, action := range []string{
		`{"type":"CREATE_NODE","id":"ü","properties":{"z":1e2,"a":{"y":1,"b":[]},"\ue000":1,"😀":2}}`,
		`{"type":"CREATE_NODE","id":"b","properties":{"x":"\u00e9\u2028</"}}`,
		`{"type":"CREATE_NODE","id":"B"}`,
		`{"type":"CREATE_NODE","id":"gone"}`,
		`{"type":"DELETE_NODE","id":"gone"}`,
	} {
		s.append(t, "b", action)
	}
	lines, err := s.client.Export(t.Context(), "b")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lines.Close() }()
	got, err := io.ReadAll(lines)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"id":"B"}` + "\n" + `{"id":"b","x":"é` + "\u2028" + `</"}` + "\n" + `{"a":{"b":[],"y":1},"id":"ü","z":100,"😀":2,"` + "\ue000" + `":1}` + "\n"
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestLog(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "b")
	if got := s.get(t, "/v1/buckets/b/log"); string(got.body) != `{"entries":[],"next":"0"}`+"\n" {
		t.Errorf("empty log: %s", got.body)
	}
	if _, err := s.client.AppendMany(t.Context(), "b", strings.NewReader(manyLines(250)), nil); err != nil {
		t.Fatal(err)
	}
	after, total := "", 0
	for {
		l, err := s.client.Log(t.Context(), "b", after, 0)
		if err != nil {
			t.Fatal(err)
		}
		if len(l.Entries) == 0 {
			break
		}
		total += len(l.Entries)
		after = l.Next
	}
	if total != 250 {
		t.Errorf("%d entries", total)
	}
	got := s.call(t, "GET", "/v1/buckets/b/log?limit=1000", "", http.Header{"Accept": {api.LinesType}})
	if bytes.Count(got.body, []byte("\n")) != 250 {
		t.Errorf("lines: %d", bytes.Count(got.body, []byte("\n")))
	}
	for _, query := range []string{"after=x", "live=yes", "after=-1"} {
		if got := s.get(t, "/v1/buckets/b/log?"+query); got.status != 400 {
			t.Errorf("%s: %d", query, got.status)
		}
	}
}

func TestLogFollows(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "b")
	s.append(t, "b", `{"type":"CREATE_NODE","id":"0"}`)
	seen := 0
	for e, err := range s.client.FollowLog(t.Context(), "b", "") {
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf(`"id":"%d"`, seen); !strings.Contains(string(e.Entry), want) {
			t.Fatalf("entry %s, want %s", e.Entry, want)
		}
		if seen++; seen == 5 {
			break
		}
		s.append(t, "b", fmt.Sprintf(`{"type":"CREATE_NODE","id":"%d"}`, seen)) // comes while the stream is open
	}
}

func TestLongPoll(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "b")
	answered := make(chan reply)
	go func() { answered <- s.get(t, "/v1/buckets/b/log?live=long-poll") }()
	s.append(t, "b", `{"type":"CREATE_NODE","id":"a"}`)
	if got := <-answered; !strings.Contains(string(got.body), `"id":"a"`) {
		t.Errorf("%s", got.body)
	}
}
