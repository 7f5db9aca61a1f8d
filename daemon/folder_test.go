package daemon

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/setlogger/setlogger/api"
)

func TestFolderIsTheOwners(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "b")
	f, err := openFolder(path)
	if err != nil {
		t.Fatal(err)
	}
	first, err := f.token()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{"": 0o700, "buckets": 0o700, api.TokenFile: 0o600, "lock": 0o600} {
		info, err := os.Stat(f.file(name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%q: %v %v, want %v", name, info.Mode(), err, want)
		}
	}
	var start *StartError
	if _, err := openFolder(path); !errors.Is(err, ErrLocked) || !errors.As(err, &start) || start.Hint == "" {
		t.Errorf("second daemon: %v", err)
	}
	if err := f.close(); err != nil {
		t.Fatal(err)
	}
	again, err := openFolder(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = again.close() }()
	if second, err := again.token(); err != nil || second != first || len(first) != 43 {
		t.Errorf("the token changed from %d to %d characters, %v", len(first), len(second), err)
	}
}

func TestFolderThatIsAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var start *StartError
	if _, err := openFolder(path); !errors.Is(err, ErrFolder) || !errors.As(err, &start) || start.Hint == "" {
		t.Errorf("got %v", err)
	}
}

func TestCorruptTokenIsMadeAnew(t *testing.T) {
	f, err := openFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.close() }()
	if err := os.WriteFile(f.file(api.TokenFile), []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if token, err := f.token(); err != nil || len(token) != 43 {
		t.Errorf("got %q, %v", token, err)
	}
}
