package localstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"

	bolt "go.etcd.io/bbolt"

	"github.com/setlogger/setlogger/setlog"
)

// UndoRequest asks for an entry to be undone.
type UndoRequest struct {
	Entry setlog.EntryID // zero: the last one of this device of which undo would change anything
	Key   string         // Idempotency-Key; empty: none
	Body  [32]byte       // SHA-256 of what was sent, for Key
}

// Undone says what an undo did.
type Undone struct {
	Receipt                // of the entry that undoes; a no-op when nothing was to be put back
	Entry   setlog.EntryID // that was undone
	Left    []setlog.Left  // what is not put back
}

// maxUndoTries is how many own entries of which nothing is to be put back are passed on the way to the last one to undo.
const maxUndoTries = 64

// Undo appends an entry that undoes another, and answers what was left alone because it is no more as the entry left it.
// It reads the log once from its beginning, apart from the composer, for the entries that name the same nodes; the state
// that it judges by is that of the moment of its append. It fails with ErrMissing for an entry that is not here, with
// ErrUndone for one that is undone, and as Append does.
func (b *Bucket) Undo(ctx context.Context, r UndoRequest) (Undone, error) {
	b.undoing.Lock() // so that an undo finds all undos before it in the log
	defer b.undoing.Unlock()
	if done, err := b.repeatedUndo(ctx, r); done != nil || err != nil {
		return deref(done), err
	}
	if r.Entry == (setlog.EntryID{}) {
		return b.undoLast(ctx, r)
	}
	e, err := b.entry(r.Entry)
	if err != nil {
		return Undone{}, err
	}
	return b.undo(ctx, r, e)
}

// undoLast undoes the first entry back from the end of the log of which anything is to be put back, or left alone.
func (b *Bucket) undoLast(ctx context.Context, r UndoRequest) (Undone, error) {
	tries := 0
	for e, err := range b.undoable() {
		if err != nil {
			return Undone{}, err
		}
		done, err := b.undo(ctx, r, e)
		if errors.Is(err, ErrUndone) { // by an entry that came before it
			continue
		}
		if err != nil || done.Number != 0 || len(done.Left) > 0 {
			return done, err
		}
		if tries++; tries == maxUndoTries {
			break
		}
	}
	return Undone{}, fmt.Errorf("%w: no entry of this device is left to undo", ErrMissing)
}

// undo undoes an entry of the log.
func (b *Bucket) undo(ctx context.Context, r UndoRequest, e setlog.Entry) (Undone, error) {
	if len(b.now().adopted) > 0 {
		return Undone{}, notInLog("what was before the entry", "write the former values anew")
	}
	past, err := b.pastOf(ctx, e)
	if err != nil {
		return Undone{}, err
	}
	if by, ok := past.UndoneBy(); ok {
		return Undone{}, fmt.Errorf("%w: %v by %v", ErrUndone, e.ID(), by)
	}
	var done Undone
	var changes []setlog.Changed
	_, err = b.do(ctx, 1, func(p *batch, _ int) error {
		var err error
		done, changes, err = p.undo(&r, e.ID(), past)
		return err
	})
	if err != nil {
		return Undone{}, err
	}
	if done.Revs == nil {
		done.Revs = revs(changes)
	}
	return done, nil
}

// undo composes the entry that undoes another.
func (b *batch) undo(r *UndoRequest, id setlog.EntryID, past *setlog.Past) (Undone, []setlog.Changed, error) {
	undo, err := past.Undo(b, b.ledger.schema)
	if err != nil {
		return Undone{}, nil, err
	}
	done := Undone{Entry: id, Left: undo.Left}
	request := Request{Actions: undo.Actions, Key: r.Key, Body: r.Body, undone: done.encode()}
	if len(undo.Actions) > 0 {
		var changes []setlog.Changed
		done.Receipt, changes, err = b.append(&request)
		return done, changes, err
	}
	done.Receipt = Receipt{Writer: b.ledger.writer, Revs: map[string]string{}, undone: request.undone}
	if r.Key == "" || len(undo.Left) == 0 && r.Entry != id { // another one may have more
		return done, nil, nil
	}
	return done, nil, b.remember(&request, done.Receipt)
}

// repeatedUndo answers what an earlier undo with the same key did, nil when there was none.
func (b *Bucket) repeatedUndo(ctx context.Context, r UndoRequest) (*Undone, error) {
	if r.Key == "" {
		return nil, nil //nolint:nilnil // there is none
	}
	var receipt *Receipt
	_, err := b.do(ctx, 1, func(p *batch, _ int) error {
		var err error
		receipt, err = p.repeated(&Request{Key: r.Key, Body: r.Body})
		return err
	})
	if receipt == nil || err != nil {
		return nil, err
	}
	done := &Undone{Receipt: *receipt}
	return done, done.decode()
}

// storedUndone is what an idempotency key remembers of an undo beside its receipt.
type storedUndone struct {
	Entry string        `json:"entry"`
	Left  []setlog.Left `json:"left"`
}

func (u *Undone) encode() []byte {
	text, _ := json.Marshal(storedUndone{u.Entry.String(), u.Left}) // strings can always be written
	return text
}

func (u *Undone) decode() error {
	var stored storedUndone
	if err := json.Unmarshal(u.undone, &stored); err != nil {
		return fmt.Errorf("%w: it was of an append", ErrKeyReused)
	}
	var err error
	u.Left = stored.Left
	u.Entry, err = setlog.ParseEntryID(stored.Entry)
	return err
}

// entry reads one entry of the log.
func (b *Bucket) entry(id setlog.EntryID) (setlog.Entry, error) {
	l := b.now()
	var lines [][]byte
	err := b.view(func(tx *bolt.Tx) error {
		for _, branch := range l.byWriter[id.Writer] {
			br := l.branch(branch)
			if id.Number > br.head {
				continue
			}
			err := linesOf(tx, l, br, id.Number, id.Number, func(e logged) error {
				if !slices.ContainsFunc(lines, func(line []byte) bool { return string(line) == string(e.line) }) {
					lines = append(lines, slices.Clone(e.line))
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	switch {
	case err != nil:
		return setlog.Entry{}, b.wrap(err)
	case len(lines) == 0:
		return setlog.Entry{}, fmt.Errorf("%w: entry %v", ErrMissing, id)
	case len(lines) > 1:
		return setlog.Entry{}, &setlog.Refusal{
			Kind: setlog.Invalid, Reason: fmt.Sprintf("there are %d entries %v: the writer's file was copied", len(lines), id), Hint: "write the former values anew",
		}
	}
	e, _ := setlog.ReadEntry(id.Writer, id.Number, lines[0]) // one that changes nothing is one of which nothing is undone
	return e, nil
}

// pastOf reads what the log says of an entry.
func (b *Bucket) pastOf(ctx context.Context, e setlog.Entry) (*setlog.Past, error) {
	past := setlog.NewPast(e)
	return past, b.eachWanted(ctx, b.now(), 0, past.Wants, past.Add)
}

// undoablePage is how many entries are looked through at once for the last one to undo.
const undoablePage = 256

// undoable yields the entries of this device that may be undone and are not, the last first.
func (b *Bucket) undoable() iter.Seq2[setlog.Entry, error] {
	return func(yield func(setlog.Entry, error) bool) {
		l, undos := b.now(), setlog.Undos{}
		for end := l.offset; end > 0; end -= min(end, undoablePage) {
			page, err := b.Log(end-min(end, undoablePage), int(min(end, undoablePage)))
			if err != nil {
				yield(setlog.Entry{}, err)
				return
			}
			for _, logged := range slices.Backward(page) {
				e, err := setlog.ReadEntry(logged.Writer, logged.Number, logged.Line)
				if _, own := l.keys[logged.Writer]; err != nil || undos.Note(e) || !own || !e.Undoable() {
					continue
				}
				if _, undone := undos.Of(e.ID()); !undone && !yield(e, nil) {
					return
				}
			}
		}
	}
}
