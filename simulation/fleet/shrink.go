package fleet

import (
	"errors"
	"os"
	"regexp"
)

// Shrink leaves steps out of a plan that fails while it fails in the same way, with its files in folders that are made
// for it.
func Shrink(p *Plan, failure error, folder func() string) *Plan {
	same := kind(failure)
	fails := func(q *Plan) bool {
		at := folder()
		defer func() { _ = os.RemoveAll(at) }()
		_, err := Play(q, at, false)
		return err != nil && kind(err) == same
	}
	for size := len(p.Steps) / 2; size > 0; {
		smaller := false
		for from := 0; from+size <= len(p.Steps); {
			if q := p.without(from, from+size); fails(q) {
				p, smaller = q, true
				continue
			}
			from += size
		}
		if !smaller || size > 1 {
			size /= 2
		}
	}
	return p
}

// names are what differs between two failures of one kind.
var names = regexp.MustCompile(`[0-9a-z.]{14,}|[0-9]+`)

// kind is what a violation says less the names in it.
func kind(err error) string {
	v, ok := errors.AsType[*Violation](err)
	if !ok {
		return ""
	}
	text := names.ReplaceAllString(v.Err.Error(), "#")
	return text[:min(len(text), 60)]
}
