//go:build linux

package tray

import (
	"encoding/json"
	"image/color"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/setlogger/setlogger/api"
)

// statusServer is a daemon as far as the tray sees one. It can be ended and
// started anew on its address.
type statusServer struct {
	address string
	server  *http.Server
	rounds  atomic.Int64 // syncs asked for

	mu     sync.Mutex
	status api.Status
}

func (s *statusServer) set(status api.Status) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status = status
}

func (s *statusServer) answerStatus(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(s.status)
}

func (s *statusServer) answerSync(w http.ResponseWriter, _ *http.Request) {
	s.rounds.Add(1)
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(`{"remotes":[]}`))
}

func (s *statusServer) start(t *testing.T) {
	t.Helper()
	if s.address == "" {
		s.address = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	s.address = listener.Addr().String()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /v1/status", s.answerStatus)
	mux.HandleFunc("POST /v1/sync", s.answerSync)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Second}
	s.server = server
	done := make(chan struct{})
	go func() { _ = server.Serve(listener); close(done) }()
	t.Cleanup(func() { _ = server.Close(); <-done })
}

// TestDesktop shows the real program on a real desktop: an X server, a session
// bus and a panel of its own. It reads and clicks the menu as a panel does.
// SETLOGGER_SCREENSHOTS names a folder that keeps what was seen.
func TestDesktop(t *testing.T) {
	d := newDesktop(t)
	daemon := &statusServer{}
	ago := time.Now().Add(-3*time.Minute - 10*time.Second)
	disk := []api.RemoteStatus{{Name: "disk"}}
	daemon.set(api.Status{State: api.StateIdle, LastSync: &ago, Remotes: disk})
	daemon.start(t)
	d.startTray(t, "--listen", daemon.address)

	d.shows(t, "idle", IconIdle, "Up to date", "Last sync 3 minutes ago (off)", "-", "Sync now", "Open SetLogger", "-", "Quit this icon")
	daemon.set(api.Status{State: api.StateSyncing, Pending: 1200, LastSync: &ago, Remotes: disk})
	d.shows(t, "syncing", IconSyncing, "Syncing…", "1,200 entries to send, last sync 3 minutes ago (off)", "-", "Sync now", "Open SetLogger", "-", "Quit this icon")
	daemon.set(api.Status{State: api.StateOffline, Pending: 1, LastSync: &ago, Remotes: disk})
	d.shows(t, "offline", IconOffline, "Offline", "1 entry to send, last sync 3 minutes ago (off)", "-", "Sync now", "Open SetLogger", "-", "Quit this icon")
	daemon.set(api.Status{State: api.StateProblem, Pending: 3, LastSync: &ago, Remotes: disk, Problems: []api.Problem{
		{Subject: "dropbox", Detail: "the quota of the account is used up", Hint: "Free some space in Dropbox, or add another remote"},
		{Subject: "todos", Detail: "the share_id is gone", Hint: "Run: setlogger doctor"},
	}})
	d.shows(t, "problem", IconProblem, "2 problems", "3 entries to send, last sync 3 minutes ago (off)",
		"dropbox: the quota of the account is used up", "    Free some space in Dropbox, or add another remote (off)",
		"todos: the share_id is gone", "    Run: setlogger doctor (off)",
		"-", "Sync now", "Open SetLogger", "-", "Quit this icon")

	d.click(t, "Sync now")
	d.until(t, "a round is asked for", func() bool { return daemon.rounds.Load() == 1 })
	d.click(t, "todos: the share_id is gone")
	d.until(t, "the page is opened", func() bool {
		opened, err := os.ReadFile(d.opened)
		return err == nil && strings.TrimSpace(string(opened)) == "http://"+daemon.address+"/"
	})
	if err := daemon.server.Close(); err != nil {
		t.Fatal(err)
	}
	d.shows(t, "stopped", IconStopped, "SetLogger is not running (off)", "Start it with: setlogger service start (off)",
		"-", "Sync now (off)", "Open SetLogger (off)", "-", "Quit this icon")
	daemon.set(api.Status{State: api.StateIdle, LastSync: &ago, Remotes: disk})
	daemon.start(t)
	d.shows(t, "started anew", IconIdle, "Up to date", "Last sync 3 minutes ago (off)", "-", "Sync now", "Open SetLogger", "-", "Quit this icon")

	d.click(t, "Quit this icon")
	if err := d.tray.Wait(); err != nil {
		t.Errorf("the tray ended with %v", err)
	}
}

// shows waits until the menu reads like that and the panel has the icon.
func (d *desktop) shows(t *testing.T, name string, icon Icon, menu ...string) {
	t.Helper()
	var read []string
	d.until(t, name+": the menu", func() bool {
		read = d.words()
		return slices.Equal(read, menu)
	}, func() { t.Logf("the menu reads %q", read) })
	want := icon.sign().colour
	d.until(t, name+": the icon", func() bool { return d.sees(want) })
	d.keep(t, name)
}

// keep writes what is seen to the folder that SETLOGGER_SCREENSHOTS names.
func (d *desktop) keep(t *testing.T, name string) {
	t.Helper()
	folder := os.Getenv("SETLOGGER_SCREENSHOTS")
	if folder == "" {
		return
	}
	file := filepath.Join(folder, strings.ReplaceAll(name, " ", "-")+".png")
	if err := os.WriteFile(file, d.screenshot(), 0o600); err != nil {
		t.Error(err)
	}
}

// near tells whether a colour is another one, but for scaling.
func near(c color.Color, want color.NRGBA) bool {
	r, g, b, _ := c.RGBA()
	off := func(a uint32, b uint8) bool { d := int(a>>8) - int(b); return d > 6 || d < -6 }
	return !off(r, want.R) && !off(g, want.G) && !off(b, want.B)
}
