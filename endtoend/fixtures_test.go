package endtoend

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestFixtures opens stores and shares that earlier states of the code made (scripts/fixture).
func TestFixtures(t *testing.T) {
	fixtures, err := filepath.Glob("../testdata/fixtures/*.tar.gz")
	if err != nil || len(fixtures) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for _, fixture := range fixtures {
		t.Run(filepath.Base(fixture), func(t *testing.T) { testFixture(t, fixture) })
	}
}

func testFixture(t *testing.T, fixture string) {
	want, err := os.ReadFile(strings.TrimSuffix(fixture, ".tar.gz") + ".ndjson")
	if err != nil {
		t.Fatal(err)
	}
	store := newDevice(t, "store")
	folder := filepath.Dir(store.data)
	if out, err := exec.Command("tar", "-xzf", fixture, "-C", folder).CombinedOutput(); err != nil {
		t.Fatalf("tar: %v: %s", err, out)
	}
	store.start(t)
	if got := store.export(t, "things"); !bytes.Equal(got, want) {
		t.Errorf("the store: %s", difference(want, got))
	}
	if _, err := store.appendOne(t.Context(), "things", `{"type":"CREATE_NODE","id":"new","properties":{}}`); err != nil {
		t.Error(err)
	}
	store.run(t, "verify", "things")

	joined := newStarted(t, "joined", filepath.Join(folder, "share"))
	joined.run(t, "bucket", "join", "things", "--remote", "share")
	if got := agree(t, "things", joined); !bytes.Equal(got, want) {
		t.Errorf("the share: %s", difference(want, got))
	}
	joined.run(t, "verify")
}
