package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"github.com/spf13/cobra"

	"github.com/setlogger/setlogger/api"
)

func openCommand(g *globals) *cobra.Command {
	return &cobra.Command{
		Use: "open", Short: "Open the daemon's page in the browser; where there is no desktop, print its address", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			address, err := g.page(cmd)
			if err != nil {
				return err
			}
			if g.json {
				_, err := fmt.Fprintf(cmd.OutOrStdout(), "{\"address\":%q}\n", address)
				return err
			}
			if show := browser(runtime.GOOS, os.Getenv, address); show != nil && start(cmd.Context(), show) == nil {
				fmt.Fprintf(cmd.ErrOrStderr(), "The page asks for the token in %s.\n", filepath.Join(g.data, api.TokenFile))
				return nil
			}
			_, err = fmt.Fprintln(cmd.OutOrStdout(), address)
			return err
		},
	}
}

// page is where the daemon's page is, once it has answered: a browser can't use the socket.
func (g *globals) page(cmd *cobra.Command) (string, error) {
	listen := g.listen
	if g.dataGiven && !g.listenGiven {
		listen = ""
	}
	o := api.Options{Data: g.data, Address: listen, Token: g.token}
	c, err := api.NewClient(o)
	if err != nil {
		return "", err
	}
	if err := c.Health(cmd.Context()); err != nil {
		return "", err
	}
	return o.Page()
}

// browser is the command that shows an address, nil where there is no desktop.
func browser(system string, environment func(string) string, address string) []string {
	switch system {
	case "windows":
		return []string{"rundll32", "url.dll,FileProtocolHandler", address}
	case "darwin":
		return []string{"open", address}
	}
	if environment("DISPLAY") == "" && environment("WAYLAND_DISPLAY") == "" {
		return nil
	}
	return []string{"xdg-open", address}
}

// showing is how long the command that shows the page may take to fail. One that is still running then is the browser itself.
const showing = 2 * time.Second

// launch runs the command that shows an address, and leaves it running as long as the person likes. It answers how it ended.
func launch(ctx context.Context, command []string) (ended <-chan error, err error) {
	show := exec.CommandContext(context.WithoutCancel(ctx), command[0], command[1:]...) //nolint:gosec // one of the three above
	if err := show.Start(); err != nil {
		return nil, err
	}
	end := make(chan error, 1)
	go func() { end <- show.Wait() }()
	return end, nil
}

// start launches the command that shows the page, and waits for what is wrong at once.
func start(ctx context.Context, command []string) error {
	ended, err := launch(ctx, command)
	if err != nil {
		return err
	}
	select {
	case err := <-ended:
		return err
	case <-time.After(showing):
		return nil
	}
}
