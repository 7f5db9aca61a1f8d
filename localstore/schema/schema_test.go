package schema_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/setlogger/setlogger/localstore/schema"
)

func TestCheck(t *testing.T) {
	tests := []struct {
		name, schema, node string
		want               []string // paths
	}{
		{"all is well", `{"properties":{"n":{"type":"integer"}},"required":["n"]}`, `{"n":1}`, nil},
		{"types", `{"properties":{"n":{"type":"integer"},"o":{"properties":{"p":{"type":"string"}}}}}`, `{"n":"1","o":{"p":2}}`, []string{"/n", "/o/p"}},
		{"missing", `{"required":["a","b/c","d~e"]}`, `{}`, []string{"/a", "/b~1c", "/d~0e"}},
		{"too many", `{"properties":{"a":{}},"additionalProperties":false}`, `{"a":1,"b":2}`, []string{"/b"}},
		{"never", `{"properties":{"a":false}}`, `{"a":1}`, []string{"/a"}},
		{"an element", `{"properties":{"l":{"items":{"maximum":2}}}}`, `{"l":[1,2,3]}`, []string{"/l/2"}},
		{"alternatives", `{"properties":{"a":{"anyOf":[{"type":"string"},{"type":"null"}]}}}`, `{"a":1}`, []string{"/a"}},
		{"a long enum", `{"properties":{"a":{"enum":[1,2,3,4,5,6,7,8,9]}}}`, `{"a":10}`, []string{"/a"}},
		{"a const", `{"properties":{"a":{"const":{"x":1}}}}`, `{"a":{"x":2}}`, []string{"/a"}},
		{"a const that fits", `{"properties":{"a":{"const":{"x":1,"y":2}}}}`, `{"a":{"x":1,"y":2}}`, nil},
		{"a pattern", `{"properties":{"a":{"pattern":"^[a-z]+$"}}}`, `{"a":"X"}`, []string{"/a"}},
		{"a format", `{"properties":{"a":{"format":"date"}}}`, `{"a":"tomorrow"}`, []string{"/a"}},
		{"a reference inside", `{"$defs":{"s":{"type":"string"}},"properties":{"a":{"$ref":"#/$defs/s"}}}`, `{"a":1}`, []string{"/a"}},
		{"names", `{"propertyNames":{"maxLength":2}}`, `{"abc":1}`, []string{""}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, err := schema.Compile([]byte(test.schema))
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, v := range s.Check([]byte(test.node)) {
				got = append(got, v.Path)
				if v.Reason == "" {
					t.Error("no reason for", v.Path)
				}
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("violations at %q, want %q: %s", got, test.want, schema.Join(s.Check([]byte(test.node))))
			}
		})
	}
}

func TestUnusable(t *testing.T) {
	tests := []struct{ name, schema, want string }{
		{"no object", `[]`, "no object"},
		{"no JSON", `{`, "JSON"},
		{"a wrong keyword", `{"type":"strong"}`, "/type"},
		{"another draft", `{"$schema":"http://json-schema.org/draft-07/schema#"}`, "/$schema"},
		{"a reference outside", `{"$ref":"https://example.com/s.json"}`, "nothing outside"},
		{"a reference to a file", `{"$ref":"file:///etc/passwd"}`, "nothing outside"},
		{"a reference to nothing", `{"$ref":"#/$defs/x"}`, "/$defs/x"},
		{"a pattern of another kind", `{"pattern":"(?=x)"}`, "/pattern"},
		{"a pattern too long", `{"pattern":"` + strings.Repeat("x", 5000) + `"}`, "pattern"},
		{"a pattern that repeats", `{"pattern":"((a{100}){100}){100}"}`, "pattern"},
		{"too large", `{"description":"` + strings.Repeat("x", schema.MaxSize) + `"}`, "more than"},
		{"too deep", strings.Repeat(`{"not":`, 70) + `{}` + strings.Repeat(`}`, 70), "nested"},
		{"an unknown setting", `{"x-setlogger":{"colour":1}}`, "/x-setlogger"},
		{"an order of nothing", `{"x-setlogger":{"order":["-"]}}`, "/x-setlogger/order"},
		{"an order twice", `{"x-setlogger":{"order":["a","-a"]}}`, "/x-setlogger/order"},
		{"an empty index", `{"x-setlogger":{"indexes":[["a"],[]]}}`, "/x-setlogger/indexes/1"},
		{"many indexes", `{"x-setlogger":{"indexes":[` + strings.Repeat(`["a"],`, 16) + `["a"]]}}`, "/x-setlogger/indexes"},
		{"a small chunk", `{"x-setlogger":{"chunkLimit":1}}`, "/x-setlogger/chunkLimit"},
		{"a great log", `{"x-setlogger":{"logLimit":10000000}}`, "/x-setlogger/logLimit"},
		{"history somewhere", `{"x-setlogger":{"keepHistory":"attic"}}`, "/x-setlogger/keepHistory"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := schema.Compile([]byte(test.schema))
			if _, ok := errors.AsType[*schema.Error](err); !ok || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want %q", err, test.want)
			}
		})
	}
}

func TestSettings(t *testing.T) {
	s, err := schema.Compile([]byte(`{"x-setlogger":{"order":["-created","id"],"indexes":[["author","-created"]],"chunkLimit":500,"logLimit":1000,"publish":true,"keepHistory":"none"}}`))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(*s.Settings), "{[-created id] [[author -created]] 500 1000 true none}"; got != want {
		t.Errorf("settings are %s, want %s", got, want)
	}
}

// TestHostile checks that no schema makes a check take long: the budget ends it.
func TestHostile(t *testing.T) {
	defs := `"d40":{"type":"integer"}`
	for i := range 40 {
		defs += fmt.Sprintf(`,"d%d":{"allOf":[{"$ref":"#/$defs/d%d"},{"$ref":"#/$defs/d%d"}]}`, i, i+1, i+1)
	}
	tests := []struct{ name, schema, node string }{
		{"2^40 steps", `{"$defs":{` + defs + `},"properties":{"a":{"$ref":"#/$defs/d0"}}}`, `{"a":1}`},
		{"round and round", `{"$ref":"#"}`, `{"a":1}`},
		{"unique among many", `{"properties":{"l":{"uniqueItems":true,"items":{"uniqueItems":true}}}}`, `{"l":[` + strings.Repeat(`[[1],[2]],`, 200_000) + `[]]}`},
		{"a slow pattern on a long text", `{"properties":{"a":{"pattern":"(x+x+x+x+)+y"}}}`, `{"a":"` + strings.Repeat("x", 900_000) + `"}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, err := schema.Compile([]byte(test.schema))
			if err != nil {
				return // refused outright
			}
			if found := s.Check([]byte(test.node)); len(found) == 0 {
				t.Error("it is allowed, after how much work")
			}
		})
	}
}

func TestOrderOf(t *testing.T) {
	const none = `["-created","id"]`
	for text, want := range map[string]string{
		``: none, `{}`: none, `{"x-setlogger":{}}`: none, `{"x-setlogger":{"order":[]}}`: none,
		`{"x-setlogger":{"order":["-n"]}}`:                           `["-n","id"]`,
		`{"type":"strong","x-setlogger":{"colour":1,"order":["n"]}}`: `["n","id"]`, // of a later version
		`{"x-setlogger":{"order":["-"]}}`:                            none, `{"x-setlogger":{"order":"n"}}`: none, `{"x-setlogger":[]}`: none,
	} {
		if got := schema.OrderOf([]byte(text)).String(); got != want {
			t.Errorf("%s sets %s, not %s", text, got, want)
		}
	}
}
