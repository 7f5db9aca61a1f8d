package daemon

import (
	"encoding/json"
	"slices"

	"github.com/setlogger/setlogger/setlog"
)

// soughtBy is what conditions seek of each property, as keys of an order have it. It may allow more than they do.
func soughtBy(conditions []condition) map[string]setlog.Sought {
	sought := map[string]setlog.Sought{}
	for _, c := range conditions {
		s, ok := sought[c.property]
		if c.narrow(&s) || ok {
			sought[c.property] = s
		}
	}
	return sought
}

// narrow adds to what is sought of the condition's property. It tells whether it could.
func (c condition) narrow(s *setlog.Sought) bool {
	values, known := c.canonical()
	switch {
	case !known:
		return false
	case c.operator == "eq", c.operator == "in":
		if s.Any == nil {
			s.Any = values
		}
		return true
	}
	bound := map[string]*[]byte{"gt": &s.Above, "lt": &s.Below, "starts-with": &s.Prefix}[c.operator]
	if len(values) == 1 && *bound == nil {
		*bound = values[0]
	}
	return len(values) == 1
}

// canonical is the condition's values that are no arrays or objects, which nothing is equal to.
func (c condition) canonical() (values [][]byte, known bool) {
	values = [][]byte{}
	for _, value := range c.values {
		switch value.(type) {
		case map[string]any, []any:
			continue
		}
		text, err := json.Marshal(value)
		if err == nil {
			text, err = setlog.Canonical(text)
		}
		if err != nil {
			return nil, false
		}
		values = append(values, text)
	}
	return values, true
}

// indexFor is the one of the stored orders that most of the first fields are sought of, the first of those that are alike.
func indexFor(stored []setlog.Order, sought map[string]setlog.Sought) setlog.Order {
	used := make([]int, len(stored))
	for i, order := range stored {
		_, used[i] = order.Bounds(sought)
	}
	return stored[slices.Index(used, slices.Max(used))]
}
