package daemon

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/setlogger/setlogger/setlog"
)

// TestSwappedFiles: the file of one bucket in the place of another's is not taken for it, and nothing is written to it.
func TestSwappedFiles(t *testing.T) {
	s := serveDaemon(t)
	for _, name := range []string{"a", "b"} {
		s.bucket(t, name)
		s.append(t, name, `{"type":"CREATE_NODE","id":"of `+name+`"}`)
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	a, b := filepath.Join(s.data, "buckets", setlog.BucketID("a")+".db"), filepath.Join(s.data, "buckets", setlog.BucketID("b")+".db")
	swap := func() {
		for _, move := range [][2]string{{a, a + ".moved"}, {b, a}, {a + ".moved", b}} {
			if err := os.Rename(move[0], move[1]); err != nil {
				t.Fatal(err)
			}
		}
	}
	swap()
	again := s.restart(t)
	if status, problems := again.status(t); !slices.Equal(problems, []string{"bucket-unreadable", "bucket-unreadable"}) || len(status.Buckets) != 0 {
		t.Errorf("%v %+v", problems, status)
	}
	if got := again.call(t, "POST", "/v1/buckets/a/actions", `{"type":"X"}`, nil); got.status != 500 {
		t.Errorf("%d %s", got.status, got.body)
	}
	if err := again.stop(); err != nil {
		t.Fatal(err)
	}
	swap()
	if got := string(again.restart(t).export(t, "a")); !strings.Contains(got, "of a") {
		t.Errorf("put back: %s", got)
	}
}
