package setlog

import (
	"cmp"
	"fmt"
	"math/big"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"
)

// run is the total of one writer's increments of one counter under one floor (rule 10).
type run struct {
	writer   Writer
	salt     Salt // of the entry that began the run
	floor    Mark // under which it counts
	number   uint64
	position uint32 // with number: which of two totals of the run is the later one
	stamp    Stamp
	total    int64
}

// compareRuns orders runs by what identifies them.
func compareRuns(a, b run) int {
	return cmp.Or(compareWriters(a.writer, b.writer), cmp.Compare(a.salt, b.salt), a.floor.Compare(b.floor))
}

// after tells whether this total of a run replaces another. A forked writer can number two totals alike.
func (r run) after(o run) bool {
	return cmp.Or(cmp.Compare(r.number, o.number), cmp.Compare(r.position, o.position),
		cmp.Compare(r.stamp, o.stamp), cmp.Compare(r.total, o.total)) > 0
}

// withRun answers sorted runs with r in its place, and whether that changed anything.
func withRun(runs []run, r run) ([]run, bool) {
	i, ok := slices.BinarySearchFunc(runs, r, compareRuns)
	if !ok {
		return slices.Insert(slices.Clip(runs), i, r), true
	}
	if !r.after(runs[i]) {
		return runs, false
	}
	runs = slices.Clone(runs)
	runs[i] = r
	return runs, true
}

// counter is what sum answers as a JSON number, nil when there are no runs.
func (v *vertex) counter(floor Mark, base []byte) []byte {
	if len(v.runs) == 0 {
		return nil
	}
	sum := v.sum(floor, base)
	if sum == nil {
		return nil
	}
	float, _ := sum.Float64()
	return jsontext.AppendFloat(nil, float, 64)
}

// sum is base plus the exact sum of the runs under the floor, nil when there are none. A base that is no number
// counts as 0.
func (v *vertex) sum(floor Mark, base []byte) *big.Rat {
	sum, found := new(big.Rat), false
	for _, r := range v.runs {
		if r.floor == floor {
			sum.Add(sum, new(big.Rat).SetInt64(r.total))
			found = true
		}
	}
	if !found {
		return nil
	}
	if isNumber(base) {
		if number, ok := new(big.Rat).SetString(string(base)); ok {
			sum.Add(sum, number)
		}
	}
	return sum
}

// ownRun is the writer's latest run under a floor; a new one begins with the salt given.
func (v *vertex) ownRun(writer Writer, floor Mark, salt Salt) run {
	own := run{writer: writer, salt: salt, floor: floor}
	if v == nil {
		return own
	}
	for _, r := range v.runs {
		if r.writer == writer && r.floor == floor && (own.number == 0 || r.after(own)) {
			own = r
		}
	}
	return own
}

// append writes the member "run" of an INCREMENT in a log: {"floor":[stamp,writer,number,position],"salt","total"},
// without floor when it is zero.
func (r run) append(dst []byte) []byte {
	dst = append(dst, '{')
	if r.floor != (Mark{}) {
		dst = append(r.floor.append(append(dst, `"floor":`...)), ',')
	}
	dst = append(append(append(dst, `"salt":"`...), r.salt.String()...), `","total":`...)
	return append(strconv.AppendInt(dst, r.total, 10), '}')
}

func (m Mark) append(dst []byte) []byte {
	dst = m.Stamp.append(append(dst, `["`...))
	dst = append(append(append(dst, `","`...), m.Writer.String()...), `",`...)
	dst = append(strconv.AppendUint(dst, m.Number, 10), ',')
	return append(strconv.AppendUint(dst, uint64(m.Position), 10), ']')
}

// readRun reads what append wrote.
func readRun(object []byte) (*run, error) {
	var r run
	var ok, salted bool
	var err error
	if !isKind(object, '{') {
		return nil, errRun()
	}
	for m := range members(object) {
		switch string(m.name) {
		case `"floor"`:
			r.floor, err = readMark(m.value)
		case `"salt"`:
			r.salt, err = readText(m.value, ParseSalt)
			salted = true
		case `"total"`:
			if r.total, ok = parseInteger(m.value); !ok {
				err = errRun()
			}
		}
		if err != nil {
			return nil, errRun()
		}
	}
	if !ok || !salted {
		return nil, errRun()
	}
	return &r, nil
}

func errRun() error { return invalid("the run of an INCREMENT is not {floor,salt,total}", "") }

func readMark(array []byte) (Mark, error) {
	var m Mark
	if !isKind(array, '[') {
		return m, errRun()
	}
	var fields [4][]byte
	n := 0
	for field := range elements(array) {
		if n < len(fields) {
			fields[n] = field
		}
		n++
	}
	if n != len(fields) {
		return m, errRun()
	}
	stamp, err1 := readText(fields[0], ParseStamp)
	writer, err2 := readText(fields[1], ParseWriter)
	number, ok1 := parseInteger(fields[2])
	position, ok2 := parseInteger(fields[3])
	if err1 != nil || err2 != nil || !ok1 || !ok2 || number < 1 || position < 0 || position > MaxLine {
		return m, errRun()
	}
	return Mark{Stamp: stamp, Writer: writer, Number: uint64(number), Position: uint32(position)}, nil
}

// readText reads a canonical JSON string with a parser.
func readText[T any](value []byte, parse func(string) (T, error)) (T, error) {
	if !isKind(value, '"') {
		var zero T
		return zero, fmt.Errorf("%w: %.40s is not a string", ErrName, value)
	}
	return parse(unquote(value))
}
