// Command standin is the smallest daemon there can be: it answers /healthz, and
// installs itself. The tests run it where the real binary is not to be built.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/setlogger/setlogger/installer"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "setlogger:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	verb := arguments[0]
	if verb == "service" {
		verb, arguments = "service "+arguments[1], arguments[1:]
	}
	flags := flag.NewFlagSet(verb, flag.ExitOnError)
	var s installer.Service
	flags.BoolVar(&s.User, "user", false, "")
	flags.StringVar(&s.Data, "data", "", "")
	flags.Bool("json", true, "")
	flags.StringVar(&s.Listen, "listen", "127.0.0.1:7373", "")
	if err := flags.Parse(arguments[1:]); err != nil {
		return err
	}
	switch verb {
	case "serve":
		return s.Run(context.Background(), func(ctx context.Context) error { return serve(ctx, s) })
	case "service install":
		return s.Install()
	case "service uninstall":
		return s.Uninstall()
	case "service start":
		return s.Start()
	case "service stop":
		return s.Stop()
	case "service restart":
		return s.Restart()
	case "service status":
		return status(s)
	}
	return fmt.Errorf("unknown verb %q", verb)
}

func status(s installer.Service) error {
	answer, err := s.Status()
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(answer)
}

func serve(ctx context.Context, s installer.Service) error {
	if err := os.MkdirAll(s.Data, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(s.Data, "started"), []byte(time.Now().String()), 0o600); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", s.Listen)
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "{}") })
	if err := installer.Ready(); err != nil {
		return err
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.Serve(listener); ctx.Err() == nil {
		return err
	}
	return nil
}
