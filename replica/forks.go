package replica

import (
	"context"
	"slices"

	"github.com/setlogger/setlogger/setlog"
)

// searchForks looks for branches of forked writers of which a device tells: ever less often, for the entries may
// well have come by an index, which has no chains in between.
func (v *visit) searchForks(ctx context.Context) error {
	name := v.bucket.Name()
	heads, err := v.unproven()
	if err != nil || len(heads) == 0 {
		delete(v.doubting, name)
		return err
	}
	if v.doubting[name]++; !v.isTurn(v.doubting[name]) {
		return nil
	}
	past, err := v.listPast(ctx)
	if err != nil {
		return err
	}
	ends := slices.DeleteFunc(slices.Clone(past), func(n setlog.SegmentName) bool {
		return !slices.ContainsFunc(heads, func(h setlog.Head) bool { return h.Writer == n.Writer && h.Number == n.Last })
	})
	wanted, err := v.wanted(pastFolder, ends)
	if err != nil {
		return err
	}
	before := v.round.Folded
	if _, err = v.fold(ctx, wanted); err != nil || v.round.Folded > before {
		return err
	}
	_, err = v.join(ctx)
	return err
}

// unproven answers the heads, beside greater ones of the same writer in the same file, that no chain here leads through.
func (v *visit) unproven() ([]setlog.Head, error) {
	var beside []setlog.Head
	for _, seen := range v.seen.all() {
		other := seen.Buckets[v.bucket.Name()]
		if len(other.Births) == 0 || !v.ours(other.Births) {
			continue
		}
		for i, h := range other.Heads[:max(len(other.Heads)-1, 0)] {
			if other.Heads[i+1].Writer == h.Writer {
				beside = append(beside, h)
			}
		}
	}
	return v.bucket.Unproven(beside...)
}
