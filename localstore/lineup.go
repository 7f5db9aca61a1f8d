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

// lined is the overlay's lineup and what it is yet to take in; the caller holds both locks.
func (o *overlay) lined(order setlog.Order) (*lineup, []change) {
	if o.line == nil || o.line.order.String() != order.String() {
		o.line = &lineup{order: order, keys: make(map[string]string, len(o.nodes)), changed: slices.Collect(maps.Keys(o.nodes))}
	}
	changed := make([]change, len(o.line.changed))
	for i, id := range o.line.changed {
		changed[i] = change{id, o.nodes[id]}
	}
	o.line.changed = nil
	return o.line, changed
}

// note takes down that a node changed, or that so many did that it is less work to begin anew.
func (o *overlay) note(id string) {
	if o.line == nil {
		return
	}
	o.line.changed = append(o.line.changed, id)
	if len(o.line.changed) > 2*len(o.nodes)+maxBatchEntries {
		o.line = nil
	}
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

// after answers up to limit places of each run that count, come after a key and are not hidden; in no order and some
// twice.
func (l *lineup) after(key string, limit int, hidden func(id string) bool) []place {
	var found []place
	for _, run := range l.runs {
		i, at := slices.BinarySearchFunc(run, place{key: key}, comparePlaces)
		if at {
			i++
		}
		for n := 0; n < limit && i < len(run); i++ {
			if l.counts(run[i]) && !hidden(run[i].id) {
				found = append(found, run[i])
				n++
			}
		}
	}
	return found
}
