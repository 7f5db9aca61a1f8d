package main

import (
	"context"
	"fmt"
	"os/exec"
	"runtime"
	"strings"

	"github.com/setlogger/setlogger/api"
)

// openPage shows the daemon's page in the person's browser.
func openPage(ctx context.Context, o api.Options) error {
	address, err := o.Page()
	if err != nil {
		return err
	}
	command := opener(runtime.GOOS, address)
	if out, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("open %s with %s: %w: %s", address, command[0], err, strings.TrimSpace(string(out)))
	}
	return nil
}

// opener is the command that shows an address in the browser.
func opener(goos, address string) []string {
	switch goos {
	case "windows":
		return []string{"rundll32", "url.dll,FileProtocolHandler", address}
	case "darwin":
		return []string{"open", address}
	default:
		return []string{"xdg-open", address}
	}
}
