package setlog_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/setlogger/setlogger/setlog"
)

// sealed is a file whose first and last line say more than this version knows. Its end fits, and is signed for a kind of
// files unless that is empty.
func sealed(t *testing.T, data []byte, kind string) []byte {
	t.Helper()
	lines := strings.SplitAfter(string(inflate(t, data)), "\n")
	above := strings.Replace(lines[0], `"bucket":`, `"brand":{"new":[1]},"bucket":`, 1) + strings.Join(lines[1:len(lines)-2], "")
	end := lines[len(lines)-2]
	const name = `"sha256":"`
	before, after, _ := strings.Cut(end, name)
	sum := sha256.Sum256([]byte(above))
	end = before + `"remarks":{"a":[1]},` + name + hex.EncodeToString(sum[:]) + after[hex.EncodedLen(len(sum)):]
	if kind != "" {
		unsigned, _, _ := strings.Cut(end, `,"signature"`)
		signature := ed25519.Sign(goldenKey, []byte("setlogger "+kind+"\n"+unsigned+"}"))
		end = unsigned + `,"signature":"` + base64.StdEncoding.EncodeToString(signature) + "\"}\n"
	}
	return deflate(t, above+end)
}

// TestSegmentSaysMore reads a segment of a later version, which has members that this one does not know.
func TestSegmentSaysMore(t *testing.T) {
	data := golden(t)
	file := filepath.Join(goldenFolder, "later.jsonl.gz") // other readers read it too
	if *update {
		if err := os.WriteFile(file, sealed(t, data, "segment"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	more, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := setlog.DecodeSegment(more)
	if err != nil {
		t.Fatal(err)
	}
	if want := whole(t, data); !bytes.Equal(bytes.Join(s.Lines, nil), bytes.Join(want.Lines, nil)) || s.Chain != want.Chain || s.Bucket != want.Bucket {
		t.Errorf("it reads as %+v", s.Header)
	}
	if _, err := setlog.RereadSegment(more); err != nil {
		t.Errorf("read again: %v", err)
	}
	text := string(inflate(t, more))
	for name, bad := range map[string]string{
		"an unknown member changed":   strings.Replace(text, `"remarks":{"a":[1]}`, `"remarks":{"a":[2]}`, 1),
		"an unknown member taken out": strings.Replace(text, `"remarks":{"a":[1]},`, "", 1),
		"an unknown member put in":    strings.Replace(text, `"kind":"end"`, `"kind":"end","more":1`, 1),
		"signed as another kind":      string(inflate(t, sealed(t, data, "index"))),
	} {
		if bad == text {
			t.Fatalf("%s changes nothing", name)
		}
		if _, err := setlog.DecodeSegment(deflate(t, bad)); !errors.Is(err, setlog.ErrFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestHeadIsCanonical refuses a segment whose first line has white space, though all else of it fits.
func TestHeadIsCanonical(t *testing.T) {
	lines := strings.SplitAfter(string(inflate(t, golden(t))), "\n")
	lines[0] = strings.Replace(lines[0], `,"bucket"`, `, "bucket"`, 1)
	if _, err := setlog.DecodeSegment(sealed(t, deflate(t, strings.Join(lines, "")), "segment")); !errors.Is(err, setlog.ErrFile) {
		t.Errorf("it is read: %v", err)
	}
}

// TestChunkSaysMore reads a chunk of a later version.
func TestChunkSaysMore(t *testing.T) {
	_, _, _, data := goldenIndex(t)
	want, err := setlog.DecodeChunk(data)
	if err != nil {
		t.Fatal(err)
	}
	more := sealed(t, data, "")
	if got, err := setlog.DecodeChunk(more); err != nil || got.Index != want.Index || !bytes.Equal(bytes.Join(got.Lines, nil), bytes.Join(want.Lines, nil)) {
		t.Errorf("it reads as %+v, %v", got, err)
	}
	bad := strings.Replace(string(inflate(t, more)), `"remarks":{"a"`, `"remarks":{ "a"`, 1)
	if _, err := setlog.DecodeChunk(deflate(t, bad)); !errors.Is(err, setlog.ErrFile) {
		t.Errorf("an end that is not canonical: %v", err)
	}
}

// TestBirthsStandCanonical writes a birth of signs that encoding/json would escape.
func TestBirthsStandCanonical(t *testing.T) {
	h, lines, _ := goldenEntries(t)
	h.Births = []string{"<&>\u2028"}
	_, data, err := setlog.EncodeSegment(h, lines, goldenKey)
	if err != nil {
		t.Fatal(err)
	}
	if s := whole(t, data); len(s.Births) != 1 || s.Births[0] != h.Births[0] || !bytes.Contains(inflate(t, data), []byte(h.Births[0])) {
		t.Errorf("births %q", s.Births)
	}
}
