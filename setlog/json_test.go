package setlog_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/setlogger/setlogger/setlog"
)

func TestCanonical(t *testing.T) {
	tests := []struct{ in, want string }{
		{` { "b" : 1 , "a" : [ 1.0 , 1e2 , -0 , 1e21, 1e-7 ] } `, `{"a":[1,100,0,1e+21,1e-7],"b":1}`},
		{`{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}`, "{\"\\r\":2,\"1\":4,\"\u0080\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\ufb33\":3}"},
		{`"\u003c\/\u0001"`, `"</\u0001"`},
		{`9007199254740992`, `9007199254740992`},
		{`-9007199254740992`, `-9007199254740992`},
		{`1.5e300`, `1.5e+300`},
		{`4.50`, `4.5`},
		{strings.Repeat("[", 64) + strings.Repeat("]", 64), strings.Repeat("[", 64) + strings.Repeat("]", 64)},
		{"\"\u2028\"", "\"\u2028\""},
	}
	for _, test := range tests {
		got, err := setlog.Canonical([]byte(test.in))
		if err != nil || string(got) != test.want {
			t.Errorf("%s becomes %s, %v; want %s", test.in, got, err, test.want)
		}
		again, err := setlog.Canonical([]byte(test.want))
		if err != nil || string(again) != test.want {
			t.Errorf("%s is not stable: %s, %v", test.want, again, err)
		}
	}
}

func TestCanonicalRefuses(t *testing.T) {
	for name, in := range map[string]string{
		"duplicate keys":          `{"a":1,"a":2}`,
		"duplicates by escape":    `{"a":1,"\u0061":2}`,
		"a lone surrogate":        `"\ud800"`,
		"a swapped pair":          `"\udc00\ud800"`,
		"bad UTF-8":               "\"\xff\"",
		"2^53+1":                  `9007199254740993`,
		"-2^53-1":                 `{"a":-9007199254740993}`,
		"an integer by exponent":  `1e20`,
		"an integer by fraction":  `12345678901234567890.0`,
		"an integer of 25 digits": `1000000000000000000000000`,
		"a number over float64":   `1e400`,
		"depth 65":                strings.Repeat("[", 65) + strings.Repeat("]", 65),
		"two values":              `1 2`,
		"nothing":                 ``,
		"a comment":               `1 // x`,
		"a trailing comma":        `[1,]`,
		"NaN":                     `NaN`,
		"a plus":                  `+1`,
		"a leading zero":          `01`,
		"an open string":          `"a`,
		"over 1 MiB":              `"` + strings.Repeat("x", 1<<20) + `"`,
	} {
		var refusal *setlog.Refusal
		if got, err := setlog.Canonical([]byte(in)); !errors.As(err, &refusal) {
			t.Errorf("%s: %.60s becomes %.60s, %v", name, in, got, err)
		}
	}
}

func TestKeysOrderByUTF16(t *testing.T) {
	m, d := memory{}, &device{}
	_, err := m.act(t, d, `{"type":"CREATE_NODE","id":"a","properties":{"\ufb33":1}}`)
	check(t, err, "")
	for _, key := range []string{`\ud83d\ude00`, `z`, `\u20ac`, ``, `a\"b`, `zz`, `\ue000`} {
		_, err := m.act(t, d, `{"type":"SET_PROPERTY","id":"a","path":["`+key+`"],"value":1}`)
		check(t, err, "")
	}
	value := m["a"].Value()
	canonical, err := setlog.Canonical([]byte(string(value)))
	if err != nil || string(canonical) != string(value) {
		t.Errorf("a node's value is %s, its canonical form %s (%v)", value, canonical, err)
	}
}
