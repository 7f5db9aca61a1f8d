package localstore

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/setlogger/setlogger/setlog"
)

// Request is one entry to append.
type Request struct {
	Actions []setlog.Action // one at least; all of them or none
	IfMatch string          // rev that the one node they touch must have; empty: any
	Key     string          // Idempotency-Key; empty: none
	Body    [32]byte        // SHA-256 of what was sent, for Key
	NoRevs  bool            // leaves Receipt.Revs out, which cost a hash of each node

	undone []byte // what an undo did, for Key; nil for an append
}

// Receipt is what a durable append answers.
type Receipt struct {
	Writer   setlog.Writer
	Number   uint64            // 0: a no-op, nothing was appended
	Stamp    setlog.Stamp      // 0 for a no-op
	Revs     map[string]string // of each node touched, by id, as of this entry
	Repeated bool              // an earlier append with the same key answered this

	undone []byte // of the request
}

// Append appends entries in order, each with what it says about the state checked at that very moment. What is in the
// receipts is durable. At the first request that can't be appended it stops and answers why: a *setlog.Refusal,
// ErrMatch, ErrKeyReused, ErrClosed, ErrFull, ErrCommit, or the context's error; the receipts are then those of the
// requests before it.
func (b *Bucket) Append(ctx context.Context, requests ...Request) ([]Receipt, error) {
	receipts := make([]Receipt, len(requests))
	changes := make([][]setlog.Changed, len(requests))
	committed, err := b.do(ctx, len(requests), func(p *batch, i int) error {
		var err error
		receipts[i], changes[i], err = p.append(&requests[i])
		return err
	})
	for i := range receipts[:committed] {
		if receipts[i].Revs == nil && !requests[i].NoRevs {
			receipts[i].Revs = revs(changes[i])
		}
	}
	return receipts[:committed], err
}

func revs(changes []setlog.Changed) map[string]string {
	r := make(map[string]string, len(changes))
	for _, c := range changes {
		r[c.ID] = c.Node.Rev()
	}
	return r
}

// append composes one entry.
func (b *batch) append(r *Request) (Receipt, []setlog.Changed, error) {
	if r.Key != "" {
		receipt, err := b.repeated(r)
		if receipt != nil || err != nil {
			return deref(receipt), nil, err
		}
	}
	if b.ledger.closed {
		return Receipt{}, nil, fmt.Errorf("%w: %s takes no more entries", ErrClosed, b.ledger.name)
	}
	if len(r.Actions) == 0 {
		return Receipt{}, nil, &setlog.Refusal{Kind: setlog.Invalid, Reason: "an entry holds at least one action", Hint: `{"type":…}`}
	}
	if err := b.match(r); err != nil {
		return Receipt{}, nil, err
	}
	entry, change, err := b.composeEntry(r.Actions)
	receipt := Receipt{Writer: entry.Writer, Number: entry.Number, Stamp: entry.Stamp, undone: r.undone}
	switch {
	case errors.Is(err, setlog.ErrUnchanged):
		receipt = Receipt{Writer: b.ledger.writer, undone: r.undone}
		change.Nodes, err = b.untouched(r.Actions)
		if err != nil {
			return Receipt{}, nil, err
		}
	case err != nil:
		return Receipt{}, nil, err
	default:
		b.appendOwn(entry, change)
		b.own, b.actions = b.own+1, b.actions+len(r.Actions)
	}
	if r.Key != "" {
		receipt.Revs = revs(change.Nodes)
		return receipt, nil, b.remember(r, receipt)
	}
	return receipt, change.Nodes, nil
}

func deref[T any](v *T) T {
	if v == nil {
		var zero T
		return zero
	}
	return *v
}

// untouched answers the nodes that a no-op names.
func (b *batch) untouched(actions []setlog.Action) ([]setlog.Changed, error) {
	var same []setlog.Changed
	for _, a := range actions {
		if a.ID == "" {
			continue
		}
		n, err := b.Node(a.ID)
		if err != nil {
			return nil, err
		}
		same = append(same, setlog.Changed{ID: a.ID, Node: n})
	}
	return same, nil
}

// match checks If-Match.
func (b *batch) match(r *Request) error {
	if r.IfMatch == "" {
		return nil
	}
	ids := map[string]bool{}
	for _, a := range r.Actions {
		if a.ID != "" {
			ids[a.ID] = true
		}
	}
	if len(ids) != 1 {
		return &setlog.Refusal{
			Kind: setlog.Invalid, Reason: fmt.Sprintf("If-Match needs an entry that touches one node, this one touches %d", len(ids)),
			Hint: "send the entries one by one, or leave If-Match out",
		}
	}
	for id := range maps.Keys(ids) {
		n, err := b.Node(id)
		if err != nil {
			return err
		}
		if rev := n.Rev(); rev != r.IfMatch {
			return fmt.Errorf("%w: it is at %s", ErrMatch, rev)
		}
	}
	return nil
}

// composeEntry composes the next own entry, and changes the ledger only where a failure does no harm.
func (b *batch) composeEntry(actions []setlog.Action) (setlog.Entry, setlog.Change, error) {
	l, o := b.ledger, &b.c.b.o
	if l.current != 0 && l.branch(l.current).head >= b.c.b.lastNumber {
		if err := l.mint(o.Random); err != nil {
			return setlog.Entry{}, setlog.Change{}, brokenError{err}
		}
		b.dirty = true // also where the entry comes to nothing
	}
	d := setlog.Draft{Writer: l.writer, Now: o.Now(), Clock: &b.c.clock, Runs: &b.c.runs, Schema: l.schema, Check: b.check}
	switch {
	case l.current != 0:
		d.Number = l.branch(l.current).head + 1
	case len(l.births) > 0:
		d.Number, d.Birth = 1, l.births[0]
	default:
		d.Number = 1 // the birth is known once the first segment is folded or sealed
	}
	var salt [8]byte
	if _, err := io.ReadFull(o.Random, salt[:]); err != nil {
		return setlog.Entry{}, setlog.Change{}, fmt.Errorf("make a salt: %w", err)
	}
	d.Salt = setlog.Salt(binary.BigEndian.Uint64(salt[:]))
	for _, id := range l.unseen {
		d.Saw = append(d.Saw, l.branch(id).headOf())
	}
	if !l.named {
		d.Saw = append(d.Saw, l.adoptedHeads()...)
	}
	slices.SortFunc(d.Saw, setlog.CompareHeads)
	return setlog.Compose(b, d, actions)
}

// appendOwn takes a composed entry into the batch.
func (b *batch) appendOwn(e setlog.Entry, change setlog.Change) {
	l := b.ledger
	for _, id := range l.unseen {
		br := l.change(id)
		br.seen = br.head
	}
	l.unseen, l.named = nil, len(l.adopted) > 0
	br := b.mutable(l.own())
	b.extend(br, e.Line)
	br.own = br.head
	b.apply(change)
}

// mutable answers the branch as one that only this batch holds.
func (b *batch) mutable(br *branch) *branch {
	if int(br.id) <= len(b.before.branches) && b.before.branches[br.id-1] == br {
		return b.ledger.change(br.id)
	}
	return br
}

// keyRecord remembers an append that had an idempotency key.
type keyRecord struct {
	body    [32]byte
	offset  uint64 // of the entry, or of the last one before a no-op
	receipt Receipt
}

// keyReceipt is a Receipt as it is stored.
type keyReceipt struct {
	Writer string            `json:"writer"`
	Number uint64            `json:"number"`
	Stamp  uint64            `json:"stamp"`
	Revs   map[string]string `json:"revs"`
	Undone json.RawMessage   `json:"undone,omitempty"`
}

// remember keeps a receipt under its key. Keys are kept as long as the log, so for ever.
func (b *batch) remember(r *Request, receipt Receipt) error {
	record := keyRecord{r.Body, b.ledger.offset, receipt}
	stored, err := json.Marshal(keyReceipt{receipt.Writer.String(), receipt.Number, uint64(receipt.Stamp), receipt.Revs, receipt.undone})
	if err != nil {
		return brokenError{fmt.Errorf("remember an idempotency key: %w", err)}
	}
	hash := sha256.Sum256([]byte(r.Key))
	b.keys[hash] = record
	value := binary.BigEndian.AppendUint64(record.body[:], record.offset)
	b.put(bucketKeys, hash[:], append(value, stored...))
	return nil
}

// repeated answers the receipt of an earlier append with the same key, nil when there was none.
func (b *batch) repeated(r *Request) (*Receipt, error) {
	record, err := b.findKey(sha256.Sum256([]byte(r.Key)))
	if record == nil || err != nil {
		return nil, err
	}
	if record.body != r.Body {
		return nil, fmt.Errorf("%w: use a new key for each new request", ErrKeyReused)
	}
	receipt := record.receipt
	receipt.Repeated = true
	return &receipt, nil
}

func (b *batch) findKey(hash [32]byte) (*keyRecord, error) {
	for view := b; view != nil; view = view.under {
		if record, ok := view.keys[hash]; ok {
			return &record, nil
		}
	}
	tx, err := b.c.reads()
	if err != nil {
		return nil, err
	}
	v := tx.Bucket([]byte(bucketKeys)).Get(hash[:])
	if v == nil {
		return nil, nil //nolint:nilnil // there is none
	}
	record, err := decodeKey(v)
	return record, b.c.b.wrap(err)
}

func decodeKey(v []byte) (*keyRecord, error) {
	var stored keyReceipt
	if len(v) < 40 || json.Unmarshal(v[40:], &stored) != nil {
		return nil, fmt.Errorf("idempotency key: %w", errRecord)
	}
	writer, err := setlog.ParseWriter(stored.Writer)
	if err != nil {
		return nil, fmt.Errorf("idempotency key: %w", errRecord)
	}
	return &keyRecord{
		[32]byte(v), binary.BigEndian.Uint64(v[32:]),
		Receipt{Writer: writer, Number: stored.Number, Stamp: setlog.Stamp(stored.Stamp), Revs: stored.Revs, undone: stored.Undone},
	}, nil
}
