package setlog

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Canonical answers the RFC 8785 form of one JSON value. It refuses what would not come back as it went in: duplicate
// keys, lone surrogates, integers beyond ±2^53, numbers no float64 holds, depth over 64, more than 1 MiB.
// The result may share memory with data, which is overwritten.
func Canonical(data []byte) ([]byte, error) { return canonical(data, MaxDepth) }

// listDepth is how many levels a list of actions has around each: an object, and in it the list.
const listDepth = 2

func canonical(data []byte, deepest int) ([]byte, error) {
	if len(data) > MaxLine {
		return nil, &Refusal{Kind: TooLarge, Reason: fmt.Sprintf("%d bytes are more than 1 MiB", len(data)), Hint: "split it"}
	}
	if isCanonical(data, deepest) {
		return data, nil
	}
	return canonicalize(data, deepest)
}

func canonicalize(data []byte, deepest int) ([]byte, error) {
	if err := checkLimits(data, deepest); err != nil {
		return nil, err
	}
	v := jsontext.Value(data)
	if err := v.Canonicalize(); err != nil {
		return nil, invalid("not strict JSON: "+err.Error(), "duplicate keys, bad UTF-8 and lone surrogates are refused")
	}
	return bytes.TrimSpace(v), nil
}

// checkLimits scans text that may not be JSON at all for depth and numbers; Canonicalize judges the rest.
func checkLimits(data []byte, deepest int) error {
	depth := 0
	for i := 0; i < len(data); {
		switch c := data[i]; {
		case c == '"':
			i = skipString(data, i)
			continue
		case c == '{' || c == '[':
			if depth++; depth > deepest {
				return invalid(fmt.Sprintf("nested deeper than %d", deepest), "flatten the value")
			}
		case c == '}' || c == ']':
			depth--
		case c == '-' || c >= '0' && c <= '9':
			end := skipNumber(data, i)
			if err := checkNumber(data[i:end]); err != nil {
				return err
			}
			i = end
			continue
		}
		i++
	}
	return nil
}

// skipString answers the index after the string that starts at i, or the end of data.
func skipString(data []byte, i int) int {
	for i++; i < len(data); i++ {
		switch data[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(data)
}

func skipNumber(data []byte, i int) int {
	for i < len(data) && (data[i] >= '0' && data[i] <= '9' || data[i] == '-' || data[i] == '+' || data[i] == '.' || data[i]|0x20 == 'e') {
		i++
	}
	return i
}

func checkNumber(text []byte) error {
	integer := !bytes.ContainsAny(text, ".eE")
	if integer && len(text) < 16 {
		return nil
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return invalid(fmt.Sprintf("the number %.40s is out of range", text), "numbers are float64; write it as a string")
	}
	if !integer { // 1e20 and 123456789012345678.0 become integers in canonical form
		text, _ = jsontext.AppendFormat(nil, text, jsontext.CanonicalizeRawFloats(true))
		integer = !bytes.ContainsAny(text, ".e")
	}
	if integer && (math.Abs(f) > MaxNumber || math.Abs(f) == MaxNumber && !bytes.Equal(bytes.TrimLeft(text, "-"), []byte("9007199254740992"))) {
		return invalid(fmt.Sprintf("the integer %.40s is beyond ±2^53", text), "write it as a string")
	}
	return nil
}

// member is one name and value of a canonical object; name is still quoted.
type member struct{ name, value []byte }

// members yields the members of a canonical object in their order.
func members(object []byte) func(yield func(member) bool) {
	return func(yield func(member) bool) {
		for i := 1; i < len(object)-1; i++ { // skips the comma
			colon := skipString(object, i)
			end := skipValue(object, colon+1)
			if !yield(member{object[i:colon], object[colon+1 : end]}) {
				return
			}
			i = end
		}
	}
}

// elements yields the elements of a canonical array in their order.
func elements(array []byte) func(yield func([]byte) bool) {
	return func(yield func([]byte) bool) {
		for i := 1; i < len(array)-1; i++ {
			end := skipValue(array, i)
			if !yield(array[i:end]) {
				return
			}
			i = end
		}
	}
}

// skipValue answers the index after the canonical value that starts at i.
func skipValue(data []byte, i int) int {
	depth := 0
	for i < len(data) {
		switch data[i] {
		case '"':
			i = skipString(data, i)
			if depth == 0 {
				return i
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i
			}
			if depth--; depth == 0 {
				return i + 1
			}
		case ',':
			if depth == 0 {
				return i
			}
		}
		i++
	}
	return i
}

// unquote reads a canonical JSON string.
func unquote(quoted []byte) string {
	inner := quoted[1 : len(quoted)-1]
	if bytes.IndexByte(inner, '\\') < 0 {
		return string(inner)
	}
	s, _ := jsontext.AppendUnquote(nil, quoted)
	return string(s)
}

func appendQuote(dst []byte, s string) []byte {
	dst, _ = jsontext.AppendQuote(dst, s) // the only error is bad UTF-8, which Canonical has refused
	return dst
}

func isKind(value []byte, first byte) bool { return len(value) > 0 && value[0] == first }

func isNumber(value []byte) bool {
	return len(value) > 0 && (value[0] == '-' || value[0] >= '0' && value[0] <= '9')
}

func parseInteger(value []byte) (int64, bool) {
	n, err := strconv.ParseInt(string(value), 10, 64)
	return n, err == nil && n >= -MaxNumber && n <= MaxNumber
}

// compareKeys orders member names as RFC 8785 does, by UTF-16 code units: like UTF-8 bytes, save that characters
// beyond U+FFFF stand before U+E000 to U+FFFF.
func compareKeys[T []byte | string](a, b T) int {
	for i := 0; i < len(a) && i < len(b); i++ {
		if a[i] == b[i] {
			continue
		}
		if a[i] < 0xEE || b[i] < 0xEE || a[i] >= 0xF0 == (b[i] >= 0xF0) {
			return cmp.Compare(a[i], b[i])
		}
		return -cmp.Compare(a[i], b[i])
	}
	return cmp.Compare(len(a), len(b))
}

// withMembers answers a canonical object with some members set; a nil value takes the member away.
func withMembers(object []byte, set map[string][]byte) []byte {
	all := make(map[string][]byte, len(set)+8)
	for m := range members(object) {
		all[unquote(m.name)] = m.value
	}
	maps.Copy(all, set)
	return appendObject(make([]byte, 0, len(object)+64), all)
}

func appendObject(dst []byte, all map[string][]byte) []byte {
	dst = append(dst, '{')
	first := true
	for _, name := range sortedKeys(all) {
		if all[name] == nil {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(append(appendQuote(dst, name), ':'), all[name]...)
	}
	return append(dst, '}')
}

func validID(id string) bool { return id != "" && len(id) <= MaxID && utf8.ValidString(id) }

func sortedKeys(all map[string][]byte) []string {
	return slices.SortedFunc(maps.Keys(all), compareKeys[string])
}
