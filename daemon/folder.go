package daemon

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"

	"github.com/setlogger/setlogger/api"
)

// Why a daemon does not start. Each comes in a StartError.
var (
	ErrFolder  = errors.New("daemon: the data folder cannot be used")
	ErrLocked  = errors.New("daemon: another daemon uses this data folder")
	ErrAddress = errors.New("daemon: cannot listen there")
	ErrPublic  = errors.New("daemon: refused to listen beyond this machine")
)

// StartError is why a daemon does not start, with what to do about it.
type StartError struct {
	Err  error
	Hint string
}

// Error names the cause; the hint is kept apart.
func (e *StartError) Error() string { return strings.TrimPrefix(e.Err.Error(), "daemon: ") }

// Unwrap gives the cause.
func (e *StartError) Unwrap() error { return e.Err }

// folder is the data folder of a daemon, locked for as long as it is held.
type folder struct {
	path string
	lock *flock.Flock
}

// openFolder makes the folder where it is missing, readable for its owner alone, and locks it.
func openFolder(path string) (*folder, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, folderError(path, err)
	}
	if err := os.MkdirAll(filepath.Join(path, "buckets"), 0o700); err != nil {
		return nil, folderError(path, err)
	}
	lock := flock.New(filepath.Join(path, "lock"), flock.SetPermissions(0o600))
	held, err := lock.TryLock()
	if err != nil {
		return nil, folderError(path, err)
	}
	if !held {
		return nil, &StartError{
			Err:  fmt.Errorf("%w: %s", ErrLocked, path),
			Hint: "stop the other one, or give this one a folder of its own: --data DIR --listen 127.0.0.1:7374",
		}
	}
	return &folder{path: path, lock: lock}, nil
}

func folderError(path string, err error) error {
	hint := "name another folder with --data or SETLOGGER_DATA"
	if errors.Is(err, fs.ErrPermission) {
		hint = "give this user the right to write there, or " + hint
	}
	return &StartError{Err: fmt.Errorf("%w: %s: %w", ErrFolder, path, err), Hint: hint}
}

// file is the path of a file in the folder.
func (f *folder) file(name string) string { return filepath.Join(f.path, name) }

// bucketFile is where a bucket of this id is kept.
func (f *folder) bucketFile(id string) string { return filepath.Join(f.path, "buckets", id+".db") }

// token reads the owner's token, or makes it at the first start.
func (f *folder) token() (string, error) {
	path := f.file(api.TokenFile)
	data, err := os.ReadFile(path)
	token := strings.TrimSpace(string(data))
	switch {
	case err == nil && len(token) >= 32:
		return token, nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return "", folderError(f.path, err)
	}
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails
	token = base64.RawURLEncoding.EncodeToString(raw)
	if err := f.write(api.TokenFile, token+"\n"); err != nil {
		return "", err
	}
	return token, nil
}

// write replaces a small file, for its owner's eyes alone.
func (f *folder) write(name, content string) error {
	temporary := f.file(name + ".new")
	if err := os.WriteFile(temporary, []byte(content), 0o600); err != nil {
		return folderError(f.path, err)
	}
	if err := os.Rename(temporary, f.file(name)); err != nil {
		return folderError(f.path, err)
	}
	return nil
}

// close removes what told others where the daemon listens, and gives the folder free.
func (f *folder) close() error {
	_ = os.Remove(f.file(api.AddressFile)) // may never have been written
	_ = os.Remove(f.file(api.SocketFile))  // the listener removes it too
	return f.lock.Close()
}
