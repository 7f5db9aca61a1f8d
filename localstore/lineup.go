package localstore

import (
	"maps"
	"slices"
	"strings"

	"github.com/setlogger/setlogger/setlog"
)

// lineup is the nodes of an overlay that are alive, in an order. It is made when it is first asked for, and then takes
// in what changed since it was last asked. Bucket.mu guards changed, Bucket.lining the rest.
type lineup struct {
	order   setlog.Order
	keys    map[string]string // by id
	runs    [][]place         // each sorted, and at most half as long as the one before
	changed []string          // ids put since
}

// place is where a node stands, or stood: it counts while it has the node's key.
type place struct{ key, id string }

func comparePlaces(a, b place) int { return strings.Compare(a.key, b.key) }

// maxLineups is in how many orders an overlay is lined up, as many as a schema may have and then some; of more, those that
// were asked for last are kept.
const maxLineups = 20

// lined is the overlay's lineup in an order and what it is yet to take in; the caller holds both locks.
func (o *overlay) lined(order setlog.Order) (*lineup, []change) {
	l := o.lineup(order)
	changed := make([]change, len(l.changed))
	for i, id := range l.changed {
		changed[i] = change{id, o.nodes[id]}
	}
	l.changed = nil
	return l, changed
}

// lineup is the one in an order, made if it is not there; it becomes the first.
func (o *overlay) lineup(order setlog.Order) *lineup {
	i := slices.IndexFunc(o.lines, func(l *lineup) bool { return l.order.Equal(order) })
	if i < 0 {
		l := &lineup{order: order, keys: make(map[string]string, len(o.nodes)), changed: slices.Collect(maps.Keys(o.nodes))}
		o.lines = slices.Insert(o.lines[:min(len(o.lines), maxLineups-1)], 0, l)
		return l
	}
	l := o.lines[i]
	copy(o.lines[1:i+1], o.lines[:i])
	o.lines[0] = l
	return l
}

// note takes down that a node changed, or that so many did that it is less work to begin anew.
func (o *overlay) note(id string) {
	o.lines = slices.DeleteFunc(o.lines, func(l *lineup) bool {
		l.changed = append(l.changed, id)
		return len(l.changed) > 2*len(o.nodes)+maxBatchEntries
	})
}

// settle takes in what changed.
func (l *lineup) settle(changed []change) {
	var run []place
	for _, c := range changed {
		at, err := c.key(l.order, c.id)
		if err != nil {
			panic(err) // this store has made it
		}
		if at == nil {
			delete(l.keys, c.id)
			continue
		}
		if key := string(at); l.keys[c.id] != key {
			l.keys[c.id] = key
			run = append(run, place{key, c.id})
		}
	}
	slices.SortFunc(run, comparePlaces)
	for len(run) > 0 && len(l.runs) > 0 && 2*len(run) > len(l.runs[len(l.runs)-1]) {
		run = l.merge(l.runs[len(l.runs)-1], run)
		l.runs = l.runs[:len(l.runs)-1]
	}
	if len(run) > 0 {
		l.runs = append(l.runs, run)
	}
}

// merge leaves out what counts no more.
func (l *lineup) merge(a, b []place) []place {
	merged := make([]place, 0, len(a)+len(b))
	for len(a) > 0 || len(b) > 0 {
		from := &a
		if len(a) == 0 || len(b) > 0 && b[0].key < a[0].key {
			from = &b
		}
		p := (*from)[0]
		*from = (*from)[1:]
		if n := len(merged); l.counts(p) && (n == 0 || merged[n-1] != p) {
			merged = append(merged, p)
		}
	}
	return merged
}

func (l *lineup) counts(p place) bool { return l.keys[p.id] == p.key }

// after answers up to limit places of each run that count, come after a key and before another and are not hidden; in no
// order and some twice.
func (l *lineup) after(key, until string, limit int, hidden func(id string) bool) []place {
	var found []place
	for _, run := range l.runs {
		i, at := slices.BinarySearchFunc(run, place{key: key}, comparePlaces)
		if at {
			i++
		}
		for n := 0; n < limit && i < len(run) && isBefore(run[i].key, until); i++ {
			if l.counts(run[i]) && !hidden(run[i].id) {
				found = append(found, run[i])
				n++
			}
		}
	}
	return found
}
