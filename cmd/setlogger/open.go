package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
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
	c, err := api.NewClient(api.Options{Data: g.data, Address: listen, Token: g.token})
	if err != nil {
		return "", err
	}
	if err := c.Health(cmd.Context()); err != nil {
		return "", err
	}
	if listen == "" {
		written, err := os.ReadFile(filepath.Join(g.data, api.AddressFile))
		if err != nil {
			return "", fmt.Errorf("find the page: %w", err)
		}
		listen = strings.TrimSpace(string(written))
	}
	return "http://" + strings.TrimSuffix(strings.TrimPrefix(listen, "http://"), "/") + "/", nil
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

// start runs the command that shows the page, and leaves it running.
func start(ctx context.Context, command []string) error {
	show := exec.CommandContext(context.WithoutCancel(ctx), command[0], command[1:]...) //nolint:gosec // one of the three above
	if err := show.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- show.Wait() }()
	select {
	case err := <-ended:
		return err
	case <-time.After(showing):
		return nil
	}
}
