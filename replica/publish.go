package replica

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/setlog"
)

// Views.
const (
	viewFolder = "view"
	// maxTop is how many bytes of nodes a view has itself.
	maxTop = 32 << 10
	// maxTail is how many segments a view names: with more the bucket is indexed first.
	maxTail = 256
)

// viewing is how a bucket's view was last looked at.
type viewing struct {
	gone   bool   // there is none of this device's
	offset uint64 // in the bucket's log
	inbox  []setlog.SegmentName
	tries  int // looks in a row that found it to be no time for a view
}

// ViewFile names a bucket's published view on a share.
func ViewFile(bucket string) string { return viewFolder + "/" + setlog.ViewName(bucket) }

// publishIfDue keeps the view of a bucket that is to have one, and removes this device's where none is wanted any more. A view
// is written while the bucket rests, so that it is one of all that the device holds.
func (v *visit) publishIfDue(ctx context.Context, before int) error {
	name := v.bucket.Name()
	last := v.views[name]
	switch {
	case !v.bucket.Settings().Publish:
		return v.unpublish(ctx, last)
	case v.o.Key == nil || v.bucket.Joining() || len(v.bucket.Births()) == 0:
		return nil
	case v.round.done() != before: // it does not rest; what was done may be of an index, which no listing of log/ tells
		v.views[name] = viewing{}
		return nil
	case last.tries == 0 && last.inbox != nil && last.offset == v.bucket.Offset() && slices.Equal(last.inbox, v.inbox):
		return nil
	}
	if last.tries++; last.tries > 1 && !v.isTurn(last.tries) {
		v.busy, v.views[name] = true, last
		return nil
	}
	now := viewing{offset: v.bucket.Offset(), inbox: append([]setlog.SegmentName{}, v.inbox...)}
	view, err := v.view(ctx)
	if err != nil {
		return err
	}
	done := false
	if view != nil && now.offset == v.bucket.Offset() { // else it grew meanwhile
		if done, err = v.publish(ctx, view, last.tries); done {
			last = now
		}
	}
	v.busy, v.views[name] = v.busy || !done, last
	return err
}

// doubtView has the view be looked at again, though nothing is new here.
func (v *visit) doubtView() {
	last := v.views[v.bucket.Name()]
	last.inbox = nil
	v.views[v.bucket.Name()] = last
}

// unpublish removes the view that this device has written, once.
func (v *visit) unpublish(ctx context.Context, last viewing) error {
	if last.gone {
		return nil
	}
	name := ViewFile(v.bucket.Name())
	sent, err := v.bucket.Sent(v.o.Remote)
	if err != nil {
		return err
	}
	if sent[name] != localstore.Unsent {
		if err := v.ensure(ctx); err != nil {
			return err
		}
		if err := v.o.Storage.Remove(ctx, name); err != nil {
			return fmt.Errorf("remove %s: %w", name, err)
		}
		if err := v.bucket.MarkSent(ctx, v.o.Remote, localstore.Unsent, name); err != nil {
			return err
		}
		v.round.Removed++
	}
	v.views[v.bucket.Name()] = viewing{gone: true}
	return nil
}

// view makes the view of what the remote shows. It answers nil while that is not all that the device holds, or too much for
// a view; then the next round writes an index.
func (v *visit) view(ctx context.Context) (*setlog.View, error) {
	now, err := v.stand(ctx)
	if err != nil || now == nil {
		return nil, err
	}
	view := &setlog.View{Bucket: v.bucket.Name(), Births: v.bucket.Births(), Order: v.bucket.Order().Names(), Nodes: v.bucket.Stats().Nodes, Time: v.o.Now().UnixMilli()}
	for _, index := range now.live {
		view.Indexes = append(view.Indexes, setlog.ViewIndex{Name: index.name, Bytes: index.size})
	}
	slices.SortFunc(view.Indexes, func(a, b setlog.ViewIndex) int { return strings.Compare(a.Name, b.Name) })
	tail, told, err := v.tail(ctx, now.covered)
	if err != nil {
		return nil, err
	}
	view.Tail = tail
	if len(view.Tail) > maxTail {
		v.Compact(view.Bucket)
		return nil, nil //nolint:nilnil // not yet
	}
	rest, err := v.bucket.Rest(ctx, told)
	if err != nil || rest.Entries > 0 || rest.Unknown {
		return nil, err
	}
	view.Top, err = v.top()
	return view, err
}

// tail answers the files of the segments with entries that no index covers, sorted, and what these and the indexes cover
// together.
func (v *visit) tail(ctx context.Context, covered setlog.Coverage) (files []string, told setlog.Coverage, err error) {
	segments, err := v.bucket.Segments()
	if err != nil {
		return nil, nil, err
	}
	told = covered
	for _, s := range segments {
		r, err := v.rangeOf(s.Name)
		if err != nil || r == nil {
			return nil, nil, err
		}
		within, err := v.bucket.Within(setlog.Coverage{*r}, covered)
		if err != nil {
			return nil, nil, err
		}
		if within {
			continue
		}
		file, err := v.place(ctx, s)
		if err != nil {
			return nil, nil, err
		}
		if file != "" {
			files, told = append(files, file), setlog.Union(told, setlog.Coverage{*r})
		}
	}
	slices.Sort(files)
	return slices.Compact(files), told, nil
}

// place answers in which file the remote shows what a segment has; empty where in none.
func (v *visit) place(ctx context.Context, s localstore.StoredSegment) (string, error) {
	if v.names.has(s.Name) {
		return inLog(s.Name), nil
	}
	shown, err := v.isShownInPast(ctx, s.Name)
	if shown || err != nil {
		return pastFolder + "/" + s.Name, err
	}
	name, found, err := v.findInPast(ctx, s)
	if !found || err != nil {
		return "", err
	}
	return pastFolder + "/" + name.String(), nil
}

// top answers the lines of the first nodes in the bucket's order, as many as a view takes.
func (v *visit) top() ([][]byte, error) {
	const page = 64
	order := v.bucket.Order()
	var lines [][]byte
	var after []byte
	for size := 0; ; {
		nodes, _, err := v.bucket.Ordered(order, after, nil, page)
		if err != nil {
			return nil, err
		}
		for _, n := range nodes {
			line := n.Node.AppendDelta(nil, n.ID)
			if size += len(line); size > maxTop {
				return lines, nil
			}
			lines = append(lines, line)
		}
		if len(nodes) < page {
			return lines, nil
		}
		after = order.Key(nodes[page-1].ID, nodes[page-1].Node)
	}
}

// publish writes a view where the one that is there says less. It is not done while that one names files which no listing
// shows: whoever wrote it may know more.
func (v *visit) publish(ctx context.Context, view *setlog.View, tries int) (done bool, err error) {
	name := ViewFile(view.Bucket)
	there, err := v.readView(ctx, name)
	if err != nil {
		return false, err
	}
	view.Count = 1
	if there != nil {
		if enough, err := v.isEnough(ctx, there, view); enough || err != nil {
			return enough, err
		}
		if known, err := v.knowsAll(ctx, there); err != nil || !known && tries <= patience {
			return false, err
		}
		view.Count = min(there.Count, setlog.MaxNumber-1) + 1 // whose it may be: this device may have written one before that
	}
	data, err := view.Encode(v.o.Key)
	if err == nil {
		err = v.ensure(ctx)
	}
	if err == nil {
		err = v.bucket.MarkSent(ctx, v.o.Remote, localstore.Uploaded, viewStates(view)...)
	}
	if err == nil {
		err = v.writeWhole(ctx, name, data)
	}
	if err != nil {
		return false, err
	}
	v.o.Logger.Debug("wrote a view", "remote", v.o.Remote, "bucket", view.Bucket, "indexes", len(view.Indexes), "segments", len(view.Tail))
	return true, nil
}

// viewStates are the names under which a store keeps that a view was written.
func viewStates(view *setlog.View) []string {
	states := []string{ViewFile(view.Bucket)}
	for _, index := range view.Indexes {
		states = append(states, namedState(index.Name))
	}
	return states
}

// knowsAll tells whether this device knows all files that a view names: they may be gone since.
func (v *visit) knowsAll(ctx context.Context, view *setlog.View) (bool, error) {
	for _, index := range view.Indexes {
		if v.indexes[index.Name] == nil {
			return false, nil
		}
	}
	for _, name := range view.Tail {
		base := path.Base(name)
		known, err := v.bucket.HasSegment(base)
		if err == nil && !known {
			known = v.names.has(base)
		}
		if err == nil && !known {
			known, err = v.isShownInPast(ctx, base)
		}
		if err != nil || !known {
			return false, err
		}
	}
	return true, nil
}

// readView reads the view that is there; nil for none that is of this bucket.
func (v *visit) readView(ctx context.Context, name string) (*setlog.View, error) {
	data, err := v.o.Storage.Read(ctx, name)
	switch {
	case isUnfit(err):
		return nil, nil //nolint:nilnil // there is none
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	view, err := setlog.DecodeView(data)
	if err != nil || view.Bucket != v.bucket.Name() || !v.ours(view.Births) {
		return nil, nil //nolint:nilnil,nilerr // it is broken, or another bucket's of that name
	}
	return view, nil
}

// isEnough tells whether the view that is there does for this device's own: it shows the same, and names the same files or
// more that are there. If not, the own comes to name what that one alone has: where a log has forked, devices differ in what
// they know to be covered, and would write over each other's view for ever.
func (v *visit) isEnough(ctx context.Context, there, own *setlog.View) (bool, error) {
	if !showSame(there, own) {
		return false, nil
	}
	if len(there.Indexes) < len(own.Indexes) {
		deliberate, err := v.isDeliberate(there, own)
		if err != nil || !deliberate {
			return false, err
		}
		return v.isWhole(ctx, there)
	}
	var more []string
	enough := !slices.ContainsFunc(own.Tail, func(name string) bool { return !isIn(there.Tail, name) })
	for _, name := range there.Tail {
		if isIn(own.Tail, name) {
			continue
		}
		shown, err := v.isFileShown(ctx, name)
		if err != nil {
			return false, err
		}
		if enough = enough && shown; shown {
			more = append(more, name)
		}
	}
	if enough {
		return true, nil
	}
	return false, v.addToTail(own, more)
}

// isDeliberate tells whether a view leaves indexes out that its writer knows to be broken, and not for it is older than they: no
// segments stand in their place, or this device has named them before.
func (v *visit) isDeliberate(there, own *setlog.View) (bool, error) {
	if !slices.ContainsFunc(there.Tail, func(name string) bool { return !isIn(own.Tail, name) }) {
		return true, nil
	}
	sent, err := v.bucket.Sent(v.o.Remote)
	return err == nil && !slices.ContainsFunc(own.Indexes, func(i setlog.ViewIndex) bool {
		return !slices.Contains(there.Indexes, i) && sent[namedState(i.Name)] == localstore.Unsent
	}), err
}

// namedState is the name under which a store keeps that a view of this device has named an index.
func namedState(index string) string { return viewFolder + "/" + index }

// isWhole tells whether a view leaves nothing out of what this device holds.
func (v *visit) isWhole(ctx context.Context, view *setlog.View) (bool, error) {
	var told setlog.Coverage
	for _, index := range view.Indexes {
		told = append(told, v.indexes[index.Name].Coverage...)
	}
	for _, name := range view.Tail {
		if shown, err := v.isFileShown(ctx, name); err != nil || !shown {
			return false, err
		}
	}
	tail, err := v.rangesOf(view.Tail)
	if err != nil {
		return false, err
	}
	rest, err := v.bucket.Rest(ctx, setlog.Union(told, tail))
	return rest.Entries == 0 && !rest.Unknown, err
}

func isIn(sorted []string, name string) bool {
	_, found := slices.BinarySearch(sorted, name)
	return found
}

// addToTail lets a view name files too, as far as its tail does not have all their entries.
func (v *visit) addToTail(view *setlog.View, files []string) error {
	had, err := v.rangesOf(view.Tail)
	if err != nil {
		return err
	}
	had = setlog.Union(had)
	for _, name := range files {
		r, err := v.rangeOf(path.Base(name))
		if err != nil {
			return err
		}
		if (r == nil || !had.Covers(*r)) && len(view.Tail) < maxTail {
			view.Tail = append(view.Tail, name)
		}
	}
	slices.Sort(view.Tail)
	return nil
}

// isFileShown tells whether the remote shows a file with a segment of this bucket.
func (v *visit) isFileShown(ctx context.Context, file string) (bool, error) {
	name := path.Base(file)
	segment, ok := setlog.ParseSegmentName(name)
	if !ok || segment.Bucket != setlog.BucketID(v.bucket.Name()) {
		return false, nil
	}
	if v.names.has(name) && inLog(name) == file {
		return true, nil
	}
	shown, err := v.isShownInPast(ctx, name)
	return shown && pastFolder+"/"+name == file, err
}

// showSame tells whether a view shows the same nodes as this device's own, and names no other indexes.
func showSame(there, own *setlog.View) bool {
	return slices.Equal(there.Births, own.Births) && slices.Equal(there.Order, own.Order) && slices.EqualFunc(there.Top, own.Top, bytes.Equal) && there.Nodes == own.Nodes &&
		!slices.ContainsFunc(there.Indexes, func(i setlog.ViewIndex) bool { return !slices.Contains(own.Indexes, i) })
}
