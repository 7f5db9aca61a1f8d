package tray

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/setlogger/setlogger/api"
)

// ErrNotBuilt is what a program without the build tag tray answers.
var ErrNotBuilt = errors.New("tray: this program was built without its icon; build it with: go build -tags tray ./cmd/setlogger-tray (on Linux that takes gcc, libgtk-3-dev and libayatana-appindicator3-dev)")

// ErrNoDisplay says that there is no desktop to draw on.
var ErrNoDisplay = errors.New("tray: no desktop in reach: neither DISPLAY nor WAYLAND_DISPLAY is set; start it from a desktop session")

// Daemon is what the tray asks of a daemon; *api.Client is one.
type Daemon interface {
	Status(ctx context.Context) (*api.Status, error)
	// Sync makes a round with a remote, or with all when the name is empty, and
	// waits for it.
	Sync(ctx context.Context, remote string) ([]api.RemoteStatus, error)
}

// Options say what a tray shows.
type Options struct {
	// Connect finds the daemon. It is called again after every failure, because
	// a daemon that starts anew may listen elsewhere. Required.
	Connect func() (Daemon, error)
	// Open opens the daemon's page in the browser. Required.
	Open func(ctx context.Context) error
	// Every is how often the status is asked for; 0 means every 2 seconds.
	Every time.Duration
	// Logger hears what goes wrong; nil means silence.
	Logger *slog.Logger
}

func (o Options) filled() Options {
	if o.Every == 0 {
		o.Every = 2 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}
