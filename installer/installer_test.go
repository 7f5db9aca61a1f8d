package installer

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestUnit(t *testing.T) {
	for name, s := range map[string]Service{
		"system": {Executable: "/usr/local/bin/setlogger", Data: systemData, Listen: "127.0.0.1:7373"},
		"user":   {Executable: "/usr/local/bin/setlogger", Data: "/home/ann/.local/state/setlogger", User: true},
		"odd": {
			Executable: `/opt/Set Logger/100%/set"logger`, Data: `/srv/it's $HOME; 100%`, Listen: "[::1]:7373",
		},
	} {
		t.Run(name, func(t *testing.T) {
			golden := filepath.Join("testdata", name+".service")
			if *update {
				if err := os.WriteFile(golden, []byte(s.Unit()), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.Unit(); got != string(want) {
				t.Errorf("unit differs from %s:\n%s", golden, got)
			}
		})
	}
}

func TestParseShow(t *testing.T) {
	for out, want := range map[string]State{
		"LoadState=not-found\nActiveState=inactive\nFragmentPath=\n": StateAbsent,
		"LoadState=loaded\nActiveState=inactive\n":                   StateStopped,
		"LoadState=loaded\nActiveState=deactivating\n":               StateStopped,
		"LoadState=loaded\nActiveState=active\n":                     StateRunning,
		"LoadState=loaded\nActiveState=activating\n":                 StateRestarting,
		"LoadState=loaded\nActiveState=failed\n":                     StateFailed,
	} {
		if got, _ := parseShow(out); got != want {
			t.Errorf("%q: %q, not %q", out, got, want)
		}
	}
	if _, path := parseShow("LoadState=loaded\nFragmentPath=/etc/systemd/system/setlogger.service\n"); path != "/etc/systemd/system/setlogger.service" {
		t.Errorf("unit's file is %q", path)
	}
}

func TestHints(t *testing.T) {
	temporary := Service{Executable: filepath.Join(t.TempDir(), "setlogger")}
	_, unfit := temporary.filled()
	_, control := Service{Data: "/srv/a\nExecStartPre=/bin/evil", Executable: "/bin/true"}.filled()
	for name, c := range map[string]struct {
		err, want error
		hint      string
	}{
		"not root":       {permitted(false, 1000, ""), ErrNotPermitted, "sudo"},
		"sudo --user":    {permitted(true, 0, "ann"), ErrUnfit, "as ann"},
		"root's own":     {permitted(true, 0, ""), nil, ""},
		"root":           {permitted(false, 0, "ann"), nil, ""},
		"no session":     {userManager("", 1000), ErrNoManager, "XDG_RUNTIME_DIR=/run/user/1000"},
		"no manager":     {userManager(t.TempDir(), 1000), ErrNoManager, "enable-linger 1000"},
		"temporary":      {unfit, ErrUnfit, "/usr/local/bin"},
		"line in a path": {control, ErrUnfit, "can't stand"},
		"denied":         {explain("install", os.ErrPermission), ErrNotPermitted, ""},
	} {
		if !errors.Is(c.err, c.want) {
			t.Errorf("%s: %v, not %v", name, c.err, c.want)
		}
		if c.err != nil && !strings.Contains(c.err.Error(), c.hint) {
			t.Errorf("%s: no %q in %q", name, c.hint, c.err)
		}
	}
}

func TestDefaultData(t *testing.T) {
	environment := map[string]string{
		"HOME": "/home/ann", "ProgramData": `C:\ProgramData`, "LocalAppData": `C:\Users\ann\AppData\Local`,
	}
	getenv := func(key string) string { return environment[key] }
	user := func(goos string) string {
		folder, err := userData(goos, getenv)
		if err != nil {
			t.Error(goos, err)
		}
		return filepath.ToSlash(folder)
	}
	for got, want := range map[string]string{
		user("linux"):                  "/home/ann/.local/state/setlogger",
		user("darwin"):                 "/home/ann/Library/Application Support/setlogger",
		user("windows"):                `C:\Users\ann\AppData\Local/setlogger`,
		machineData("linux", getenv):   "/var/lib/setlogger",
		machineData("darwin", getenv):  "/Library/Application Support/setlogger",
		machineData("windows", getenv): `C:\ProgramData/setlogger`,
	} {
		if got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
	environment["XDG_STATE_HOME"] = "/home/ann/.state"
	if got := user("linux"); got != "/home/ann/.state/setlogger" {
		t.Errorf("XDG_STATE_HOME is not heeded: %q", got)
	}
	environment["XDG_STATE_HOME"], environment["HOME"] = "relative", ""
	if _, err := userData("linux", getenv); !errors.Is(err, errNoHome) {
		t.Errorf("no home: %v", err)
	}
}
