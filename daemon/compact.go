package daemon

import (
	"context"
	"slices"

	"github.com/setlogger/setlogger/api"
)

// compact writes an index of what none covers yet, on each remote of the bucket.
func (d *Daemon) compact(ctx context.Context, in *bucketName) (*answer[api.Compacted], error) {
	b, err := d.bucket(in.Bucket)
	if err != nil {
		return nil, err
	}
	names := d.remotesOf(b)
	out := api.Compacted{Remotes: []api.CompactedRemote{}}
	for _, r := range d.allRemotes() {
		if !slices.Contains(names, r.name) {
			continue
		}
		if err := d.settle(ctx, r); err != nil {
			return nil, syncError(r.name, err)
		}
		r.share.Compact(b.Name())
		before := r.indexed.Load()
		if err := r.lane.sync(ctx); err != nil {
			return nil, syncError(r.name, err)
		}
		out.Remotes = append(out.Remotes, api.CompactedRemote{Name: r.name, Indexes: r.indexed.Load() - before})
	}
	return &answer[api.Compacted]{out}, nil
}
