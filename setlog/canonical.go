package setlog

import (
	"bytes"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// isCanonicalObject tells whether a text is one JSON object in RFC 8785 form, nested as deep as it may be.
func isCanonicalObject(text []byte) bool {
	if !isKind(text, '{') || isCanonical(text, deltaDepth) {
		return isKind(text, '{')
	}
	again := jsontext.Value(bytes.Clone(text))
	return again.Canonicalize() == nil && bytes.Equal(again, text)
}

// isCanonical recognises one JSON value in RFC 8785 form, within the limits of Canonical, in a single pass. It is never
// wrong about text it accepts; of the rest it does not know: escaped member names, \u escapes, and numbers with an exponent or
// more than 15 digits may be canonical too, and whether they are is for Canonical to find out.
func isCanonical(text []byte, deepest int) bool {
	s := scan{text: text, room: deepest}
	return s.value() && s.at == len(text)
}

// scan is a place in a text; its methods step over one thing each, and tell whether they could.
type scan struct {
	text []byte
	at   int
	room int // levels that may still be nested
}

func (s *scan) peek() byte {
	if s.at < len(s.text) {
		return s.text[s.at]
	}
	return 0
}

func (s *scan) byte(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.at++
	return true
}

func (s *scan) word(w string) bool {
	if len(s.text)-s.at < len(w) || string(s.text[s.at:s.at+len(w)]) != w {
		return false
	}
	s.at += len(w)
	return true
}

func (s *scan) value() bool {
	switch s.peek() {
	case '"':
		return s.string()
	case '{':
		return s.object()
	case '[':
		return s.array()
	case 't':
		return s.word("true")
	case 'f':
		return s.word("false")
	case 'n':
		return s.word("null")
	}
	return s.number()
}

func (s *scan) object() bool {
	if s.room--; s.room < 0 {
		return false
	}
	s.at++
	var last []byte
	for first := true; !s.byte('}'); first = false {
		if !first && !s.byte(',') {
			return false
		}
		name, ok := s.name()
		if !ok || !first && compareKeys(last, name) >= 0 || !s.byte(':') || !s.value() {
			return false
		}
		last = name
	}
	s.room++
	return true
}

// name steps over a member's name without escapes, and answers what is between its quotes.
func (s *scan) name() ([]byte, bool) {
	from := s.at + 1
	if s.peek() != '"' || !s.string() {
		return nil, false
	}
	name := s.text[from : s.at-1]
	return name, bytes.IndexByte(name, '\\') < 0
}

func (s *scan) array() bool {
	if s.room--; s.room < 0 {
		return false
	}
	s.at++
	for first := true; !s.byte(']'); first = false {
		if !first && !s.byte(',') || !s.value() {
			return false
		}
	}
	s.room++
	return true
}

func (s *scan) string() bool {
	i := s.at + 1
	for i < len(s.text) {
		switch c := s.text[i]; {
		case c == '"':
			s.at = i + 1
			return true
		case c == '\\':
			if i+1 == len(s.text) || !isShortEscape(s.text[i+1]) {
				return false
			}
			i += 2
		case c < ' ':
			return false
		case c < utf8.RuneSelf:
			i++
		default:
			r, size := utf8.DecodeRune(s.text[i:])
			if r == utf8.RuneError && size == 1 {
				return false
			}
			i += size
		}
	}
	return false
}

func isShortEscape(c byte) bool {
	switch c {
	case '"', '\\', 'b', 'f', 'n', 'r', 't':
		return true
	}
	return false
}

// number accepts what ECMAScript prints without an exponent and with at most 15 digits that count: so many survive the
// way through a float64, and no shorter text is read as the same number.
func (s *scan) number() bool {
	from := s.at
	s.byte('-')
	whole := s.digits()
	switch {
	case len(whole) == 0 || len(whole) > 1 && whole[0] == '0':
		return false
	case !s.byte('.'):
		return len(whole) <= maxDigits && string(s.text[from:s.at]) != "-0" // that is written 0
	}
	part := s.digits()
	if len(part) == 0 || part[len(part)-1] == '0' {
		return false
	}
	if whole[0] != '0' {
		return len(whole)+len(part) <= maxDigits
	}
	counting := bytes.TrimLeft(part, "0")
	return len(part)-len(counting) <= maxZeros && len(counting) <= maxDigits
}

const (
	maxDigits = 15
	maxZeros  = 5 // right behind the point; with more of them there is an exponent
)

func (s *scan) digits() []byte {
	from := s.at
	for s.at < len(s.text) && s.text[s.at] >= '0' && s.text[s.at] <= '9' {
		s.at++
	}
	return s.text[from:s.at]
}
