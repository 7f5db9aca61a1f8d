package setlog

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// ViewName is the name of a bucket's published view below view/: the one file that is written again under its name.
func ViewName(bucket string) string { return BucketID(bucket) + "/index.json" }

// View tells whoever can't list a share which of its files make a bucket, and has its first nodes (docs/format.md,
// Published views).
type View struct {
	Bucket  string // name
	Births  []string
	Device  Writer // named by the key of its seen files
	Count   uint64
	Indexes []ViewIndex
	Nodes   uint64 // alive
	Order   []string
	Tail    []string // segments with their folders, sorted
	Time    int64    // of writing, Unix milliseconds
	Top     [][]byte // the first nodes alive in the bucket's order, see ReadDelta
}

// ViewIndex is an index as a view names it.
type ViewIndex struct {
	Bytes int
	Name  string // without its folder
}

// wireView is the file; its members stand in canonical order.
type wireView struct {
	signedFile

	Births  []string          `json:"births"`
	Bucket  string            `json:"bucket"`
	Count   uint64            `json:"count"`
	Device  string            `json:"device"`
	Indexes []wireViewIndex   `json:"indexes"`
	Nodes   uint64            `json:"nodes"`
	Order   []string          `json:"order"`
	Tail    []string          `json:"tail"`
	Time    int64             `json:"time"`
	Top     []json.RawMessage `json:"top"`
}

type wireViewIndex struct {
	Bytes int    `json:"bytes"`
	Name  string `json:"name"`
}

const kindView = "view"

func (w *wireView) signer() *string { return &w.Device }

// Encode writes the file, signed by the device's key.
func (v *View) Encode(key ed25519.PrivateKey) ([]byte, error) {
	w := wireView{
		Births: v.Births, Bucket: v.Bucket, Count: v.Count, Indexes: make([]wireViewIndex, 0, len(v.Indexes)), Nodes: v.Nodes, Order: v.Order,
		Tail: append([]string{}, v.Tail...), Time: v.Time, Top: make([]json.RawMessage, 0, len(v.Top)),
	}
	for _, line := range v.Top {
		w.Top = append(w.Top, line)
	}
	for _, index := range v.Indexes {
		w.Indexes = append(w.Indexes, wireViewIndex(index))
	}
	public, _ := key.Public().(ed25519.PublicKey)
	v.Device = WriterOf(public)
	return encodeSigned(&w, kindView, key)
}

// DecodeView reads a file and verifies its form and its signature. Whose device that is, and that what it names is there,
// is for the caller to see.
func DecodeView(data []byte) (*View, error) {
	var w wireView
	key, err := decodeSigned(data, &w, kindView)
	if err != nil {
		return nil, err
	}
	v := &View{
		Bucket: w.Bucket, Births: w.Births, Device: WriterOf(key), Count: w.Count, Nodes: w.Nodes, Order: w.Order, Tail: w.Tail, Time: w.Time,
	}
	return v, v.readParts(w)
}

// readParts checks what the file says.
func (v *View) readParts(w wireView) error {
	id := BucketID(w.Bucket)
	for _, index := range w.Indexes {
		if name, ok := ParseIndexName(index.Name); !ok || name.Bucket != id || index.Bytes < 1 || index.Bytes > MaxFile {
			return fmt.Errorf("%w: an index %.60q of %d bytes", ErrFile, index.Name, index.Bytes)
		}
		v.Indexes = append(v.Indexes, ViewIndex(index))
	}
	for _, name := range w.Tail {
		folder, base, _ := strings.Cut(name, "/")
		if segment, ok := ParseSegmentName(base); !ok || segment.Bucket != id || folder != "log" && folder != "past" {
			return fmt.Errorf("%w: a segment %.120q", ErrFile, name)
		}
	}
	for _, line := range w.Top {
		if _, _, err := ReadDelta(line); err != nil {
			return fmt.Errorf("%w: %w", ErrFile, err)
		}
		v.Top = append(v.Top, line)
	}
	if _, err := ParseOrder(w.Order); err != nil {
		return fmt.Errorf("%w: %w", ErrFile, err)
	}
	sorted := slices.IsSorted(w.Tail) && slices.IsSortedFunc(w.Indexes, func(a, b wireViewIndex) int { return strings.Compare(a.Name, b.Name) })
	if CheckBucketName(w.Bucket) != nil || w.Count < 1 || w.Count > MaxNumber || !sorted {
		return fmt.Errorf("%w: it is no view of a bucket", ErrFile)
	}
	return nil
}
