package servers

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// SFTP starts the system's sshd on keys of its own, for this user only, over a local folder.
func SFTP(t testing.TB) *Server {
	t.Helper()
	sshd := program(t, "sshd", "apt-get install openssh-server")
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	folder, keys := makeFolder(t, "sftp"), makeFolder(t, "keys")
	newKey(t, filepath.Join(keys, "host"))
	allowed := newKey(t, filepath.Join(keys, "user"))
	if err := os.WriteFile(filepath.Join(keys, "authorized"), allowed, 0o600); err != nil {
		t.Fatal(err)
	}
	if me.Uid == "0" {
		// Where sshd gives up its rights; the system makes it only when its own sshd starts.
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	p := newProxy(t, run(t, func(port int) *exec.Cmd {
		return exec.Command(sshd, "-D", "-e", "-f", sshdConfig(t, keys, port))
	}))
	host, proxyPort, err := net.SplitHostPort(p.address)
	if err != nil {
		t.Fatal(err)
	}
	return &Server{
		Path: fmt.Sprintf(`:sftp,host=%s,port=%s,user=%s,key_file="%s",shell_type=none:%s`,
			host, proxyPort, me.Username, filepath.ToSlash(filepath.Join(keys, "user")), filepath.ToSlash(folder)),
		Folder: folder, away: p.cut, back: p.mend,
	}
}

// sshdConfig writes the configuration and answers its path.
func sshdConfig(t testing.TB, keys string, port int) string {
	t.Helper()
	lines := []string{
		fmt.Sprintf("Port %d", port),
		"ListenAddress 127.0.0.1",
		"HostKey " + filepath.Join(keys, "host"),
		"AuthorizedKeysFile " + filepath.Join(keys, "authorized"),
		"PidFile none",
		"StrictModes no",
		"UsePAM no",
		"PasswordAuthentication no",
		"KbdInteractiveAuthentication no",
		"PermitRootLogin prohibit-password",
		"MaxStartups 100",
		"MaxSessions 100",
		"Subsystem sftp internal-sftp",
		"ForceCommand internal-sftp",
	}
	path := filepath.Join(keys, fmt.Sprintf("config-%d", port))
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// newKey writes a fresh private key and answers the public one as a line of authorized_keys.
func newKey(t testing.TB, path string) []byte {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "setlogger test")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
		t.Fatal(err)
	}
	line, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return ssh.MarshalAuthorizedKey(line)
}
