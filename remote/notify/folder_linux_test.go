package notify_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/setlogger/setlogger/remote/notify"
)

// queued is how many events the system keeps for who does not take them.
func queued(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/sys/fs/inotify/max_queued_events")
	if err != nil {
		t.Skip(err)
	}
	most, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || most > 1<<17 {
		t.Skipf("the system keeps %s events, %v", text, err)
	}
	return most
}

// TestFolderThatIsBusy: when more happens than the system keeps, it is one hint to look, and the watch goes on.
func TestFolderThatIsBusy(t *testing.T) {
	root, most := t.TempDir(), queued(t)
	folder := filepath.Join(root, "log")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	hints, took, ended := make(chan string), make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- notify.Folder(t.Context(), root, "log", func(name string) {
			if name == "log" || name == "log/new" {
				hints <- name
				<-took
			}
		})
	}()
	next := func() string {
		t.Helper()
		select {
		case name := <-hints:
			return name
		case err := <-ended:
			t.Fatal(err)
			return ""
		}
	}
	next() // and nothing is taken meanwhile
	if err := os.Mkdir(filepath.Join(folder, "0"), 0o700); err != nil {
		t.Fatal(err)
	}
	for i := range most/2 + 4096 { // each is two events; some have left the queue
		if err := os.Rename(filepath.Join(folder, fmt.Sprint(i)), filepath.Join(folder, fmt.Sprint(i+1))); err != nil {
			t.Fatal(err)
		}
	}
	took <- struct{}{}
	if got := next(); got != "log" {
		t.Errorf("heard of %q", got)
	}
	took <- struct{}{}
	put(t, folder, "new")
	for next() != "log/new" {
		took <- struct{}{}
	}
	close(took)
}
