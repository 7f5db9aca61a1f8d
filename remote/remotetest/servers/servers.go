package servers

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Kind is one kind of remote that tests can run over.
type Kind struct {
	Name  string
	Start func(t testing.TB) *Server
}

// All answers every kind: a local folder, S3, WebDAV, SFTP, and crypt over a local folder.
func All() []Kind {
	return []Kind{{"disk", Disk}, {"s3", S3}, {"webdav", WebDAV}, {"sftp", SFTP}, {"crypt", Crypt}}
}

// Server is a running remote with an empty root; the test's end ends it.
type Server struct {
	// Path is the rclone path of the root, as a command line takes it; no rclone.conf is needed.
	Path string
	// Folder is the local folder that holds the root's files.
	Folder string

	away func(t testing.TB)
	back func(t testing.TB)
}

// Stop makes the remote unreachable and breaks what is in flight: the network is cut, or the disk unmounted.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	s.away(t)
}

// Restart makes the remote reachable again under the same Path, with the files it had.
func (s *Server) Restart(t testing.TB) {
	t.Helper()
	s.back(t)
}

// Disk answers a local folder. Stop renames it away, as an unmounted disk is.
func Disk(t testing.TB) *Server {
	t.Helper()
	folder := makeFolder(t, "share")
	return &Server{
		Path: filepath.ToSlash(folder), Folder: folder,
		away: func(t testing.TB) { rename(t, folder, folder+".away") },
		back: func(t testing.TB) { rename(t, folder+".away", folder) },
	}
}

// cryptPassword is "only for tests", obscured as rclone does it.
const cryptPassword = "MDEyMzQ1Njc4OWFiY2RlZuiXJiU6BSkYE4H6uoAR"

// Crypt answers rclone's crypt over a local folder: names and contents are encrypted.
func Crypt(t testing.TB) *Server {
	t.Helper()
	s := Disk(t)
	s.Path = `:crypt,remote="` + s.Path + `",password=` + cryptPassword + `:`
	return s
}

func makeFolder(t testing.TB, name string) string {
	t.Helper()
	folder := filepath.Join(t.TempDir(), name)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	return folder
}

func rename(t testing.TB, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// program answers the path of a program, or skips the test by name (or fails it: see the package's comment).
func program(t testing.TB, name, install string) string {
	t.Helper()
	folders := []string{os.Getenv("SETLOGGER_TEST_BIN"), "/usr/sbin"}
	if cache, err := os.UserCacheDir(); err == nil {
		folders = append(folders, filepath.Join(cache, "setlogger-test", "bin"))
	}
	if path, err := exec.LookPath(name); err == nil {
		return path
	}
	for _, folder := range folders {
		if path, err := exec.LookPath(filepath.Join(folder, name)); err == nil && folder != "" {
			return path
		}
	}
	if os.Getenv("SETLOGGER_TEST_REQUIRED") == "1" {
		t.Fatalf("%s is not installed: %s", name, install)
	}
	t.Skipf("%s is not installed: %s", name, install)
	return ""
}
