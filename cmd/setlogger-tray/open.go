package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/setlogger/setlogger/api"
)

// openPage shows the daemon's page in the person's browser.
func openPage(ctx context.Context, o api.Options) error {
	address, err := pageAddress(o)
	if err != nil {
		return err
	}
	command := opener(runtime.GOOS, address)
	if out, err := exec.CommandContext(ctx, command[0], command[1:]...).CombinedOutput(); err != nil {
		return fmt.Errorf("open %s with %s: %w: %s", address, command[0], err, strings.TrimSpace(string(out)))
	}
	return nil
}

// pageAddress is where the page is; a browser can't use the daemon's socket.
func pageAddress(o api.Options) (string, error) {
	if o.Address != "" {
		return "http://" + strings.TrimSuffix(strings.TrimPrefix(o.Address, "http://"), "/") + "/", nil
	}
	data := o.Data
	if data == "" {
		var err error
		if data, err = api.DefaultData(); err != nil {
			return "", err
		}
	}
	written, err := os.ReadFile(filepath.Join(data, api.AddressFile))
	if err != nil {
		return "", fmt.Errorf("find the page: %w", err)
	}
	return "http://" + strings.TrimSpace(string(written)) + "/", nil
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
