package endtoend

import (
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/faulty"
	inmemory "github.com/setlogger/setlogger/remote/memory"
	"github.com/setlogger/setlogger/remote/remotetest/syncthing"
	"github.com/setlogger/setlogger/remote/remotetest/webdav"
)

// lies opens the place that fails as its kind does from the first request on.
func lies(t *testing.T, personality faulty.Personality, seed uint64) place {
	t.Helper()
	if personality.Name == "syncthing" {
		return mirrored(t, seed)
	}
	return quirky(t, personality, seed)
}

// mirrored is a folder that Syncthing keeps the same on all devices: each has a copy of its own.
func mirrored(t *testing.T, seed uint64) place {
	t.Helper()
	root := t.TempDir()
	cluster := syncthing.Start(syncthing.Options{Seed: seed, Lag: 400 * time.Millisecond, Returns: 0.25})
	t.Cleanup(cluster.Close) // before the folders go
	return place{
		kind: "syncthing", settings: func() string { return "" }, fails: true,
		uploads: func() int { return cluster.Counts().Changes },
		folder: func(device string) string {
			folder := filepath.Join(root, device)
			if err := cluster.Join(folder); err != nil {
				t.Fatal(err)
			}
			return folder
		},
		heal: func() string {
			cluster.Heal()
			met := cluster.Counts()
			if met.Arrivals == 0 {
				t.Error("nothing came from one copy to another")
			}
			return fmt.Sprintf("%+v", met)
		},
	}
}

// quirky is a place over WebDAV that has a personality from its first request on.
func quirky(t *testing.T, personality faulty.Personality, seed uint64) place {
	t.Helper()
	personality.Options.Seed = seed
	truth := inmemory.New()
	files := faulty.New(truth, personality.Options)
	server, err := webdav.Start(files, webdav.Options{Truth: truth, Answer: answersOf(personality.Name)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	return place{
		kind: personality.Name, path: server.Path(), settings: func() string { return "" }, requests: server.Requests,
		uploads: server.Uploads, fails: true, heal: func() string { return heal(t, files, personality) },
	}
}

// heal ends the faults and tells how often each was met.
func heal(t *testing.T, files *faulty.Storage, personality faulty.Personality) string {
	t.Helper()
	met, all := files.Counts(), 0
	files.Heal()
	var told []string
	for _, f := range faulty.Faults() {
		if personality.Options.Chance[f] > 0 {
			told, all = append(told, fmt.Sprintf("%d × %v", met[f], f)), all+met[f]
		}
	}
	if all == 0 {
		t.Error("no fault was met")
	}
	if n := files.Refused(); n > 0 {
		t.Errorf("%d names are none that the place takes", n)
	}
	return strings.Join(told, ", ")
}

// answersOf answers how a service tells of errors; the rest is told as WebDAV does.
func answersOf(service string) func(err error) webdav.Answer {
	return func(err error) webdav.Answer {
		switch faulty.Of(err) {
		case faulty.LostAnswer, faulty.BrokenUpload, faulty.Broken:
			return webdav.Answer{} // the connection breaks
		default:
		}
		answer := webdav.Standard(err)
		switch {
		case errors.Is(err, remote.ErrBusy):
			return busyAt(service, answer)
		case errors.Is(err, remote.ErrUnreachable) && service == "onedrive":
			answer.RetryAfter = 1
		case errors.Is(err, remote.ErrUnreachable) && service == "s3":
			answer = webdav.Answer{Status: http.StatusInternalServerError, Kind: xmlKind, Body: `<Error><Code>InternalError</Code></Error>`}
		}
		return answer
	}
}

const (
	jsonKind = "application/json"
	xmlKind  = "application/xml"
)

// busyAt is how a service asks for fewer requests, in its own words (each is told of in faulty's personality).
func busyAt(service string, standard webdav.Answer) webdav.Answer {
	switch service {
	case "dropbox":
		return webdav.Answer{
			Status: http.StatusTooManyRequests, RetryAfter: 1, Kind: jsonKind,
			Body: `{"error_summary":"too_many_requests/..","error":{"reason":{".tag":"too_many_requests"},"retry_after":1}}`,
		}
	case "drive":
		return webdav.Answer{
			Status: http.StatusForbidden, Kind: jsonKind,
			Body: `{"error":{"code":403,"message":"Rate Limit Exceeded","errors":[{"domain":"usageLimits","reason":"rateLimitExceeded"}]}}`,
		}
	case "onedrive":
		return webdav.Answer{
			Status: http.StatusTooManyRequests, RetryAfter: 1, Kind: jsonKind,
			Body: `{"error":{"code":"activityLimitReached","message":"The app or user has been throttled."}}`,
		}
	case "s3":
		return webdav.Answer{Status: http.StatusServiceUnavailable, Kind: xmlKind, Body: `<Error><Code>SlowDown</Code></Error>`}
	default:
		return standard
	}
}
