package servers

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

const (
	s3Key    = "SETLOGGERTEST"
	s3Secret = "setlogger-test-secret"
)

// S3 starts versitygw over a local folder and answers an empty bucket of it.
func S3(t testing.TB) *Server {
	t.Helper()
	gateway := program(t, "versitygw", "go install github.com/versity/versitygw/cmd/versitygw@v1.8.0")
	root := makeFolder(t, "s3")
	bucket := filepath.Join(root, "share")
	sidecar := makeFolder(t, "sidecar")
	if err := os.Mkdir(bucket, 0o755); err != nil {
		t.Fatal(err)
	}
	p := newProxy(t, run(t, func(port int) *exec.Cmd {
		cmd := exec.Command(gateway, "--quiet", "--keep-alive", "--port", "127.0.0.1:"+strconv.Itoa(port), "posix", "--sidecar", sidecar, root)
		cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+s3Key, "ROOT_SECRET_KEY="+s3Secret)
		return cmd
	}))
	return &Server{
		Path: fmt.Sprintf(`:s3,provider=Other,access_key_id=%s,secret_access_key=%s,endpoint="http://%s":share`,
			s3Key, s3Secret, p.address),
		Folder: bucket, away: p.cut, back: p.mend,
	}
}
