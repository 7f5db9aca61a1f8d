package installer

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"github.com/kardianos/service"
)

// State tells how the service manager sees the service.
type State string

// The states.
const (
	StateRunning    State = "running"
	StateRestarting State = "restarting" // it ended by itself and will be started again
	StateStopped    State = "stopped"
	StateFailed     State = "failed" // it ended by itself and will stay so
	StateAbsent     State = "not installed"
)

// Status is what the service manager says about the service.
type Status struct {
	State      State  `json:"state"`
	Manager    string `json:"manager"`              // linux-systemd, darwin-launchd, windows-service
	User       bool   `json:"user"`                 // of the user, not of the machine
	Definition string `json:"definition,omitempty"` // file that defines it, where there is one
}

// Status asks the service manager. An absent service is a state, no error.
func (s Service) Status() (Status, error) {
	if err := s.hasManager(); err != nil {
		return Status{}, err
	}
	status := Status{Manager: service.Platform(), User: s.User}
	var err error
	if status.Manager == systemd {
		status.State, status.Definition, err = s.systemdState()
	} else {
		status.State, err = s.otherState()
		status.Definition = s.definition()
	}
	return status, err
}

// systemdState reads more than kardianos/service does, to which a daemon that
// crashes every two seconds is a running one. It also answers the unit's file.
func (s Service) systemdState() (State, string, error) {
	arguments := []string{"show", Name + ".service", "--property=LoadState,ActiveState,FragmentPath"}
	if s.User {
		arguments = append(arguments, "--user")
	}
	out, err := exec.Command("systemctl", arguments...).CombinedOutput()
	if err != nil {
		return "", "", fmt.Errorf("installer: systemctl show: %w: %s", err, strings.TrimSpace(string(out)))
	}
	state, path := parseShow(string(out))
	return state, path, nil
}

// parseShow reads the answer of systemctl show: the state and the unit's file.
func parseShow(out string) (State, string) {
	values := map[string]string{}
	for line := range strings.Lines(out) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		values[key] = value
	}
	path := values["FragmentPath"]
	if values["LoadState"] == "not-found" {
		return StateAbsent, path
	}
	switch values["ActiveState"] {
	case "active", "reloading":
		return StateRunning, path
	case "activating":
		return StateRestarting, path
	case "failed":
		return StateFailed, path
	default:
		return StateStopped, path
	}
}

func (s Service) otherState() (State, error) {
	manager, err := s.manager()
	if err != nil {
		return "", err
	}
	answer, err := manager.Status()
	switch {
	case errors.Is(err, service.ErrNotInstalled):
		return StateAbsent, nil
	case err != nil:
		return "", explain("ask for", err)
	case answer == service.StatusRunning:
		return StateRunning, nil
	default:
		return StateStopped, nil
	}
}
