package history

import (
	"crypto/ed25519"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/setlogger/setlogger/setlog"
	"github.com/setlogger/setlogger/simulation/judge"
)

// TestSegments seals the entries of each writer in segments, cut anywhere, and folds what is read from them in any order
// and number.
func TestSegments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := map[setlog.Writer]ed25519.PrivateKey{}
		h, err := read(rapid.SliceOfN(rapid.Byte(), 0, 200).Draw(t, "choices"), false, func(random *rand.Rand) setlog.Writer {
			seed := make([]byte, ed25519.SeedSize)
			for i := range seed {
				seed[i] = byte(random.UintN(256))
			}
			key := ed25519.NewKeyFromSeed(seed)
			writer := setlog.WriterOf(key.Public().(ed25519.PublicKey)) //nolint:errcheck,forcetypeassert // its key is one
			keys[writer] = key
			return writer
		})
		if err != nil {
			t.Fatal(err)
		}
		var files [][]byte
		for _, run := range cut(t, h.Records) {
			files = append(files, seal(t, run, keys[run[0].Writer]))
		}
		s := &judge.State{}
		for _, i := range append(rapid.Permutation(indexes(len(files))).Draw(t, "order"), part(t, h.Records[:len(files)], "again")...) {
			unseal(t, s, files[i])
		}
		compare(t, s, h.Records)
	})
}

// cut cuts the records into runs of one writer with consecutive numbers.
func cut(t *rapid.T, records []judge.Record) [][]judge.Record {
	var runs [][]judge.Record
	last := map[setlog.Writer]int{} // its run that is still open
	for _, r := range records {
		i, open := last[r.Writer]
		if open && runs[i][len(runs[i])-1].Number+1 == r.Number && rapid.Bool().Draw(t, "goes on") {
			runs[i] = append(runs[i], r)
			continue
		}
		last[r.Writer] = len(runs)
		runs = append(runs, []judge.Record{r})
	}
	return runs
}

func seal(t *rapid.T, run []judge.Record, key ed25519.PrivateKey) []byte {
	public, _ := key.Public().(ed25519.PublicKey)
	h := setlog.Header{Bucket: "b", Births: []string{"x"}, Writer: run[0].Writer, Key: public, First: run[0].Number}
	if h.Previous = (setlog.Chain{1}); h.First == 1 {
		h.Previous = setlog.FirstChain(h.Bucket, h.Writer)
	}
	var lines [][]byte
	for _, r := range run {
		lines = append(lines, r.Line)
	}
	_, data, err := setlog.EncodeSegment(h, lines, key)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func unseal(t *rapid.T, s *judge.State, data []byte) {
	segment, err := setlog.DecodeSegment(data)
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range segment.Lines {
		if err := s.Fold(judge.NewRecord(segment.Writer, segment.First+uint64(i), line)); err != nil {
			t.Fatal(err)
		}
	}
}
