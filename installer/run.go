package installer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"github.com/kardianos/service"
)

// errEnded is reported when serve ends although nobody stopped the service.
var errEnded = errors.New("installer: the daemon ended by itself")

// Run runs serve until ctx ends, the service manager says stop, or, in a
// terminal, the user does (interrupt or SIGTERM); a second signal then ends the
// process at once. It answers what serve answered. It works the same under every
// service manager and in a terminal.
func (s Service) Run(ctx context.Context, serve func(context.Context) error) error {
	if runtime.GOOS == "windows" && !service.Interactive() {
		return s.runManaged(ctx, serve)
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return serve(ctx)
}

// runManaged speaks the protocol of the Windows service manager.
func (s Service) runManaged(ctx context.Context, serve func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p := &program{serve: func() error { return serve(ctx) }, cancel: cancel, done: make(chan error, 1)}
	manager, err := service.New(p, s.config())
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNoManager, err)
	}
	return manager.Run()
}

// program is serve as kardianos/service wants it.
type program struct {
	serve  func() error
	cancel context.CancelFunc
	done   chan error // what serve answered, once
	asked  chan struct{}
}

// Start starts serve and comes back at once, as the manager waits for it.
func (p *program) Start(manager service.Service) error {
	p.asked = make(chan struct{})
	go func() {
		err := p.serve()
		select {
		case <-p.asked:
			p.done <- err
		default:
			abandon(manager, err)
		}
	}()
	return nil
}

// Stop ends serve and answers what it answered.
func (p *program) Stop(service.Service) error {
	close(p.asked)
	p.cancel()
	return <-p.done
}

// abandon ends the process, because kardianos/service would sit there without a
// daemon until it is told to stop, and because only a process that dies is
// started again by the manager.
func abandon(manager service.Service, err error) {
	if err == nil {
		err = errEnded
	}
	if log, logErr := manager.SystemLogger(nil); logErr == nil {
		_ = log.Error(err) // nobody is left to tell
	}
	os.Exit(1)
}
