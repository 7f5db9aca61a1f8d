package setlog_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/setlogger/setlogger/setlog"
)

// BenchmarkReadNodes reads a chunk's lines of nodes that one entry made, as most are; beside it stands the decoder of the standard
// library. An operation is a line.
func BenchmarkReadNodes(b *testing.B) {
	c := &setlog.Chunk{}
	for i := range 1000 {
		c.Lines = append(c.Lines, fmt.Appendf(nil, `{"at":{"all":1},"count":1,"created":1,"id":"%07d","marks":[["1795410811818-17","jaugs46uzraoa6eo",%d,0]],`+
			`"value":{"country":"BA","lat":-89.999,"lon":-179.999,"name":"Place %d","population":31}}`, i*7919, i+1, i))
	}
	b.Run("Nodes", func(b *testing.B) {
		b.ReportAllocs()
		for left := b.N; left > 0; left -= len(c.Lines) {
			for _, err := range c.Nodes() {
				if err != nil {
					b.Fatal(err)
				}
			}
		}
	})
	b.Run("json", func(b *testing.B) {
		b.ReportAllocs()
		for i := range b.N {
			var v any
			if err := json.Unmarshal(c.Lines[i%len(c.Lines)], &v); err != nil {
				b.Fatal(err)
			}
		}
	})
}
