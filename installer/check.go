package installer

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/kardianos/service"
)

// What can stand in the way; each is wrapped with what to do about it.
var (
	ErrNotPermitted = errors.New("installer: changing the system service takes administrator rights")
	ErrInstalled    = errors.New("installer: the service is installed already")
	ErrAbsent       = errors.New("installer: the service is not installed")
	ErrPackaged     = errors.New("installer: the service came with a package")
	ErrNoManager    = errors.New("installer: no service manager")
	ErrUnfit        = errors.New("installer: unfit for a service")
)

// systemd is the one manager on Linux that is supported, as kardianos/service
// names it.
const systemd = "linux-systemd"

// hasManager tells whether there is a service manager to talk to.
func (s Service) hasManager() error {
	switch platform := service.Platform(); {
	case platform == "":
		return fmt.Errorf("%w on this system; run setlogger serve yourself", ErrNoManager)
	case runtime.GOOS == "linux" && platform != systemd:
		return fmt.Errorf("%w: systemd does not run here; start setlogger serve from your own init or login scripts",
			ErrNoManager)
	case runtime.GOOS == "windows" && s.User:
		return fmt.Errorf("%w: Windows has no services of a user; leave --user away, or start setlogger serve at log-on",
			ErrNoManager)
	case platform == systemd && s.User:
		return userManager(os.Getenv("XDG_RUNTIME_DIR"), os.Getuid())
	}
	return nil
}

// userManager tells whether the user's systemd can be reached.
func userManager(runtimeDir string, uid int) error {
	usual := fmt.Sprintf("/run/user/%d", uid)
	if runtimeDir == "" {
		return fmt.Errorf("%w of this user in reach: XDG_RUNTIME_DIR is not set; log in as the user (not through su or sudo), or export XDG_RUNTIME_DIR=%s",
			ErrNoManager, usual)
	}
	if _, err := os.Stat(filepath.Join(runtimeDir, "systemd")); err != nil {
		return fmt.Errorf("%w of this user runs; log in as the user, or have an administrator run: loginctl enable-linger %d",
			ErrNoManager, uid)
	}
	return nil
}

// mayChange tells whether this process may change the service at all.
func (s Service) mayChange() error {
	if err := s.hasManager(); err != nil {
		return err
	}
	if runtime.GOOS == "windows" {
		return nil // the service manager itself knows; see explain
	}
	return permitted(s.User, os.Geteuid(), os.Getenv("SUDO_USER"))
}

func permitted(user bool, uid int, sudoUser string) error {
	if !user && uid != 0 {
		return fmt.Errorf("%w; run it with sudo, or add --user for a service of your own", ErrNotPermitted)
	}
	if user && uid == 0 && sudoUser != "" {
		return fmt.Errorf("%w: with sudo, --user would mean root's own service; run it as %s without sudo",
			ErrUnfit, sudoUser)
	}
	return nil
}

// fits refuses a program that will not be there at the next start.
func (s Service) fits() error {
	temporary, err := filepath.EvalSymlinks(os.TempDir())
	if err != nil {
		temporary = os.TempDir()
	}
	if strings.HasPrefix(s.Executable, temporary+string(filepath.Separator)) {
		return fmt.Errorf("%w: %s lies in a temporary folder; put it into /usr/local/bin or the like first",
			ErrUnfit, s.Executable)
	}
	return nil
}

// explain wraps what the manager answered to a verb.
func explain(verb string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, fs.ErrPermission) && runtime.GOOS == "windows":
		return fmt.Errorf("%w; use a terminal that runs as administrator: %w", ErrNotPermitted, err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: %w", ErrNotPermitted, err)
	default:
		return fmt.Errorf("installer: %s the service: %w", verb, err)
	}
}

// command is what to type for a verb.
func (s Service) command(verb string) string {
	if s.User {
		return "setlogger service " + verb + " --user"
	}
	return "setlogger service " + verb
}
