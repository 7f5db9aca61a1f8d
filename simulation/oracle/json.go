package oracle

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// raw is one JSON value in canonical form.
type raw = jsontext.Value

// object holds the members of a JSON object, each canonical.
type object map[string]raw

// readLine returns the members of an entry's line, if it is one: canonical JSON, not too long and not too deep.
func readLine(line []byte) (object, bool) {
	if len(line) > 1<<20 {
		return nil, false
	}
	canonical := raw(bytes.Clone(line))
	if canonical.Canonicalize() != nil || !bytes.Equal(canonical, line) || depth(line) > 66 || !areSafe(line) {
		return nil, false
	}
	return readObject(canonical)
}

// depth counts how deep arrays and objects nest in valid JSON.
func depth(value []byte) int {
	deep, deepest, quoted := 0, 0, false
	for i := 0; i < len(value); i++ {
		switch c := value[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{' || c == '[':
			deep++
			deepest = max(deepest, deep)
		case c == '}' || c == ']':
			deep--
		}
	}
	return deepest
}

// areSafe tells whether all integers in canonical JSON, which are its numbers without point and exponent, are within 2^53.
func areSafe(line []byte) bool {
	tokens := jsontext.NewDecoder(bytes.NewReader(line))
	for {
		token, err := tokens.ReadToken()
		if err != nil {
			return errors.Is(err, io.EOF)
		}
		if token.Kind() != '0' || strings.ContainsAny(token.String(), ".e") {
			continue
		}
		if _, ok := readWhole(raw(token.String()), -most, most); !ok {
			return false
		}
	}
}

func readObject(value raw) (object, bool) {
	if value.Kind() != '{' {
		return nil, false
	}
	var members object
	return members, json.Unmarshal(value, &members) == nil
}

func readArray(value raw) ([]raw, bool) {
	if value.Kind() != '[' {
		return nil, false
	}
	var items []raw
	return items, json.Unmarshal(value, &items) == nil
}

func readString(value raw) (string, bool) {
	if value.Kind() != '"' {
		return "", false
	}
	var text string
	return text, json.Unmarshal(value, &text) == nil
}

// readWhole reads a whole number from low to high.
func readWhole(value raw, low, high int64) (int64, bool) {
	n, err := strconv.ParseInt(string(value), 10, 64)
	return n, err == nil && low <= n && n <= high
}

// has tells whether a member stands in the object, be it null.
func (o object) has(name string) bool { return o[name] != nil }

// write returns the object in canonical form.
func (o object) write() raw {
	text := []byte{'{'}
	for name, value := range o {
		if len(text) > 1 {
			text = append(text, ',')
		}
		text, _ = jsontext.AppendQuote(text, name) // names came from valid JSON
		text = append(append(text, ':'), value...)
	}
	return canonical(append(text, '}'))
}

func writeArray(items []raw) raw {
	text := []byte{'['}
	for i, item := range items {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(text, item...)
	}
	return append(text, ']')
}

// canonical sorts members and writes numbers as RFC 8785 says; text is valid JSON.
func canonical(text raw) raw {
	if err := text.Canonicalize(); err != nil {
		panic("oracle: its own JSON is none: " + string(text))
	}
	return text
}
