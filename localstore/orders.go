package localstore

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	bolt "go.etcd.io/bbolt"

	"github.com/setlogger/setlogger/localstore/schema"
	"github.com/setlogger/setlogger/setlog"
)

// schemaOrders are those that a schema sets: the bucket's own first, then its indexes.
type schemaOrders struct {
	setlog.Schema
	all []setlog.Order
}

// Order is the one that the bucket's schema sets.
func (b *Bucket) Order() setlog.Order { return b.ordersOf(b.now().schema)[0] }

// Orders are all that the bucket's schema sets, and that are stored: its own order first, then its indexes.
func (b *Bucket) Orders() []setlog.Order { return b.ordersOf(b.now().schema) }

// ordersOf reads them, unless the schema was the last one asked for. None is there twice.
func (b *Bucket) ordersOf(s setlog.Schema) []setlog.Order {
	if last := b.orders.Load(); last != nil && last.Compare(s) == 0 {
		return last.all
	}
	found := &schemaOrders{Schema: s}
	found.all = []setlog.Order{schema.OrderOf(s.JSON)}
	for _, o := range schema.IndexesOf(s.JSON) {
		if !slices.ContainsFunc(found.all, o.Equal) && !o.IsByID() { // the nodes themselves are stored by id
			found.all = append(found.all, o)
		}
	}
	b.orders.Store(found)
	return found.all
}

// HasOrder tells whether an order is stored whole, so that pages in it are read from there.
func (b *Bucket) HasOrder(order setlog.Order) (whole bool, err error) {
	err = b.view(func(tx *bolt.Tx) error {
		o := loadOrder(tx, order)
		whole = o != nil && o.whole
		return nil
	})
	return whole, err
}

// OrderProgress is how far the making of a stored order is.
type OrderProgress struct {
	Order setlog.Order
	Whole bool   // pages in it are read from it
	Taken uint64 // of the stored nodes; about as many as are alive when it is whole
}

// OrderProgress tells it of Orders.
func (b *Bucket) OrderProgress() ([]OrderProgress, error) {
	wanted := b.Orders()
	all := make([]OrderProgress, len(wanted))
	err := b.view(func(tx *bolt.Tx) error {
		for i, order := range wanted {
			all[i].Order = order
			if o := loadOrder(tx, order); o != nil {
				all[i].Whole, all[i].Taken = o.whole, o.taken
			}
		}
		return nil
	})
	return all, err
}

// orders are the stored orders, as of a transaction.
type orders struct {
	root   *bolt.Bucket
	all    []*ordering
	broken []string // names of those whose record can't be read
}

func loadOrders(tx *bolt.Tx) *orders {
	s := &orders{root: tx.Bucket([]byte(bucketOrders))}
	_ = s.root.ForEachBucket(func(k []byte) error { // the function never fails
		var names []string
		order, err := setlog.Order{}, json.Unmarshal(k, &names)
		if err == nil {
			order, err = setlog.ParseOrder(names)
		}
		if o := s.load(order); err == nil && o != nil {
			s.all = append(s.all, o)
		} else {
			s.broken = append(s.broken, string(k))
		}
		return nil
	})
	return s
}

// loadOrder is one of the stored orders, nil when it is not there or can't be read.
func loadOrder(tx *bolt.Tx, order setlog.Order) *ordering {
	s := &orders{root: tx.Bucket([]byte(bucketOrders))}
	return s.load(order)
}

func (s *orders) load(order setlog.Order) *ordering {
	home := s.root.Bucket([]byte(order.String()))
	if home == nil {
		return nil
	}
	record, ok := decodeOrderRecord(home.Get([]byte(orderInfo)))
	keys := home.Bucket([]byte(orderKeys))
	if !ok || keys == nil {
		return nil
	}
	return &ordering{Order: order, orderRecord: record, home: home, keys: keys}
}

// begin makes an order of no node, in place of one of its name.
func (s *orders) begin(order setlog.Order) (*ordering, error) {
	if err := s.drop(order.String()); err != nil {
		return nil, err
	}
	home, err := s.root.CreateBucket([]byte(order.String()))
	if err != nil {
		return nil, fmt.Errorf("make an order: %w", err)
	}
	keys, err := home.CreateBucket([]byte(orderKeys))
	if err != nil {
		return nil, fmt.Errorf("make an order: %w", err)
	}
	making, err := s.root.NextSequence()
	o := &ordering{Order: order, orderRecord: orderRecord{making: making}, home: home, keys: keys}
	s.all = append(s.all, o)
	return o, err
}

func (s *orders) drop(name string) error {
	s.all = slices.DeleteFunc(s.all, func(o *ordering) bool { return o.String() == name })
	if s.root.Bucket([]byte(name)) == nil {
		return nil
	}
	if err := s.root.DeleteBucket([]byte(name)); err != nil {
		return fmt.Errorf("drop an order: %w", err)
	}
	return nil
}

// keep drops all but the wanted ones.
func (s *orders) keep(wanted []setlog.Order) error {
	gone := s.broken
	for _, o := range s.all {
		if !slices.ContainsFunc(wanted, o.Equal) {
			gone = append(gone, o.String())
		}
	}
	for _, name := range gone {
		if err := s.drop(name); err != nil {
			return err
		}
	}
	s.broken = nil
	return nil
}

// unfinished is the first of the wanted orders that is not whole, begun if it is not there; nil when all are.
func (s *orders) unfinished(wanted []setlog.Order) (*ordering, error) {
	for _, order := range wanted {
		i := slices.IndexFunc(s.all, func(o *ordering) bool { return o.Equal(order) })
		if i < 0 {
			return s.begin(order)
		}
		if !s.all[i].whole {
			return s.all[i], nil
		}
	}
	return nil, nil //nolint:nilnil // nothing is left to do
}

// move notes in each order that a node takes the place of one that is stored, nil for none.
func (s *orders) move(id string, stored []byte, n held) error {
	for _, o := range s.all {
		if !o.has(id) {
			continue
		}
		if err := o.move(id, stored, n); err != nil {
			return err
		}
	}
	return nil
}

// save stores what was noted.
func (s *orders) save() error {
	for _, o := range s.all {
		if err := o.save(); err != nil {
			return err
		}
	}
	return nil
}

// namesOf is the same for two sets of the same orders.
func namesOf(all []setlog.Order) string {
	names := make([]string, len(all))
	for i, o := range all {
		names[i] = o.String()
	}
	slices.Sort(names)
	return strings.Join(names, "\n")
}

// settled is the names of the stored orders, empty while there is something to do about them.
func (s *orders) settled() string {
	all := make([]setlog.Order, len(s.all))
	for i, o := range s.all {
		if !o.whole {
			return ""
		}
		all[i] = o.Order
	}
	if len(s.broken) > 0 {
		return ""
	}
	return namesOf(all)
}
