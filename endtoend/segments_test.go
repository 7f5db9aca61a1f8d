package endtoend

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// filesBelow lists the files below a folder. Files may come and go meanwhile.
func filesBelow(t testing.TB, folder string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && entry.Type().IsRegular() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// segmentsOf lists the segments on a share, fresh ones and those that were consolidated.
func segmentsOf(t testing.TB, share string) []string {
	t.Helper()
	fresh, err := filepath.Glob(filepath.Join(share, "log", "*.jsonl.gz"))
	past, err2 := filepath.Glob(filepath.Join(share, "past", "*.jsonl.gz"))
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	return append(fresh, past...)
}

// entriesOn reads the entries of all segments on a share, with nothing but gzip and JSON.
func entriesOn(t testing.TB, share string) map[entryID][]string {
	t.Helper()
	all := map[entryID][]string{}
	for _, file := range segmentsOf(t, share) {
		lines := linesOf(t, file)
		var head struct {
			Writer string
			First  uint64
		}
		if err := json.Unmarshal(lines[0], &head); err != nil || head.Writer == "" {
			t.Fatalf("%s: first line %s: %v", file, lines[0], err)
		}
		for i, line := range lines[1 : len(lines)-1] {
			var e struct {
				Number  uint64
				Actions []struct{ ID string }
			}
			if err := json.Unmarshal(line, &e); err != nil {
				t.Fatalf("%s: %s: %v", file, line, err)
			}
			if e.Number != head.First+uint64(i) {
				t.Fatalf("%s: entry %d stands at %d", file, e.Number, head.First+uint64(i))
			}
			ids := []string{}
			for _, action := range e.Actions {
				ids = append(ids, action.ID)
			}
			all[entryID{head.Writer, e.Number}] = ids
		}
	}
	return all
}

func linesOf(t testing.TB, file string) [][]byte {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	var lines [][]byte
	scanner := bufio.NewScanner(z)
	scanner.Buffer(nil, 4<<20)
	for scanner.Scan() {
		lines = append(lines, append([]byte{}, scanner.Bytes()...))
	}
	if err := scanner.Err(); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if len(lines) < 3 {
		t.Fatalf("%s: only %d lines", file, len(lines))
	}
	return lines
}

// TestZcatAndJQ reads a segment as a person does.
func TestZcatAndJQ(t *testing.T) {
	needProgram(t, "jq")
	share := t.TempDir()
	d := newStarted(t, "a", share)
	d.run(t, "bucket", "create", "todos", "--remote", "share")
	if _, err := d.appendOne(t.Context(), "todos", `{"type":"CREATE_NODE","id":"1","properties":{"title":"Milk"}}`); err != nil {
		t.Fatal(err)
	}
	agree(t, "todos", d)
	segments := segmentsOf(t, share)
	if len(segments) != 1 {
		t.Fatalf("segments: %v", segments)
	}
	out, err := exec.Command("sh", "-c", `zcat "$1" | jq -r 'select(.actions).actions[] | .type + " " + .id + " " + .properties.title'`, "sh", segments[0]).Output()
	if err != nil || strings.TrimSpace(string(out)) != "CREATE_NODE 1 Milk" {
		t.Errorf("zcat | jq: %q %v", out, err)
	}
}
