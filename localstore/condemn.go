package localstore

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"time"

	bolt "go.etcd.io/bbolt"
)

// Condemned is since when a file of a remote is known to be needless.
type Condemned struct {
	Uptime   time.Duration // of the device then
	Listings int           // full ones since, in which it was still so
}

const condemnedSize = 8 + 4

// condemnedKey sorts apart from all states of segments: no remote's name begins so.
func condemnedKey(remote, name string) []byte { return sentKey("\x01"+remote, name) }

// Condemned answers the files of a remote that were condemned, by name.
func (b *Bucket) Condemned(remote string) (map[string]Condemned, error) {
	all := map[string]Condemned{}
	err := b.view(func(tx *bolt.Tx) error {
		prefix := condemnedKey(remote, "")
		c := tx.Bucket([]byte(bucketSent)).Cursor()
		for k, v := c.Seek(prefix); bytes.HasPrefix(k, prefix); k, v = c.Next() {
			if len(v) == 0 { // pardoned, by an older program
				continue
			}
			if len(v) != condemnedSize {
				return fmt.Errorf("condemned: %w", errRecord)
			}
			all[string(k[len(prefix):])] = Condemned{time.Duration(binary.BigEndian.Uint64(v)), int(binary.BigEndian.Uint32(v[8:]))}
		}
		return nil
	})
	return all, b.wrap(err)
}

// Condemn notes files of a remote as needless; one with no listings is pardoned.
func (b *Bucket) Condemn(ctx context.Context, remote string, files map[string]Condemned) error {
	if len(files) == 0 {
		return nil
	}
	_, err := b.do(ctx, 1, func(p *batch, _ int) error {
		for name, c := range files {
			var record []byte
			if c.Listings > 0 {
				record = binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint64(nil, uint64(c.Uptime)), uint32(c.Listings))
			}
			p.put(bucketSent, condemnedKey(remote, name), record)
		}
		return nil
	})
	return err
}
