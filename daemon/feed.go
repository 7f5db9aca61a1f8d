package daemon

import (
	"context"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/setlog"
)

const (
	// feedEntries are looked at for one message, which ends sooner at feedBytes of nodes.
	feedEntries = 256
	feedBytes   = 128 << 10
	// tooFar is how many entries a reader may be behind and still be told of each change: beyond, all nodes anew are less.
	tooFar = 10_000
)

// feed tells one reader of one bucket's changes. It holds no changes back: it reads the log when the reader is ready for
// more, so that a slow one slows nobody, and sees of a node that changed often only the last.
type feed struct {
	b      *heldBucket
	after  uint64
	joined uint64
	send   func(message []byte, place string) error // place: of a ready
	told   *prometheus.CounterVec                   // nodes, by type of event
}

// run sends what happens after a place, or all nodes first where there is none, until the context ends or the reader is gone.
func (f *feed) run(ctx context.Context, place string) error {
	f.joined = f.b.Joined()
	after, known := f.placeOf(place)
	if f.after = after; !known || f.isFar() {
		if err := f.reset(ctx); err != nil {
			return err
		}
	} else if err := f.sendPlace(); err != nil {
		return err
	}
	for {
		if err := f.b.WaitOrJoin(ctx, f.after, f.joined); err != nil {
			return err
		}
		step := f.change
		if f.b.Joined() != f.joined || f.isFar() {
			step = f.reset
		}
		if err := step(ctx); err != nil {
			return err
		}
	}
}

// place is where the reader may go on, after a break too: an offset in this very log.
func (f *feed) place() string {
	return strconv.FormatUint(f.after, 10) + "." + f.b.epoch()
}

// epoch tells one log from another under the same name: after a purge, or in a backup, the offsets are others.
func (b *heldBucket) epoch() string { return b.Writer().String() }

func (f *feed) placeOf(place string) (after uint64, known bool) {
	offset, epoch, _ := strings.Cut(place, ".")
	after, err := strconv.ParseUint(offset, 10, 64)
	return after, err == nil && epoch == f.b.epoch() && after <= f.b.Offset()
}

func (f *feed) isFar() bool {
	offset := f.b.Offset()
	behind := offset - min(offset, f.after)
	return behind > tooFar && behind > f.b.Stats().Nodes
}

// reset sends all nodes; those of before no longer count.
func (f *feed) reset(ctx context.Context) error {
	f.joined = f.b.Joined()
	f.after = f.b.Offset()
	if err := f.send(f.begin(api.EventReset), ""); err != nil {
		return err
	}
	for after := ""; ; {
		items, err := f.b.Nodes(after, "", feedEntries)
		if err != nil {
			return err
		}
		if len(items) == 0 {
			return f.sendPlace()
		}
		if err := f.sendNodes(ctx, api.EventSnapshot, items); err != nil {
			return err
		}
		after = items[len(items)-1].ID
	}
}

// change sends the nodes that the next entries touched, as they are now.
func (f *feed) change(ctx context.Context) error {
	entries, err := f.b.Log(f.after, feedEntries)
	if err != nil || len(entries) == 0 {
		return err
	}
	var items []localstore.Item
	seen := map[string]bool{}
	for _, e := range entries {
		entry, err := setlog.ReadEntry(e.Writer, e.Number, e.Line)
		if err != nil {
			continue // it changes nothing
		}
		for _, action := range entry.Actions {
			if action.ID == "" || seen[action.ID] {
				continue
			}
			seen[action.ID] = true
			node, err := f.b.Node(action.ID)
			if err != nil {
				return err
			}
			items = append(items, localstore.Item{ID: action.ID, Node: node})
		}
	}
	if err := f.sendNodes(ctx, api.EventChange, items); err != nil {
		return err
	}
	f.after = entries[len(entries)-1].Offset
	return f.sendPlace()
}

// sendNodes sends nodes, in as many messages as their size takes.
func (f *feed) sendNodes(ctx context.Context, kind api.EventType, items []localstore.Item) error {
	f.told.WithLabelValues(string(kind)).Add(float64(len(items)))
	for len(items) > 0 {
		message := append(f.begin(kind), `,"nodes":[`...)
		for first := true; len(items) > 0 && (first || len(message) < feedBytes); first = false {
			if !first {
				message = append(message, ',')
			}
			message = f.appendItem(message, items[0])
			items = items[1:]
		}
		if err := f.send(append(message, ']'), ""); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}

func (f *feed) appendItem(dst []byte, item localstore.Item) []byte {
	if item.Node.Alive() {
		return f.b.appendNode(dst, item.ID, item.Node)
	}
	dst = append(dst, `{"id":`...)
	dst, _ = jsontext.AppendQuote(dst, item.ID) // bad UTF-8 is replaced
	return append(dst, `,"deleted":true}`...)
}

// sendPlace says up to where the reader has all.
func (f *feed) sendPlace() error {
	place := f.place()
	message := append(f.begin(api.EventReady), `,"place":"`...)
	return f.send(append(append(message, place...), '"'), place)
}

// begin is a message up to its own members; send closes it.
func (f *feed) begin(kind api.EventType) []byte {
	dst := append([]byte(nil), `{"bucket":`...)
	dst, _ = jsontext.AppendQuote(dst, f.b.Name()) // a bucket's name is ASCII
	return append(append(append(dst, `,"type":"`...), kind...), '"')
}
