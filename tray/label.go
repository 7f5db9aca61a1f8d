package tray

import (
	"strconv"
	"strings"
)

// label is text as a menu takes it: one line of bearable length.
func label(text, goos string) string {
	text = clip(strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r < ' ' }), " "), 72)
	if goos == "windows" {
		text = strings.ReplaceAll(text, "&", "&&") // else it underlines the next letter
	}
	return text
}

// clip cuts text to a number of characters.
func clip(text string, limit int) string {
	runes := []rune(text)
	if len(runes) <= limit {
		return text
	}
	return strings.TrimRight(string(runes[:limit-1]), " ") + "…"
}

// indented sets a hint under its problem.
func indented(hint string) string {
	if hint == "" {
		return ""
	}
	return "    " + hint
}

// more says how many problems found no place.
func more(n int) string {
	if n <= 0 {
		return ""
	}
	return "and " + strconv.Itoa(n) + " more, on the page"
}
