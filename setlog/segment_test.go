package setlog_test

import (
	"bytes"
	"compress/gzip"
	"crypto/ed25519"
	"errors"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/setlogger/setlogger/setlog"
)

var update = flag.Bool("update", false, "write the golden files of this format anew")

// goldenKey is a key that the tests know.
var goldenKey = ed25519.NewKeyFromSeed([]byte("setlogger tests use this seed !!"))

// goldenEntries are entries of every kind, two of another writer among what they saw.
func goldenEntries(t testing.TB) (setlog.Header, [][]byte, []setlog.Entry) {
	public, ok := goldenKey.Public().(ed25519.PublicKey)
	if !ok {
		t.Fatal("no public key")
	}
	writer := setlog.WriterOf(public)
	h := setlog.Header{Bucket: "todos", Births: []string{"00112233445566778899aabbccddeeff"}, Writer: writer, Key: public, First: 1, Previous: setlog.FirstChain("todos", writer)}
	m, clock := memory{}, setlog.Clock{}
	var lines [][]byte
	var entries []setlog.Entry
	for i, body := range []string{
		`{"type":"CREATE_NODE","id":"a","properties":{"title":"Milk <&> \"é\" 😀","price":1.50,"tags":["x"],"at":{"shop":{"aisle":3}}},"meta":{"by":"ann"}}`,
		`{"type":"SET_PROPERTY","id":"a","path":["at","shop","aisle"],"value":null}`,
		`{"type":"INCREMENT","id":"a","property":"count","by":2}`,
		`{"actions":[{"type":"INCREMENT","id":"a","property":"count"},{"type":"CREATE_NODE","id":"b"},{"type":"todos/seen","n":1}]}`,
		`{"type":"CREATE_NODE","id":"a","properties":{"title":"Bread"}}`,
		`{"type":"REMOVE_PROPERTY","id":"a","property":"tags"}`,
		`{"type":"DELETE_NODE","id":"b"}`,
		`{"type":"CREATE_NODE","id":"b","properties":{"again":true}}`,
		`{"type":"INCREMENT","id":"b","property":"count"}`,
	} {
		actions, err := setlog.ParseActions([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		d := setlog.Draft{Writer: writer, Number: uint64(i + 1), Salt: setlog.Salt(i + 0x1000), Now: start, Clock: &clock}
		if i == 0 {
			d.Birth = h.Births[0]
		}
		if i == 1 {
			d.Saw = []setlog.Head{{Writer: setlog.Writer{1}, Number: 7, Chain: setlog.Chain{1}.Short()}}
		}
		e, change, err := setlog.Compose(m, d, actions)
		if err != nil {
			t.Fatal(err)
		}
		m.apply(change)
		lines, entries = append(lines, e.Line), append(entries, e)
	}
	return h, lines, entries
}

func golden(t testing.TB) []byte {
	h, lines, _ := goldenEntries(t)
	_, data, err := setlog.EncodeSegment(h, lines, goldenKey)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

const goldenFolder = "../testdata/segment"

// TestGolden holds the format still: what is written today is the golden text, and the golden file is read.
func TestGolden(t *testing.T) {
	file, text := filepath.Join(goldenFolder, "todos.jsonl.gz"), filepath.Join(goldenFolder, "todos.jsonl")
	if *update {
		data := golden(t)
		if err := errors.Join(os.MkdirAll(goldenFolder, 0o755), os.WriteFile(file, data, 0o644), os.WriteFile(text, inflate(t, data), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(text)
	if err != nil {
		t.Fatal(err)
	}
	if got := inflate(t, golden(t)); !bytes.Equal(got, want) {
		t.Errorf("the format has changed:\n%s\nwant\n%s", got, want)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	segment, err := setlog.DecodeSegment(data)
	if err != nil {
		t.Fatal(err)
	}
	_, lines, entries := goldenEntries(t)
	for i, line := range segment.Lines {
		e, err := setlog.ParseEntry(segment.Writer, segment.First+uint64(i), line)
		if err != nil || !bytes.Equal(line, lines[i]) || e.Stamp != entries[i].Stamp || len(e.Actions) != len(entries[i].Actions) {
			t.Errorf("line %d reads as %+v, %v", i+1, e, err)
		}
	}
}

func inflate(t testing.TB, data []byte) []byte {
	r, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// TestZcatAndJq reads the golden file as docs/format.md tells a person to.
func TestZcatAndJq(t *testing.T) {
	for _, program := range []string{"sh", "zcat", "jq"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("%s is not installed", program)
		}
	}
	out, err := exec.Command("sh", "-c", "zcat "+goldenFolder+"/todos.jsonl.gz | jq -c 'select(.actions) | [.number, .actions[0].type]'").CombinedOutput()
	want := `[1,"CREATE_NODE"]
[2,"SET_PROPERTY"]
[3,"INCREMENT"]
[4,"INCREMENT"]
[5,"SET_PROPERTY"]
[6,"REMOVE_PROPERTY"]
[7,"DELETE_NODE"]
[8,"CREATE_NODE"]
[9,"INCREMENT"]
`
	if err != nil || string(out) != want {
		t.Errorf("zcat and jq print %s, %v", out, err)
	}
}

func TestEveryFlippedByteIsFound(t *testing.T) {
	data := golden(t)
	name := setlog.HashOf(data)
	for i := 0; i < len(data); i += unlessShort(1, 7) {
		bad := bytes.Clone(data)
		bad[i] ^= 1 << (i % 8)
		s, err := setlog.DecodeSegment(bad)
		if setlog.HashOf(bad) == name {
			t.Fatalf("byte %d: the hash is the same", i)
		}
		if err == nil && !bytes.Equal(bytes.Join(s.Lines, nil), bytes.Join(whole(t, data).Lines, nil)) {
			t.Errorf("byte %d: other lines are read", i)
		}
	}
	for i := 0; i < len(data); i += unlessShort(1, 7) {
		if _, err := setlog.DecodeSegment(data[:i]); !errors.Is(err, setlog.ErrFile) {
			t.Errorf("cut at %d: %v", i, err)
		}
	}
}

func whole(t testing.TB, data []byte) *setlog.Segment {
	s, err := setlog.DecodeSegment(data)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestDecodeRefuses changes the text of a good segment.
func TestDecodeRefuses(t *testing.T) {
	text := string(inflate(t, golden(t)))
	lines := strings.SplitAfter(text, "\n")
	tests := map[string]string{
		"no text":           "",
		"one line":          lines[0],
		"no entries":        lines[0] + lines[len(lines)-2],
		"no end":            strings.Join(lines[:len(lines)-2], ""),
		"no last break":     strings.TrimSuffix(text, "\n"),
		"a line less":       strings.Replace(text, lines[3], "", 1),
		"lines swapped":     strings.Replace(text, lines[3]+lines[4], lines[4]+lines[3], 1),
		"another bucket":    strings.Replace(text, `"bucket":"todos"`, `"bucket":"todox"`, 1),
		"another birth":     strings.Replace(text, `{"births":["00`, `{"births":["01`, 1),
		"another first":     strings.Replace(text, `"first":1`, `"first":2`, 1),
		"first 0":           strings.Replace(text, `"first":1`, `"first":0`, 1),
		"a bad bucket":      strings.Replace(text, `"bucket":"todos"`, `"bucket":"../x"`, 1),
		"another count":     strings.Replace(text, `"count":9`, `"count":8`, 1),
		"another kind":      strings.Replace(text, `"kind":"segment"`, `"kind":"index"`, 1),
		"another signature": strings.Replace(text, `"signature":"`, `"signature":"A`, 1),
		"too many lines":    lines[0] + strings.Repeat("\n", setlog.MaxLines+1) + lines[len(lines)-2],
		"not JSON":          strings.Replace(text, `{"births"`, `{births`, 1),
	}
	for name, bad := range tests {
		if _, err := setlog.DecodeSegment(deflate(t, bad)); !errors.Is(err, setlog.ErrFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
	newer := strings.Replace(text, `"min_reader":1`, `"min_reader":2`, 1)
	if _, err := setlog.DecodeSegment(deflate(t, newer)); !errors.Is(err, setlog.ErrNewer) {
		t.Errorf("min_reader 2: %v", err)
	}
	if _, err := setlog.DecodeSegment(append(golden(t), 0)); !errors.Is(err, setlog.ErrFile) {
		t.Errorf("a byte behind the end: %v", err)
	}
	if _, err := setlog.DecodeSegment(deflate(t, strings.Repeat("x", setlog.MaxFile+1))); !errors.Is(err, setlog.ErrFile) {
		t.Errorf("a bomb: %v", err)
	}
}

func deflate(t testing.TB, text string) []byte {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestForgedSegments(t *testing.T) {
	h, lines, _ := goldenEntries(t)
	other := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))
	if _, data, err := setlog.EncodeSegment(h, lines, other); err != nil {
		t.Fatal(err)
	} else if _, err := setlog.DecodeSegment(data); !errors.Is(err, setlog.ErrFile) {
		t.Errorf("signed by another key: %v", err)
	}
	h.Previous = setlog.Chain{}
	if _, data, err := setlog.EncodeSegment(h, lines, goldenKey); err != nil {
		t.Fatal(err)
	} else if _, err := setlog.DecodeSegment(data); !errors.Is(err, setlog.ErrFile) {
		t.Errorf("a chain that begins elsewhere: %v", err)
	}
	if _, _, err := setlog.EncodeSegment(h, nil, goldenKey); !errors.Is(err, setlog.ErrFile) {
		t.Errorf("no entry: %v", err)
	}
	if _, _, err := setlog.EncodeSegment(h, [][]byte{[]byte("a\nb")}, goldenKey); !errors.Is(err, setlog.ErrFile) {
		t.Errorf("a line break in a line: %v", err)
	}
}

func TestNames(t *testing.T) {
	s := whole(t, golden(t))
	name := s.Name.String()
	if got, ok := setlog.ParseSegmentName(name); !ok || got != s.Name || len("log/"+name) > 110 {
		t.Errorf("%s reads as %v, %t", name, got, ok)
	}
	for _, bad := range []string{"", name + "x", "x" + name, strings.ToUpper(name), strings.Replace(name, ".1-9.", ".9-1.", 1), strings.Replace(name, ".1-9.", ".01-9.", 1), strings.Replace(name, ".1-9.", ".1-9007199254740993.", 1), strings.Replace(name, "jsonl", "json", 1)} {
		if got, ok := setlog.ParseSegmentName(bad); ok {
			t.Errorf("%q reads as %v", bad, got)
		}
	}
	for _, good := range []string{"a", "0", "a/b.c_d-e", strings.Repeat("x", 128)} {
		if err := setlog.CheckBucketName(good); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"", "A", "/a", ".a", "ä", strings.Repeat("x", 129), "a b"} {
		if err := setlog.CheckBucketName(bad); !errors.Is(err, setlog.ErrName) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if setlog.BucketID("cities") != "3l4yhkfl44wyn7ox" {
		t.Errorf("bucket id is %s", setlog.BucketID("cities"))
	}
	for _, bad := range []string{"1", "1-", "-1", "01-0", "1-65536", "281474976710656-0", "x-0"} {
		if _, err := setlog.ParseStamp(bad); !errors.Is(err, setlog.ErrName) {
			t.Errorf("stamp %q: %v", bad, err)
		}
	}
	if _, err := setlog.ParseWriter("aaaaaaaaaaaaaaa1"); err == nil {
		t.Error("a writer with a 1")
	}
	if _, err := setlog.ParseSalt("00000000000000AB"); err == nil {
		t.Error("a salt in capitals")
	}
	if _, err := setlog.ParseChain("00"); err == nil {
		t.Error("a short chain")
	}
}
