package daemon

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/setlogger/setlogger/api"
)

const actionsPath = "/v1/buckets/b/actions"

func lines() http.Header { return http.Header{"Content-Type": {api.LinesType}} }

func TestAppendShapes(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "b")
	for _, c := range []struct {
		name, body string
		header     http.Header
		status     int
		want       string // pattern
	}{
		{"action", `{"type":"CREATE_NODE","id":"a","properties":{"n":1}}`, nil, 200, `^\{"writer":"[a-z2-7]{16}","number":1,"stamp":"\d+-\d+","revs":\{"a":"1-[0-9a-f]{20}"\}\}\n$`},
		{"transaction", `{"actions":[{"type":"CREATE_NODE","id":"x"},{"type":"SET_PROPERTY","id":"a","properties":{"n":2}}]}`, nil, 200, `"number":2,.*"revs":\{"a":"2-\w+","x":"1-\w+"\}`},
		{"no-op", `{"type":"SET_PROPERTY","id":"a","properties":{"n":2}}`, nil, 200, `"number":null,.*"revs":\{"a":"2-\w+"\}`},
		{"unknown type", `{"type":"MY_ACTION","meta":{"k":1}}`, nil, 200, `"number":3,.*"revs":\{\}`},
		{"not alive", `{"type":"SET_PROPERTY","id":"zz","properties":{"n":2}}`, nil, 409, `"hint":".+"`},
		{"no type", `{"id":"a"}`, nil, 422, `"hint":".+"`},
		{"duplicate key", `{"type":"X","type":"Y"}`, nil, 422, `"status":422`},
		{"property named id", `{"type":"SET_PROPERTY","id":"a","properties":{"id":1}}`, nil, 422, `"hint":".+"`},
		{"not JSON", `nonsense`, nil, 422, `"status":422`},
		{"deep", strings.Repeat("[", 80), nil, 422, `"status":422`},
		{"large action", `{"type":"X","v":"` + strings.Repeat("x", 1<<20) + `"}`, nil, 413, `"status":413`},
		{"large body", `{"type":"X","v":"` + strings.Repeat("x", maxBody) + `"}`, nil, 413, `"status":413`},
		{"match", `{"type":"SET_PROPERTY","id":"a","properties":{"n":3}}`, http.Header{"If-Match": {`"1-00000000000000000000"`}}, 412, `"hint":".+"`},
		{"bad match", `{"type":"SET_PROPERTY","id":"a","properties":{"n":3}}`, http.Header{"If-Match": {`*`}}, 400, `"hint":".+"`},
		{"key", `{"type":"INCREMENT","id":"a","property":"n"}`, http.Header{"Idempotency-Key": {"k"}}, 200, `"number":4,`},
		{"key again", `{"type":"INCREMENT","id":"a","property":"n"}`, http.Header{"Idempotency-Key": {"k"}}, 200, `"number":4,`},
		{"key with another body", `{"type":"INCREMENT","id":"a","property":"m"}`, http.Header{"Idempotency-Key": {"k"}}, 422, `"hint":".+"`},
		{"empty lines", "", lines(), 200, `"committed":0,`},
	} {
		got := s.call(t, "POST", actionsPath, c.body, c.header)
		if got.status != c.status || !regexp.MustCompile(c.want).Match(got.body) {
			t.Errorf("%s: %d %s, want %d %s", c.name, got.status, got.body, c.status, c.want)
		}
	}
	if got := s.call(t, "POST", "/v1/buckets/nowhere/actions", `{"type":"X"}`, nil); got.status != 404 || !strings.Contains(string(got.body), "bucket create nowhere") {
		t.Errorf("unknown bucket: %d %s", got.status, got.body)
	}
}

func TestIfMatchOnTheRev(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "b")
	rev := s.append(t, "b", `{"type":"CREATE_NODE","id":"a"}`).Revs["a"]
	set := []byte(`{"type":"SET_PROPERTY","id":"a","properties":{"n":1}}`)
	a, err := s.client.Append(t.Context(), "b", set, api.AppendOptions{IfMatch: rev})
	if err != nil || a.Revs["a"] == rev {
		t.Fatalf("%+v, %v", a, err)
	}
	var refused *api.Error
	_, err = s.client.Append(t.Context(), "b", []byte(`{"type":"SET_PROPERTY","id":"a","properties":{"n":2}}`), api.AppendOptions{IfMatch: rev})
	if !errors.As(err, &refused) || refused.Status != 412 {
		t.Errorf("an old rev: %v", err)
	}
}

func manyLines(count int) string {
	var b strings.Builder
	for i := range count {
		fmt.Fprintf(&b, `{"type":"CREATE_NODE","id":"%05d","properties":{"n":%d}}`+"\n", i, i)
	}
	return b.String()
}

func TestAppendLines(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "b")
	const count = 3*maxWaiting + 7
	body := "\n" + manyLines(count) + "\r\n" + `{"type":"CREATE_NODE","id":"last"}` // blank lines, and none at the end
	got := s.call(t, "POST", actionsPath, body, lines())
	var a api.AppendedMany
	if err := json.Unmarshal(got.body, &a); err != nil || a.Committed != count+3 || a.Last != count+1 || len(a.Writer) != 16 {
		t.Fatalf("%d %s, %v", got.status, got.body, err)
	}
	status, err := s.client.Bucket(t.Context(), "b")
	if err != nil || status.Nodes != count+1 || status.Entries != count+1 {
		t.Errorf("%+v, %v", status, err)
	}
	again := s.call(t, "POST", actionsPath, body, lines())
	if err := json.Unmarshal(again.body, &a); err != nil || a.Committed != count+3 {
		t.Errorf("again: %s, %v", again.body, err)
	}
}

func TestAppendLinesStopsAtTheFirstRefused(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "b")
	const good = 2*maxWaiting + 10
	for name, c := range map[string]struct {
		line   string
		status int
	}{
		"no action":    {`{"id":"a"}`, 422},
		"not alive":    {`{"type":"DELETE_NODE","id":"nobody"}`, 409},
		"too long":     {strings.Repeat("x", maxBody+1), 413},
		"out of range": {`{"type":"ARRAY_INSERT","id":"00001","property":"l","index":1,"value":1}`, 422},
	} {
		body := manyLines(good) + c.line + "\n" + strings.Repeat(`{"type":"CREATE_NODE","id":"late"}`+"\n", 200_000) // more than any buffer
		_, err := s.client.AppendMany(t.Context(), "b", strings.NewReader(body), nil)
		var e *api.Error
		if !errors.As(err, &e) || e.Status != c.status || e.Line == nil || *e.Line != good+1 || *e.Committed != good {
			t.Errorf("%s: %v %+v", name, err, e)
		}
	}
	if _, err := s.client.Node(t.Context(), "b", "late"); err == nil {
		t.Error("a line after the refused one was appended")
	}
}

func TestBrokenStreamKeepsWhatCame(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "b")
	read, write := io.Pipe()
	go func() {
		_, _ = io.WriteString(write, manyLines(maxWaiting)+`{"type":"CREATE_N`)
		write.CloseWithError(io.ErrUnexpectedEOF)
	}()
	if _, err := s.client.AppendMany(t.Context(), "b", read, nil); err == nil {
		t.Fatal("no error")
	}
	if got := s.get(t, "/v1/buckets/b/nodes/00000"); got.status != 200 && got.status != 404 {
		t.Errorf("%d %s", got.status, got.body)
	}
	if _, err := s.client.Node(t.Context(), "b", ""); err == nil {
		t.Error("the cut line was appended")
	}
}
