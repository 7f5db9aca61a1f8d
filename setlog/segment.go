package setlog

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// Format is the version of the files written now, MinReader the oldest reader that may read them.
const (
	Format    = 1
	MinReader = 1
)

// Errors of reading a segment, a chunk or an index.
var (
	// ErrFile: the file is cut short, changed, forged or of another kind. It counts as "not there yet".
	ErrFile = errors.New("setlog: not a whole file")
	// ErrNewer: the file asks for a newer reader; it is kept and not folded.
	ErrNewer = errors.New("setlog: written by a newer version")
)

// Header is the first line of a segment.
type Header struct {
	Bucket   string   // name
	Births   []string // of the bucket, sorted; several after a merge
	Writer   Writer
	Key      ed25519.PublicKey
	First    uint64 // number of the first entry
	Previous Chain  // before the first entry
}

// Segment is consecutive entries of one writer in one bucket, verified.
type Segment struct {
	Header
	Lines [][]byte
	Chain Chain // after the last entry
	Name  SegmentName
}

// Last is the number of the last entry.
func (s *Segment) Last() uint64 { return s.First + uint64(len(s.Lines)) - 1 }

// SegmentName is the name of a segment's file, without its folder.
type SegmentName struct {
	Bucket      string // BucketID
	Writer      Writer
	First, Last uint64
	Hash        Hash // of the file
}

const segmentEnding = ".jsonl.gz"

// ParseSegmentName reads what String makes.
func ParseSegmentName(s string) (n SegmentName, ok bool) {
	var writer, numbers, hash string
	if !cutName(s, segmentEnding, &n.Bucket, &writer, &numbers, &hash) {
		return SegmentName{}, false
	}
	first, last, _ := strings.Cut(numbers, "-")
	n.First, n.Last = parseCount(first), parseCount(last)
	ok = isBucketID(n.Bucket) && n.First > 0 && n.First <= n.Last && decodeName(n.Writer[:], writer) && decodeName(n.Hash[:], hash)
	return n, ok
}

// String is <bucket>.<writer>.<first>-<last>.<hash>.jsonl.gz, at most 110 bytes.
func (n SegmentName) String() string {
	s := append(make([]byte, 0, 110), n.Bucket...)
	s = alphabet.AppendEncode(append(s, '.'), n.Writer[:])
	s = strconv.AppendUint(append(s, '.'), n.First, 10)
	s = strconv.AppendUint(append(s, '-'), n.Last, 10)
	s = alphabet.AppendEncode(append(s, '.'), n.Hash[:])
	return string(append(s, segmentEnding...))
}

// wireHeader and wireEnd are the first and the last line; their members stand in canonical order.
type wireHeader struct {
	Births    []string `json:"births"`
	Bucket    string   `json:"bucket"`
	First     uint64   `json:"first"`
	Format    int      `json:"format"`
	Key       string   `json:"key"`
	Kind      string   `json:"kind"`
	MinReader int      `json:"min_reader"`
	Writer    string   `json:"writer"`
}

type wireEnd struct {
	Chain     string `json:"chain"`
	Count     int    `json:"count"`
	Kind      string `json:"kind"`
	Previous  string `json:"previous"`
	SHA256    string `json:"sha256"`
	Signature string `json:"signature,omitempty"`
}

const (
	kindSegment = "segment"
	kindEnd     = "end"
)

// MaxLines is the most entries that a segment may hold: what a file inflates to bounds what its lines take in memory.
const MaxLines = 1 << 20

// EncodeSegment writes the file of consecutive entries. The lines are those of the entries from h.First on.
func EncodeSegment(h Header, lines [][]byte, key ed25519.PrivateKey) (SegmentName, []byte, error) {
	return encodeSegment(h, lines, key, func(int) *sync.Pool { return &quick })
}

// EncodeExcerpt writes a segment that goes by a message: where it has little text, that is not compressed, since time counts.
func EncodeExcerpt(h Header, lines [][]byte, key ed25519.PrivateKey) (SegmentName, []byte, error) {
	return encodeSegment(h, lines, key, func(size int) *sync.Pool {
		if size > littleText {
			return &quick
		}
		return &storing
	})
}

// littleText is up to how many bytes of text an excerpt is not compressed: one frame of most networks has room for an entry so.
const littleText = 4 << 10

func encodeSegment(h Header, lines [][]byte, key ed25519.PrivateKey, writers func(size int) *sync.Pool) (SegmentName, []byte, error) {
	text, err := encodeHeader(h)
	if err != nil {
		return SegmentName{}, nil, err
	}
	if len(lines) == 0 || len(lines) > MaxLines {
		return SegmentName{}, nil, fmt.Errorf("%w: it would hold %d entries", ErrFile, len(lines))
	}
	size := 0
	for _, line := range lines {
		size += len(line) + 1
	}
	text = slices.Grow(text, size+maxEnd)
	chain := h.Previous
	for _, line := range lines {
		if len(line) > MaxLine || bytes.IndexByte(line, '\n') >= 0 {
			return SegmentName{}, nil, fmt.Errorf("%w: a line over 1 MiB or with a line break", ErrFile)
		}
		text = append(append(text, line...), '\n')
		chain = chain.Next(line)
	}
	end, err := encodeEnd(h.Previous, chain, len(lines), text, key)
	if err != nil {
		return SegmentName{}, nil, err
	}
	text = append(text, end...)
	data, err := deflate(writers(len(text)), text)
	if err != nil {
		return SegmentName{}, nil, err
	}
	name := SegmentName{BucketID(h.Bucket), h.Writer, h.First, h.First + uint64(len(lines)) - 1, HashOf(data)}
	return name, data, nil
}

// maxEnd has room for the last line of a segment.
const maxEnd = 512

func encodeHeader(h Header) ([]byte, error) {
	line, err := canonicalJSON(wireHeader{
		Births: h.Births, Bucket: h.Bucket, First: h.First, Format: Format, Kind: kindSegment, MinReader: MinReader,
		Key: base64.StdEncoding.EncodeToString(h.Key), Writer: h.Writer.String(),
	})
	return append(line, '\n'), err
}

// encodeEnd writes the last line. What is signed is this line alone: it holds the SHA-256 of all lines above it.
func encodeEnd(previous, chain Chain, count int, text []byte, key ed25519.PrivateKey) ([]byte, error) {
	sum := sha256.Sum256(text)
	end := wireEnd{Chain: chain.String(), Count: count, Kind: kindEnd, Previous: previous.String(), SHA256: hex.EncodeToString(sum[:])}
	unsigned, err := canonicalJSON(end)
	if err != nil {
		return nil, err
	}
	end.Signature = sign(prefixOf(kindSegment), unsigned, key)
	line, err := canonicalJSON(end)
	return append(line, '\n'), err
}

// DecodeSegment reads a file and verifies its hashes, count, chain and signature. That the file has the name it is
// stored under is for the caller to compare with Name.
func DecodeSegment(data []byte) (*Segment, error) { return decodeSegment(data, true) }

// RereadSegment is DecodeSegment for a file whose signature was verified before.
func RereadSegment(data []byte) (*Segment, error) { return decodeSegment(data, false) }

func decodeSegment(data []byte, verify bool) (*Segment, error) {
	text, err := inflate(data)
	if err != nil {
		return nil, err
	}
	head, rest, ok1 := bytes.Cut(text, []byte("\n"))
	body, end, ok2 := cutLast(rest)
	if !ok1 || !ok2 {
		return nil, fmt.Errorf("%w: it has no first or last line", ErrFile)
	}
	s := &Segment{}
	if err := s.readHeader(head); err != nil {
		return nil, err
	}
	if err := s.readLines(body); err != nil {
		return nil, err
	}
	if err := s.readEnd(end, text[:len(text)-len(end)-1], verify); err != nil {
		return nil, err
	}
	s.Name = SegmentName{BucketID(s.Bucket), s.Writer, s.First, s.Last(), HashOf(data)}
	return s, nil
}

// cutLast splits off the last line; both parts end in a line break, which it takes off the last line.
func cutLast(text []byte) (body, last []byte, ok bool) {
	if len(text) == 0 || text[len(text)-1] != '\n' {
		return nil, nil, false
	}
	i := bytes.LastIndexByte(text[:len(text)-1], '\n')
	return text[:i+1], text[i+1 : len(text)-1], true
}

func (s *Segment) readHeader(line []byte) error {
	var w wireHeader
	if err := readWire(line, &w); err != nil {
		return err
	}
	if w.Kind == kindSegment && w.MinReader > Format {
		return fmt.Errorf("%w: format %d needs reader %d, this is %d", ErrNewer, w.Format, w.MinReader, Format)
	}
	key, err := base64.StdEncoding.DecodeString(w.Key)
	if err != nil || len(key) != ed25519.PublicKeySize || w.Kind != kindSegment || WriterOf(key).String() != w.Writer {
		return fmt.Errorf("%w: its first line names no writer that its key makes", ErrFile)
	}
	if w.First < 1 || w.First > MaxNumber || CheckBucketName(w.Bucket) != nil {
		return fmt.Errorf("%w: its first line has bucket %.140q, first %d", ErrFile, w.Bucket, w.First)
	}
	s.Header = Header{Bucket: w.Bucket, Births: w.Births, Writer: WriterOf(key), Key: key, First: w.First}
	return nil
}

func (s *Segment) readLines(body []byte) error {
	count := bytes.Count(body, []byte("\n"))
	if count > MaxLines {
		return fmt.Errorf("%w: it holds %d entries, more than %d", ErrFile, count, MaxLines)
	}
	s.Lines = make([][]byte, 0, count)
	for len(body) > 0 {
		line, rest, _ := bytes.Cut(body, []byte("\n"))
		if len(line) > MaxLine {
			return fmt.Errorf("%w: a line is over 1 MiB", ErrFile)
		}
		s.Lines = append(s.Lines, line)
		body = rest
	}
	if len(s.Lines) == 0 || s.Last() > MaxNumber {
		return fmt.Errorf("%w: it holds no entry", ErrFile)
	}
	return nil
}

func (s *Segment) readEnd(line, above []byte, verify bool) error {
	var w wireEnd
	if err := readWire(line, &w); err != nil {
		return err
	}
	sum := sha256.Sum256(above)
	if w.Kind != kindEnd || w.Count != len(s.Lines) || w.SHA256 != hex.EncodeToString(sum[:]) {
		return fmt.Errorf("%w: its last line does not fit the lines above", ErrFile)
	}
	if verify {
		if err := checkSignature(prefixOf(kindSegment), line, s.Key, w.Signature); err != nil {
			return err
		}
	}
	return s.readChain(w.Previous, w.Chain)
}

func (s *Segment) readChain(previous, last string) error {
	var err error
	if s.Previous, err = ParseChain(previous); err != nil {
		return fmt.Errorf("%w: %w", ErrFile, err)
	}
	if s.First == 1 && s.Previous != FirstChain(s.Bucket, s.Writer) {
		return fmt.Errorf("%w: its chain begins elsewhere", ErrFile)
	}
	s.Chain = s.Previous
	for _, line := range s.Lines {
		s.Chain = s.Chain.Next(line)
	}
	if s.Chain.String() != last {
		return fmt.Errorf("%w: its chain does not reach its end", ErrFile)
	}
	return nil
}

// readWire reads the first or the last line of a file; members that this version does not know are left alone.
func readWire(line []byte, w any) error {
	if len(line) > MaxLine {
		return fmt.Errorf("%w: a line is over 1 MiB", ErrFile)
	}
	if !isCanonicalObject(line) {
		return fmt.Errorf("%w: a line is no canonical JSON object", ErrFile)
	}
	if err := json.Unmarshal(line, w); err != nil {
		return fmt.Errorf("%w: %w", ErrFile, err)
	}
	return nil
}
