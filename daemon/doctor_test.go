package daemon

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/localstore"
)

// examined answers what doctor found of a name and a subject.
func (s *served) examined(t *testing.T, name, subject string) (api.Examined, *api.Diagnosis) {
	t.Helper()
	d, err := s.client.Doctor(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(d.Checks, func(e api.Examined) bool { return e.Name == name && (subject == "" || e.Subject == subject) })
	if i < 0 {
		t.Fatalf("doctor does not look at %s %s: %+v", name, subject, d.Checks)
	}
	return d.Checks[i], d
}

func TestDoctorOfAHealthyDaemon(t *testing.T) {
	s := serveDaemon(t)
	s.bucket(t, "b")
	s.append(t, "b", `{"type":"CREATE_NODE","id":"1"}`)
	if _, err := s.client.Sync(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"daemon", "folder", "room", "access", "clock", "buckets", "remote", "sync"} {
		if e, d := s.examined(t, name, ""); !e.OK || !d.OK || e.Detail == "" {
			t.Errorf("%s: %+v", name, d)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(s.data, "doctor*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestDoctorFinds what was done to a daemon.
func TestDoctorFinds(t *testing.T) {
	w := newWard(t)
	if runtime.GOOS != "windows" {
		if err := os.Chmod(filepath.Join(w.data, api.TokenFile), 0o644); err != nil {
			t.Fatal(err)
		}
		if e, d := w.examined(t, "access", w.data); e.OK || d.OK || !strings.Contains(e.Detail, api.TokenFile) || !strings.Contains(e.Hint, "chmod") {
			t.Errorf("%+v", e)
		}
	}
	if err := os.Rename(w.folder, w.folder+".away"); err != nil {
		t.Fatal(err)
	}
	if e, d := w.examined(t, "remote", "share"); e.OK || d.OK || !strings.HasPrefix(e.Detail, "write: ") || e.Hint == "" {
		t.Errorf("%+v", e)
	}
}

func TestExamineFolder(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "none")
	if found := ExamineFolder(missing); len(found) != 1 || found[0].OK || found[0].Hint == "" || found[0].Effect == "" {
		t.Errorf("%+v", found)
	}
	s := serveDaemon(t)
	if !InUse(s.data) {
		t.Error("a running daemon is not seen")
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	if InUse(s.data) || InUse(missing) {
		t.Error("one that ended is")
	}
}

// TestClockSetBack: a clock that shows less than when the daemon last ran is named for a day, and not at the next start.
func TestClockSetBack(t *testing.T) {
	s := serveDaemon(t)
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	ran := time.Now().Add(time.Hour).UTC()
	registry, err := localstore.OpenRegistry(filepath.Join(s.data, "daemon.db"), localstore.Options{})
	if err == nil {
		err = registry.SetSetting(settingClock, ran.Format(time.RFC3339))
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := registry.Close(); err != nil {
		t.Fatal(err)
	}
	again := serveOptions(t, Options{Data: s.data})
	status, names := again.status(t)
	if !slices.Equal(names, []string{clockOff}) || status.Problems[0].Subject != status.Device || !strings.Contains(status.Problems[0].Detail, ran.Format(time.RFC3339)) {
		t.Errorf("%+v", status.Problems)
	}
	if err := again.stop(); err != nil {
		t.Fatal(err)
	}
	if _, names := serveOptions(t, Options{Data: s.data}).status(t); len(names) > 0 {
		t.Errorf("at the next start: %v", names)
	}
	if known := (clock{ran, ran.Add(time.Hour)}); len(known.problems("d", time.Hour)) != 1 || len(known.problems("d", 25*time.Hour)) != 0 {
		t.Error("it is not named for a day")
	}
}

func TestExamineClock(t *testing.T) {
	for year, ok := range map[int]bool{1970: false, 2026: true, 2099: true, 2100: false} {
		if e := examineClock(time.Date(year, 6, 1, 0, 0, 0, 0, time.UTC)); e.OK != ok || !ok && e.Hint == "" {
			t.Errorf("%d: %+v", year, e)
		}
	}
}
