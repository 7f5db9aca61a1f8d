package setlog_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/setlogger/setlogger/setlog"
)

var boundValues = []string{
	`null`, `true`, `false`, `0`, `-1`, `1.5`, `255`, `-0.1`, `""`, `"a"`, `"ab"`, `"b"`, `"\u0000"`, `"ÿ"`, `[1,"a"]`, `{"a":1}`,
	`"` + strings.Repeat("x", 255) + `"`, `"` + strings.Repeat("x", 256) + `"`, `"` + strings.Repeat("x", 300) + `"`,
}

// drawSought draws what to seek of a property, and what tells of a value whether it is that.
func drawSought(rt *rapid.T, name string) (setlog.Sought, func(value []byte) bool) {
	scalar := rapid.SampledFrom(slices.DeleteFunc(slices.Clone(boundValues), func(v string) bool { return v[0] == '[' || v[0] == '{' }))
	if rapid.Bool().Draw(rt, name+" any") {
		values := make([][]byte, 0, 2)
		for _, v := range rapid.SliceOfN(scalar, 1, 2).Draw(rt, name+" values") {
			values = append(values, canonical(rt, v))
		}
		return setlog.Sought{Any: values}, func(value []byte) bool {
			return slices.ContainsFunc(values, func(v []byte) bool { return bytes.Equal(v, value) })
		}
	}
	var s setlog.Sought
	text := rapid.Bool().Draw(rt, name+" text")
	bound := rapid.SampledFrom([]string{`0`, `-1`, `1.5`, `255`})
	if text {
		bound = rapid.SampledFrom([]string{`""`, `"a"`, `"ab"`, `"` + strings.Repeat("x", 255) + `"`, `"` + strings.Repeat("x", 256) + `"`, `"` + strings.Repeat("x", 300) + `"`})
	}
	if rapid.Bool().Draw(rt, name+" above") {
		s.Above = canonical(rt, bound.Draw(rt, name+" above"))
	}
	if rapid.Bool().Draw(rt, name+" below") || !text && s.Above == nil {
		s.Below = canonical(rt, bound.Draw(rt, name+" below"))
	}
	if text && rapid.Bool().Draw(rt, name+" begins") {
		s.Prefix = canonical(rt, bound.Draw(rt, name+" prefix"))
	}
	return s, func(value []byte) bool {
		kind := byte('"')
		for _, b := range [][]byte{s.Above, s.Below} {
			if b != nil && b[0] != '"' {
				kind = '0'
			}
		}
		if isText := value[0] == '"'; isText != (kind == '"') || !isText && !strings.ContainsAny(string(value[:1]), "-0123456789") {
			return false
		}
		return (s.Above == nil || compareJSON(rt, value, s.Above) > 0) && (s.Below == nil || compareJSON(rt, value, s.Below) < 0) &&
			(s.Prefix == nil || bytes.HasPrefix(value, s.Prefix[:len(s.Prefix)-1]))
	}
}

func canonical(rt *rapid.T, value string) []byte {
	c, err := setlog.Canonical([]byte(value))
	if err != nil {
		rt.Fatal(err)
	}
	return c
}

// compareJSON compares two numbers or two texts.
func compareJSON(rt *rapid.T, a, b []byte) int {
	var x, y float64
	if json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil {
		return cmp.Compare(x, y)
	}
	var s, t string
	if json.Unmarshal(a, &s) != nil || json.Unmarshal(b, &t) != nil {
		rt.Fatalf("%s and %s do not compare", a, b)
	}
	return strings.Compare(s, t)
}

// TestOrderBounds: a node that has what is sought stands within the bounds; one that stands there has it, or an array, or
// a text that is as long as keys go.
func TestOrderBounds(t *testing.T) {
	value := rapid.SampledFrom(boundValues)
	rapid.Check(t, func(rt *rapid.T) {
		names := rapid.SampledFrom([][]string{{"p"}, {"-p"}, {"p", "q"}, {"-p", "q"}, {"p", "-q"}, {"-p", "-q", "created"}, {"created", "p"}}).Draw(rt, "order")
		o, err := setlog.ParseOrder(names)
		if err != nil {
			rt.Fatal(err)
		}
		sought, has := map[string]setlog.Sought{}, map[string]func([]byte) bool{}
		for _, name := range []string{"p", "q"} {
			if name == "p" || rapid.Bool().Draw(rt, "q is sought") {
				sought[name], has[name] = drawSought(rt, name)
			}
		}
		bounds, used := o.Bounds(sought)
		if names[0] == "created" {
			if used != 0 || bounds != nil {
				rt.Fatalf("bounds of %v: %v, %d", names, bounds, used)
			}
			return
		}
		for i, b := range bounds {
			if bytes.Compare(b.From, b.Until) >= 0 || i > 0 && bytes.Compare(bounds[i-1].Until, b.From) >= 0 {
				rt.Fatalf("bounds %v are not apart, or not in order", bounds)
			}
		}
		for i := range 8 {
			values := map[string][]byte{"p": canonical(rt, value.Draw(rt, "p")), "q": canonical(rt, value.Draw(rt, "q"))}
			id := fmt.Sprint("n", i)
			m := memory{}
			mustAct(t, m, &device{}, fmt.Sprintf(`{"type":"CREATE_NODE","id":%q,"properties":{"p":%s,"q":%s}}`, id, values["p"], values["q"]))
			key := o.Key(id, m[id])
			within := slices.ContainsFunc(bounds, func(b setlog.Bounds) bool {
				return bytes.Compare(b.From, key) <= 0 && bytes.Compare(key, b.Until) < 0
			})
			meets, vague := true, false
			for _, name := range names[:used] {
				v := values[strings.TrimPrefix(name, "-")]
				meets = meets && has[strings.TrimPrefix(name, "-")](v)
				vague = vague || v[0] == '[' || len(v) > 256 // of a text as long as keys go
			}
			if meets && !within || within && !meets && !vague {
				rt.Fatalf("%s in %v, sought %q: meets %v, within %v", values, names, sought, meets, within)
			}
		}
	})
}
