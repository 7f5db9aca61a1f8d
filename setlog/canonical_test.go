package setlog

import (
	"bytes"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// judge compares the quick look at a text with the way that knows: what is accepted must be canonical within the limits.
func judge(t interface{ Fatalf(string, ...any) }, text []byte) (sure bool) {
	sure = isCanonical(text, MaxDepth)
	form, err := canonicalize(bytes.Clone(text), MaxDepth)
	if sure && (err != nil || !bytes.Equal(form, text)) {
		t.Fatalf("%q is taken for canonical; it is %q, %v", text, form, err)
	}
	return sure
}

func TestIsCanonical(t *testing.T) {
	for _, text := range []string{
		`0`, `-1`, `12`, `999999999999999`, `0.1`, `-0.5`, `1.5`, `0.000001`, `0.00000123456789012345`, `12345678.1234567`, `true`, `false`, `null`, `""`, `"é\n\"\\"`,
		`"\b\f\r\t"`, "\"\x7f\u2028\U0001F600\"", `[]`, `{}`, `[1,"a",[],{}]`, `{"a":1,"b":{"c":[]}}`, `{"":0,"a":0,"ab":0}`, "{\"\U0001F600\":1,\"\ufb33\":2}",
		strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth),
	} {
		if !judge(t, []byte(text)) {
			t.Errorf("%s is not seen to be canonical", text)
		}
	}
	for _, text := range []string{
		``, ` `, `-`, `-0`, `00`, `01`, `1.`, `.5`, `1.0`, `0.10`, `0.0`, `1e5`, `1E5`, `0.0000001`, `1234567890123456`, `1.234567890123456`, `+1`, `tru`, `nul`, `truefalse`,
		`"`, `"a`, `"\`, `"\u0041"`, `"\/"`, "\"\x01\"", "\"\xff\"", "\"\xed\xa0\x80\"", `[`, `[1`, `[1,`, `[,1]`, `[1,]`, `[1 ]`, `[1 ,2]`, `{`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,`, `{"a":1,}`, `{,}`,
		`{"a" :1}`, `{"b":1,"a":1}`, `{"a":1,"a":1}`, "{\"\ufb33\":2,\"\U0001F600\":1}", `{1:2}`, `1 `, ` 1`, "1\n", `[]]`, `{}{}`, `1,2`,
		strings.Repeat("[", MaxDepth+1) + strings.Repeat("]", MaxDepth+1),
	} {
		if judge(t, []byte(text)) {
			t.Errorf("%s is taken for canonical", text)
		}
	}
}

// TestIsCanonicalOfNumbers tries numbers at the edges of what 15 digits say.
func TestIsCanonicalOfNumbers(t *testing.T) {
	digits := rapid.StringMatching(`-?(0|[1-9][0-9]{0,17})(\.0{0,8}[0-9]{1,18})?`)
	rapid.Check(t, func(t *rapid.T) { judge(t, []byte(digits.Draw(t, "number"))) })
}

func FuzzIsCanonical(f *testing.F) {
	for _, text := range []string{`{"a":[1,-0.25,"x\n"],"b":{"c":null}}`, `0.000001`, `{"é":1,"ﬀ":2}`, `123456789012345`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) { judge(t, text) })
}
