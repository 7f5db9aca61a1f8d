package daemon

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/setlog"
)

// listing is a walk through the nodes of a bucket, page by page.
type listing struct {
	b      *heldBucket
	from   source
	order  setlog.Order
	prefix string // of ids; by id only
	where  []condition
	fields []string        // properties to answer; none: all
	within []setlog.Bounds // where the nodes stand that meet the conditions; nil: anywhere
	after  []byte          // key to go on after
}

// source is where a listing has its nodes from: a bucket as it is, or as it was at a moment.
type source interface {
	// Nodes and Ordered are as localstore.Bucket has them.
	Nodes(after, prefix string, limit int) ([]localstore.Item, error)
	Ordered(order setlog.Order, after, until []byte, limit int) (items []localstore.Item, scanned bool, err error)
}

// How many nodes are looked at for a page of those that meet conditions: in an order that is not stored each look is at all
// of them.
const (
	lookedAtOnce = 1000
	mostLookedAt = 20_000
)

// newListing reads order=, prefix=, where= and cursor=. With a prefix nodes come by id, with conditions in the order of the
// index that finds them, else in the bucket's order, unless another one is asked for.
func newListing(b *heldBucket, query url.Values) (*listing, error) {
	l := &listing{b: b, from: b, prefix: query.Get("prefix")}
	var err error
	if l.where, err = parseConditions(query["where"]); err != nil {
		return nil, err
	}
	sought := soughtBy(l.where)
	if err := l.chooseOrder(query.Get("order"), sought); err != nil {
		return nil, err
	}
	if fields := query.Get("fields"); fields != "" {
		l.fields = strings.Split(fields, ",")
	}
	if err := l.narrow(sought); err != nil {
		return nil, err
	}
	l.after, err = l.keyOf(query.Get("cursor"))
	return l, err
}

// chooseOrder reads order=.
func (l *listing) chooseOrder(names string, sought map[string]setlog.Sought) (err error) {
	if names == "" && l.prefix != "" {
		names = "id"
	}
	if names == "" {
		l.order = indexFor(l.b.Orders(), sought)
	} else if l.order, err = setlog.ParseOrder(strings.Split(names, ",")); err != nil {
		return problem(http.StatusBadRequest, "order= is no list of names: "+err.Error(), "separate created, id and names of properties by commas, - in front for downwards")
	}
	if l.prefix != "" && !l.order.IsByID() {
		return problem(http.StatusBadRequest, "prefix= chooses among nodes in the order of their ids", "leave order= out, or say order=id")
	}
	return nil
}

// mark is how many bytes at the head of a cursor tell of which order it is.
const mark = 4

// cursor is opaque to callers: the order's mark, and the key of the last node seen.
func (l *listing) cursor() string {
	sum := sha256.Sum256([]byte(l.order.String()))
	return base64.RawURLEncoding.EncodeToString(append(sum[:mark:mark], l.after...))
}

func (l *listing) keyOf(cursor string) ([]byte, error) {
	if cursor == "" {
		return nil, nil
	}
	data, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(data) <= mark {
		return nil, errCursor()
	}
	sum := sha256.Sum256([]byte(l.order.String()))
	if !bytes.Equal(data[:mark], sum[:mark]) {
		return nil, problem(http.StatusUnprocessableEntity, "the cursor is of a page in another order; now nodes come by "+l.order.String(),
			"begin again without cursor=, or give the order= and prefix= that its page was asked with")
	}
	if _, err := l.order.ID(data[mark:]); err != nil {
		return nil, errCursor()
	}
	return data[mark:], nil
}

func errCursor() error {
	return problem(http.StatusBadRequest, "the cursor is not one that a page gave", "begin again without cursor=")
}

// next answers up to limit nodes and goes on after them; more tells whether there may be others. scanned tells that nodes
// were looked at which are not answered.
func (l *listing) next(limit int) (items []localstore.Item, more, scanned bool, err error) {
	if len(l.where) > 0 {
		return l.search(limit)
	}
	items, scanned, err = l.read(limit + 1)
	if more = len(items) > limit; more {
		items = items[:limit]
	}
	if len(items) > 0 {
		l.pass(items[len(items)-1])
	}
	return items, more, scanned, err
}

// search is next with conditions. It answers fewer nodes, or none, when many had to be looked at.
func (l *listing) search(limit int) (items []localstore.Item, more, scanned bool, err error) {
	part, unstored := lookedAtOnce, false
	if l.within != nil {
		part = limit + 1 // most of those meet the conditions
	}
	for looked := 0; looked < mostLookedAt; {
		var all []localstore.Item
		if all, unstored, err = l.read(part); err != nil {
			return nil, false, true, err
		}
		for _, item := range all {
			if len(items) == limit {
				return items, true, scanned || unstored, nil
			}
			l.pass(item)
			if selects(l.where, item.Node) {
				items = append(items, item)
			} else {
				scanned = true
			}
		}
		if len(all) < part {
			return items, false, scanned || unstored, nil
		}
		looked += len(all)
		if part = max(part, lookedAtOnce); unstored {
			part = mostLookedAt
		}
	}
	return items, true, true, nil
}

// read answers up to limit nodes, all those in their order and within bounds; fewer mean that there are no more. unstored
// tells that all nodes of the bucket were looked at.
func (l *listing) read(limit int) (items []localstore.Item, unstored bool, err error) {
	if l.order.IsByID() {
		items, err = l.from.Nodes(string(l.after), l.prefix, limit)
		return items, false, err
	}
	if l.within == nil {
		return l.from.Ordered(l.order, l.after, nil, limit)
	}
	for _, within := range l.within {
		if len(items) == limit || bytes.Compare(l.after, within.Until) >= 0 {
			continue
		}
		after := slices.MaxFunc([][]byte{l.after, within.From}, bytes.Compare)
		more, scanned, err := l.from.Ordered(l.order, after, within.Until, limit-len(items))
		if err != nil {
			return nil, scanned, err
		}
		items, unstored = append(items, more...), unstored || scanned
	}
	return items, unstored, nil
}

// narrow bounds the walk to where nodes stand that meet the conditions, in one piece while the order is not stored: each
// is found by looking at all nodes.
func (l *listing) narrow(sought map[string]setlog.Sought) error {
	l.within, _ = l.order.Bounds(sought)
	if len(l.within) < 2 {
		return nil
	}
	stored, err := l.b.HasOrder(l.order)
	if err == nil && !stored {
		l.within = []setlog.Bounds{{From: l.within[0].From, Until: l.within[len(l.within)-1].Until}}
	}
	return err
}

// appendNode adds a node with the properties that were asked for.
func (l *listing) appendNode(dst []byte, id string, node *setlog.Node) []byte {
	return l.b.appendNodeOf(dst, id, node, l.fields)
}

// pass goes on after a node.
func (l *listing) pass(item localstore.Item) { l.after = l.order.Key(item.ID, item.Node) }
