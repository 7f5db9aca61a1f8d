package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/tray"
)

// Exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Stderr)
	stop()
	os.Exit(code)
}

// run carries out one command line and answers its exit code.
func run(ctx context.Context, arguments []string, stderr io.Writer) int {
	flags := flag.NewFlagSet("setlogger-tray", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		_, _ = fmt.Fprintln(stderr, "setlogger-tray shows in the system tray how the SetLogger daemon stands.")
		flags.PrintDefaults()
	}
	data := flags.String("data", os.Getenv("SETLOGGER_DATA"), "data `folder` of the daemon (SETLOGGER_DATA)")
	listen := flags.String("listen", os.Getenv("SETLOGGER_LISTEN"), "`host:port` of the daemon (SETLOGGER_LISTEN); default: as the data folder says")
	switch err := flags.Parse(arguments); {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return exitUsage
	case flags.NArg() > 0:
		_, _ = fmt.Fprintf(stderr, "setlogger-tray: %q is one word too many; see setlogger-tray --help\n", flags.Arg(0))
		return exitUsage
	}
	o := api.Options{Data: *data, Address: *listen, Token: os.Getenv("SETLOGGER_TOKEN"), Retries: -1} // it asks again by itself
	err := tray.Run(ctx, tray.Options{
		Connect: func() (tray.Daemon, error) { return api.NewClient(o) },
		Open:    func(ctx context.Context) error { return openPage(ctx, o) },
		Logger:  slog.New(slog.NewTextHandler(stderr, nil)),
	})
	if err != nil {
		_, _ = fmt.Fprintln(stderr, "setlogger-tray:", err)
		return exitFailed
	}
	return exitOK
}
