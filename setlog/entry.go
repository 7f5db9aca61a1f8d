package setlog

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
)

// ErrEntry is what an entry that cannot be applied wraps. Such an entry counts as covered and folds to nothing.
var ErrEntry = errors.New("setlog: entry cannot be applied")

// Entry is one append to a log: an atomic list of actions.
type Entry struct {
	Writer  Writer
	Number  uint64 // 1, 2, 3 … for each writer
	Stamp   Stamp
	Salt    Salt
	Actions []Action
	Saw     []Head // heads that changed since the writer's entry before
	Birth   string // of the bucket, in a writer's first entry
	Line    []byte // canonical JSON, as in a segment, without the newline

	counts []uint64 // N of each touched node in order; empty when all are 1
}

// Head is the last entry of a writer that somebody has folded.
type Head struct {
	Writer Writer
	Number uint64
	Chain  string // Chain.Short after that entry
}

// CompareHeads orders heads by writer, then number, then chain.
func CompareHeads(a, b Head) int {
	return cmp.Or(compareWriters(a.Writer, b.Writer), cmp.Compare(a.Number, b.Number), cmp.Compare(a.Chain, b.Chain))
}

func (e *Entry) mark(position int) Mark {
	return Mark{Stamp: e.Stamp, Writer: e.Writer, Number: e.Number, Position: uint32(position)}
}

// ParseEntry reads the line of a writer's entry of that number. On an error, which wraps ErrEntry, the entry has its
// line and number but no actions, so that it folds to nothing.
func ParseEntry(writer Writer, number uint64, line []byte) (Entry, error) {
	bare := Entry{Writer: writer, Number: number, Line: line}
	if err := checkLine(line); err != nil {
		return bare, fmt.Errorf("%w: entry %d of %s: %w", ErrEntry, number, writer, err)
	}
	return ReadEntry(writer, number, line)
}

// checkLine refuses a line that is not canonical JSON within the limits of an entry.
func checkLine(line []byte) error {
	const deepest = MaxDepth + listDepth
	if len(line) <= MaxLine && isCanonical(line, deepest) {
		return nil
	}
	canonical, err := canonical(bytes.Clone(line), deepest)
	if err == nil && !bytes.Equal(canonical, line) {
		err = errors.New("the line is not in canonical form")
	}
	return err
}

// ReadEntry is ParseEntry for a line that is known to be canonical JSON, such as one that a store took in before.
func ReadEntry(writer Writer, number uint64, line []byte) (Entry, error) {
	e := Entry{Writer: writer, Number: number, Line: line}
	if err := e.read(); err != nil {
		return Entry{Writer: writer, Number: number, Line: line}, fmt.Errorf("%w: entry %d of %s: %w", ErrEntry, number, writer, err)
	}
	return e, nil
}

func (e *Entry) read() error {
	if !isKind(e.Line, '{') {
		return errors.New("not an object")
	}
	var actions []byte
	for m := range members(e.Line) {
		var err error
		switch string(m.name) {
		case `"actions"`:
			actions = m.value
		case `"birth"`:
			e.Birth, err = readText(m.value, func(s string) (string, error) { return s, nil })
		case `"n"`:
			e.counts, err = readCounts(m.value)
		case `"number"`:
			if string(m.value) != strconv.FormatUint(e.Number, 10) {
				err = fmt.Errorf("number %s stands at %d", m.value, e.Number)
			}
		case `"salt"`:
			e.Salt, err = readText(m.value, ParseSalt)
		case `"saw"`:
			e.Saw, err = readSaw(m.value)
		case `"stamp"`:
			e.Stamp, err = readText(m.value, ParseStamp)
		}
		if err != nil {
			return err
		}
	}
	if e.Stamp == 0 || e.Stamp > MaxStamp {
		return fmt.Errorf("stamp %s is out of range", e.Stamp)
	}
	return e.readActions(actions)
}

func (e *Entry) readActions(list []byte) error {
	if !isKind(list, '[') {
		return errors.New("no list of actions")
	}
	e.Actions = make([]Action, 0, 1)
	for element := range elements(list) {
		a, err := readAction(element)
		if err != nil {
			return err
		}
		if err := a.checkFloor(e.mark(len(e.Actions))); err != nil {
			return err
		}
		e.Actions = append(e.Actions, a)
	}
	if e.counts != nil && len(e.counts) != e.named() {
		return errors.New("n holds a count for each node that is named")
	}
	return nil
}

// named counts the nodes that the actions name.
func (e *Entry) named() int {
	if len(e.Actions) == 1 {
		return min(len(e.Actions[0].ID), 1)
	}
	ids := make(map[string]bool, len(e.Actions))
	for i := range e.Actions {
		if id := e.Actions[i].ID; id != "" {
			ids[id] = true
		}
	}
	return len(ids)
}

// checkFloor refuses an action in a log without the member that resolves it, or under a floor that is not below it.
func (a *Action) checkFloor(m Mark) error {
	switch a.Type {
	case Increment:
		if a.run == nil || !a.run.floor.Less(m) {
			return errRun()
		}
	case ArrayInsert, ArrayRemove, ArraySet, ArrayMove:
		if a.slots == nil || !a.slots.floor.Less(m) {
			return errSlots(a.Type)
		}
	}
	return nil
}

func readCounts(array []byte) ([]uint64, error) {
	if !isKind(array, '[') {
		return nil, errors.New("n is not a list")
	}
	counts := make([]uint64, 0, 1)
	for element := range elements(array) {
		n, ok := parseInteger(element)
		if !ok || n < 1 {
			return nil, fmt.Errorf("n holds %.40s", element)
		}
		counts = append(counts, uint64(n))
	}
	return counts, nil
}

func readSaw(array []byte) ([]Head, error) {
	if !isKind(array, '[') {
		return nil, errors.New("saw is not a list")
	}
	var saw []Head
	for element := range elements(array) {
		fields := slices.Collect(elements(element))
		if !isKind(element, '[') || len(fields) != 3 {
			return nil, fmt.Errorf("saw holds %.60s", element)
		}
		writer, err1 := readText(fields[0], ParseWriter)
		number, ok := parseInteger(fields[1])
		chain, err2 := readText(fields[2], parseShort)
		if err1 != nil || err2 != nil || !ok || number < 1 {
			return nil, fmt.Errorf("saw holds %.60s", element)
		}
		saw = append(saw, Head{writer, uint64(number), chain})
	}
	return saw, nil
}

// write makes the line; members stand in canonical order.
func (e *Entry) write() {
	size := 128 + 64*len(e.Saw)
	for _, a := range e.Actions {
		size += len(a.JSON) + 1
	}
	dst := append(make([]byte, 0, size), `{"actions":[`...)
	for i, a := range e.Actions {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, a.JSON...)
	}
	dst = append(dst, ']')
	if e.Birth != "" {
		dst = appendQuote(append(dst, `,"birth":`...), e.Birth)
	}
	dst = e.appendCounts(dst)
	dst = strconv.AppendUint(append(dst, `,"number":`...), e.Number, 10)
	dst = append(append(dst, `,"salt":"`...), e.Salt.String()...)
	dst = append(dst, '"')
	dst = e.appendSaw(dst)
	dst = e.Stamp.append(append(dst, `,"stamp":"`...))
	dst = append(dst, `"}`...)
	e.Line = dst
}

func (e *Entry) appendCounts(dst []byte) []byte {
	if !slices.ContainsFunc(e.counts, func(n uint64) bool { return n != 1 }) {
		return dst
	}
	dst = append(dst, `,"n":[`...)
	for i, n := range e.counts {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendUint(dst, n, 10)
	}
	return append(dst, ']')
}

func (e *Entry) appendSaw(dst []byte) []byte {
	if len(e.Saw) == 0 {
		return dst
	}
	dst = append(dst, `,"saw":[`...)
	for i, h := range e.Saw {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = fmt.Appendf(dst, `[%q,%d,%q]`, h.Writer.String(), h.Number, h.Chain)
	}
	return append(dst, ']')
}
