package setlog_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/setlogger/setlogger/setlog"
)

func TestParseOrder(t *testing.T) {
	tests := []struct {
		names []string
		want  string // empty: refused
	}{
		{nil, `["-created","id"]`},
		{[]string{"-created"}, `["-created","id"]`},
		{[]string{"created", "-id"}, `["created","-id"]`},
		{[]string{"author", "-rank"}, `["author","-rank","id"]`},
		{[]string{"a", "id", "b"}, `["a","id"]`},
		{[]string{"--a"}, `["--a","id"]`},
		{[]string{"1", "2", "3", "4", "5", "6", "7", "8"}, `["1","2","3","4","5","6","7","8","id"]`},
		{[]string{"1", "2", "3", "4", "5", "6", "7", "8", "9"}, ""},
		{[]string{""}, ""},
		{[]string{"-"}, ""},
		{[]string{"id", "-"}, ""},
		{[]string{"a", "-a"}, ""},
	}
	for _, test := range tests {
		o, err := setlog.ParseOrder(test.names)
		if test.want == "" {
			if !errors.Is(err, setlog.ErrOrder) {
				t.Errorf("%q is read as %v, %v", test.names, o, err)
			}
			continue
		}
		if err != nil || o.String() != test.want {
			t.Errorf("%q is read as %v, %v", test.names, o, err)
			continue
		}
		if again, err := setlog.ParseOrder(o.Names()); err != nil || again.String() != test.want {
			t.Errorf("%q is read again as %v, %v", o.Names(), again, err)
		}
	}
}

func parseOrder(t testing.TB, names ...string) setlog.Order {
	t.Helper()
	o, err := setlog.ParseOrder(names)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// TestOrderOfValues has values from the least to the greatest.
func TestOrderOfValues(t *testing.T) {
	long := strings.Repeat("x", 256)
	values := []string{
		"", `null`, `false`, `true`,
		`-1e308`, `-9007199254740992`, `-2`, `-1.5`, `-1`, `-5e-324`, `0`, `5e-324`, `0.1`, `1`, `1.5`, `2`, `10`, `9007199254740992`, `1e308`,
		`""`, `"\u0000"`, `"\u0000\u0000"`, `"\u0000\u0001"`, `"\u0000a"`, `"\u0001"`, `"\u0001\u0000"`, `"\u0002"`, `" "`, `"10"`, `"2"`, `"A"`, `"a"`, `"a\u0000"`, `"aa"`, `"b"`,
		`"` + long[1:] + `"`, `"` + long + `"`, `"é"`, `"\uffff"`, `"😀"`,
		`["a"]`, `[10]`, `[1]`, `[2]`, `[]`, `{"a":1}`, `{"a":2}`, `{"b":1}`, `{}`,
	}
	up, down := parseOrder(t, "v"), parseOrder(t, "-v")
	last, lastDown := []byte(nil), []byte{0xff}
	for i, value := range values {
		m := memory{}
		body := `{"type":"CREATE_NODE","id":"a","properties":{"v":` + value + `}}`
		if value == "" {
			body = `{"type":"CREATE_NODE","id":"a"}`
		}
		mustAct(t, m, &device{}, body)
		key, downKey := up.Key("a", m["a"]), down.Key("a", m["a"])
		if bytes.Compare(last, key) >= 0 || bytes.Compare(lastDown, downKey) <= 0 {
			t.Errorf("%.20s is not after %.20s: %x, %x", value, values[max(i, 1)-1], key, downKey)
		}
		last, lastDown = key, downKey
	}
}

func TestOrderKey(t *testing.T) {
	m, d := memory{}, &device{}
	mustAct(t, m, d, `{"type":"CREATE_NODE","id":"a","properties":{"s":"x\u0000y","n":-1,"l":[1],"long":"`+strings.Repeat("z", 1000)+`"}}`)
	mustAct(t, m, d, `{"type":"CREATE_NODE","id":"dead","properties":{"n":1}}`)
	mustAct(t, m, d, `{"type":"DELETE_NODE","id":"dead"}`)
	stamp := uint64(m["a"].Created().Stamp)
	tests := []struct {
		names []string
		id    string
		want  string // hex
	}{
		{nil, "a", fmt.Sprintf("%016x61", ^stamp)},
		{[]string{"created"}, "a", fmt.Sprintf("%016x61", stamp)},
		{[]string{"id"}, "a", "61"},
		{[]string{"-id"}, "a", "9eff"},
		{[]string{"s"}, "a", "0678010179" + "00" + "61"},
		{[]string{"-n", "x"}, "a", "fa" + "bff0000000000000" + "01" + "61"},
		{[]string{"l", "-id"}, "a", "075b315d00" + "9eff"},
		{[]string{"long"}, "a", "06" + strings.Repeat("7a", 256) + "0061"},
		{nil, "dead", "ffffffffffffffff" + "64656164"},
		{[]string{"n", "created"}, "dead", "01" + "0000000000000000" + "64656164"},
		{[]string{"n"}, "none", "01" + "6e6f6e65"},
	}
	for _, test := range tests {
		o := parseOrder(t, test.names...)
		key := o.Key(test.id, m[test.id])
		if got := fmt.Sprintf("%x", key); got != test.want {
			t.Errorf("%v of %s is %s, not %s", o, test.id, got, test.want)
		}
		if id, err := o.ID(key); err != nil || id != test.id {
			t.Errorf("%v: %x is of %q, %v", o, key, id, err)
		}
		if m[test.id] == nil {
			continue
		}
		stored, err := o.StoredKey(test.id, m[test.id].AppendBinary(nil))
		if want := string(key); err != nil || m[test.id].Alive() != (stored != nil) || stored != nil && string(stored) != want {
			t.Errorf("%v of stored %s is %x, %v", o, test.id, stored, err)
		}
		for cut := range key {
			if id, err := o.ID(key[:cut]); err == nil && (o.Names()[len(o.Names())-1] == "-id" || !strings.HasPrefix(test.id, id)) {
				t.Errorf("%v: %x, cut at %d, is of %q", o, key, cut, id)
			}
		}
	}
	for _, o := range []setlog.Order{parseOrder(t), parseOrder(t, "n")} {
		for _, data := range [][]byte{nil, {9}, {1, 1, 1}} {
			if key, err := o.StoredKey("a", data); !errors.Is(err, setlog.ErrNode) {
				t.Errorf("%v of no node is %x, %v", o, key, err)
			}
		}
	}
}

// record is a node as the test knows it.
type record struct {
	id    string
	stamp setlog.Stamp
	value map[string]any
}

// compareRecords is the order as docs/schema.md says it.
func compareRecords(names []string, a, b record) int {
	for _, name := range append(slices.Clip(names), "id") {
		c := 0
		switch plain := strings.TrimPrefix(name, "-"); plain {
		case "id":
			c = cmp.Compare(a.id, b.id)
		case "created":
			c = cmp.Compare(a.stamp, b.stamp)
		default:
			x, okX := a.value[plain]
			y, okY := b.value[plain]
			c = compareValues(x, okX, y, okY)
		}
		if name[0] == '-' {
			c = -c
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

func compareValues(a any, okA bool, b any, okB bool) int {
	if c := cmp.Compare(rank(a, okA), rank(b, okB)); c != 0 {
		return c
	}
	if x, ok := a.(float64); ok {
		y, _ := b.(float64) // of one rank
		return cmp.Compare(x, y)
	}
	return cmp.Compare(first256(a), first256(b))
}

func rank(v any, ok bool) int {
	switch v := v.(type) {
	case nil:
		if !ok {
			return 0
		}
		return 1
	case bool:
		if v {
			return 3
		}
		return 2
	case float64:
		return 4
	case string:
		return 5
	case []any:
		return 6
	}
	return 7
}

func first256(v any) string {
	text, ok := v.(string)
	if !ok {
		data, _ := json.Marshal(v)
		data, _ = setlog.Canonical(data)
		text = string(data)
	}
	return text[:min(256, len(text))]
}

func valueOf(t testing.TB, n *setlog.Node) map[string]any {
	var value map[string]any
	if err := json.Unmarshal(n.Value(), &value); err != nil {
		t.Fatal(err)
	}
	return value
}

func sign(n int) int { return cmp.Compare(n, 0) }

// FuzzOrderKey compares the keys of two nodes with what docs/schema.md says of the nodes.
func FuzzOrderKey(f *testing.F) {
	f.Add("p", "-q", "a", "b", []byte(`{"p":1,"q":"x"}`), []byte(`{"p":1,"q":"xy"}`), byte(0))
	f.Add("-p", "created", "a", "ab", []byte(`{"p":[1,{}]}`), []byte(`{"p":{"a":null}}`), byte(1))
	f.Add("-created", "-id", "a\x01", "a\x00b", []byte(`{"p":false}`), []byte(`{}`), byte(0))
	f.Fuzz(func(t *testing.T, one, two, idA, idB string, a, b []byte, wait byte) {
		o, err := setlog.ParseOrder([]string{one, two})
		if err != nil || idA == idB {
			return
		}
		m, d := memory{}, &device{}
		var keys [2][]byte
		var records [2]record
		for i, in := range []struct {
			id    string
			value []byte
		}{{idA, a}, {idB, b}} {
			id, _ := json.Marshal(in.id)
			body := fmt.Sprintf(`{"type":"CREATE_NODE","id":%s,"properties":%s}`, id, in.value)
			if _, err := m.act(&testing.T{}, d, body); err != nil || m[in.id] == nil {
				return
			}
			n := m[in.id]
			keys[i], records[i] = o.Key(in.id, n), record{in.id, n.Created().Stamp, valueOf(t, n)}
			if read, err := o.ID(keys[i]); err != nil || read != in.id {
				t.Fatalf("%x is of %q, %v, not %q", keys[i], read, err, in.id)
			}
			if stored, err := o.StoredKey(in.id, n.AppendBinary(nil)); err != nil || !bytes.Equal(stored, keys[i]) {
				t.Fatalf("stored: %x, %v, not %x", stored, err, keys[i])
			}
		}
		if got, want := bytes.Compare(keys[0], keys[1]), compareRecords([]string{one, two}, records[0], records[1]); got != sign(want) {
			t.Fatalf("%v: %x and %x of %v and %v compare as %d, not %d", o, keys[0], keys[1], records[0], records[1], got, want)
		}
	})
}

// FuzzOrderID reads keys that anybody may have made.
func FuzzOrderID(f *testing.F) {
	f.Add("-created", []byte("12345678a"))
	f.Add("-p", []byte{0xfe, 'a'})
	f.Add("-id", []byte{0x9e, 0xff})
	f.Fuzz(func(t *testing.T, name string, key []byte) {
		o, err := setlog.ParseOrder([]string{name})
		if err != nil {
			return
		}
		if id, err := o.ID(key); err == nil && (id == "" || len(id) > setlog.MaxID) {
			t.Fatalf("%x is of %q", key, id)
		}
	})
}

func TestOrderOfNodes(t *testing.T) {
	value := rapid.SampledFrom([]string{`null`, `true`, `false`, `0`, `-1`, `1.5`, `"a"`, `"ab"`, `"\u0000"`, `[1]`, `{"a":1}`, `"` + strings.Repeat("x", 300) + `"`})
	name := rapid.SampledFrom([]string{"p", "-p", "q", "-q", "created", "-created", "id", "-id"})
	rapid.Check(t, func(rt *rapid.T) {
		names := rapid.SliceOfNDistinct(name, 1, 4, func(s string) string { return strings.TrimPrefix(s, "-") }).Draw(rt, "order")
		o := parseOrder(t, names...)
		m, d := memory{}, &device{}
		var all []record
		for i := range rapid.IntRange(2, 12).Draw(rt, "nodes") {
			id := fmt.Sprint(rapid.SampledFrom([]string{"a", "b", "ü"}).Draw(rt, "id"), i)
			mustAct(t, m, d, fmt.Sprintf(`{"type":"CREATE_NODE","id":%q,"properties":{"p":%s}}`, id, value.Draw(rt, "p")))
			if rapid.Bool().Draw(rt, "q") {
				mustAct(t, m, d, fmt.Sprintf(`{"type":"SET_PROPERTY","id":%q,"properties":{"q":%s}}`, id, value.Draw(rt, "value")))
			}
			all = append(all, record{id, m[id].Created().Stamp, valueOf(t, m[id])})
		}
		slices.SortFunc(all, func(a, b record) int { return compareRecords(names, a, b) })
		if !slices.IsSortedFunc(all, func(a, b record) int { return bytes.Compare(o.Key(a.id, m[a.id]), o.Key(b.id, m[b.id])) }) {
			rt.Fatalf("%v sorts %v in another way", o, all)
		}
	})
}
