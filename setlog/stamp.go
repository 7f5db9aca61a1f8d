package setlog

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Stamp is a hybrid logical clock reading (Kulkarni et al., 2014): Unix milliseconds in the upper 48 bits, a tick
// in the lower 16.
type Stamp uint64

const (
	tickBits = 16
	// maxWall is the last millisecond of 2099: no clock is believed beyond it.
	maxWall = 4102444799999
	// MaxStamp is the highest stamp that folds: a year of room above maxWall for stamps that had to exceed others.
	MaxStamp Stamp = (maxWall + 366*24*3600*1000) << tickBits
	// maxLead is how far ahead of the wall clock a foreign stamp may pull the watermark.
	maxLead = 5 * time.Minute
)

// ParseStamp reads what String makes.
func ParseStamp(s string) (Stamp, error) {
	left, right, ok := strings.Cut(s, "-")
	ms, err1 := strconv.ParseUint(left, 10, 48)
	tick, err2 := strconv.ParseUint(right, 10, tickBits)
	stamp := Stamp(ms<<tickBits | tick)
	if !ok || err1 != nil || err2 != nil || string(stamp.append(make([]byte, 0, 20))) != s {
		return 0, fmt.Errorf("%w: stamp %q is not milliseconds-tick", ErrName, s)
	}
	return stamp, nil
}

// String is "milliseconds-tick", both decimal.
func (s Stamp) String() string { return string(s.append(make([]byte, 0, 20))) }

func (s Stamp) append(dst []byte) []byte {
	dst = strconv.AppendUint(dst, uint64(s)>>tickBits, 10)
	dst = append(dst, '-')
	return strconv.AppendUint(dst, uint64(s)&math.MaxUint16, 10)
}

// Time is the wall-clock part.
func (s Stamp) Time() time.Time { return time.UnixMilli(int64(s >> tickBits)) }

// Wall is the lowest stamp of a moment; before 1970 it is 0, after 2099 the end of 2099.
func Wall(now time.Time) Stamp {
	ms := min(max(now.UnixMilli(), 0), maxWall)
	return Stamp(ms) << tickBits
}

// Clock hands out stamps that only rise. The zero Clock works; one goroutine at a time.
type Clock struct {
	Watermark Stamp // highest stamp handed out or observed; the store keeps it
}

// Next is a stamp above the watermark and above the highest stamp that the write touches.
func (c *Clock) Next(now time.Time, above Stamp) Stamp {
	c.Watermark = max(Wall(now), c.Watermark+1, above+1)
	return c.Watermark
}

// Observe follows a foreign stamp, but no further than five minutes ahead of the wall clock.
func (c *Clock) Observe(now time.Time, foreign Stamp) {
	c.Watermark = max(c.Watermark, min(foreign, Wall(now.Add(maxLead))))
}

// Mark is the place of one write in the order of all writes: its stamp and, for ties, who wrote it. The zero Mark is
// below every write.
type Mark struct {
	Stamp    Stamp
	Writer   Writer
	Number   uint64 // of the entry
	Position uint32 // of the action in its entry, from 0
}

// Compare orders by stamp, then writer, number and position.
func (m Mark) Compare(o Mark) int {
	if c := cmp.Compare(m.Stamp, o.Stamp); c != 0 {
		return c
	}
	if c := compareWriters(m.Writer, o.Writer); c != 0 {
		return c
	}
	return cmp.Or(cmp.Compare(m.Number, o.Number), cmp.Compare(m.Position, o.Position))
}

// Less tells whether m stands before o.
func (m Mark) Less(o Mark) bool { return m.Compare(o) < 0 }

func later(a, b Mark) Mark {
	if a.Less(b) {
		return b
	}
	return a
}
