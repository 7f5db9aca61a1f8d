package endtoend

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"

	"github.com/setlogger/setlogger/setlog"
)

// TestBytesOfCities weighs what a newcomer loads of all cities against the plain text of the same, both in gzip.
func TestBytesOfCities(t *testing.T) {
	file, _ := cities(t)
	plain, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	share := t.TempDir()
	d := newStarted(t, "a", share)
	d.run(t, "bucket", "create", "cities", "--remote", "share")
	d.run(t, "import", "cities", file, "--id", "cityId")
	settle(t, "cities", d)
	d.run(t, "compact", "cities")
	size, chunks := newestChunks(t, share)
	const most = 1.3 // figure S10 of the project
	beside := zipped(t, plain)
	ratio := float64(size) / float64(beside)
	t.Logf("%d chunks of %d bytes; the plain NDJSON has %d in gzip: ratio %.3f", chunks, size, beside, ratio)
	if ratio > most {
		t.Errorf("that is more than %.1f", most)
	}
}

// newestChunks weighs the chunks of the indexes on a share that no other index replaces.
func newestChunks(t *testing.T, share string) (size int64, chunks int) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(share, "index", "*"))
	if err != nil || len(files) == 0 {
		t.Fatal("there are no indexes", err)
	}
	newest, replaced := map[setlog.Hash]*setlog.Index{}, map[setlog.Hash]bool{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		index, err := setlog.DecodeIndex(data)
		if err != nil {
			t.Fatal(err)
		}
		newest[setlog.HashOf(data)] = index
		for _, hash := range index.Merges {
			replaced[hash] = true
		}
	}
	counted := map[setlog.Hash]bool{}
	for hash, index := range newest {
		for _, c := range index.Chunks {
			if !replaced[hash] && !counted[c.Hash] {
				counted[c.Hash] = true
				size, chunks = size+int64(c.Bytes), chunks+1
			}
		}
	}
	return size, chunks
}

func zipped(t *testing.T, data []byte) int {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(data); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Len()
}
