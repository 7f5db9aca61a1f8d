package daemon

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/localstore"
	"github.com/setlogger/setlogger/remote"
)

// DefaultListen is where a daemon listens that was told nothing else.
const DefaultListen = "127.0.0.1:7373"

// Bounds of a stop: callers have finishTime for what they wait for, then all has closeTime.
const (
	finishTime = 3 * time.Second
	closeTime  = time.Second
)

// Options of a daemon. Data and Open are needed.
type Options struct {
	Data    string // data folder, made where it is missing
	Listen  string // host:port; default DefaultListen
	Public  bool   // allow an address beyond this machine
	Version string
	NoSync  bool // for tests only: stores without fsync

	Day time.Duration // for tests only: what counts as a day of uptime; 0: 24 hours

	// Look is how long a new bucket waits for word of its remote; 0: 3 s.
	Look time.Duration
	// Write is how long the reader of a WebSocket may take nothing of a message; 0: 30 s.
	Write time.Duration
	// Beat is between signs of life of a quiet WebSocket; 0: 15 s.
	Beat time.Duration

	// Open answers the storage at a remote's path. It makes no call yet.
	Open func(path string) remote.Storage
	// Make makes the folder at a remote's path, where the backend has folders; nil: there are none to make.
	Make func(ctx context.Context, path string) error
	// Encrypt answers the path of an encryption, by a password and a salt, laid over a folder of a path; nil: there is none.
	Encrypt func(path, folder, password, salt string) (string, error)
	// Watch calls hint with the name of each file that comes to be in log/ of the folder at a remote's path, until the context
	// ends or it can't; nil: nothing is watched. Hints may be lost, and remotes are polled all the same.
	Watch func(ctx context.Context, path string, hint func(name string)) error
	// ObjectStore tells whether the place at a remote's path asks for money by the request, as S3 does; nil: none does.
	ObjectStore func(path string) bool
	// Mask hides the secrets in a remote's path; nil: there are none.
	Mask func(path string) string
	// Channels opens the channels of remotes; nil: no remote can have one.
	Channels *Channels
	// Setups sets up remotes by questions; zero: only by their paths.
	Setups remote.Setups
	// Ready is called once the daemon listens.
	Ready func(Ready)
	// Logger gets what the daemon tells; nil: nothing.
	Logger *slog.Logger
}

// Ready tells where a daemon listens.
type Ready struct {
	Address string // host:port
	Data    string
}

func (o Options) withDefaults() Options {
	if o.Listen == "" {
		o.Listen = DefaultListen
	}
	if o.Version == "" {
		o.Version = "devel"
	}
	if o.Make == nil {
		o.Make = func(context.Context, string) error { return nil }
	}
	o.Look = cmp.Or(o.Look, lookTime)
	o.Write = cmp.Or(o.Write, writeTime)
	o.Beat = cmp.Or(o.Beat, beatTime)
	if o.Mask == nil {
		o.Mask = func(path string) string { return path }
	}
	if o.ObjectStore == nil {
		o.ObjectStore = func(string) bool { return false }
	}
	if o.Setups.Begin == nil {
		o.Setups = noSetups()
	}
	if o.Ready == nil {
		o.Ready = func(Ready) {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// Daemon serves the buckets of one data folder.
type Daemon struct {
	o        Options
	log      *slog.Logger
	folder   *folder
	registry *localstore.Registry
	device   string
	key      ed25519.PrivateKey // that seen files are signed with
	uptime   uptime
	clock    clock
	apps     *apps
	asks     *rate.Limiter // requests to be let in
	moments  *moments
	started  time.Time
	metrics  *metrics
	setups   setups

	streams context.Context // ends when the daemon begins to stop: streams end, calls finish
	lanes   context.Context // ends the rounds with remotes

	changed  bell           // rung when the status may be another
	changing sync.Mutex     // one change of what is held at a time
	running  sync.WaitGroup // lanes

	restoring sync.Mutex // one restore at a time

	mu      sync.RWMutex
	buckets map[string]*heldBucket
	remotes map[string]*heldRemote
	broken  map[string]api.Problem // buckets that could not be opened, by name
}

// Run serves until the context ends, then finishes what callers wait for and closes the stores, within 5 seconds.
// Why it cannot start is a *StartError.
func Run(ctx context.Context, o Options) error {
	o = o.withDefaults()
	path, err := filepath.Abs(o.Data) // it is stored: the embedded share lies in it
	if err != nil {
		return folderError(o.Data, err)
	}
	folder, err := openFolder(path)
	if err != nil {
		return err
	}
	d := &Daemon{
		o: o, log: o.Logger, folder: folder, started: time.Now(), moments: newMoments(), asks: rate.NewLimiter(rate.Every(time.Second), 10),
		metrics: newMetrics(o.Version),
		buckets: map[string]*heldBucket{}, remotes: map[string]*heldRemote{}, broken: map[string]api.Problem{},
	}
	err = d.run(ctx)
	return errors.Join(err, folder.close())
}

func (d *Daemon) run(ctx context.Context) error {
	// What the lanes and streams do outlives ctx by the steps of the stop.
	base := context.WithoutCancel(ctx)
	var stopStreams, stopLanes context.CancelFunc
	d.streams, stopStreams = context.WithCancel(base)
	d.lanes, stopLanes = context.WithCancel(base)
	defer stopStreams()
	defer stopLanes()

	tcp, err := listen(ctx, d.o.Listen, d.o.Public)
	if err != nil {
		return err
	}
	defer func() { _ = tcp.Close() }()
	if err := d.openStores(); err != nil {
		return errors.Join(err, d.closeStores())
	}
	server, err := d.server(tcp)
	if err != nil {
		return errors.Join(err, d.closeStores())
	}
	d.running.Go(func() { d.uptime.keep(d.lanes, d) })
	failed := d.serve(ctx, server, tcp)
	d.log.Info("listening", "address", tcp.Addr().String(), "data", d.folder.path)
	d.o.Ready(Ready{Address: tcp.Addr().String(), Data: d.folder.path})
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	d.log.Info("stopping")
	stopStreams()
	stopLanes()
	finish(base, server, d.log)
	d.moments.drop()
	d.running.Go(d.setups.close) // which waits for answers under way, and a place may hang
	if !waitFor(&d.running, closeTime) {
		d.log.Warn("a remote's call did not end in time and is left behind")
	}
	for _, r := range d.allRemotes() {
		d.storeSpent(r, true)
	}
	return errors.Join(err, d.closeStores())
}

// server makes the HTTP server with its gate.
func (d *Daemon) server(tcp *listener) (*http.Server, error) {
	token, err := d.folder.token()
	if err != nil {
		return nil, err
	}
	if err := d.metrics.registry.Register(newStanding(d)); err != nil {
		return nil, err
	}
	routes, err := d.routes()
	if err != nil {
		return nil, err
	}
	if err := d.folder.write(api.AddressFile, tcp.Addr().String()+"\n"); err != nil {
		return nil, err
	}
	hosts := hostsOf(tcp.Addr())
	if d.o.Public {
		hosts = append(hosts, d.o.Listen)
	}
	return &http.Server{
		Handler: &gate{
			hosts: hosts, token: sha256.Sum256([]byte(token)), apps: d.apps, open: openPaths(), log: d.log, refused: d.metrics.noteRefusal,
			next: &counting{metrics: d.metrics, next: routes},
		},
		ConnContext:                  withPeer,
		ReadHeaderTimeout:            5 * time.Second,
		IdleTimeout:                  2 * time.Minute,
		MaxHeaderBytes:               16 << 10,
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(d.log.Handler(), slog.LevelWarn),
	}, nil
}

// serve accepts on the port and on the socket. What ends either ends the daemon.
func (d *Daemon) serve(ctx context.Context, server *http.Server, tcp *listener) <-chan error {
	failed := make(chan error, 2)
	listeners := []net.Listener{tcp}
	if socket := listenSocket(ctx, d.folder, d.log); socket != nil {
		listeners = append(listeners, socket)
	}
	for _, l := range listeners {
		go func() {
			if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				failed <- err
			}
		}()
	}
	return failed
}

// finish stops accepting and lets calls end by themselves for a while.
func finish(ctx context.Context, server *http.Server, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(ctx, finishTime)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		log.Warn("calls were cut off", "error", err)
		_ = server.Close() // nothing more can be done for them
	}
}

func waitFor(group *sync.WaitGroup, limit time.Duration) bool {
	done := make(chan struct{})
	go func() { group.Wait(); close(done) }()
	select {
	case <-done:
		return true
	case <-time.After(limit):
		return false
	}
}

func (d *Daemon) now() time.Time { return time.Now().UTC() }
