package notify_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/setlogger/setlogger/remote/notify"
)

// watch watches log/ of a root, and answers the hints and how it ended.
func watch(t *testing.T, root string) (hints chan string, ended chan error, stop context.CancelFunc) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	hints, ended = make(chan string, 64), make(chan error, 1)
	go func() { ended <- notify.Folder(ctx, root, "log", func(name string) { hints <- name }) }()
	t.Cleanup(stop)
	return hints, ended, stop
}

func expect(t *testing.T, hints chan string, want ...string) {
	t.Helper()
	for _, w := range want {
		if got := <-hints; got != w {
			t.Errorf("heard of %q, want %q", got, w)
		}
	}
}

// put gives a file its name at once, as remote/disk does.
func put(t *testing.T, folder, name string) {
	t.Helper()
	temp := filepath.Join(folder, ".setlogger_x")
	if err := errors.Join(os.WriteFile(temp, []byte("x"), 0o600), os.Rename(temp, filepath.Join(folder, name))); err != nil {
		t.Fatal(err)
	}
}

func TestFolder(t *testing.T) {
	root := t.TempDir()
	hints, ended, stop := watch(t, root)
	expect(t, hints, "log")
	folder := filepath.Join(root, "log")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	expect(t, hints, "log")
	put(t, root, "elsewhere")
	put(t, folder, "one")
	put(t, folder, "two")
	if err := os.Remove(filepath.Join(folder, "one")); err != nil {
		t.Fatal(err)
	}
	put(t, folder, "three")
	expect(t, hints, "log/one", "log/two", "log/three")
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("it ended with %v", err)
	}
}

func TestFolderThatIsThere(t *testing.T) {
	root := t.TempDir()
	folder := filepath.Join(root, "log")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	hints, _, _ := watch(t, root)
	expect(t, hints, "log")
	put(t, folder, "one")
	expect(t, hints, "log/one")
}

func TestFolderThatIsNotThere(t *testing.T) {
	err := notify.Folder(t.Context(), filepath.Join(t.TempDir(), "none"), "log", func(string) {})
	if err == nil || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it ended with %v", err)
	}
}

func TestFolderThatGoes(t *testing.T) {
	root := filepath.Join(t.TempDir(), "share")
	if err := os.Mkdir(root, 0o700); err != nil {
		t.Fatal(err)
	}
	hints, ended, _ := watch(t, root)
	expect(t, hints, "log")
	if err := os.Rename(root, root+".away"); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, notify.ErrGone) {
		t.Errorf("it ended with %v", err)
	}
}
