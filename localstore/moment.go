package localstore

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"sort"
	"strings"
	"sync"

	"github.com/setlogger/setlogger/setlog"
)

// Moment is the nodes of a bucket as all entries up to a stamp make them. Its nodes never change and take
// their memory; it may be used concurrently.
type Moment struct {
	stamp setlog.Stamp
	byID  []Item // those that are alive

	mu     sync.Mutex
	offset uint64       // of the log, up to which its entries were looked at
	order  setlog.Order // that sorted is in
	sorted []keyed
}

// At reads the log once, and answers the state that its entries up to a stamp make. An entry that arrives later with a
// lower stamp is in the next one. It fails where the bucket has a part of its state from an index.
func (b *Bucket) At(ctx context.Context, stamp setlog.Stamp) (*Moment, error) {
	offset := b.Offset()
	state, err := b.foldTo(ctx, stamp, all)
	if err != nil {
		return nil, err
	}
	m := &Moment{stamp: stamp, offset: offset}
	for id, n := range state {
		if n.Alive() {
			m.byID = append(m.byID, Item{id, n})
		}
	}
	slices.SortFunc(m.byID, func(a, b Item) int { return strings.Compare(a.ID, b.ID) })
	return m, nil
}

func all([]byte) bool { return true }

// errEarly ends a walk at an entry of a stamp that a moment reaches.
var errEarly = errors.New("localstore: an early entry")

// StillAt tells whether a moment is what At would answer now: whether no entry came since that belongs to it.
func (b *Bucket) StillAt(ctx context.Context, m *Moment) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l := b.now()
	err := b.eachWanted(ctx, l, m.offset, all, func(e setlog.Entry) error {
		if e.Stamp <= m.stamp {
			return errEarly
		}
		return nil
	})
	if err == nil {
		m.offset = l.offset
	}
	if errors.Is(err, errEarly) {
		return false, nil
	}
	return err == nil && len(l.adopted) == 0, err
}

// NodeAt is the node of an id as all entries up to a stamp make it, nil when none wrote to it. It fails as At does.
func (b *Bucket) NodeAt(ctx context.Context, id string, stamp setlog.Stamp) (*setlog.Node, error) {
	state, err := b.foldTo(ctx, stamp, setlog.Naming(id))
	return state[id], err
}

// foldTo folds the entries up to a stamp whose lines are wanted.
func (b *Bucket) foldTo(ctx context.Context, stamp setlog.Stamp, wants func(line []byte) bool) (foldedState, error) {
	l, state := b.now(), foldedState{}
	if len(l.adopted) > 0 {
		return nil, notInLog("what was then", "ask a device that has the log from the bucket's beginning")
	}
	return state, b.eachWanted(ctx, l, 0, wants, func(e setlog.Entry) error {
		if e.Stamp > stamp {
			return nil
		}
		change, err := setlog.Fold(state, e)
		for _, n := range change.Nodes {
			state[n.ID] = n.Node
		}
		return err
	})
}

// notInLog refuses what takes entries that came by an index.
func notInLog(what, hint string) error {
	return &setlog.Refusal{Kind: setlog.Invalid, Reason: what + " came by an index, and is not in this log", Hint: hint}
}

// Nodes is Bucket.Nodes as of the moment.
func (m *Moment) Nodes(after, prefix string, limit int) ([]Item, error) {
	from := sort.Search(len(m.byID), func(i int) bool { return m.byID[i].ID > after && m.byID[i].ID >= prefix })
	end := from
	for end < len(m.byID) && end-from < limit && strings.HasPrefix(m.byID[end].ID, prefix) {
		end++
	}
	return m.byID[from:end], nil
}

// Ordered is Bucket.Ordered as of the moment. Nodes are sorted when an order is first asked for.
func (m *Moment) Ordered(order setlog.Order, after, until []byte, limit int) (items []Item, scanned bool, err error) {
	all := m.in(order)
	from := sort.Search(len(all), func(i int) bool { return bytes.Compare(all[i].key, after) > 0 })
	for _, k := range all[from:] {
		if len(items) == limit || !isBefore(string(k.key), string(until)) {
			break
		}
		items = append(items, k.item)
	}
	return items, true, nil
}

func (m *Moment) in(order setlog.Order) []keyed {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.sorted != nil && m.order.Equal(order) {
		return m.sorted
	}
	all := make([]keyed, len(m.byID))
	for i, item := range m.byID {
		all[i] = keyed{order.Key(item.ID, item.Node), item}
	}
	slices.SortFunc(all, func(a, b keyed) int { return bytes.Compare(a.key, b.key) })
	m.order, m.sorted = order, all
	return all
}
