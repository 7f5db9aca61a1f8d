package rclone

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/config"
	"github.com/rclone/rclone/lib/atexit"

	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/disk"
)

// ErrStarted answers a second Start: rclone's settings are the process's, and it ends once.
var ErrStarted = errors.New("rclone: already started in this process")

// ErrSettings says that a remote's name or settings are missing, misspelt or cannot be read. It comes with
// remote.ErrUnreachable: the user may mend them while the program runs.
var ErrSettings = errors.New("rclone: settings")

// Options of Start; the zero value works.
type Options struct {
	ConfigPath string       // the user's rclone.conf; "" is $RCLONE_CONFIG, else where rclone looks for it
	Logger     *slog.Logger // nil discards
	UserAgent  string       // "" is "setlogger"
}

// Library is rclone, started. Safe for concurrent use.
type Library struct {
	settings *settings

	mu      sync.Mutex
	stopped bool
	ends    map[*func()]bool // each ends one remote, opened or being opened
	running sync.WaitGroup

	signing sync.Mutex // held while a setup waits for its sign-in
}

// started is a global because what it guards is: rclone's settings, transports and exit handlers.
var started atomic.Bool

// Start readies rclone. A settings file that is corrupt or locked by a password is no error here, so that local
// folders still work: see SettingsError.
func Start(ctx context.Context, o Options) (*Library, error) {
	if !started.CompareAndSwap(false, true) {
		return nil, ErrStarted
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	// First, or rclone's handler ends the process on SIGTERM before the caller is done.
	atexit.IgnoreSignals()
	fs.SetLogger(&handler{next: o.Logger.Handler()})
	s, err := loadSettings(o.ConfigPath)
	if err != nil {
		return nil, err
	}
	setGlobals(ctx, o.UserAgent)
	return &Library{settings: s, ends: map[*func()]bool{}}, nil
}

// Open answers the Storage below an rclone path: "name:folder", ":backend,key=value:folder" or a local folder.
// Nothing is tried yet, so every error, a misspelt path too, comes from the first call, and from each until it is
// mended. A path on this machine's disk is kept by package disk; what leads elsewhere is a remote.Closer.
func (l *Library) Open(path string) remote.Storage {
	if root, ok := localRoot(path); ok {
		return disk.New(root)
	}
	return &storage{library: l, path: path, opening: make(chan struct{}, 1)}
}

// Make makes the root folder of a path, where the backend has folders; one that is there is a success. An object
// store's bucket is not made.
func (l *Library) Make(ctx context.Context, path string) error {
	if root, ok := localRoot(path); ok {
		return disk.Make(root)
	}
	s := &storage{library: l, path: path, opening: make(chan struct{}, 1), making: true}
	defer s.Close()
	f, err := s.fs(ctx)
	if err != nil {
		return s.fail(ctx, "make", "", err)
	}
	return s.fail(ctx, "make", "", f.Mkdir(ctx, ""))
}

// ObjectStore tells whether a path leads to an object store, such as S3: each request costs money there. Nothing is asked for it.
func (l *Library) ObjectStore(path string) bool { return isObjectStore(path) }

// Remotes answers the names in the user's settings, sorted, without colons.
func (l *Library) Remotes() []string {
	names := config.GetRemoteNames()
	slices.Sort(names)
	return names
}

// ConfigPath answers the settings file in use, "" for none; it need not exist.
func (l *Library) ConfigPath() string { return config.GetConfigPath() }

// SettingsError says why the settings file could not be read, wrapping ErrSettings; nil when it could, or is not there.
// While it stands, the file is never written.
func (l *Library) SettingsError() error { return l.settings.problem() }

// Stop closes connections and runs rclone's exit handlers; it takes seconds at most. Calls in flight should have been
// ended by their contexts. Afterwards every call over rclone answers remote.ErrUnreachable.
func (l *Library) Stop() {
	l.mu.Lock()
	ends := l.ends
	l.stopped, l.ends = true, nil
	l.mu.Unlock()
	var closing sync.WaitGroup
	for end := range ends {
		closing.Go(*end)
	}
	if !within(patience, func() { closing.Wait(); l.running.Wait() }) {
		fs.Logf(nil, "connections were still open at the end")
	}
	atexit.Run()
}

// patience bounds how long the end of a remote may take.
const patience = 3 * time.Second

// track takes on something to end at Stop, unless untrack is called first; not ok when Stop is past.
func (l *Library) track(end func()) (untrack func(), ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped {
		return nil, false
	}
	l.ends[&end] = true
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.ends, &end)
	}, true
}

// errStopped answers calls after Stop.
var errStopped = fmt.Errorf("%w: stopped", remote.ErrUnreachable)

// spawn runs work that Stop waits for; not at all after Stop.
func (l *Library) spawn(work func()) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stopped {
		return errStopped
	}
	l.running.Go(work)
	return nil
}

// within says whether work ended in time; it goes on if not.
func within(limit time.Duration, work func()) bool {
	done := make(chan struct{})
	go func() {
		work()
		close(done)
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}
