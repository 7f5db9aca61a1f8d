package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/setlogger/setlogger/daemon"
	"github.com/setlogger/setlogger/installer"
	"github.com/setlogger/setlogger/remote/notify"
)

func serveCommand(g *globals) *cobra.Command {
	var public, verbose bool
	cmd := &cobra.Command{
		Use: "serve", Short: "Run the daemon", Args: cobra.NoArgs,
		Long: "Run the daemon. With no configuration it makes its store, and a share in a folder of its own on this disk.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			level := slog.LevelInfo
			if verbose {
				level = slog.LevelDebug
			}
			log := slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), &slog.HandlerOptions{Level: level}))
			return installer.Service{}.Run(cmd.Context(), func(ctx context.Context) error {
				return g.serve(ctx, log, public, cmd.OutOrStdout())
			})
		},
	}
	cmd.Flags().BoolVar(&public, "public", false, "allow --listen beyond this machine: whoever reaches it and holds the token owns the data")
	cmd.Flags().BoolVarP(&verbose, "verbose", "v", false, "log more")
	return cmd
}

// serve runs the daemon with the remotes it may need.
func (g *globals) serve(ctx context.Context, log *slog.Logger, public bool, out io.Writer) error {
	reach, err := g.reach(ctx, log)
	if err != nil {
		return err
	}
	defer reach.stop()
	return daemon.Run(ctx, daemon.Options{
		Data: g.data, Listen: g.listen, Public: public, Version: version(), Logger: log,
		NoSync: os.Getenv("SETLOGGER_TEST_NOSYNC") == "1", Day: testDay(),
		Open: reach.open, Make: reach.make, Mask: reach.mask, Encrypt: reach.wrap, ObjectStore: reach.paid, Watch: watch, Setups: reach.setups,
		Channels: &daemon.Channels{Check: notify.Check, Mask: notify.Mask, Open: notify.Open, SetUp: notify.SetUp, TearDown: notify.TearDown},
		Ready: func(r daemon.Ready) {
			greet(out, r)
			if err := installer.Ready(); err != nil {
				log.Warn("the service manager was not told", "error", err)
			}
		},
	})
}

// watch hears of what others put into a share that is a folder.
func watch(ctx context.Context, path string, hint func(name string)) error {
	root, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	return notify.Folder(ctx, root, "log", hint)
}

// testDay is what tests count as a day of uptime, so that they need not wait for weeks; 0: a day.
func testDay() time.Duration {
	day, _ := time.ParseDuration(os.Getenv("SETLOGGER_TEST_DAY"))
	return max(day, 0)
}

// greet tells a person where the daemon is and what to try.
func greet(w io.Writer, r daemon.Ready) {
	fmt.Fprintf(w, `SetLogger is listening on http://%[1]s
  status page  http://%[1]s/    (asks for the token in %[2]s/token)
  API          http://%[1]s/docs

Try it:
  T="Authorization: Bearer $(cat '%[2]s/token')"
  curl -H "$T" -H 'Content-Type: application/json' -d '{"name":"todos"}' http://%[1]s/v1/buckets
  curl -H "$T" -H 'Content-Type: application/json' -d '{"type":"CREATE_NODE","id":"1","properties":{"title":"Milk"}}' http://%[1]s/v1/buckets/todos/actions
  curl -H "$T" http://%[1]s/v1/buckets/todos/nodes/1

`, r.Address, r.Data)
}

// hintOf is what a person can do about an error.
func hintOf(err error) string {
	if start, ok := errors.AsType[*daemon.StartError](err); ok {
		return start.Hint
	}
	return ""
}
