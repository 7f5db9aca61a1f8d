package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// connections are open at once while a server is written to.
const connections = 64

// once makes one call over a connection of its own.
func once(ctx context.Context, s *server, request []byte) error {
	c, err := dial(ctx, s)
	if err != nil {
		return fmt.Errorf("servers: %s: %w", s.name, err)
	}
	err = c.call(request)
	return errors.Join(err, c.Close())
}

// measureWrites is a round of S1: each server in turn, and the disk itself.
func measureWrites(ctx context.Context, all *servers, o options, folder string, f figures) error {
	perSync, err := measureSync(folder, o.spell/10)
	if err != nil {
		return err
	}
	f.note("S1/fsync", perSync)
	for _, s := range append([]*server{all.own}, all.peers...) {
		err := measureWrite(ctx, s, o.spell, f)
		if err == nil {
			err = settle(ctx, s)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// settle waits until a server has done what it left for later, so that the next one has the machine to itself.
func settle(ctx context.Context, s *server) error {
	const look, rest = 3 * time.Second, 60 * time.Millisecond // of CPU time in one look: a round is up to 2 s away
	tick := time.NewTicker(look)
	defer tick.Stop()
	for before := time.Duration(0); ; {
		used, err := cpuTime(ctx, s.process)
		if err != nil || used-before <= rest {
			return err
		}
		before = used
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// measureWrite writes to one server for a spell.
func measureWrite(ctx context.Context, s *server, spell time.Duration, f figures) error {
	before, err := cpuTime(ctx, s.process)
	if err != nil {
		return err
	}
	ownBefore, err := cpuTime(ctx, os.Getpid())
	if err != nil {
		return err
	}
	began := time.Now()
	made, err := write(ctx, s, written, func() (int, bool) {
		if time.Since(began) >= spell {
			return 0, false
		}
		return int(s.begun.Add(1)) - 1, true
	})
	took := time.Since(began)
	if err != nil {
		return err
	}
	after, err := cpuTime(ctx, s.process)
	if err != nil {
		return err
	}
	ownAfter, err := cpuTime(ctx, os.Getpid())
	if s.name == own {
		f.note("S1/cpu/generator", micros(ownAfter-ownBefore)/float64(made))
	}
	f.note("S1/"+s.name, float64(made)/took.Seconds())
	f.note("S1/cpu/"+s.name, micros(after-before)/float64(made))
	return err
}

// write makes the nodes that next names over all connections, until it names none, and answers how many.
func write(ctx context.Context, s *server, set string, next func() (int, bool)) (int, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var made atomic.Int64
	var running sync.WaitGroup
	for range connections {
		running.Go(func() {
			if err := writeOne(ctx, s, set, next, &made); err != nil {
				cancel(fmt.Errorf("servers: %s: %w", s.name, err))
			}
		})
	}
	running.Wait()
	return int(made.Load()), context.Cause(ctx)
}

// writeOne is what one connection does of a write.
func writeOne(ctx context.Context, s *server, set string, next func() (int, bool), made *atomic.Int64) error {
	c, err := dial(ctx, s)
	if err != nil {
		return err
	}
	defer func() { _ = c.Close() }()
	for i, ok := next(); ok && ctx.Err() == nil; i, ok = next() {
		if err := c.call(s.write(set, i)); err != nil {
			return err
		}
		made.Add(1)
	}
	return nil
}

// measureSync answers how many microseconds an fsync takes after a short append, the median.
func measureSync(folder string, spell time.Duration) (float64, error) {
	file, err := os.Create(filepath.Join(folder, "fsync"))
	if err != nil {
		return 0, err
	}
	defer func() { _ = file.Close() }()
	var took []float64
	for began := time.Now(); time.Since(began) < spell; {
		if _, err := file.WriteString(action(0)); err != nil {
			return 0, err
		}
		start := time.Now()
		if err := file.Sync(); err != nil {
			return 0, err
		}
		took = append(took, micros(time.Since(start)))
	}
	return median(took), nil
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
