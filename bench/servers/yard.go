package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/shirou/gopsutil/v4/process"
)

// yard owns the processes of a run. They end with the context they were started with.
type yard struct {
	folder  string
	running sync.WaitGroup
}

// wait returns when all processes have ended.
func (y *yard) wait() { y.running.Wait() }

// build compiles a package of a module with the settings that all checks share.
func (y *yard) build(ctx context.Context, module, target, name string) (string, error) {
	program := filepath.Join(y.folder, "bin", name)
	build := exec.CommandContext(ctx, "../../scripts/go", "go", "build", "-C", module, "-o", program, target)
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("servers: build %s: %w\n%s", name, err, out)
	}
	return program, nil
}

// start runs a server's program in a folder of its own until the context ends, and returns when it listens. What it said
// comes with the error when it does not.
func (y *yard) start(ctx context.Context, s *server, program string, args ...string) error {
	folder := filepath.Join(y.folder, s.name)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	said, err := os.Create(filepath.Join(y.folder, s.name+".log"))
	if err != nil {
		return err
	}
	run := exec.CommandContext(ctx, program, args...)
	run.Dir, run.Stdout, run.Stderr = folder, said, said
	run.Cancel = func() error { return run.Process.Signal(syscall.SIGTERM) }
	run.WaitDelay = 10 * time.Second // then it is killed
	if err := run.Start(); err != nil {
		return errors.Join(fmt.Errorf("servers: start %s: %w", s.name, err), said.Close())
	}
	s.process = run.Process.Pid
	ended := make(chan struct{})
	y.running.Go(func() {
		defer close(ended)
		_ = run.Wait() // it ends by our signal, or who waits for it says so
		_ = said.Close()
	})
	if err := listens(ctx, s.address, ended); err != nil {
		text, _ := os.ReadFile(said.Name()) // the error stands without it
		return fmt.Errorf("servers: %s: %w\n%s", s.name, err, text)
	}
	return nil
}

// listens waits until somebody takes connections on the address.
func listens(ctx context.Context, address string, ended <-chan struct{}) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "tcp", address)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-tick.C:
		case <-ended:
			return errors.New("it ended at once")
		case <-ctx.Done():
			return fmt.Errorf("it does not listen: %w", err)
		}
	}
}

// cpuTime is what a process has used so far.
func cpuTime(ctx context.Context, id int) (time.Duration, error) {
	p, err := process.NewProcessWithContext(ctx, int32(id))
	if err != nil {
		return 0, err
	}
	used, err := p.TimesWithContext(ctx)
	if err != nil {
		return 0, err
	}
	return time.Duration((used.User + used.System) * float64(time.Second)), nil
}

// freeAddress is one on the loopback on which nothing listens now.
func freeAddress(ctx context.Context) (string, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// freePort is freeAddress, and its port alone.
func freePort(ctx context.Context) (address, port string, err error) {
	if address, err = freeAddress(ctx); err == nil {
		_, port, err = net.SplitHostPort(address)
	}
	return address, port, err
}

// absolute names a file of this folder for a program that runs in another.
func absolute(path string) (string, error) {
	whole, err := filepath.Abs(path)
	if err == nil {
		_, err = os.Stat(whole)
	}
	return whole, err
}
