package history

import (
	"errors"
	"fmt"
	"slices"

	"github.com/setlogger/setlogger/setlog"
)

// undo lets a device undo an entry that it holds. What it appends last and undoes at once, holding all entries, is as
// before then.
func (h *History) undo(d *device) error {
	if len(d.held) == 0 {
		return nil
	}
	last := d.held[len(d.held)-1]
	i := d.held[h.random.IntN(len(d.held))]
	if h.random.IntN(2) == 0 {
		i = last
	}
	undone := h.Records[i].Entry
	past := setlog.NewPast(undone)
	for _, j := range d.held {
		if past.Wants(h.Records[j].Line) {
			if err := past.Add(h.Records[j].Entry); err != nil {
				return err
			}
		}
	}
	u, err := past.Undo(d.state, d.state.Schema)
	if err != nil || len(u.Actions) == 0 {
		return err
	}
	h.trace("%s undoes entry %d", d.writer, i)
	was := d.look()
	r, err := d.compose(h.now, setlog.Salt(h.salts.Uint64()), u.Actions)
	if refusal, ok := errors.AsType[*setlog.Refusal](err); ok || errors.Is(err, setlog.ErrUnchanged) {
		h.trace("  refused: %v", err)
		if h.forging {
			return nil
		}
		return fmt.Errorf("the undo of entry %d is refused: %w", i, errors.Join(err, refusal))
	}
	if err != nil {
		return err
	}
	saw := d.bits()
	meant := d.before
	d.held, d.before = append(d.held, len(h.Records)), was
	h.Undos++
	h.add(*r, saw)
	counts := slices.ContainsFunc(undone.Actions, func(a setlog.Action) bool { return a.Type == setlog.Increment }) // leaves a 0
	whole := len(d.held) == len(h.Records)
	if i == last && meant != nil && whole && len(u.Left) == 0 && !h.forging && !h.copied && !counts {
		return meant.compare(d)
	}
	return nil
}

// moment is what a device saw of its nodes.
type moment map[string]string

func (d *device) look() moment {
	m := moment{}
	for id := range d.state.Nodes {
		m[id] = string(d.see(id))
	}
	return m
}

func (m moment) compare(d *device) error {
	for id, value := range m {
		if is := string(d.see(id)); is != value {
			return fmt.Errorf("undone at once, node %q is %s, was %s", id, is, value)
		}
	}
	return nil
}
