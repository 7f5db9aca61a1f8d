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

// Name is what the service manager knows the service by.
const Name = "setlogger"

// Service is the daemon as the service manager runs it. The zero value is the
// system service with its usual data folder and address.
type Service struct {
	// User makes it a service of the user who installs it, started at login,
	// instead of one of the machine, started at boot.
	User bool
	// Data is the data folder; empty means [DefaultData].
	Data string
	// Listen is the address of the API; empty leaves the choice to the daemon.
	Listen string
	// Executable is the program to run; empty means the running one.
	Executable string
}

// Install registers the service, so that it starts at the next boot or login;
// it does not start it now. A failed install leaves nothing behind.
// Errors: [ErrNotPermitted], [ErrInstalled], [ErrNoManager], [ErrUnfit].
func (s Service) Install() error {
	s, err := s.filled()
	if err != nil {
		return err
	}
	if err := s.mayChange(); err != nil {
		return err
	}
	status, err := s.Status()
	if err != nil {
		return err
	}
	if status.State != StateAbsent {
		return fmt.Errorf("%w; to change it: %s, then install again", ErrInstalled, s.command("uninstall"))
	}
	if err := s.makeData(); err != nil {
		return err
	}
	manager, err := s.manager()
	if err != nil {
		return err
	}
	if err := manager.Install(); err != nil {
		s.discard()
		return explain("install", err)
	}
	return nil
}

// Uninstall stops the service and removes its registration. Data and drop-in
// settings stay. Errors: [ErrNotPermitted], [ErrAbsent], [ErrNoManager],
// [ErrPackaged].
func (s Service) Uninstall() error {
	status, err := s.Status()
	if err != nil {
		return err
	}
	if path := status.Definition; path != "" && path != s.definition() {
		return fmt.Errorf("%w, in %s; remove that package, or: %s", ErrPackaged, path, s.command("stop"))
	}
	if err := s.Stop(); err != nil {
		return err
	}
	manager, err := s.manager()
	if err != nil {
		return err
	}
	return explain("uninstall", manager.Uninstall())
}

// Start starts the installed service; one that runs already is left alone.
// It does not wait until the API answers.
func (s Service) Start() error {
	return s.control("start", service.Service.Start)
}

// Stop stops the installed service and waits until it has ended.
func (s Service) Stop() error {
	return s.control("stop", service.Service.Stop)
}

// Restart stops the installed service if it runs, and starts it.
func (s Service) Restart() error {
	return s.control("restart", service.Service.Restart)
}

// control carries out one verb on a service that is installed.
func (s Service) control(verb string, act func(service.Service) error) error {
	if err := s.mayChange(); err != nil {
		return err
	}
	status, err := s.Status()
	if err != nil {
		return err
	}
	if status.State == StateAbsent {
		return fmt.Errorf("%w; install it first: %s", ErrAbsent, s.command("install"))
	}
	if verb == "start" && status.State == StateRunning || verb == "stop" && status.State == StateStopped {
		return nil
	}
	manager, err := s.manager()
	if err != nil {
		return err
	}
	return explain(verb, act(manager))
}

// filled answers s with its defaults filled in and its paths made absolute.
func (s Service) filled() (Service, error) {
	var err error
	if s.Data == "" {
		if s.Data, err = DefaultData(s.User); err != nil {
			return s, err
		}
	}
	if s.Data, err = filepath.Abs(s.Data); err != nil {
		return s, fmt.Errorf("installer: data folder: %w", err)
	}
	if s.Executable == "" {
		if s.Executable, err = os.Executable(); err != nil {
			return s, fmt.Errorf("installer: find this program: %w", err)
		}
	}
	for _, text := range []string{s.Data, s.Listen, s.Executable} {
		if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' }) || strings.Contains(text, "{{") {
			return s, fmt.Errorf("%w: %q can't stand in a service definition", ErrUnfit, text)
		}
	}
	return s, s.fits()
}

// arguments are those the service manager runs the program with.
func (s Service) arguments() []string {
	arguments := []string{"serve", "--data", s.Data}
	if s.Listen != "" {
		arguments = append(arguments, "--listen", s.Listen)
	}
	return arguments
}

// manager answers the service manager's handle for s.
func (s Service) manager() (service.Service, error) {
	s, err := s.filled()
	if err != nil && !errors.Is(err, ErrUnfit) {
		return nil, err
	}
	manager, err := service.New(nil, s.config())
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoManager, err)
	}
	return manager, nil
}

func (s Service) config() *service.Config {
	return &service.Config{
		Name:        Name,
		DisplayName: "SetLogger",
		Description: description,
		Executable:  s.Executable,
		Arguments:   s.arguments(),
		Option: service.KeyValue{
			"UserService":   s.User,
			"SystemdScript": s.Unit(),
			// launchd, as its default is not to start anything.
			"RunAtLoad":    true,
			"LogDirectory": s.logs(runtime.GOOS),
			// Windows: as the unit has it, two seconds and never give up.
			"OnFailure":              "restart",
			"OnFailureDelayDuration": "2s",
		},
	}
}

// makeData makes a data folder that systemd doesn't make itself: it would
// refuse to run in a sandbox whose writable folder is missing.
func (s Service) makeData() error {
	if s.User || service.Platform() != systemd || s.ownsStateDirectory() {
		return nil
	}
	if err := os.MkdirAll(s.Data, 0o700); err != nil {
		return fmt.Errorf("installer: make the data folder: %w", err)
	}
	return nil
}

// discard removes what a failed install may have written: kardianos/service
// leaves its file, and would then take the service for installed.
func (s Service) discard() {
	if path := s.definition(); path != "" {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return // the error of the install itself matters more
		}
	}
}
