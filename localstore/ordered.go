package localstore

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"

	"github.com/setlogger/setlogger/setlog"
)

// Ordered answers up to limit nodes that are alive, in an order: those whose keys come after one and before another, as
// they stand at one moment; nil stands for no bound. Fewer than limit mean that there are no more. Where the order is not
// stored, all nodes are looked at, which takes longer and more than one moment: a node that moves meanwhile is where it
// was or where it is. Then scanned is true.
func (b *Bucket) Ordered(order setlog.Order, after, until []byte, limit int) (items []Item, scanned bool, err error) {
	for limit > 0 {
		p, err := b.startPage(order, string(after), string(until), limit)
		if err != nil {
			return nil, false, err
		}
		if items, err = p.read(); errors.Is(err, errMoved) {
			continue
		}
		if p.scan && err == nil {
			items, err = b.scan(order, string(after), string(until), limit)
		}
		return items, p.scan, b.wrap(err)
	}
	return nil, false, nil
}

// errMoved says that a flush began or ended while a page was read: what was read is no page.
var errMoved = errors.New("localstore: nodes were moved")

// orderedPage is a page in an order while it is read: stored nodes as of a transaction, under overlays.
type orderedPage struct {
	reading
	order        setlog.Order
	after, until string // keys; an empty one bounds nothing
	limit        int
	scan         bool // the order is not stored
	stored       []place
	end          bool // stored is all there is
}

func (b *Bucket) startPage(order setlog.Order, after, until string, limit int) (*orderedPage, error) {
	r, err := b.beginReading()
	if err != nil {
		return nil, err
	}
	return &orderedPage{reading: r, order: order, after: after, until: until, limit: limit}, nil
}

// read answers the page, and ends the transaction.
func (p *orderedPage) read() (items []Item, err error) {
	defer endRead(p.tx)
	err = guard(p.b.path, func() error {
		o := loadOrder(p.tx, p.order)
		if p.scan = o == nil || !o.whole; p.scan {
			return nil
		}
		items, err = p.find(o.keys.Cursor())
		return err
	})
	return items, err
}

// find reads stored keys until the page is known, then its nodes.
func (p *orderedPage) find(c *bolt.Cursor) ([]Item, error) {
	k, _ := c.Seek([]byte(p.after))
	if string(k) == p.after {
		k, _ = c.Next()
	}
	for more := p.limit; ; more *= 2 { // overlays may hide all of them
		var err error
		if k, err = p.readKeys(c, k, more); err != nil {
			return nil, err
		}
		items, whole, err := p.merge()
		if err != nil {
			return nil, err
		}
		if whole {
			return items, p.readNodes(items)
		}
	}
}

// readKeys reads more stored keys, from k on, and answers the one after them.
func (p *orderedPage) readKeys(c *bolt.Cursor, k []byte, more int) ([]byte, error) {
	for ; k != nil && isBefore(string(k), p.until) && more > 0; more-- {
		id, err := p.order.ID(k)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", err, errRecord)
		}
		p.stored = append(p.stored, place{string(k), id})
		k, _ = c.Next()
	}
	p.end = k == nil || !isBefore(string(k), p.until)
	return k, nil
}

// isBefore tells whether a key comes before another; an empty one comes after all.
func isBefore(key, until string) bool { return until == "" || key < until }

// merge lays the overlays over the stored keys: their nodes, and items without one that are to be read. It is whole
// when it is all of the page.
func (p *orderedPage) merge() (items []Item, whole bool, err error) {
	b := p.b
	b.lining.Lock()
	defer b.lining.Unlock()
	p.catchUp()
	b.mu.Lock()
	defer b.mu.Unlock()
	if p.moved() {
		return nil, false, errMoved
	}
	places := p.lineup(p.overlay).after(p.after, p.until, p.limit, func(string) bool { return false })
	if p.frozen != nil {
		changed := func(id string) bool { _, ok := p.overlay.nodes[id]; return ok }
		places = append(places, p.lineup(p.frozen).after(p.after, p.until, p.limit, changed)...)
	}
	for _, at := range p.stored {
		if !b.isHeld(at.id) {
			places = append(places, at)
		}
	}
	slices.SortFunc(places, comparePlaces)
	places = slices.Compact(places)
	if !p.end { // what comes behind the last stored key is not yet known
		last := p.stored[len(p.stored)-1]
		i, at := slices.BinarySearchFunc(places, last, comparePlaces)
		if at {
			i++
		}
		places = places[:i]
	}
	whole = p.end || len(places) >= p.limit
	for _, at := range places[:min(len(places), p.limit)] {
		n, _ := b.lookup(at.id)
		items = append(items, Item{at.id, n})
	}
	return items, whole, nil
}

// catchUp lines up most of what changed while nobody else waits: after many appends it takes a while.
func (p *orderedPage) catchUp() {
	for _, o := range []*overlay{p.overlay, p.frozen} {
		if o != nil {
			p.b.mu.Lock()
			l, changed := o.lined(p.order)
			p.b.mu.Unlock()
			l.settle(changed)
		}
	}
}

// lineup is that of an overlay as of now.
func (p *orderedPage) lineup(o *overlay) *lineup {
	l, changed := o.lined(p.order)
	l.settle(changed)
	return l
}

// readNodes reads the nodes that no overlay has.
func (p *orderedPage) readNodes(items []Item) error {
	c := p.tx.Bucket([]byte(bucketNodes)).Cursor()
	for i, item := range items {
		if item.Node != nil {
			continue
		}
		n, _, err := p.b.readNode(c, item.ID)
		if err != nil {
			return err
		}
		if !n.Alive() {
			return corrupt(p.b.path, fmt.Sprintf("node %q is in the order and not alive", item.ID))
		}
		items[i].Node = n
	}
	return nil
}

// scan looks at all nodes, and keeps those that come first between two keys.
func (b *Bucket) scan(order setlog.Order, after, until string, limit int) ([]Item, error) {
	s := scan{limit: limit}
	for from := ""; ; {
		items, more, err := b.page(from, "", "", overlayPage)
		if err != nil {
			return nil, err
		}
		for _, item := range items {
			if key := order.Key(item.ID, item.Node); string(key) > after && isBefore(string(key), until) {
				s.add(key, item)
			}
		}
		if more == "" {
			return s.first(), nil
		}
		from = more
	}
}

// scan keeps the items with the lowest keys.
type scan struct {
	limit int
	kept  []keyed
	bound []byte // higher keys are of no use; nil for none
}

type keyed struct {
	key  []byte
	item Item
}

func (s *scan) add(key []byte, item Item) {
	if s.bound != nil && bytes.Compare(key, s.bound) > 0 {
		return
	}
	s.kept = append(s.kept, keyed{key, item})
	if len(s.kept) >= 2*s.limit+overlayPage {
		s.prune()
	}
}

func (s *scan) prune() {
	slices.SortFunc(s.kept, func(a, b keyed) int { return bytes.Compare(a.key, b.key) })
	if len(s.kept) >= s.limit {
		clear(s.kept[s.limit:])
		s.kept = s.kept[:s.limit]
		s.bound = s.kept[s.limit-1].key
	}
}

func (s *scan) first() []Item {
	s.prune()
	items := make([]Item, len(s.kept))
	for i, k := range s.kept {
		items[i] = k.item
	}
	return items
}
