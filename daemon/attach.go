package daemon

import (
	"context"
	"errors"
	"slices"

	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/setlog"
)

// attach keeps a bucket with its remotes, and sets their lanes in motion.
func (d *Daemon) attach(ctx context.Context, b *heldBucket, remotes []string) error {
	all := slices.Clone(b.remotes)
	for _, name := range remotes {
		if slices.Contains(all, name) {
			continue
		}
		if err := b.doubt(ctx, name); err != nil {
			return err
		}
		all = append(all, name)
	}
	slices.Sort(all)
	entry, err := d.registry.Bucket(b.Name())
	if errors.Is(err, localstore.ErrMissing) {
		entry, err = localstore.BucketEntry{Name: b.Name(), Created: d.now()}, nil
	}
	if err != nil {
		return err
	}
	entry.Remotes = all
	if err := d.registry.PutBucket(entry); err != nil {
		return err
	}
	d.mu.Lock()
	b.remotes = all
	d.buckets[b.Name()] = b
	d.mu.Unlock()
	d.noteAppend(b)
	return nil
}

// doubt has what was once sent to a remote of a name looked for there anew: the name may be another place's by now. What stood in
// log/ is sent again where that does not show it; what was retired may be in other files, and is looked for first.
func (b *heldBucket) doubt(ctx context.Context, remote string) error {
	sent, err := b.Sent(remote)
	if err != nil {
		return err
	}
	var again, looked []string
	for name, state := range sent {
		if _, segment := setlog.ParseSegmentName(name); segment && state != localstore.Retired {
			again = append(again, name)
		} else {
			looked = append(looked, name)
		}
	}
	if err := b.MarkSent(ctx, remote, localstore.Unsent, again...); err != nil {
		return err
	}
	return b.MarkSent(ctx, remote, localstore.Uploaded, looked...)
}

// detach takes a bucket off a remote. The caller holds d.changing.
func (d *Daemon) detach(b *heldBucket, name string) error {
	rest := slices.DeleteFunc(slices.Clone(b.remotes), func(n string) bool { return n == name })
	entry, err := d.registry.Bucket(b.Name())
	if err != nil {
		return err
	}
	if len(rest) == len(b.remotes) && !slices.Contains(entry.Filling, name) {
		return nil
	}
	d.stopFilling(b, name)
	entry.Remotes, entry.Filling = rest, slices.DeleteFunc(entry.Filling, func(n string) bool { return n == name })
	if err := d.registry.PutBucket(entry); err != nil {
		return err
	}
	d.mu.Lock()
	b.remotes = rest
	d.mu.Unlock()
	return nil
}
