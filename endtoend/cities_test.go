package endtoend

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/setlogger/setlogger/remote/remotetest/servers"
)

// ack is the prefix of nodes that are no cities.
const ack = "ack-"

// TestCities takes three devices on one share through real work, over each kind of remote.
func TestCities(t *testing.T) {
	file, expected := cities(t)
	for _, kind := range servers.All() {
		t.Run(kind.Name, func(t *testing.T) {
			server := kind.Start(t)
			w := &world{
				server: server, file: file, expected: expected, kills: 3,
				a: newStarted(t, "a", server.Path), b: newStarted(t, "b", server.Path), c: newStarted(t, "c", server.Path),
			}
			if soak() {
				w.kills = 30
			}
			w.importOnA(t)
			w.killInPull(t)
			w.sameAsExpected(t, "cities", w.a, w.b, w.c)
			w.killInImport(t)
			w.killInPush(t)
			w.joinMore(t)
			w.editApart(t)
			w.a.run(t, "verify")
			for _, d := range []*device{w.b, w.c} { // of the share they would read what a has just read
				d.run(t, "verify", "cities")
				d.run(t, "verify", "more")
			}
			for _, d := range []*device{w.a, w.b, w.c} {
				d.stop(t)
			}
		})
	}
}

// world is three devices on one share.
type world struct {
	server   *servers.Server
	file     string // the cities as NDJSON
	expected string // digest of their export, made without our code
	a, b, c  *device
	kills    int
}

// cities makes the NDJSON of all cities, and the digest that its export must have.
func cities(t *testing.T) (file, expected string) {
	t.Helper()
	needProgram(t, "node")
	folder := "../testdata/cities"
	if _, err := os.Stat(filepath.Join(folder, "node_modules")); err != nil {
		t.Skip("the cities are not there: npm ci in testdata/cities")
	}
	lines := node(t, folder, nil, "cities.js")
	file = filepath.Join(t.TempDir(), "cities.ndjson")
	if err := os.WriteFile(file, lines, 0o600); err != nil {
		t.Fatal(err)
	}
	return file, string(bytes.TrimSpace(node(t, folder, lines, "expected.js", "cityId")))
}

func node(t *testing.T, folder string, input []byte, args ...string) []byte {
	t.Helper()
	cmd := exec.Command("node", args...)
	cmd.Dir, cmd.Stdin, cmd.Stderr = folder, bytes.NewReader(input), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node %v: %v", args, err)
	}
	return out
}

// importOnA puts the cities into a bucket, and all of it on the share.
func (w *world) importOnA(t *testing.T) {
	start := time.Now()
	w.a.run(t, "bucket", "create", "cities", "--remote", "share")
	w.a.run(t, "import", "cities", w.file, "--id", "cityId")
	imported := time.Since(start)
	settle(t, "cities", w.a)
	t.Logf("a imported %s in %v, all on the share after %v", w.expected, imported.Round(time.Millisecond), time.Since(start).Round(time.Millisecond))
	w.c.run(t, "bucket", "join", "cities", "--remote", "share")
}

// killInPull kills b while it folds what a pushed. What it folds in one round becomes visible at once, so the middle is
// when it syncs and does not have all of it.
func (w *world) killInPull(t *testing.T) {
	total := w.a.status(t, "cities").Nodes
	w.b.run(t, "bucket", "join", "cities", "--remote", "share")
	acks := &acknowledged{device: w.b, bucket: "cities", prefix: ack + "pull-"}
	for killed, tries := 0, 0; killed < w.kills; tries++ {
		if tries > 10*w.kills {
			t.Fatalf("b was hit in the middle of a pull in only %d of %d tries", killed, tries)
		}
		seen, inPull := w.watchPull(t, total, time.Duration(tries%8)*10*time.Millisecond)
		w.b.kill(t)
		w.b.start(t)
		acks.check(t, w.b)
		if inPull {
			killed++
			t.Logf("b killed in pull with %d of %d nodes", seen, total)
		}
		settle(t, "cities", w.b)
		for range 20 {
			if err := acks.add(t); err != nil {
				t.Fatal(err)
			}
		}
		settle(t, "cities", w.a, w.b)
		total = w.refill(t, tries)
		w.b.start(t)
	}
	w.acked(acks, t)
}

// watchPull waits until b is seen syncing without all the nodes, and for a while longer as long as it is. It answers
// what it saw last, and whether that was in a pull.
func (w *world) watchPull(t *testing.T, total uint64, longer time.Duration) (nodes uint64, inPull bool) {
	t.Helper()
	var since time.Time
	for ended := time.Now().Add(patience); time.Now().Before(ended); {
		var s struct {
			Remotes []struct{ Name, State string }
			Buckets []bucketStatus
		}
		w.b.get(t, "/v1/status", &s)
		syncing := false
		for _, r := range s.Remotes {
			syncing = syncing || r.Name == "share" && r.State == "syncing"
		}
		for _, b := range s.Buckets {
			if b.Name == "cities" {
				nodes = b.Nodes
			}
		}
		switch {
		case nodes >= total:
			return nodes, false
		case syncing && since.IsZero():
			since = time.Now()
		case !since.IsZero() && !syncing:
			since = time.Time{}
		}
		if syncing && time.Since(since) >= longer {
			return nodes, true
		}
	}
	t.Fatalf("b did not pull in %v", patience)
	return 0, false
}

// refill stops b, has a append more, and answers how many nodes a has then. They are no cities.
func (w *world) refill(t *testing.T, try int) uint64 {
	t.Helper()
	w.b.stop(t)
	var lines bytes.Buffer
	for i := range 20_000 {
		fmt.Fprintf(&lines, `{"type":"CREATE_NODE","id":"%srefill-%d-%d","properties":{"noise":"%s"}}`+"\n", ack, try, i, noise(try, i))
	}
	if _, err := w.a.appendLines(t.Context(), "cities", lines.Bytes()); err != nil {
		t.Fatal(err)
	}
	settle(t, "cities", w.a)
	return w.a.status(t, "cities").Nodes
}

// poll asks b for the bucket's status until it is as wanted.
func (w *world) poll(t *testing.T, bucket string, done func(bucketStatus) bool) bucketStatus {
	t.Helper()
	ended := time.Now().Add(patience)
	for {
		b := w.b.status(t, bucket)
		if done(b) {
			return b
		}
		if time.Now().After(ended) {
			t.Fatalf("not in %v: %+v", patience, b)
		}
	}
}

// acked checks the acknowledged nodes on every device, once all agree.
func (w *world) acked(acks *acknowledged, t *testing.T) {
	t.Helper()
	agree(t, acks.bucket, w.a, w.b, w.c)
	for _, d := range []*device{w.a, w.b, w.c} {
		acks.check(t, d)
	}
	t.Logf("%d acknowledged nodes are on all three devices", len(acks.ids))
}

func (w *world) sameAsExpected(t *testing.T, bucket string, devices ...*device) {
	t.Helper()
	got := digest(agree(t, bucket, devices...), `"id":"`+ack)
	if got != w.expected {
		t.Fatalf("%s: the export is %s, the script computes %s", bucket, got, w.expected)
	}
	t.Logf("%s: %d devices export %s, as the script computes", bucket, len(devices), got)
}

// killInImport kills b while a command imports the cities into it.
func (w *world) killInImport(t *testing.T) {
	w.b.run(t, "bucket", "create", "more", "--remote", "share")
	acks := &acknowledged{device: w.b, bucket: "more", prefix: ack + "import-"}
	for killed := 0; killed < w.kills; {
		before := w.b.status(t, "more").Entries
		importing := w.b.command(t, "import", "more", w.file, "--id", "cityId")
		if err := importing.Start(); err != nil {
			t.Fatal(err)
		}
		target := before + uint64(2_000*(killed+1))
		w.poll(t, "more", func(b bucketStatus) bool { _ = acks.add(t); return b.Entries > target })
		w.b.kill(t)
		var exit *exec.ExitError
		if err := importing.Wait(); !errors.As(err, &exit) {
			t.Log("the import was through before the kill: once more")
		} else {
			killed++
		}
		w.b.start(t)
		acks.check(t, w.b)
		t.Logf("b killed in import after %d entries", w.b.status(t, "more").Entries-before)
	}
	w.b.run(t, "import", "more", w.file, "--id", "cityId")
	acks.check(t, w.b)
}
