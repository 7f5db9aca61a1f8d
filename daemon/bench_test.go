package daemon

import (
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"

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
			if _, err := s.client.Append(b.Context(), "b", []byte(action), api.AppendOptions{}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "appends/s")
}
