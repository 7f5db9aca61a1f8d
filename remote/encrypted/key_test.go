package encrypted

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

// counting is a key that all tests know.
func counting(t *testing.T) Key {
	t.Helper()
	k, err := NewKey(bytes.NewReader([]byte("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10\x11\x12\x13")))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestKeyIsAsItWas: a key that people have kept opens their share for ever. It holds what docs/format.md says.
func TestKeyIsAsItWas(t *testing.T) {
	k := counting(t)
	password, salt := k.Crypt()
	for what, is := range map[string][2]string{
		"text":     {k.Text(), "000G40-R40M30-E20918-5GR38E-1W8124-GKY0TC"},
		"id":       {k.ID(), "50j5m30q7zbb7cye"},
		"password": {password, "93d56edf79660cc872251c626d06f9aa42269db006e905923bce39b6c0831255"},
		"salt":     {salt, "b492f8462c49e6eb5a9d5d7f8d509e18d16d142a6392144d207cfee9b590eea9"},
	} {
		if is[0] != is[1] {
			t.Errorf("%s is %s, was %s", what, is[0], is[1])
		}
	}
}

func TestParseKey(t *testing.T) {
	for range 50 {
		k, err := NewKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		text := k.Text()
		for _, typed := range []string{text, strings.ToLower(text), strings.ReplaceAll(text, "-", ""), " " + strings.ReplaceAll(text, "-", " ") + "\n", strings.NewReplacer("0", "o", "1", "l").Replace(text)} {
			if got, err := ParseKey(typed); err != nil || !got.Equal(k) {
				t.Errorf("%q: %v, %v", typed, got.Equal(k), err)
			}
		}
		if group := text[len(text)-groupSize:]; !k.EndsWith(" "+strings.ToLower(group)) || k.EndsWith(text[:groupSize]) || k.EndsWith("") {
			t.Errorf("the end of %s", text)
		}
	}
}

// TestMistyped: each letter that is another, and each two neighbours that have changed places, are told from a wrong key.
func TestMistyped(t *testing.T) {
	text := counting(t).Text()
	var bad []string
	for i, was := range text {
		for _, is := range "0123456789ABCDEFGHJKMNPQRSTVWXYZU!ä" {
			if is != was && was != '-' {
				bad = append(bad, text[:i]+string(is)+text[i+1:])
			}
		}
		if i > 0 && text[i] != text[i-1] && text[i] != '-' && text[i-1] != '-' {
			bad = append(bad, text[:i-1]+string(text[i])+string(text[i-1])+text[i+1:])
		}
	}
	bad = append(bad, "", "-", text[1:], text+"0", text+text, strings.Repeat("0", textSize))
	for _, typed := range bad {
		if k, err := ParseKey(typed); !errors.Is(err, ErrMistyped) || !k.IsZero() {
			t.Errorf("%q is taken: %v", typed, err)
		}
	}
}

// TestKeyIsNotPrinted: no log and no error shows a key that is passed to it.
func TestKeyIsNotPrinted(t *testing.T) {
	k := counting(t)
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "key", k, "place", Place{Key: k})
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "key", k)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&out, verb+" "+verb+"\n", k, &k)
		fmt.Fprintf(&out, verb+"\n", struct{ K *Key }{&k})
	}
	shown := strings.ToLower(out.String())
	for _, part := range []string{strings.ToLower(k.Text()[:groupSize]), "030405", "3 4 5", "0x3"} {
		if strings.Contains(shown, part) {
			t.Errorf("%q is shown:\n%s", part, shown)
		}
	}
}

func FuzzParseKey(f *testing.F) {
	f.Add("000000-000000-000000-000000-000000-000000")
	f.Add(counting(&testing.T{}).Text())
	f.Fuzz(func(t *testing.T, text string) {
		k, err := ParseKey(text)
		if err != nil {
			return
		}
		if again, err := ParseKey(k.Text()); err != nil || !again.Equal(k) {
			t.Errorf("%q: %v", text, err)
		}
	})
}
