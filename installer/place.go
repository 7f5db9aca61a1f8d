package installer

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// systemData is the data folder of the system service on Unix.
const systemData = "/var/lib/setlogger"

// DefaultData answers the data folder of a user's daemon, or of the machine's.
func DefaultData(user bool) (string, error) {
	if !user {
		return machineData(runtime.GOOS, os.Getenv), nil
	}
	folder, err := userData(runtime.GOOS, os.Getenv)
	if err != nil {
		return "", fmt.Errorf("installer: default data folder: %w", err)
	}
	return folder, nil
}

func machineData(goos string, getenv func(string) string) string {
	switch goos {
	case "windows":
		return filepath.Join(getenv("ProgramData"), "setlogger")
	case "darwin":
		return "/Library/Application Support/setlogger"
	default:
		return systemData
	}
}

var errNoHome = errors.New("no home folder in the environment; name one with --data")

func userData(goos string, getenv func(string) string) (string, error) {
	home := getenv("HOME")
	switch state := getenv("XDG_STATE_HOME"); {
	case goos == "windows" && getenv("LocalAppData") != "":
		return filepath.Join(getenv("LocalAppData"), "setlogger"), nil
	case goos == "windows":
		return "", errNoHome
	case goos != "darwin" && filepath.IsAbs(state):
		return filepath.Join(state, "setlogger"), nil
	case home == "":
		return "", errNoHome
	case goos == "darwin":
		return filepath.Join(home, "Library", "Application Support", "setlogger"), nil
	default:
		return filepath.Join(home, ".local", "state", "setlogger"), nil
	}
}

// logs is where launchd puts what the daemon says; the others keep their own log.
func (s Service) logs(goos string) string {
	if home, err := os.UserHomeDir(); goos == "darwin" && s.User && err == nil {
		return filepath.Join(home, "Library", "Logs")
	}
	return "/var/log"
}

// definition is the file that defines the service, as kardianos/service places
// it; empty where the manager keeps none.
func (s Service) definition() string {
	home, err := os.UserHomeDir()
	switch {
	case s.User && err != nil:
		return ""
	case runtime.GOOS == "linux" && s.User:
		return filepath.Join(home, ".config", "systemd", "user", Name+".service")
	case runtime.GOOS == "linux":
		return filepath.Join("/etc/systemd/system", Name+".service")
	case runtime.GOOS == "darwin" && s.User:
		return filepath.Join(home, "Library", "LaunchAgents", Name+".plist")
	case runtime.GOOS == "darwin":
		return filepath.Join("/Library/LaunchDaemons", Name+".plist")
	default:
		return ""
	}
}
