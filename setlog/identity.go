package setlog

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Limits of the model.
const (
	MaxID     = 512     // bytes of a node id
	MaxLine   = 1 << 20 // bytes of an entry's line, and so of an action
	MaxDepth  = 64      // nested objects and arrays of a value, and steps of a path
	MaxNumber = 1 << 53 // highest number of an entry, and highest magnitude of an integer
)

// ErrName is what a bad bucket name, writer, salt, stamp or file name wraps.
var ErrName = errors.New("setlog: bad name")

var alphabet = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// Writer names a key pair that appends to one bucket file: the first 80 bits of SHA-256 of its Ed25519 public key.
type Writer [10]byte

// WriterOf names the writer of a public key.
func WriterOf(key ed25519.PublicKey) Writer {
	sum := sha256.Sum256(key)
	return Writer(sum[:10])
}

// ParseWriter reads the 16 characters that String makes.
func ParseWriter(s string) (Writer, error) {
	var w Writer
	if !decodeName(w[:], s) {
		return w, fmt.Errorf("%w: writer %q", ErrName, s)
	}
	return w, nil
}

// String is 16 characters of lower-case base32.
func (w Writer) String() string { return alphabet.EncodeToString(w[:]) }

// Salt is chance that every entry carries, so that two branches of a forked writer never make the same ids.
type Salt uint64

// ParseSalt reads the 16 hex digits that String makes.
func ParseSalt(s string) (Salt, error) {
	n, err := strconv.ParseUint(s, 16, 64)
	if err != nil || len(s) != 16 || Salt(n).String() != s {
		return 0, fmt.Errorf("%w: salt %q", ErrName, s)
	}
	return Salt(n), nil
}

// String is 16 lower-case hex digits.
func (s Salt) String() string {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(s))
	return hex.EncodeToString(b[:])
}

// Chain binds an entry to all entries of its writer before it.
type Chain [32]byte

// FirstChain is the chain before a writer's entry 1: it binds the writer to its bucket.
func FirstChain(bucket string, writer Writer) Chain {
	return sha256.Sum256([]byte("setlogger\n" + bucket + "\n" + writer.String()))
}

// Next is the chain after the entry of this line.
func (c Chain) Next(line []byte) Chain {
	h := sha256.New()
	h.Write(c[:])
	h.Write(line)
	var next Chain
	h.Sum(next[:0])
	return next
}

// ParseChain reads the 64 hex digits that String makes.
func ParseChain(s string) (Chain, error) {
	var c Chain
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(c) || hex.EncodeToString(b) != s {
		return c, fmt.Errorf("%w: chain %q", ErrName, s)
	}
	copy(c[:], b)
	return c, nil
}

// String is 64 lower-case hex digits.
func (c Chain) String() string { return hex.EncodeToString(c[:]) }

// Short is the first 128 bits in base32, 26 characters: what an entry's saw holds.
func (c Chain) Short() string { return alphabet.EncodeToString(c[:16]) }

// parseShort answers a text that Short makes as it is.
func parseShort(s string) (string, error) {
	var half [16]byte
	if !decodeName(half[:], s) {
		return "", fmt.Errorf("%w: the first half of a chain %.40q", ErrName, s)
	}
	return s, nil
}

// Hash names a file on a remote: the first 128 bits of SHA-256 of its bytes.
type Hash [16]byte

// HashOf names the file of these bytes.
func HashOf(data []byte) Hash {
	sum := sha256.Sum256(data)
	return Hash(sum[:16])
}

// String is 26 characters of lower-case base32.
func (h Hash) String() string { return alphabet.EncodeToString(h[:]) }

// BucketID stands for a bucket's name in file names: the first 80 bits of SHA-256("bucket:"+name), base32.
func BucketID(name string) string {
	sum := sha256.Sum256([]byte("bucket:" + name))
	return alphabet.EncodeToString(sum[:10])
}

// CheckBucketName refuses what is not [a-z0-9][a-z0-9._/-]{0,127}.
func CheckBucketName(name string) error {
	ok := name != "" && len(name) <= 128
	for i := 0; ok && i < len(name); i++ {
		c := name[i]
		plain := c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
		ok = plain || i > 0 && (c == '.' || c == '_' || c == '/' || c == '-')
	}
	if !ok {
		return fmt.Errorf("%w: bucket %q is not [a-z0-9][a-z0-9._/-]{0,127}", ErrName, name)
	}
	return nil
}

// decodeName reads bytes, at most those of a hash, from what encodes exactly them.
func decodeName(dst []byte, s string) bool {
	var raw Hash
	var again [26]byte
	if len(s) != alphabet.EncodedLen(len(dst)) || len(dst) > len(raw) {
		return false
	}
	n, err := alphabet.Decode(raw[:], []byte(s))
	if err != nil || n != len(dst) {
		return false
	}
	copy(dst, raw[:n])
	alphabet.Encode(again[:], raw[:n])
	return string(again[:len(s)]) == s
}

// isBucketID tells whether s is of the form that BucketID makes.
func isBucketID(s string) bool { return decodeName(new(Writer)[:], s) }

// cutName cuts a file's name, less its ending, at its dots; false where it has not that ending, or another number of parts.
func cutName(s, ending string, parts ...*string) bool {
	s, ok := strings.CutSuffix(s, ending)
	last := len(parts) - 1
	for _, part := range parts[:last] {
		if ok {
			*part, s, ok = strings.Cut(s, ".")
		}
	}
	*parts[last] = s
	return ok && !strings.Contains(s, ".")
}

// parseCount reads a number from 1 to MaxNumber as strconv writes it; 0 for anything else.
func parseCount(s string) uint64 {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || s[0] == '0' || n > MaxNumber {
		return 0
	}
	return n
}

// compareWriters orders writers by their bytes.
func compareWriters(a, b Writer) int { return bytes.Compare(a[:], b[:]) }
