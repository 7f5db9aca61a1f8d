package setlog

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
)

// ChunkName is the name of a chunk's file, without its folder.
type ChunkName struct {
	Bucket string // BucketID
	Hash   Hash   // of the file
}

// ParseChunkName reads what String makes.
func ParseChunkName(s string) (n ChunkName, ok bool) {
	var hash string
	ok = cutName(s, ".jsonl.gz", &n.Bucket, &hash) && isBucketID(n.Bucket) && decodeName(n.Hash[:], hash)
	return n, ok
}

// String is <bucket>.<hash>.jsonl.gz.
func (n ChunkName) String() string { return n.Bucket + "." + n.Hash.String() + ".jsonl.gz" }

// Chunk is some nodes of a bucket, as one index holds them; verified but for its hash, which the index names.
type Chunk struct {
	Bucket string   // name
	Index  string   // id of the index it belongs to
	Lines  [][]byte // see ReadDelta
}

// wireChunk and wireChunkEnd are the first and the last line; their members stand in canonical order.
type wireChunk struct {
	Bucket    string `json:"bucket"`
	Format    int    `json:"format"`
	Index     string `json:"index"`
	Kind      string `json:"kind"`
	MinReader int    `json:"min_reader"`
}

type wireChunkEnd struct {
	Count  int    `json:"count"`
	Kind   string `json:"kind"`
	SHA256 string `json:"sha256"`
}

const kindChunk = "chunk"

// Encode writes the file of a chunk.
func (c *Chunk) Encode() ([]byte, error) {
	head, err := canonicalJSON(wireChunk{c.Bucket, Format, c.Index, kindChunk, MinReader})
	if err != nil {
		return nil, err
	}
	text := bytes.Join([][]byte{head, nil}, []byte("\n"))
	for _, line := range c.Lines {
		text = append(append(text, line...), '\n')
	}
	sum := sha256.Sum256(text)
	end, err := canonicalJSON(wireChunkEnd{len(c.Lines), kindEnd, hex.EncodeToString(sum[:])})
	if err != nil {
		return nil, err
	}
	text = append(append(text, end...), '\n')
	if len(c.Lines) == 0 || len(text) > MaxFile {
		return nil, fmt.Errorf("%w: a chunk of %d nodes and %d bytes", ErrFile, len(c.Lines), len(text))
	}
	return deflate(&thorough, text)
}

// DecodeChunk reads a file and checks its form, count and hash. Its nodes are read by Nodes.
func DecodeChunk(data []byte) (*Chunk, error) {
	text, err := inflate(data)
	if err != nil {
		return nil, err
	}
	head, rest, ok1 := bytes.Cut(text, []byte("\n"))
	body, end, ok2 := cutLast(rest)
	if !ok1 || !ok2 {
		return nil, fmt.Errorf("%w: it has no first or last line", ErrFile)
	}
	c := &Chunk{}
	if err := c.readHead(head); err != nil {
		return nil, err
	}
	c.Lines = bytes.Split(bytes.TrimSuffix(body, []byte("\n")), []byte("\n"))
	var w wireChunkEnd
	if err := readWire(end, &w); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text[:len(text)-len(end)-1])
	if w.Kind != kindEnd || len(body) == 0 || w.Count != len(c.Lines) || w.SHA256 != hex.EncodeToString(sum[:]) {
		return nil, fmt.Errorf("%w: its last line does not fit the lines above", ErrFile)
	}
	return c, nil
}

func (c *Chunk) readHead(line []byte) error {
	var w wireChunk
	if err := readWire(line, &w); err != nil {
		return err
	}
	switch {
	case w.Kind == kindChunk && w.MinReader > Format:
		return fmt.Errorf("%w: format %d needs reader %d, this is %d", ErrNewer, w.Format, w.MinReader, Format)
	case w.Kind != kindChunk || CheckBucketName(w.Bucket) != nil || !isIndexID(w.Index):
		return fmt.Errorf("%w: its first line is no chunk's", ErrFile)
	}
	c.Bucket, c.Index = w.Bucket, w.Index
	return nil
}

// Nodes reads the nodes one by one, and ends after the first error. All arrays of a chunk together are bounded.
func (c *Chunk) Nodes() iter.Seq2[Changed, error] {
	return func(yield func(Changed, error) bool) {
		r := &deltaReader{}
		for _, line := range c.Lines {
			id, n, err := r.read(line)
			if !yield(Changed{id, n}, err) || err != nil {
				return
			}
		}
	}
}
