package tray

import "strings"

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
