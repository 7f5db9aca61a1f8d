package syncthing_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/setlogger/setlogger/remote/remotetest/syncthing"
)

const lag = 2 * time.Second

// play runs a test with two copies on a clock of its own.
func play(t *testing.T, o syncthing.Options, test func(t *testing.T, c *syncthing.Cluster, a, b string)) {
	a, b := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	synctest.Test(t, func(t *testing.T) {
		c := syncthing.Start(o)
		defer c.Close()
		for _, folder := range []string{a, b} {
			if err := c.Join(folder); err != nil {
				t.Fatal(err)
			}
		}
		test(t, c, a, b)
	})
}

func write(t *testing.T, folder, name, text string) {
	t.Helper()
	file := filepath.Join(folder, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// files is what lies in a copy: names and contents, in order.
func files(t *testing.T, folder string) string {
	t.Helper()
	synctest.Wait() // until nothing is half done
	var all []string
	err := filepath.WalkDir(folder, func(file string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(file)
		name, _ := filepath.Rel(folder, file)
		all = append(all, fmt.Sprintf("%s=%s", filepath.ToSlash(name), data))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}

func want(t *testing.T, text string, folders ...string) {
	t.Helper()
	for _, folder := range folders {
		if got := files(t, folder); got != text {
			t.Errorf("%s has %q, want %q", filepath.Base(folder), got, text)
		}
	}
}

// await goes on until a copy has something.
func await(t *testing.T, folder, part string) {
	t.Helper()
	for range 1000 {
		if strings.Contains(files(t, folder), part) {
			return
		}
		time.Sleep(10 * time.Millisecond) // of the test's own clock
	}
	t.Fatalf("%s never has %q: %s", filepath.Base(folder), part, files(t, folder))
}

// TestThereAndBack: files come late and by way of a temporary name, whichever copy they are written to; so do changes and removals.
func TestThereAndBack(t *testing.T) {
	play(t, syncthing.Options{Seed: 1, Lag: lag}, func(t *testing.T, _ *syncthing.Cluster, a, b string) {
		write(t, a, "log/x.gz", "0123456789")
		want(t, "", b)
		await(t, b, "log/.syncthing.x.gz.tmp=01234")
		await(t, b, "log/x.gz=0123456789")
		write(t, b, "log/x.gz", "other")
		write(t, b, "y", "1")
		time.Sleep(6 * lag)
		want(t, "log/x.gz=other y=1", a, b)
		if err := os.Remove(filepath.Join(a, "y")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(6 * lag)
		want(t, "log/x.gz=other", a, b)
	})
}

// TestAnyOrder: of many files some that were written later come earlier.
func TestAnyOrder(t *testing.T) {
	play(t, syncthing.Options{Seed: 1, Lag: lag}, func(t *testing.T, _ *syncthing.Cluster, a, b string) {
		last := ""
		for i := range 20 {
			last = fmt.Sprintf("%02d=x", i)
			write(t, a, last[:2], "x")
		}
		await(t, b, last)
		if files(t, b) == files(t, a) {
			t.Error("the last came last")
		}
		time.Sleep(6 * lag)
		if files(t, b) != files(t, a) {
			t.Errorf("only %s came", files(t, b))
		}
	})
}

// TestConflict: what two write at once stands under two names in both copies.
func TestConflict(t *testing.T) {
	play(t, syncthing.Options{Seed: 1, Lag: lag}, func(t *testing.T, c *syncthing.Cluster, a, b string) {
		write(t, a, "v.json", "of a")
		write(t, b, "v.json", "of b")
		time.Sleep(12 * lag)
		want(t, "v.json=of a v.sync-conflict-20261123-101500-ABCDEFG.json=of b", a, b)
		if n := c.Counts(); n.Conflicts != 1 {
			t.Errorf("%+v", n)
		}
	})
}

// TestReturns: a file that was removed comes back to both; and one that was changed elsewhere always does.
func TestReturns(t *testing.T) {
	play(t, syncthing.Options{Seed: 1, Lag: lag, Returns: 1}, func(t *testing.T, c *syncthing.Cluster, a, b string) {
		write(t, a, "x", "1")
		time.Sleep(6 * lag)
		if err := os.Remove(filepath.Join(b, "x")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(12 * lag)
		want(t, "x=1", a, b)
		if n := c.Counts(); n.Returned != 1 {
			t.Errorf("%+v", n)
		}
	})
	play(t, syncthing.Options{Seed: 1, Lag: lag}, func(t *testing.T, _ *syncthing.Cluster, a, b string) {
		write(t, a, "x", "1")
		time.Sleep(6 * lag)
		write(t, a, "x", "22")
		if err := os.Remove(filepath.Join(b, "x")); err != nil {
			t.Fatal(err)
		}
		time.Sleep(6 * lag)
		want(t, "x=22", a, b)
	})
}

// TestHeal: what is on its way arrives, also at a device that joined late.
func TestHeal(t *testing.T) {
	play(t, syncthing.Options{Seed: 1, Lag: 24 * time.Hour}, func(t *testing.T, c *syncthing.Cluster, a, b string) {
		write(t, a, "x", "1")
		time.Sleep(time.Second)
		late := filepath.Join(t.TempDir(), "late")
		if err := c.Join(late); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		want(t, "", b, late)
		c.Heal()
		write(t, b, "y", "2")
		time.Sleep(time.Second)
		want(t, "x=1 y=2", a, b, late)
	})
}
