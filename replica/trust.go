package replica

import (
	"context"
	"slices"

	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/setlog"
)

// maxChecked is how many entries of each range of an index are looked for in it, the newest.
const maxChecked = 20_000

// checkedMark is the name under which a store keeps which indexes were found to hold what they cover; no remote has it.
const checkedMark = "checked:"

// isTrue looks into an index for those entries of this log that it says it covers beyond the indexes that it merges. One
// that lacks any does not count: neither is it taken in, nor does what it covers go unwritten. It is looked into again only
// when the log has come to hold more of what it covers.
func (v *visit) isTrue(ctx context.Context, y *listed) (bool, error) {
	if v.liars[y.name] {
		return false, nil
	}
	checked, err := v.bucket.Sent(checkedMark)
	if err != nil || checked[y.name] == localstore.Verified {
		return err == nil, err
	}
	covered := v.fresh(y, checked)
	extent, err := v.bucket.Extent(covered, maxChecked)
	if err != nil || extent == v.vouched[y.name] {
		return err == nil, err
	}
	entries, err := v.bucket.Entries(ctx, covered, maxChecked)
	if err != nil {
		return false, err
	}
	held, whole, err := v.contentOf(ctx, y, idsOf(entries))
	if err != nil || !whole {
		return false, err
	}
	if !held.holdsEntries(entries, y) {
		v.liars[y.name] = true
		v.o.Logger.Warn("an index lacks entries that it says it covers; it does not count", "remote", v.o.Remote, "bucket", v.bucket.Name(), "index", y.name)
		return false, nil
	}
	return true, v.vouch(ctx, y.name, covered, extent)
}

// vouch notes that an index holds the entries that this log has of what it covers; for good, where these are all.
func (v *visit) vouch(ctx context.Context, name string, covered setlog.Coverage, extent uint64) error {
	v.vouched[name] = extent
	all, err := v.bucket.Logged(covered)
	if err != nil || !all {
		return err
	}
	return v.bucket.MarkSent(ctx, checkedMark, localstore.Verified, name)
}

// vouchOwn is vouch for an index that was just made: of true ones, and of what they leave out.
func (c *compaction) vouchOwn(ctx context.Context, name string) error {
	checked, err := c.bucket.Sent(checkedMark)
	if err != nil {
		return err
	}
	covered := c.fresh(&listed{Index: &c.index}, checked)
	extent, err := c.bucket.Extent(covered, maxChecked)
	if err != nil {
		return err
	}
	return c.vouch(ctx, name, covered, extent)
}

func idsOf(entries []setlog.Entry) map[string]bool {
	ids := map[string]bool{}
	for _, e := range entries {
		for _, a := range e.Actions {
			ids[a.ID] = true
		}
	}
	return ids
}

// fresh answers what an index covers beyond those that it merges and that were checked.
func (v *visit) fresh(y *listed, checked map[string]localstore.Sent) setlog.Coverage {
	var merged setlog.Coverage
	for name, state := range checked {
		id, ok := setlog.ParseIndexName(name)
		if index := v.indexes[name]; ok && index != nil && state == localstore.Verified && slices.Contains(y.Merges, id.Hash) {
			merged = append(merged, index.Coverage...)
		}
	}
	return beyond(y.Coverage, setlog.Union(merged))
}

// beyond answers what ranges have past the ends of others. Where a writer has several ranges, its log may have forked: then
// they are answered whole.
func beyond(c, others setlog.Coverage) setlog.Coverage {
	var rest setlog.Coverage
	for _, r := range c {
		if known := others.Of(r.Writer); len(known) == 1 && len(c.Of(r.Writer)) == 1 && known[0].First <= r.First && known[0].Last >= r.First {
			r.First, r.Previous = known[0].Last+1, known[0].Chain
		}
		if r.First <= r.Last {
			rest = append(rest, r)
		}
	}
	return rest
}

// trueOnes leaves out the indexes that lack what they say they cover; those that one of them replaced count again, if they
// are true themselves. Where one was found just now, what it covers is to be written at once.
func (v *visit) trueOnes(ctx context.Context, all catalog) (catalog, error) {
	honest, known := all, len(v.liars)
	asked := map[setlog.Hash]bool{}
	for left := true; left; {
		left = false
		for _, y := range honest.live() {
			if asked[y.hash] {
				continue
			}
			asked[y.hash] = true
			ok, err := v.isTrue(ctx, y)
			if err != nil {
				return nil, err
			}
			if !ok {
				honest, left = honest.without(y.hash), true
			}
		}
	}
	if len(v.liars) > known {
		v.mends[v.bucket.Name()], v.relook[v.bucket.Name()], v.busy = true, true, true
	}
	return honest, nil
}

// reportLiars names the indexes that lack what they say they cover.
func (v *visit) reportLiars() {
	for _, name := range v.shelf.names[setlog.BucketID(v.bucket.Name())] {
		if v.liars[name.String()] {
			v.round.Problems = append(v.round.Problems, overstated(v.bucket.Name(), name.String()))
			return
		}
	}
}
