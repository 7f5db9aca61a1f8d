package setlog

import (
	"crypto/ed25519"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// SeenName is the name of a file that says what a device has seen, without its folder.
type SeenName struct {
	Device Writer
	Count  uint64
	Hash   Hash // of the file
}

const seenPrefix, seenEnding = "seen.", ".json"

// ParseSeenName reads what String makes.
func ParseSeenName(s string) (n SeenName, ok bool) {
	var device, count, hash string
	rest, ok := strings.CutPrefix(s, seenPrefix)
	if !ok || !cutName(rest, seenEnding, &device, &count, &hash) {
		return n, false
	}
	n.Count = parseCount(count)
	return n, n.Count > 0 && decodeName(n.Device[:], device) && decodeName(n.Hash[:], hash)
}

// String is seen.<device>.<count>.<hash>.json.
func (n SeenName) String() string {
	s := alphabet.AppendEncode(append(make([]byte, 0, 80), seenPrefix...), n.Device[:])
	s = strconv.AppendUint(append(s, '.'), n.Count, 10)
	s = alphabet.AppendEncode(append(s, '.'), n.Hash[:])
	return string(append(s, seenEnding...))
}

// Seen is what a device has seen of a share (docs/format.md, What a device has seen).
type Seen struct {
	Device  Writer // named by a key of its own
	Count   uint64
	Buckets map[string]SeenBucket // by name
}

// SeenBucket is what a device has seen of one bucket.
type SeenBucket struct {
	Births  []string
	Heads   []Head // sorted
	Indexes []Hash // that it knows to be whole
}

// wireSeen is the file; its members stand in canonical order.
type wireSeen struct {
	signedFile

	Buckets map[string]wireSeenBucket `json:"buckets"`
	Count   uint64                    `json:"count"`
	Device  string                    `json:"device"`
}

type wireSeenBucket struct {
	Births  []string   `json:"births"`
	Heads   []wireHead `json:"heads"`
	Indexes []string   `json:"indexes"`
}

// wireHead is a head as saw has it.
type wireHead Head

// MarshalJSON writes [writer, number, chain].
func (h wireHead) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, `[%q,%d,%q]`, h.Writer.String(), h.Number, h.Chain), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (h *wireHead) UnmarshalJSON(data []byte) error {
	heads, err := readSaw(append(append([]byte{'['}, data...), ']'))
	if err == nil {
		*h = wireHead(heads[0])
	}
	return err
}

const kindSeen = "seen"

func (w *wireSeen) signer() *string { return &w.Device }

// Encode writes the file, signed by the device's key.
func (s *Seen) Encode(key ed25519.PrivateKey) (SeenName, []byte, error) {
	public, _ := key.Public().(ed25519.PublicKey)
	s.Device = WriterOf(public)
	w := wireSeen{Buckets: map[string]wireSeenBucket{}, Count: s.Count}
	for name, b := range s.Buckets {
		heads := make([]wireHead, 0, len(b.Heads))
		for _, h := range slices.SortedFunc(slices.Values(b.Heads), CompareHeads) {
			heads = append(heads, wireHead(h))
		}
		w.Buckets[name] = wireSeenBucket{b.Births, heads, hashNames(b.Indexes)}
	}
	data, err := encodeSigned(&w, kindSeen, key)
	if err != nil {
		return SeenName{}, nil, err
	}
	return SeenName{s.Device, s.Count, HashOf(data)}, data, nil
}

// DecodeSeen reads a file and verifies its form and its signature. That it has the name it is stored under is for the
// caller to see.
func DecodeSeen(data []byte) (*Seen, error) {
	var w wireSeen
	key, err := decodeSigned(data, &w, kindSeen)
	if err != nil {
		return nil, err
	}
	if w.Count < 1 || w.Count > MaxNumber {
		return nil, fmt.Errorf("%w: it does not say what a device has seen", ErrFile)
	}
	s := &Seen{Device: WriterOf(key), Count: w.Count, Buckets: map[string]SeenBucket{}}
	for name, b := range w.Buckets {
		bucket := SeenBucket{Births: b.Births}
		for _, h := range b.Heads {
			bucket.Heads = append(bucket.Heads, Head(h))
		}
		var ok bool
		if bucket.Indexes, ok = readHashes(b.Indexes); !ok || CheckBucketName(name) != nil || !slices.IsSortedFunc(bucket.Heads, CompareHeads) {
			return nil, fmt.Errorf("%w: bucket %.140q in it is not in order", ErrFile, name)
		}
		s.Buckets[name] = bucket
	}
	return s, nil
}
