package tray

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/setlogger/setlogger/api"
)

func TestLook(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	minutes := func(n int) *time.Time { at := now.Add(-time.Duration(n) * time.Minute); return &at }
	disk := []api.RemoteStatus{{Name: "disk"}}
	full := api.Problem{Name: "remote-full", Subject: "dropbox", Detail: "the quota is used up", Hint: "Free some space"}
	for name, c := range map[string]struct {
		status *api.Status
		err    error
		want   View
	}{
		"idle": {
			status: &api.Status{State: api.StateIdle, LastSync: minutes(0), Remotes: disk},
			want:   View{Icon: IconIdle, Headline: "Up to date", Detail: "Last sync just now", CanSync: true, CanOpen: true},
		},
		"idle with a debounce running": {
			status: &api.Status{State: api.StateIdle, Pending: 1, LastSync: minutes(3), Remotes: disk},
			want:   View{Icon: IconIdle, Headline: "Waiting to send", Detail: "1 entry to send, last sync 3 minutes ago", CanSync: true, CanOpen: true},
		},
		"paused": {
			status: &api.Status{State: api.StateIdle, Pending: 2, LastSync: minutes(3), Remotes: []api.RemoteStatus{{Name: "disk", Paused: true}}},
			want:   View{Icon: IconIdle, Headline: "Paused", Detail: "2 entries to send, last sync 3 minutes ago", CanOpen: true},
		},
		"paused in part": {
			status: &api.Status{State: api.StateIdle, LastSync: minutes(0), Remotes: []api.RemoteStatus{{Name: "disk"}, {Name: "nas", Paused: true}}},
			want:   View{Icon: IconIdle, Headline: "Up to date", Detail: "Last sync just now, 1 remote paused", CanSync: true, CanOpen: true},
		},
		"without a remote": {
			status: &api.Status{State: api.StateIdle},
			want:   View{Icon: IconIdle, Headline: "Kept on this device only", Detail: "Add a remote to sync", CanOpen: true},
		},
		"syncing": {
			status: &api.Status{State: api.StateSyncing, Pending: 1234567, Remotes: disk},
			want:   View{Icon: IconSyncing, Headline: "Syncing…", Detail: "1,234,567 entries to send, never synced", CanSync: true, CanOpen: true},
		},
		"offline": {
			status: &api.Status{State: api.StateOffline, Pending: 12, LastSync: minutes(60 * 24 * 9), Remotes: disk},
			want:   View{Icon: IconOffline, Headline: "Offline", Detail: "12 entries to send, last sync 9 days ago", CanSync: true, CanOpen: true},
		},
		"problem": {
			status: &api.Status{State: api.StateProblem, LastSync: minutes(90), Remotes: disk, Problems: []api.Problem{full}},
			want: View{
				Icon: IconProblem, Headline: "1 problem", Detail: "Last sync 1 hour ago", CanSync: true, CanOpen: true,
				Problems: []Problem{{What: "dropbox: the quota is used up", Hint: "Free some space"}},
			},
		},
		"state of a newer daemon": {
			status: &api.Status{State: "resting", LastSync: minutes(1), Remotes: disk},
			want:   View{Icon: IconProblem, Headline: "resting", Detail: "Last sync 1 minute ago", CanSync: true, CanOpen: true},
		},
		"not running": {
			err:  fmt.Errorf("%w at /tmp/sock", api.ErrNoDaemon),
			want: View{Icon: IconStopped, Headline: "SetLogger is not running", Detail: "Start it with: setlogger service start"},
		},
		"hanging": {
			err:  context.DeadlineExceeded,
			want: View{Icon: IconProblem, Headline: "SetLogger does not answer", Detail: "Look into its log, or: setlogger service restart"},
		},
		"refused": {
			err: &api.Error{Status: 401, Detail: "no token was given", Hint: "Name the data folder with --data"},
			want: View{
				Icon: IconProblem, Headline: "SetLogger refuses to answer", CanOpen: true,
				Problems: []Problem{{What: "no token was given", Hint: "Name the data folder with --data"}},
			},
		},
		"something else": {
			err:  errors.New("strange"),
			want: View{Icon: IconStopped, Headline: "SetLogger can't be reached", Detail: "strange"},
		},
	} {
		if got := Look(c.status, c.err, now); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, c.want)
		}
	}
}

func TestLabel(t *testing.T) {
	long := "dropbox: the quota of the account is used up, and so nothing can be sent there"
	for _, c := range []struct{ text, goos, want string }{
		{"R&D: full", "linux", "R&D: full"},
		{"R&D: full", "windows", "R&&D: full"},
		{"two\nlines", "linux", "two lines"},
		{long, "linux", "dropbox: the quota of the account is used up, and so nothing can be sen…"},
		{"    hint", "linux", "    hint"},
	} {
		if got := label(c.text, c.goos); got != c.want {
			t.Errorf("%q, not %q", got, c.want)
		}
	}
}
