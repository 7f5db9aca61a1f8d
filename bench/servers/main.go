// Command servers times the daemon's HTTP API beside Redis, PocketBase, pouchdb-server and a bare handler, on one disk and
// in one run, and prints one line a figure: S1 and S7 of the project. Run it in its own folder, after npm ci: scripts/bench-peers servers.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// options say how much is measured.
type options struct {
	rounds int
	spell  time.Duration // for which each server is written to in a round
	nodes  int           // of the largest bucket
	folder string        // whose disk is measured
	daemon string        // a built setlogger; empty: build it
	beside string        // which peer is started; empty: all
}

func main() {
	var o options
	flag.IntVar(&o.rounds, "rounds", 5, "how often each figure is taken, all in turn; the median counts")
	flag.DurationVar(&o.spell, "spell", 3*time.Second, "for how long each server is written to in a round")
	flag.IntVar(&o.nodes, "nodes", 1_000_000, "nodes of the largest bucket")
	flag.StringVar(&o.folder, "folder", "", "folder on the disk to measure; the system's temporary one if empty")
	flag.StringVar(&o.daemon, "setlogger", "", "a built setlogger; empty: build it")
	flag.StringVar(&o.beside, "beside", "", "the one peer to measure beside, and its writes alone; empty: all, and reads")
	bare := flag.String("bare", "", "be the bare handler on this address")
	flag.Parse()
	if err := start(o, *bare); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// start measures, or is the bare handler, until it is interrupted.
func start(o options, bare string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if bare != "" {
		return serveBare(ctx, bare)
	}
	return run(ctx, o)
}

// run starts all servers in a folder of their own, measures them, and leaves nothing.
func run(ctx context.Context, o options) (err error) {
	folder, err := os.MkdirTemp(o.folder, "setlogger-servers-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	ctx, end := context.WithCancel(ctx)
	y := &yard{folder: folder}
	defer func() { end(); y.wait() }()
	all, err := y.open(ctx, o)
	if err != nil {
		return err
	}
	f := figures{}
	for round := range o.rounds {
		fmt.Fprintf(os.Stderr, "S1, round %d of %d\n", round+1, o.rounds)
		if err := measureWrites(ctx, all, o, folder, f); err != nil {
			return err
		}
	}
	if err := f.printWrites(os.Stdout, all); err != nil || o.beside != "" {
		return err
	}
	if err := fill(ctx, all, o); err != nil {
		return err
	}
	for round := range o.rounds {
		fmt.Fprintf(os.Stderr, "S7, round %d of %d\n", round+1, o.rounds)
		if err := measureReads(ctx, all, o, f); err != nil {
			return err
		}
	}
	return f.printReads(os.Stdout, o)
}
