package replica

import (
	"context"
	"errors"
	"fmt"
	"io"
)

const (
	// reserveName is a file that only takes room: on a full remote it goes, so that there is room for what makes room.
	reserveName = "reserve.bin"
	// reserveSize is enough for an index and several chunks.
	reserveSize = 1 << 20
)

// reserveRoom writes the reserve where the share has none and is not full: what does not compress, so that it takes its room everywhere.
func (s *Share) reserveRoom(ctx context.Context) error {
	if s.reserved || s.released || s.o.Reserve < 0 {
		return nil
	}
	if err := s.ensure(ctx); err != nil || s.reserved { // another device may have written it by now
		return err
	}
	data := make([]byte, s.o.Reserve)
	if _, err := io.ReadFull(s.o.Random, data); err != nil {
		return fmt.Errorf("make a reserve: %w", err)
	}
	if err := s.o.Storage.Write(ctx, reserveName, data); err != nil {
		return fmt.Errorf("write %s: %w", reserveName, err)
	}
	s.reserved = true
	return nil
}

// makeRoom gives the reserve of a full remote away, writes an index if one is due, for that takes less room than what it
// makes needless, and removes what is needless already.
func (v *visit) makeRoom(ctx context.Context) error {
	if err := v.releaseRoom(ctx); err != nil {
		return err
	}
	return errors.Join(v.compactIfDue(ctx), v.collectIfDue(ctx))
}

// releaseRoom removes the reserve, once until there is room again.
func (s *Share) releaseRoom(ctx context.Context) error {
	if s.released {
		return nil
	}
	if err := s.o.Storage.Remove(ctx, reserveName); err != nil && !isAbsent(err) {
		return fmt.Errorf("remove %s: %w", reserveName, err)
	}
	s.o.Logger.Warn("the remote is full; its reserve was given away", "remote", s.o.Remote)
	s.released, s.reserved = true, false
	return nil
}
