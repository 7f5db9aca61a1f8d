package main

import (
	"context"
	"log/slog"
	"os"

	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/rclone"
)

// remotes is how serve reaches remotes.
type remotes struct {
	open func(path string) remote.Storage
	make func(ctx context.Context, path string) error
	mask func(path string) string
	wrap func(path, folder, password, salt string) (string, error)
	paid func(path string) bool // by the request
	stop func()
}

func main() {
	os.Exit(run(context.Background(), os.Args[1:], startRclone))
}

func startRclone(ctx context.Context, log *slog.Logger) (*remotes, error) {
	library, err := rclone.Start(ctx, rclone.Options{Logger: log, UserAgent: "setlogger/" + version()})
	if err != nil {
		return nil, err
	}
	if err := library.SettingsError(); err != nil {
		log.Warn("rclone's settings cannot be read; local folders still work", "error", err)
	}
	return &remotes{open: library.Open, make: library.Make, mask: rclone.Mask, wrap: rclone.Encrypted, paid: library.ObjectStore, stop: library.Stop}, nil
}
