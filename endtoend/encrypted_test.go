package endtoend

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/setlogger/setlogger/setlog"
)

const secretBucket = "diary/of-ann"

// TestEncryptedShare has two daemons meet on an encrypted folder that shows nothing, and a third with a wrong key, or none, that
// is refused by name and changes no byte there.
func TestEncryptedShare(t *testing.T) {
	root := t.TempDir()
	disk := filepath.Join(root, "disk")
	share := filepath.Join(disk, "share")
	key, wrong := filepath.Join(root, "key"), filepath.Join(root, "wrong")
	a, b, c := newDevice(t, "a"), newDevice(t, "b"), newDevice(t, "c")
	for _, d := range []*device{a, b, c} {
		d.start(t)
	}
	a.run(t, "remote", "add", "share", share, "--encrypt", "--key-out", key)
	fill(t, a, "share")
	b.run(t, "remote", "add", "share", share, "--key-file", key)
	b.run(t, "bucket", "join", secretBucket, "--remote", "share")
	agree(t, secretBucket, a, b)
	b.run(t, "dispatch", secretBucket, `{"type":"SET_PROPERTY","id":"first-page","properties":{"mood":"exuberant-then-rueful"}}`)
	export := agree(t, secretBucket, a, b)
	if !bytes.Contains(export, []byte("exuberant-then-rueful")) || bytes.Count(export, []byte("\n")) != pages+1 {
		t.Fatalf("they agree on %.500s", export)
	}
	a.run(t, "compact", secretBucket)
	if out := string(b.run(t, "verify", "share")); strings.Contains(out, " 0 files") {
		t.Errorf("nothing was verified: %s", out)
	}
	seeNothing(t, share, a, b)

	a.stop(t)
	b.stop(t) // what they write by themselves is no fault of c's
	c.run(t, "remote", "add", "other", filepath.Join(root, "other"), "--encrypt", "--key-out", wrong)
	before := contents(t, share)
	for _, attempt := range []struct {
		problem, words string
		args           []string
	}{
		{"wrong-key", "wrong key", []string{"--key-file", wrong}},
		{"share-encrypted", "an encrypted share is there", nil},
	} {
		c.refused(t, attempt.words, append([]string{"remote", "add", "share", share}, attempt.args...)...)
		addUnseen(t, c, disk, share, attempt.problem, attempt.args)
	}
	c.refused(t, "an encrypted share is there", "remote", "add", "share", share, "--encrypt", "--key-out", filepath.Join(root, "third"))
	if after := contents(t, share); !maps.Equal(before, after) {
		t.Errorf("the folder was changed: %d files before, %d after", len(before), len(after))
	}

	c.run(t, "remote", "add", "share", share, "--key-file", key)
	c.run(t, "bucket", "join", secretBucket, "--remote", "share")
	a.start(t)
	if all := agree(t, secretBucket, a, c); !bytes.Equal(all, export) {
		t.Errorf("by the right key, c has %.500s", all)
	}
}

// refused runs a command line that must fail with these words.
func (d *device) refused(t *testing.T, words string, args ...string) {
	t.Helper()
	if out, err := d.try(t, args...); err == nil || !strings.Contains(err.Error(), words) {
		t.Errorf("%v: %s %v, want %s", args, out, err, words)
	}
}

const pages = 200

// fill makes a bucket with what must not be seen.
func fill(t *testing.T, d *device, remote string) {
	t.Helper()
	d.run(t, "bucket", "create", secretBucket, "--remote", remote)
	var lines bytes.Buffer
	fmt.Fprintf(&lines, `{"type":"CREATE_NODE","id":"first-page","properties":{"confession":"unmistakable-value"}}`+"\n")
	for i := range pages {
		fmt.Fprintf(&lines, `{"type":"CREATE_NODE","id":"page-number-%d","properties":{"confession":"unmistakable-value %d"}}`+"\n", i, i)
	}
	if _, err := d.appendLines(t.Context(), secretBucket, lines.Bytes()); err != nil {
		t.Fatal(err)
	}
}

// addUnseen adds the share while its disk is away, which can't be refused: the rounds refuse it when the disk is back.
func addUnseen(t *testing.T, d *device, disk, share, problem string, args []string) {
	t.Helper()
	if err := os.Rename(disk, disk+".away"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(disk, nil, 0o600); err != nil { // so that no folder is made there
		t.Fatal(err)
	}
	d.run(t, append([]string{"remote", "add", "share", share}, args...)...)
	if err := os.Remove(disk); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(disk+".away", disk); err != nil {
		t.Fatal(err)
	}
	d.run(t, "bucket", "create", "of-c", "--remote", "share")
	d.run(t, "dispatch", "of-c", `{"type":"CREATE_NODE","id":"1"}`)
	for range 2 {
		if out, err := d.try(t, "--json", "sync", "share"); err == nil || !strings.Contains(string(out)+err.Error(), `"type":"`+problem+`"`) {
			t.Errorf("%s %v, want %s", out, err, problem)
		}
	}
	if out := string(d.run(t, "status", "--json")); !strings.Contains(out, `"`+problem+`"`) {
		t.Errorf("the status does not name %s: %s", problem, out)
	}
	_, _ = d.try(t, "remote", "test", "share")
	d.run(t, "remote", "remove", "share")
	d.run(t, "bucket", "leave", "of-c")
}

// seeNothing looks for all that must not be seen in names and bytes of a folder, and for the same on a plain share, where it is.
func seeNothing(t *testing.T, share string, a, b *device) {
	t.Helper()
	sought := []string{
		"diary", "of-ann", setlog.BucketID(secretBucket), "first-page", "page-number", "confession", "mood", "unmistakable-value", "exuberant-then-rueful",
		"CREATE_NODE", "SET_PROPERTY", "jsonl", a.status(t, secretBucket).Writer, b.status(t, secretBucket).Writer,
	}
	for name, data := range contents(t, share) {
		for _, word := range sought {
			if strings.Contains(name, word) || strings.Contains(data, word) {
				t.Errorf("%s shows %s", name, word)
			}
		}
		if text := unzipped(data); text != "" {
			t.Errorf("%s is in gzip: %.100s", name, text)
		}
	}
	plain := filepath.Join(t.TempDir(), "plain")
	b.run(t, "remote", "add", "plain", plain)
	const bucket = "plainly"
	b.run(t, "bucket", "create", bucket, "--remote", "plain")
	b.run(t, "dispatch", bucket, `{"type":"CREATE_NODE","id":"first-page","properties":{"confession":"unmistakable-value"}}`)
	b.run(t, "sync", "plain")
	shown := ""
	for name, data := range contents(t, plain) {
		shown += name + data + unzipped(data)
	}
	for _, word := range []string{bucket, setlog.BucketID(bucket), "first-page", "unmistakable-value", "CREATE_NODE", "jsonl"} {
		if !strings.Contains(shown, word) {
			t.Errorf("the search finds no %s on a plain share", word)
		}
	}
	b.run(t, "remote", "remove", "plain")
}

// contents answers the bytes of all files below a folder, by their names in it.
func contents(t *testing.T, folder string) map[string]string {
	t.Helper()
	all := map[string]string{}
	for _, file := range filesBelow(t, folder) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimPrefix(file, folder)] = string(data)
	}
	if len(all) == 0 {
		t.Fatalf("nothing is in %s", folder)
	}
	return all
}

// unzipped is what gzip makes of data, "" where it is none.
func unzipped(data string) string {
	r, err := gzip.NewReader(strings.NewReader(data))
	if err != nil {
		return ""
	}
	text, _ := io.ReadAll(r)
	return string(text)
}
