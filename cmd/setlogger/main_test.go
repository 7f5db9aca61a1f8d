package main

import (
	"bufio"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/setlogger/setlogger/api"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"setlogger": main})
}

// TestScripts runs testdata/script with the real program. Beside testscript's own commands there are
//
//	serve NAME [flags]   start a daemon on $WORK/NAME and wait until it listens; it is ended with the script
//	halt NAME            end it by SIGTERM; it must exit 0 within 5 seconds
//	crash NAME           end it by SIGKILL
//	port VAR             put a free port into VAR
//	ask NAME APP SCOPE…  have an app ask the daemon to be let in; its code is then in $CODE
//	poll NAME            fetch that app's token into $SETLOGGER_TOKEN
//	envfile VAR FILE     put what a file holds into VAR
func TestScripts(t *testing.T) {
	daemons := &daemons{running: map[string]*exec.Cmd{}}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("RCLONE_CONFIG", filepath.Join(env.WorkDir, "rclone.conf"))
			env.Setenv("SETLOGGER_DATA", filepath.Join(env.WorkDir, "a"))
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"serve":   daemons.serve,
			"halt":    func(ts *testscript.TestScript, _ bool, args []string) { daemons.end(ts, args[0], syscall.SIGTERM) },
			"ask":     ask,
			"poll":    poll,
			"envfile": envFile,
			"crash":   func(ts *testscript.TestScript, _ bool, args []string) { daemons.end(ts, args[0], syscall.SIGKILL) },
			"port":    freePort,
		},
	})
}

// daemons are those that the scripts have started, by script and name.
type daemons struct {
	mu      sync.Mutex
	running map[string]*exec.Cmd
}

func (d *daemons) serve(ts *testscript.TestScript, _ bool, args []string) {
	data := ts.MkAbs(args[0])
	program, err := lookPath(ts.Getenv("PATH"), "setlogger")
	ts.Check(err)
	cmd := exec.CommandContext(context.Background(), program, append([]string{"serve", "--data", data, "--listen", "127.0.0.1:0"}, args[1:]...)...)
	cmd.Dir = ts.Getenv("WORK")
	cmd.Env = []string{"HOME=" + ts.Getenv("HOME"), "RCLONE_CONFIG=" + ts.Getenv("RCLONE_CONFIG"), "PATH=" + ts.Getenv("PATH")}
	log, err := os.OpenFile(data+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	ts.Check(err)
	defer func() { _ = log.Close() }()
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	ts.Check(cmd.Start())
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.Contains(lines.Text(), "listening on") {
	}
	if lines.Text() == "" {
		ts.Fatalf("%s ended before it listened: %v", data, cmd.Wait())
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.running[data] = cmd
	ts.Defer(func() { _ = d.finish(data, syscall.SIGKILL) })
}

func (d *daemons) end(ts *testscript.TestScript, name string, signal syscall.Signal) {
	start := time.Now()
	err := d.finish(ts.MkAbs(name), signal)
	if signal == syscall.SIGTERM {
		ts.Check(err)
		if took := time.Since(start); took > 5*time.Second {
			ts.Fatalf("%s took %v to stop", name, took)
		}
	}
}

func (d *daemons) finish(data string, signal syscall.Signal) error {
	d.mu.Lock()
	cmd := d.running[data]
	delete(d.running, data)
	d.mu.Unlock()
	if cmd == nil {
		return nil
	}
	if err := cmd.Process.Signal(signal); err != nil {
		return err
	}
	return cmd.Wait()
}

func lookPath(path, name string) (string, error) {
	for _, dir := range filepath.SplitList(path) {
		if file, err := exec.LookPath(filepath.Join(dir, name)); err == nil {
			return file, nil
		}
	}
	return "", exec.ErrNotFound
}

func freePort(ts *testscript.TestScript, _ bool, args []string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	_, port, err := net.SplitHostPort(listener.Addr().String())
	ts.Check(err)
	ts.Check(listener.Close())
	ts.Setenv(args[0], port)
}

// ask NAME SCOPE has a program ask a daemon to be let in; its code is then in $CODE.
func ask(ts *testscript.TestScript, _ bool, args []string) {
	c := clientOf(ts, args[0])
	asked, err := c.AskApp(context.Background(), api.AppRequest{Name: args[1], Scopes: args[2:]})
	ts.Check(err)
	ts.Setenv("CODE", asked.Code)
	ts.Setenv("ASKED", asked.ID)
	ts.Setenv("SECRET", asked.Secret)
}

// poll fetches the token of who asked into $SETLOGGER_TOKEN.
func poll(ts *testscript.TestScript, _ bool, args []string) {
	a, err := clientOf(ts, args[0]).PollApp(context.Background(), ts.Getenv("ASKED"), ts.Getenv("SECRET"))
	ts.Check(err)
	if a.Token == "" {
		ts.Fatalf("no token came: %+v", a)
	}
	ts.Setenv("SETLOGGER_TOKEN", a.Token)
}

func clientOf(ts *testscript.TestScript, name string) *api.Client {
	c, err := api.NewClient(api.Options{Data: ts.MkAbs(name)})
	ts.Check(err)
	return c
}

// envFile NAME FILE sets a variable to what a file holds.
func envFile(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile(args[1])))
}
