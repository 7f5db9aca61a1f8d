package daemon

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/setlogger/setlogger/api"
)

// BenchmarkAppendLines imports over HTTP what S2 of the design measures: actions a second, durable.
func BenchmarkAppendLines(b *testing.B) {
	s := serveDaemon(b)
	if _, err := s.client.CreateBucket(b.Context(), api.Bucket{Name: "b"}); err != nil {
		b.Fatal(err)
	}
	var body strings.Builder
	for i := range b.N {
		fmt.Fprintf(&body, `{"type":"CREATE_NODE","id":"%08d","properties":{"name":"City %d","country":"DE","population":%d,"loc":{"type":"Point","coordinates":[7.5,%d.25]}}}`+"\n", i, i, i*7, i%90)
	}
	b.SetBytes(int64(body.Len() / b.N))
	b.ResetTimer()
	if _, err := s.client.AppendMany(b.Context(), "b", strings.NewReader(body.String()), nil); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "actions/s")
}

// BenchmarkAppend is S1: durable single appends a second over 64 keep-alive connections.
func BenchmarkAppend(b *testing.B) {
	s := serveDaemon(b)
	if _, err := s.client.CreateBucket(b.Context(), api.Bucket{Name: "b"}); err != nil {
		b.Fatal(err)
	}
	var next atomic.Uint64
	b.SetParallelism(64 / runtime.GOMAXPROCS(0))
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := next.Add(1)
			action := fmt.Sprintf(`{"type":"CREATE_NODE","id":"%08d","properties":{"name":"City %d","country":"DE"}}`, i, i)
			if _, err := s.client.Append(b.Context(), "b", []byte(action), api.AppendOptions{Once: true}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
}

// benchSizes are the numbers of nodes that figures are taken at.
func benchSizes() []int {
	if n, err := strconv.Atoi(os.Getenv("SETLOGGER_NODES")); err == nil {
		return []int{n}
	}
	return []int{1_000, 100_000}
}

// serveLines serves a bucket b to which the lines were appended.
func serveLines(b *testing.B, lines string) *served {
	b.Helper()
	s := serveDaemon(b)
	if _, err := s.client.CreateBucket(b.Context(), api.Bucket{Name: "b"}); err != nil {
		b.Fatal(err)
	}
	if _, err := s.client.AppendMany(b.Context(), "b", strings.NewReader(lines), nil); err != nil {
		b.Fatal(err)
	}
	return s
}

// BenchmarkPage is S7: a page of 50 nodes in the bucket's order over HTTP, one of the first 50, in buckets of 1,000 and
// 100,000 nodes or as many as SETLOGGER_NODES says; beside it a bare handler that answers the same bytes.
func BenchmarkPage(b *testing.B) {
	for _, nodes := range benchSizes() {
		s := serveLines(b, manyLines(nodes))
		addresses := []string{"http://" + s.address + "/v1/buckets/b/nodes?limit=50"}
		for cursor := ""; len(addresses) < 50; {
			page, err := s.client.Nodes(b.Context(), "b", api.Query{Limit: 50, Cursor: cursor})
			if err != nil || page.Next == nil || page.Scanned {
				break
			}
			cursor = *page.Next
			addresses = append(addresses, addresses[0]+"&cursor="+cursor)
		}
		b.Run(strconv.Itoa(nodes), func(b *testing.B) { s.fetch(b, addresses) })
		body := s.read(b, addresses[0])
		bare := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(body) }))
		b.Run(strconv.Itoa(nodes)+" bare", func(b *testing.B) { s.fetch(b, []string{bare.URL}) })
		bare.Close()
	}
}

// BenchmarkWhere is a page of the 50 nodes that an index finds by a value that many have, in buckets of 1,000 and 100,000
// nodes or as many as SETLOGGER_NODES says. What the making of the index took is told beside.
func BenchmarkWhere(b *testing.B) {
	for _, nodes := range benchSizes() {
		s := serveLines(b, townLines(nodes))
		began := time.Now()
		schema := []byte(`{"type":"SET_SCHEMA","schema":{"x-setlogger":{"indexes":[["country","-population"]]}}}`)
		if _, err := s.client.Append(b.Context(), "b", schema, api.AppendOptions{}); err != nil {
			b.Fatal(err)
		}
		s.awaitIndexes(b, "b")
		made := time.Since(began)
		b.Run(strconv.Itoa(nodes), func(b *testing.B) {
			s.fetch(b, []string{"http://" + s.address + "/v1/buckets/b/nodes?limit=50&where=country:eq:DE", "http://" + s.address + "/v1/buckets/b/nodes?limit=50&where=country:eq:FR&where=population:lt:900"})
			b.ReportMetric(made.Seconds(), "s-made")
		})
	}
}

// townLines are nodes of four countries, one a line.
func townLines(count int) string {
	var b strings.Builder
	for i := range count {
		fmt.Fprintf(&b, `{"type":"CREATE_NODE","id":"%08d","properties":{"name":"City %d","country":%q,"population":%d}}`+"\n", i, i, []string{"DE", "FR", "IT", "JP"}[i%4], i*7919%1000)
	}
	return b.String()
}

// BenchmarkOne is what one request costs beside the disk: an append without fsync, and a read of a node, by one caller
// over one connection.
func BenchmarkOne(b *testing.B) {
	s := serveOptions(b, Options{Data: filepath.Join(b.TempDir(), "data"), NoSync: true})
	if _, err := s.client.CreateBucket(b.Context(), api.Bucket{Name: "b"}); err != nil {
		b.Fatal(err)
	}
	bucket := "http://" + s.address + "/v1/buckets/b"
	s.request(b, http.MethodPost, bucket+"/actions", `{"type":"CREATE_NODE","id":"a"}`)
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		measure(b, func(i int) {
			s.request(b, http.MethodPost, bucket+"/actions", fmt.Sprintf(`{"type":"SET_PROPERTY","id":"a","path":["n"],"value":%d}`, i))
		})
	})
	b.Run("node", func(b *testing.B) {
		b.ReportAllocs()
		s.fetch(b, []string{bucket + "/nodes/a"})
	})
}

// fetch reads from addresses in turn, and reports the median.
func (s *served) fetch(b *testing.B, addresses []string) {
	b.Helper()
	measure(b, func(i int) { s.read(b, addresses[i%len(addresses)]) })
}

// measure calls again and again, and reports the median.
func measure(b *testing.B, call func(i int)) {
	b.Helper()
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		began := time.Now()
		call(i)
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}

func (s *served) read(b *testing.B, address string) []byte {
	b.Helper()
	return s.request(b, http.MethodGet, address, "")
}

func (s *served) request(b *testing.B, method, address, body string) []byte {
	b.Helper()
	request, err := http.NewRequestWithContext(b.Context(), method, address, strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+s.token)
	if body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		b.Fatal(response.Status, err, string(answer))
	}
	return answer
}
