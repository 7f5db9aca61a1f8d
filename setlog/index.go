package setlog

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"slices"
)

// IndexName is the name of an index's file, without its folder.
type IndexName struct {
	Bucket string // BucketID
	Level  int    // 0 to MaxLevel
	Hash   Hash   // of the file
}

// MaxLevel is the highest level of an index.
const MaxLevel = 99

// ParseIndexName reads what String makes.
func ParseIndexName(s string) (n IndexName, ok bool) {
	var level, hash string
	if !cutName(s, ".json", &n.Bucket, &level, &hash) {
		return n, false
	}
	n.Level = int(parseCount(level))
	ok = isBucketID(n.Bucket) && n.Level <= MaxLevel && (n.Level > 0 || level == "0") && decodeName(n.Hash[:], hash)
	return n, ok
}

// String is <bucket>.<level>.<hash>.json.
func (n IndexName) String() string { return fmt.Sprintf("%s.%d.%s.json", n.Bucket, n.Level, n.Hash) }

// Index names the chunks that hold all nodes which the entries of its coverage touched (docs/format.md, An index).
type Index struct {
	ID       string // 32 hex digits, random
	Bucket   string // name
	Births   []string
	Writer   Writer
	Key      ed25519.PublicKey
	Level    int
	Coverage Coverage
	Chunks   []ChunkRef
	Order    []string // by which the nodes are sorted
	Merges   []Hash   // indexes that it replaces, sorted
	Before   []Hash   // others that its writer had taken in, sorted
	Schema   Schema
	Closed   bool
}

// ChunkRef is a chunk as its index names it.
type ChunkRef struct {
	Bytes int
	Nodes int
	Hash  Hash
}

// Name is that of the chunk's file.
func (i *Index) Name(c ChunkRef) ChunkName { return ChunkName{BucketID(i.Bucket), c.Hash} }

// Nodes counts those of all chunks.
func (i *Index) Nodes() int {
	n := 0
	for _, c := range i.Chunks {
		n += c.Nodes
	}
	return n
}

// wireIndex is an index's file; its members stand in canonical order.
type wireIndex struct {
	signedFile

	Before   []string    `json:"before"`
	Births   []string    `json:"births"`
	Bucket   string      `json:"bucket"`
	Chunks   []wireRef   `json:"chunks"`
	Closed   bool        `json:"closed"`
	Coverage []Range     `json:"coverage"`
	ID       string      `json:"id"`
	Level    int         `json:"level"`
	Merges   []string    `json:"merges"`
	Nodes    int         `json:"nodes"`
	Order    []string    `json:"order"`
	Schema   *wireSchema `json:"schema"`
	Writer   string      `json:"writer"`
}

type wireRef struct {
	Bytes int    `json:"bytes"`
	Count int    `json:"count"`
	Hash  string `json:"hash"`
}

type wireSchema struct {
	Mark   json.RawMessage `json:"mark"`
	Schema json.RawMessage `json:"schema"`
}

const kindIndex = "index"

func (w *wireIndex) signer() *string { return &w.Writer }

// Encode writes the file of an index, signed by its writer's key, which it sets.
func (i *Index) Encode(key ed25519.PrivateKey) (IndexName, []byte, error) {
	i.Key, _ = key.Public().(ed25519.PublicKey)
	i.Writer = WriterOf(i.Key)
	w := wireIndex{
		Before: hashNames(i.Before), Births: i.Births, Bucket: i.Bucket, Chunks: make([]wireRef, 0, len(i.Chunks)), Closed: i.Closed, Coverage: i.Coverage,
		ID: i.ID, Level: i.Level, Merges: hashNames(i.Merges), Nodes: i.Nodes(), Order: i.Order,
	}
	for _, c := range i.Chunks {
		w.Chunks = append(w.Chunks, wireRef{c.Bytes, c.Nodes, c.Hash.String()})
	}
	if i.Schema.Mark != (Mark{}) {
		w.Schema = &wireSchema{i.Schema.Mark.append(nil), i.Schema.text()}
	}
	data, err := encodeSigned(&w, kindIndex, key)
	if err != nil {
		return IndexName{}, nil, err
	}
	return IndexName{BucketID(i.Bucket), i.Level, HashOf(data)}, data, nil
}

// DecodeIndex reads a file and verifies its form and its signature. That it has the name it is stored under, and that its
// chunks are there, is for the caller to see.
func DecodeIndex(data []byte) (*Index, error) {
	var w wireIndex
	key, err := decodeSigned(data, &w, kindIndex)
	if err != nil {
		return nil, err
	}
	i := &Index{ID: w.ID, Bucket: w.Bucket, Births: w.Births, Key: key, Level: w.Level, Coverage: w.Coverage, Order: w.Order, Closed: w.Closed}
	i.Writer = WriterOf(i.Key)
	return i, i.readParts(w)
}

// readParts checks what the file says.
func (i *Index) readParts(w wireIndex) error {
	for _, c := range w.Chunks {
		ref := ChunkRef{Bytes: c.Bytes, Nodes: c.Count}
		if !decodeName(ref.Hash[:], c.Hash) || c.Count < 1 || c.Bytes < 1 || c.Bytes > MaxFile {
			return fmt.Errorf("%w: a chunk %.40q of %d nodes and %d bytes", ErrFile, c.Hash, c.Count, c.Bytes)
		}
		i.Chunks = append(i.Chunks, ref)
	}
	if _, err := ParseOrder(w.Order); err != nil {
		return fmt.Errorf("%w: %w", ErrFile, err)
	}
	var ok1, ok2 bool
	i.Merges, ok1 = readHashes(w.Merges)
	i.Before, ok2 = readHashes(w.Before)
	switch {
	case !ok1 || !ok2:
		return fmt.Errorf("%w: the hashes in it are not in order", ErrFile)
	case !isIndexID(i.ID) || CheckBucketName(i.Bucket) != nil || i.Level < 0 || i.Level > MaxLevel || w.Nodes != i.Nodes():
		return fmt.Errorf("%w: it is not a whole index", ErrFile)
	case !i.Coverage.normal() || !i.Coverage.begins(i.Bucket):
		return fmt.Errorf("%w: its coverage is not in order", ErrFile)
	}
	return i.readSchema(w.Schema)
}

// begins tells whether the ranges from entry 1 have the right chain before it.
func (c Coverage) begins(bucket string) bool {
	return !slices.ContainsFunc(c, func(r Range) bool { return r.First == 1 && r.Previous != FirstChain(bucket, r.Writer) })
}

func (i *Index) readSchema(w *wireSchema) error {
	if w == nil {
		return nil
	}
	mark, err := readMark(w.Mark)
	if err != nil || !isKind(w.Schema, '{') && string(w.Schema) != "null" {
		return fmt.Errorf("%w: its schema is malformed", ErrFile)
	}
	i.Schema.Mark = mark
	if isKind(w.Schema, '{') {
		i.Schema.JSON = w.Schema
	}
	return nil
}

// isIndexID tells whether s is 32 lower-case hex digits.
func isIndexID(s string) bool {
	return len(s) == 32 && !bytes.ContainsFunc([]byte(s), func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'f') })
}

func hashNames(hashes []Hash) []string {
	names := make([]string, 0, len(hashes))
	for _, h := range hashes {
		names = append(names, h.String())
	}
	slices.Sort(names)
	return names
}

// readHashes reads a sorted list of file hashes.
func readHashes(names []string) ([]Hash, bool) {
	var hashes []Hash
	for n, name := range names {
		var h Hash
		if !decodeName(h[:], name) || n > 0 && names[n-1] >= name {
			return nil, false
		}
		hashes = append(hashes, h)
	}
	return hashes, true
}
