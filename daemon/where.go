package daemon

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/setlogger/setlogger/setlog"
)

// maxConditions bounds the where= of one request.
const maxConditions = 16

// condition is one where=: PROPERTY:OPERATOR:VALUE.
type condition struct {
	property string
	operator string
	values   []any // one, or those of in: a text, float64, bool or nil
}

// operators tell of two values of one kind whether they stand so. Values of different kinds never do.
var operators = map[string]func(have, want any) bool{
	"eq":          func(have, want any) bool { return have == want },
	"in":          func(have, want any) bool { return have == want },
	"lt":          func(have, want any) bool { return compareValues(have, want) == -1 },
	"gt":          func(have, want any) bool { return compareValues(have, want) == 1 },
	"starts-with": startsWith,
}

// compareValues compares numbers, and texts by their UTF-8 bytes; 2: they do not compare.
func compareValues(have, want any) int {
	if x, ok := have.(float64); ok {
		if y, ok := want.(float64); ok {
			switch {
			case x < y:
				return -1
			case x > y:
				return 1
			}
			return 0
		}
	}
	if x, ok := have.(string); ok {
		if y, ok := want.(string); ok {
			return strings.Compare(x, y)
		}
	}
	return 2
}

func startsWith(have, want any) bool {
	x, isText := have.(string)
	y, wantsText := want.(string)
	return isText && wantsText && strings.HasPrefix(x, y)
}

// parseConditions reads all where= of a request; a node must meet each.
func parseConditions(words []string) ([]condition, error) {
	if len(words) > maxConditions {
		return nil, problem(http.StatusBadRequest, fmt.Sprintf("more than %d where=", maxConditions), "in takes many values: where=author:in:ann,bob")
	}
	var all []condition
	for _, word := range words {
		c, err := parseCondition(word)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

func parseCondition(word string) (condition, error) {
	property, rest, _ := strings.Cut(word, ":")
	operator, text, whole := strings.Cut(rest, ":")
	if !whole || property == "" || operators[operator] == nil {
		return condition{}, problem(http.StatusBadRequest, fmt.Sprintf("where=%s is not PROPERTY:OPERATOR:VALUE", word),
			"operators are eq, in, lt, gt and starts-with: where=author:eq:ann, where=year:lt:1900")
	}
	if !utf8.ValidString(word) {
		return condition{}, problem(http.StatusBadRequest, "where= is not UTF-8", "percent-encode its bytes as UTF-8")
	}
	c := condition{property: property, operator: operator}
	switch {
	case operator == "starts-with":
		c.values = []any{textOf(text)}
	case operator != "in":
		c.values = []any{valueOf(text)}
	default:
		if json.Unmarshal([]byte(text), &c.values) != nil || c.values == nil {
			c.values = nil
			for part := range strings.SplitSeq(text, ",") {
				c.values = append(c.values, valueOf(part))
			}
		}
	}
	return c, nil
}

// valueOf reads a number, true, false, null or a text in quotes as JSON; all else is a text as it stands.
func valueOf(text string) any {
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		return text
	}
	switch value.(type) {
	case map[string]any, []any:
		return text
	}
	return value
}

func textOf(text string) any {
	if quoted, ok := valueOf(text).(string); ok {
		return quoted
	}
	return text
}

// meets tells whether a property is as the condition wants it; of an array, whether any element is.
func (c condition) meets(have any) bool {
	if list, ok := have.([]any); ok {
		return slices.ContainsFunc(list, c.meetsOne)
	}
	return c.meetsOne(have)
}

func (c condition) meetsOne(have any) bool {
	switch have.(type) {
	case map[string]any, []any:
		return false
	}
	is := operators[c.operator]
	return slices.ContainsFunc(c.values, func(want any) bool {
		switch want.(type) {
		case map[string]any, []any:
			return false
		}
		return is(have, want)
	})
}

// selects tells whether a node meets all conditions. A property that is absent meets none.
func selects(all []condition, node *setlog.Node) bool {
	if len(all) == 0 {
		return true
	}
	var value map[string]any
	if json.Unmarshal(node.Value(), &value) != nil {
		return false
	}
	for _, c := range all {
		if have, there := value[c.property]; !there || !c.meets(have) {
			return false
		}
	}
	return true
}

// pick leaves of a node's value the named properties alone.
func pick(value []byte, fields []string) []byte {
	decoder := jsontext.NewDecoder(bytes.NewReader(value))
	if _, err := decoder.ReadToken(); err != nil {
		return value
	}
	dst := []byte{'{'}
	for decoder.PeekKind() == '"' {
		name, err := decoder.ReadValue()
		if err != nil {
			return value
		}
		key := slices.Clone(name)
		member, err := decoder.ReadValue()
		if err != nil {
			return value
		}
		var text string
		if json.Unmarshal(key, &text) != nil || !slices.Contains(fields, text) {
			continue
		}
		if len(dst) > 1 {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, key...), ':'), member...)
	}
	return append(dst, '}')
}
