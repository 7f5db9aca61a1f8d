package api

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Names of what a daemon puts into its data folder for those who call it.
const (
	TokenFile   = "token"   // the owner's token, 0600
	SocketFile  = "sock"    // unix socket, 0600
	AddressFile = "address" // host:port it listens on, written after listening
)

// DefaultData is the data folder of a daemon that was given none: $XDG_STATE_HOME/setlogger or
// ~/.local/state/setlogger, ~/Library/Application Support/setlogger, %LocalAppData%\setlogger.
func DefaultData() (string, error) {
	switch runtime.GOOS {
	case "windows":
		if dir := os.Getenv("LocalAppData"); dir != "" {
			return filepath.Join(dir, "setlogger"), nil
		}
	case "darwin":
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, "Library", "Application Support", "setlogger"), nil
		}
	default:
		if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
			return filepath.Join(dir, "setlogger"), nil
		}
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, ".local", "state", "setlogger"), nil
		}
	}
	return "", errors.New("api: no home folder is known for the data; name a folder with --data or SETLOGGER_DATA")
}

// place is where a daemon listens.
type place struct {
	network, address string
	host             string // for the Host header
}

// find tells where the daemon of a data folder listens: an address that was given, else its socket, else what it
// wrote to its address file.
func find(data, address string) (place, error) {
	if address != "" {
		return tcp(address), nil
	}
	socket := filepath.Join(data, SocketFile)
	if _, err := os.Stat(socket); err == nil {
		return place{network: "unix", address: socket, host: "localhost"}, nil
	}
	written, err := os.ReadFile(filepath.Join(data, AddressFile))
	if err != nil {
		return place{}, noDaemon(data)
	}
	return tcp(strings.TrimSpace(string(written))), nil
}

// Page is the address of the daemon's web page, for a browser, which can't use the socket. It makes no call.
func (o Options) Page() (string, error) {
	if o.Address != "" {
		return pageAt(o.Address), nil
	}
	data := o.Data
	if data == "" {
		var err error
		if data, err = DefaultData(); err != nil {
			return "", err
		}
	}
	written, err := os.ReadFile(filepath.Join(data, AddressFile))
	if err != nil {
		return "", fmt.Errorf("find the page: %w", err)
	}
	return pageAt(strings.TrimSpace(string(written))), nil
}

func pageAt(address string) string { return "http://" + tcp(address).address + "/" }

func tcp(address string) place {
	address = strings.TrimSuffix(strings.TrimPrefix(address, "http://"), "/")
	return place{network: "tcp", address: address, host: address}
}

func (p place) dial(ctx context.Context) (net.Conn, error) {
	d := net.Dialer{Timeout: dialTime}
	conn, err := d.DialContext(ctx, p.network, p.address)
	if err != nil {
		return nil, err
	}
	return conn, nil
}

// noAnswer tells whether a dial failed because nobody listens, and not because the call was given up.
func noAnswer(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

func noDaemon(where string) error {
	return fmt.Errorf("%w at %s: start it with `setlogger serve`, or name another with --data or --listen", ErrNoDaemon, where)
}
