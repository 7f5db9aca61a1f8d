package bench

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrNoTrace says that a trace is not on this machine; testdata/traces/README.md tells where it comes from.
var ErrNoTrace = errors.New("bench: no such trace")

// Trace is a text and the edits that made it out of nothing, in an order that respects who knew what.
type Trace struct {
	Edits []Edit `json:"txns"`
	End   string `json:"endContent"`
}

// Edit is one transaction of a writer. Parents are the edits that were the newest its writer knew, by place in the
// trace; nil in a trace of one writer, where each edit follows the one before it.
type Edit struct {
	Writer  int     `json:"agent"`
	Parents []int   `json:"parents"`
	Patches []Patch `json:"patches"`
}

// Patch takes characters out at a place in the text, then puts others in there. Places count characters.
type Patch struct {
	At, Removed int
	Inserted    string
}

// UnmarshalJSON reads [at, removed, inserted].
func (p *Patch) UnmarshalJSON(data []byte) error {
	return json.Unmarshal(data, &[3]any{&p.At, &p.Removed, &p.Inserted})
}

// Find answers the path of a trace: in the folder that SETLOGGER_DATA names, else in ../shared/data beside the
// project. Root is the project's folder. It wraps ErrNoTrace where there is none.
func Find(root, name string) (string, error) {
	folders := []string{os.Getenv("SETLOGGER_DATA"), filepath.Join(root, "..", "shared", "data")}
	for _, folder := range folders {
		path := filepath.Join(folder, name+".json.gz")
		if _, err := os.Stat(path); folder != "" && err == nil {
			return path, nil
		} else if folder != "" && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return "", fmt.Errorf("%w: %s.json.gz in $SETLOGGER_DATA or ../shared/data", ErrNoTrace, name)
}

// Read reads a trace from its file.
func Read(path string) (*Trace, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // it was only read
	text, err := gzip.NewReader(file)
	if err != nil {
		return nil, fmt.Errorf("bench: %s: %w", path, err)
	}
	var t Trace
	if err := json.NewDecoder(text).Decode(&t); err != nil {
		return nil, fmt.Errorf("bench: %s: %w", path, err)
	}
	return &t, nil
}

// Writers is how many writers the trace has.
func (t *Trace) Writers() int {
	n := 0
	for _, e := range t.Edits {
		n = max(n, e.Writer+1)
	}
	return n
}

// Known answers for each edit and each writer how many of that writer's edits are at or behind the edit: all that its
// writer knew, and itself.
func (t *Trace) Known() [][]int {
	writers := t.Writers()
	known := make([][]int, len(t.Edits))
	for i, e := range t.Edits {
		parents := e.Parents
		if parents == nil && i > 0 {
			parents = []int{i - 1}
		}
		known[i] = make([]int, writers)
		for _, p := range parents {
			known[i] = most(known[i], known[p])
		}
		known[i][e.Writer]++
	}
	return known
}
