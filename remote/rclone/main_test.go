package rclone

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/setlogger/setlogger/remote"
	"github.com/setlogger/setlogger/remote/remotetest"
	"github.com/setlogger/setlogger/remote/remotetest/dropbox"
	"github.com/setlogger/setlogger/remote/remotetest/servers"
)

// started once for all tests of the process, as in a program.
var (
	library  *Library
	settingF string
	cloud    *dropbox.Server // where the remote cloud: of the settings leads
)

func TestMain(m *testing.M) {
	if mode := os.Getenv(childMode); mode != "" {
		os.Exit(child(mode))
	}
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	folder, err := os.MkdirTemp("", "setlogger-rclone")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(folder) }()
	if cloud, err = dropboxFake(folder); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer cloud.Close()
	settingF = filepath.Join(folder, "rclone.conf")
	if err := os.WriteFile(settingF, []byte(testSettings(folder)+cloud.Settings("cloud")+"pacer_min_sleep = 1ms\n\n"+stranger), 0o600); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	library, err = Start(context.Background(), Options{ConfigPath: settingF, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	start := time.Now()
	library.Stop()
	if took := time.Since(start); took > patience+time.Second {
		fmt.Fprintln(os.Stderr, "Stop took", took)
		return 1
	}
	return code
}

func testSettings(folder string) string {
	return "[plain]\ntype = local\n\n" +
		"[nick]\ntype = alias\nremote = " + filepath.ToSlash(folder) + "/nicked\n\n" +
		"[nicknick]\ntype = alias\nremote = nick:deep\n\n" +
		"[circle]\ntype = alias\nremote = round:\n\n[round]\ntype = alias\nremote = circle:\n\n" +
		"[nas]\ntype = webdav\nurl = https://u:pw@nas.example/dav\nuser = me\npass = obscured\n"
}

// stranger is a login to Dropbox that the account does not know any more.
const stranger = `[stranger]
type = dropbox
token = {"access_token":"old","token_type":"bearer","refresh_token":"revoked","expiry":"2020-01-01T00:00:00Z"}

`

// dropboxFake starts the fake, and leads this process to it: Go reads these variables once.
func dropboxFake(folder string) (*dropbox.Server, error) {
	s, err := dropbox.Start(folder, dropbox.Options{PageLimit: 100})
	if err != nil {
		return nil, err
	}
	for _, each := range s.Environ() {
		name, value, _ := strings.Cut(each, "=")
		if err := os.Setenv(name, value); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// below answers an open function for the suite: a new root below the path for every test.
func below(path string) func(t *testing.T) remote.Storage {
	var n atomic.Int64
	return func(t *testing.T) remote.Storage {
		t.Helper()
		root := fmt.Sprintf("%s/t%d", strings.TrimSuffix(path, "/"), n.Add(1))
		if strings.HasSuffix(path, ":") {
			root = fmt.Sprintf("%st%d", path, n.Load())
		}
		if err := library.Make(t.Context(), root); err != nil {
			t.Fatal(err)
		}
		return library.Open(root)
	}
}

// conform runs the suite over a server, then looks into its folder for what should not be there.
func conform(t *testing.T, s *servers.Server) {
	t.Helper()
	remotetest.Run(t, below(s.Path))
	library.running.Wait()
	files := 0
	err := filepath.WalkDir(s.Folder, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			files++
			if strings.Contains(path, unfinished) || strings.HasPrefix(e.Name(), ".setlogger") {
				t.Errorf("%s was left behind", path)
			}
		}
		return err
	})
	if err != nil || files < 1000 {
		t.Errorf("%d files in %s, %v", files, s.Folder, err)
	}
}
