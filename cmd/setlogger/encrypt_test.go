package main

import (
	"bytes"
	"crypto/rand"
	"strings"
	"testing"

	"github.com/setlogger/setlogger/remote/encrypted"
)

// TestConfirm: a new key is shown once, and taken when its end was typed within three tries.
func TestConfirm(t *testing.T) {
	key, err := encrypted.NewKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	text := key.Text()
	end := text[len(text)-6:]
	for typed, want := range map[string]bool{
		end + "\n": true, strings.ToLower(end): true, "\nx\n" + end + "\n": true,
		"": false, "\n\n\n" + end + "\n": false, text[:6] + "\n": false, strings.Repeat("000000\n", 5): false,
	} {
		var out bytes.Buffer
		if err := confirm(t.Context(), strings.NewReader(typed), &out, "vault", text); (err == nil) != want {
			t.Errorf("%q: %v", typed, err)
		}
		if strings.Count(out.String(), text) != 1 || strings.Count(out.String(), "Its last group") > tries {
			t.Errorf("%q: shown was %s", typed, out.String())
		}
	}
}
