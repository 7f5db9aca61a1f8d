package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

func TestConvert(t *testing.T) {
	const action = `{"type":"CREATE_NODE","id":`
	for _, c := range []struct{ name, in, field, want, wrong string }{
		{
			"a.ndjson", `{"id":"x","n":1}` + "\n" + `{"n":{"id":2},"id":"y/ü"}`, "id",
			action + `"x","properties":{"n":1}}` + "\n" + action + `"y/ü","properties":{"n":{"id":2}}}` + "\n", "",
		},
		{"a.ndjson", "{\"id\":1.0}\n\n{\"id\":-0}\n", "id", action + `"1","properties":{}}` + "\n\n" + action + `"0","properties":{}}` + "\n", ""},
		{"a.ndjson", `{"cityId":42,"id":"kept","a":[1, 2]}`, "cityId", action + `"42","properties":{"id":"kept","a":[1, 2]}}` + "\n", ""},
		{
			"a.JSON", "[\n {\"id\":\"a\",\n \"v\":null},\n {\"id\":\"b\"}\n]", "id",
			action + `"a","properties":{"v":null}}` + "\n" + action + `"b","properties":{}}` + "\n", "",
		},
		{
			"a.csv", "\ufeffid,name\n1,\"a \"\"b\"\"\nc\"\n2,\n", "id",
			action + `"1","properties":{"name":"a \"b\"\nc"}}` + "\n" + action + `"2","properties":{"name":""}}` + "\n", "",
		},
		{"a.ndjson", `{"id":"x"}` + "\n" + `{"n":1}`, "id", action + `"x","properties":{}}` + "\n", `record 2 of a.ndjson: no member "id"`},
		{"a.ndjson", `{"id":true}`, "id", "", "not a string or a number"},
		{"a.ndjson", `{"id":"x","a":1,"a":2}`, "id", "", "duplicate"},
		{"a.ndjson", `[1]`, "id", "", "not a JSON object"},
		{"a.json", `{"id":1}`, "id", "", "not a JSON array"},
		{"a.csv", "id,n\n1,2,3\n", "id", "", "record 1 of a.csv"},
	} {
		var out strings.Builder
		err := convert(c.name, strings.NewReader(c.in), c.field, &out)
		if out.String() != c.want {
			t.Errorf("%s %q:\n got %s\nwant %s", c.name, c.in, out.String(), c.want)
		}
		if (err != nil) != (c.wrong != "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%s %q: error %v, want %q", c.name, c.in, err, c.wrong)
		}
	}
}

// FuzzConvert: whatever the file holds, what is sent is one CREATE_NODE a line, with an id.
func FuzzConvert(f *testing.F) {
	for _, seed := range []string{"{\"id\":\"x\",\"n\":1}\n", "[{\"id\":1}]", "id,n\n1,\"a\nb\"\n", "{\"id\":\"\\u0000\"}", "[", "\n\n"} {
		for _, name := range []string{"a.ndjson", "a.json", "a.csv"} {
			f.Add(name, []byte(seed))
		}
	}
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		var out bytes.Buffer
		_ = convert(name, bytes.NewReader(data), "id", &out) // a bad file is no failure
		for line := range bytes.Lines(out.Bytes()) {
			if len(bytes.TrimSpace(line)) == 0 {
				continue
			}
			var action struct {
				Type       string
				ID         string
				Properties map[string]any
			}
			if err := json.Unmarshal(line, &action); err != nil || action.Type != "CREATE_NODE" || action.Properties == nil {
				t.Errorf("%q made %q: %v", data, line, err)
			}
		}
	})
}
