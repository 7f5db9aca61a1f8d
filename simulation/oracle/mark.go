package oracle

import (
	"cmp"
	"strconv"
	"strings"
)

// most is the greatest whole number in the format, 2^53.
const most = 1 << 53

// lastStamp is 366 days after the last millisecond of 2099, in ticks.
const lastStamp = 4134067199999 << 16

// mark orders writes. The zero mark is that of no write.
type mark struct {
	stamp    uint64 // milliseconds<<16 | tick
	writer   string
	number   int64
	position int64
}

func (m mark) compare(o mark) int {
	return cmp.Or(
		cmp.Compare(m.stamp, o.stamp),
		compareWriters(m.writer, o.writer),
		cmp.Compare(m.number, o.number),
		cmp.Compare(m.position, o.position),
	)
}

// compareWriters orders writers as the 80 bits that they are: in base32 letters stand for less than digits do.
func compareWriters(a, b string) int {
	for i := range min(len(a), len(b)) {
		if a[i] == b[i] {
			continue
		}
		return cmp.Or(compareBool(a[i] <= '9', b[i] <= '9'), cmp.Compare(a[i], b[i]))
	}
	return cmp.Compare(len(a), len(b))
}

// event is a create or a delete of a node.
type event struct {
	node string
	mark mark
}

// highest returns the greatest mark of a node's events.
func highest(events []event, node string) mark {
	var top mark
	for _, e := range events {
		if e.node == node && e.mark.compare(top) > 0 {
			top = e.mark
		}
	}
	return top
}

// readStamp reads "milliseconds-tick", without leading zeros.
func readStamp(text string) (uint64, bool) {
	left, right, dash := strings.Cut(text, "-")
	ms, ok := readDecimal(left, 1<<48-1)
	tick, fine := readDecimal(right, 1<<16-1)
	return ms<<16 | tick, dash && ok && fine
}

func readDecimal(text string, limit uint64) (uint64, bool) {
	n, err := strconv.ParseUint(text, 10, 64)
	return n, err == nil && n <= limit && strconv.FormatUint(n, 10) == text
}

// readSalt reads 16 lower-case hex digits.
func readSalt(text string) (uint64, bool) {
	n, err := strconv.ParseUint(text, 16, 64)
	return n, err == nil && len(text) == 16 && strings.Trim(text, "0123456789abcdef") == ""
}

// isBase32 tells whether text is n characters of base32 as the format writes it. Those of 26 stand for 128 bits, so that the
// last two of their 130 are 0.
func isBase32(text string, n int) bool {
	digits := "abcdefghijklmnopqrstuvwxyz234567"
	return len(text) == n && strings.Trim(text, digits) == "" && (n != 26 || strings.IndexByte(digits, text[25])%4 == 0)
}
