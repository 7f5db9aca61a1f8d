package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/net/webdav"

	"github.com/setlogger/setlogger/api"
	"github.com/setlogger/setlogger/remote/remotetest/servers"
)

var update = flag.Bool("update", false, "write the transcripts of testdata/setup anew")

// guide is a daemon that remotes are set up on, and what its transcripts call by other words.
type guide struct {
	data, settings string
	env            []string
	words          []string // pairs: as it is here, as the transcripts have it
	client         *api.Client
}

// newGuide starts the real daemon until the test ends.
func newGuide(t *testing.T, env ...string) *guide {
	t.Helper()
	folder := t.TempDir()
	g := &guide{data: filepath.Join(folder, "data"), settings: filepath.Join(folder, "rclone.conf"), words: []string{folder, "$WORK"}}
	g.env = append([]string{"HOME=" + folder, "RCLONE_CONFIG=" + g.settings, "SETLOGGER_DATA=" + g.data, "PATH=" + os.Getenv("PATH")}, env...)
	if err := os.WriteFile(g.settings, []byte("[disk]\ntype = alias\nremote = "+filepath.ToSlash(folder)+"/aliased\n"), 0o644); err != nil { //nolint:gosec // open, to see it closed
		t.Fatal(err)
	}
	cmd := g.command("serve", "--listen", "127.0.0.1:0")
	var log bytes.Buffer
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(cmd.Process.Signal(syscall.SIGTERM), cmd.Wait()); err != nil {
			t.Errorf("the daemon ended with %v", err)
		}
		g.wantNoSecret(t, "the log", log.String())
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() && !strings.Contains(lines.Text(), "listening on") {
	}
	if g.client, err = api.NewClient(api.Options{Data: g.data}); err != nil {
		t.Fatal(err)
	}
	return g
}

func (g *guide) command(args ...string) *exec.Cmd {
	cmd := exec.Command("setlogger", args...)
	cmd.Env = g.env
	return cmd
}

// secretWords are in all secrets that the tests give.
const secretWords = "hush"

func (g *guide) wantNoSecret(t *testing.T, where, text string) {
	t.Helper()
	if strings.Contains(text, secretWords) || regexp.MustCompile(`auth\?state=\w`).MatchString(text) && where == "the log" {
		t.Errorf("a secret is in %s:\n%s", where, text)
	}
}

// guided runs remote add with the answers, and compares what it printed with the transcript.
func (g *guide) guided(t *testing.T, name string, exit int, answers ...string) {
	t.Helper()
	g.run(t, name, exit, g.command("remote", "add", "--no-browser"), answers)
}

func (g *guide) run(t *testing.T, name string, exit int, cmd *exec.Cmd, answers []string) {
	t.Helper()
	cmd.Stdin = strings.NewReader(strings.Join(answers, "\n") + "\n")
	out, err := cmd.CombinedOutput()
	if code := cmd.ProcessState.ExitCode(); code != exit {
		t.Errorf("it exited with %d, %v\n%s", code, err, out)
	}
	g.wantNoSecret(t, "the transcript", string(out))
	g.compare(t, name, string(out))
}

// compare compares with testdata/setup, where what differs from run to run has a word that does not.
func (g *guide) compare(t *testing.T, name, text string) {
	t.Helper()
	text = strings.NewReplacer(g.words...).Replace(text)
	for pattern, word := range map[string]string{
		`\b[0-9.]+(µs|ms|s)\b`: "TIME", `test\.\d+\.txt`: "FILE", `\.setlogger_\w+`: "UNFINISHED", `127\.0\.0\.1:\d+`: "ADDRESS", `state=[\w-]+`: "state=STATE",
		`(?m)^ +\d+  \S+ +one that rclone knows already.*\n`: "", `RequestID: \w*`: "RequestID: ID", `HostID: [^,]*`: "HostID: ID",
	} {
		text = regexp.MustCompile(pattern).ReplaceAllString(text, word)
	}
	golden := filepath.Join("testdata", "setup", name+".txt")
	if *update {
		if err := os.WriteFile(golden, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || string(want) != text {
		t.Errorf("%s: %v; if it is meant: go test ./cmd/setlogger -run Setup -update; it printed\n%s", golden, err, text)
	}
}

// wantWorking syncs with a remote that was set up, which the daemon finds by its settings.
func (g *guide) wantWorking(t *testing.T, name string) {
	t.Helper()
	if _, err := g.client.Sync(t.Context(), name); err != nil {
		t.Error(err)
	}
}

// section is what the settings file has of a remote.
func (g *guide) section(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(g.settings)
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "["+name+"]\n")
	section, _, _ = strings.Cut(section, "\n[")
	return section
}

// option is one of a server's path.
func option(t *testing.T, path, name string) string {
	t.Helper()
	found := regexp.MustCompile(`[:,]` + name + `=(?:"([^"]*)"|([^,:]*))`).FindStringSubmatch(path)
	if found == nil {
		t.Fatalf("%s has no %s", path, name)
	}
	return found[1] + found[2]
}

// setUpEncrypted begins an encrypted share by questions, and joins it from a place of another name; the key of another share is
// refused by name, and what was answered is dropped.
func (g *guide) setUpEncrypted(t *testing.T) {
	t.Helper()
	folder := filepath.Join(t.TempDir(), "safe")
	key, other := filepath.Join(t.TempDir(), "key"), filepath.Join(t.TempDir(), "other")
	g.words = append(g.words, folder, "$FOLDER", filepath.Dir(key), "$KEYS")
	add := []string{"remote", "add", "--no-browser"}
	g.run(t, "encrypted", exitOK, g.command(append(add, "--encrypt", "--key-out", key)...), []string{"8", "safe", folder})
	g.wantWorking(t, "safe")
	for name, flags := range map[string][]string{"encryptedKept": {"--encrypt"}, "encryptedNoKey": nil} { // a key that was there is nobody's to remove
		g.run(t, name, exitFailed, g.command(append(append(add, "--key-out", key), flags...)...), []string{"8", "other", folder})
		if _, err := os.Stat(key); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	if err := errors.Join(os.Rename(key, other), g.client.RemoveRemote(t.Context(), "safe")); err != nil {
		t.Fatal(err)
	}
	g.run(t, "encryptedTaken", exitFailed, g.command(append(add, "--encrypt", "--key-out", key)...), []string{"8", "safer", folder, "drop"})
	if _, err := os.Stat(key); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the key of nothing is still there: %v", err)
	}
	g.run(t, "encryptedJoin", exitOK, g.command(append(add, "--key-file", other)...), []string{"8", "again", folder})
	g.wantWorking(t, "again")
}

// TestSetupTranscripts sets up remotes of several kinds as a person does, on one daemon.
func TestSetupTranscripts(t *testing.T) {
	g := newGuide(t)
	t.Run("s3", func(t *testing.T) { g.setUpS3(t) })
	t.Run("webdav", func(t *testing.T) { g.setUpWebDAV(t) })
	t.Run("sftp", func(t *testing.T) { g.setUpSFTP(t) })
	t.Run("folder", func(t *testing.T) {
		folder := filepath.Join(t.TempDir(), "share")
		g.words = append(g.words, folder, "$FOLDER")
		g.guided(t, "folder", exitOK, "8", "usb", folder)
		g.wantWorking(t, "usb")
	})
	t.Run("encrypted", func(t *testing.T) { g.setUpEncrypted(t) })
	t.Run("known", func(t *testing.T) {
		g.guided(t, "known", exitOK, "nobody:", "disk:", "", "deep")
		g.wantWorking(t, "disk")
	})
	t.Run("end", func(t *testing.T) { g.guided(t, "end", exitFailed, "webdav", "half", "http://127.0.0.1:1", "other") })
	if g.section(t, "half") != "" {
		t.Error("a setup that was given up left settings")
	}
	if info, err := os.Stat(g.settings); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("settings: %v, %v", info.Mode(), err)
	}
}

// setUpS3 gives a wrong secret first.
func (g *guide) setUpS3(t *testing.T) {
	t.Helper()
	s := servers.S3(t)
	endpoint := option(t, s.Path, "endpoint")
	g.guided(t, "s3", exitOK, "S3", "s3", "", "Other", option(t, s.Path, "access_key_id"), "hush wrong", "", endpoint, "share/deep",
		"again", "", "", option(t, s.Path, "secret_access_key"), "", "", "")
	g.wantWorking(t, "s3")
}

// setUpWebDAV answers badly first, and keeps a name that works only later.
func (g *guide) setUpWebDAV(t *testing.T) {
	t.Helper()
	var password string
	files := &webdav.Handler{FileSystem: webdav.Dir(t.TempDir()), LockSystem: webdav.NewMemLS()}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, given, _ := r.BasicAuth(); user != "ann" || given != password {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		files.ServeHTTP(w, r)
	}))
	defer server.Close()
	g.guided(t, "webdav", exitFailed, "webdav", "cloud", "", server.URL, "8", "ann", "hush", "", "keep")
	if section := g.section(t, "cloud"); !strings.Contains(section, "user = ann") || strings.Contains(section, "hush") {
		t.Errorf("settings:\n%s", section)
	}
	password = "hush"
	g.wantWorking(t, "cloud")
	if err := g.client.RemoveRemote(context.WithoutCancel(t.Context()), "cloud"); err != nil {
		t.Error(err)
	}
	g.guided(t, "taken", exitFailed, "webdav", "cloud")
}

func (g *guide) setUpSFTP(t *testing.T) {
	t.Helper()
	s := servers.SFTP(t)
	key, host, port, user := option(t, s.Path, "key_file"), option(t, s.Path, "host"), option(t, s.Path, "port"), option(t, s.Path, "user")
	g.words = append(g.words, filepath.Dir(key), "$KEYS", s.Folder, "$FOLDER", port, "PORT", "["+user+"]", "[USER]", "user="+user, "user=USER")
	g.guided(t, "sftp", exitOK, "6", "ssh", host, user, port, "", filepath.Join(filepath.Dir(key), "host"), s.Folder+"/deep",
		"again", "", "", "", "", key, "")
	g.wantWorking(t, "ssh")
}
