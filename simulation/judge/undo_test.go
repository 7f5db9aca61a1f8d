package judge

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/setlogger/setlogger/setlog"
)

// checkUndo undoes an entry on a device and compares the outcome with what is expected.
func (s step) checkUndo(t *testing.T, p *party) error {
	past, err := p.past(s.Undo)
	if err != nil {
		return err
	}
	if by, ok := past.UndoneBy(); ok {
		if string(s.Expect["refused"]) != `"undone"` {
			return fmt.Errorf("it is undone already, by %v", by)
		}
		return nil
	}
	u, err := past.Undo(p, p.Schema)
	if err != nil {
		return s.judge(t, setlog.Entry{}, err)
	}
	if err := s.judgeLeft(t, u.Left); err != nil {
		return err
	}
	if len(u.Actions) == 0 {
		return s.judge(t, setlog.Entry{}, setlog.ErrUnchanged)
	}
	e, err := p.compose(writerOf(t, s.Device), s, u.Actions)
	return s.judge(t, e, err)
}

// past is what a device's entries say of one of them.
func (p *party) past(name string) (*setlog.Past, error) {
	id, err := setlog.ParseEntryID(name)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(p.records, func(r Record) bool { return r.ID() == id })
	if i < 0 {
		return nil, fmt.Errorf("the device does not hold entry %s", name)
	}
	past := setlog.NewPast(p.records[i].Entry)
	for _, r := range p.records {
		if past.Wants(r.Line) {
			if err := past.Add(r.Entry); err != nil {
				return nil, err
			}
		}
	}
	return past, nil
}

// judgeLeft compares what is left alone, each as [id, path].
func (s step) judgeLeft(t *testing.T, left []setlog.Left) error {
	want, ok := s.Expect["left"]
	if !ok {
		return nil
	}
	left = slices.SortedFunc(slices.Values(left), func(a, b setlog.Left) int { return cmp.Or(cmp.Compare(a.ID, b.ID), slices.Compare(a.Path, b.Path)) })
	got := [][2]any{}
	for _, l := range left {
		got = append(got, [2]any{l.ID, append([]string{}, l.Path...)})
	}
	text, err := json.Marshal(got)
	if err == nil && string(canonicalOf(t, text)) != string(canonicalOf(t, want)) {
		err = fmt.Errorf("left alone is %s, want %s", text, want)
	}
	return err
}
