package endtoend

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// TestReaderFromTheTextAlone: three devices write what actions there are at once, into a bucket that is indexed all the
// time; the reader in testdata/reader, which shares nothing with this program but the document, reads the same from the
// share as they export.
func TestReaderFromTheTextAlone(t *testing.T) {
	seed := uint64(setting(t, "SETLOGGER_SEED", int(time.Now().UnixNano()&0xffffff)))
	t.Logf("seed %d", seed)
	for _, keep := range []string{"remote", "none"} {
		t.Run("keepHistory "+keep, func(t *testing.T) {
			share := t.TempDir()
			all := newWriters(t, share, keep)
			var writing sync.WaitGroup
			for i, d := range all {
				writing.Go(func() { d.writeAnything(t, rand.New(rand.NewPCG(seed, uint64(i))), 300) })
			}
			writing.Wait()
			export := agreeInEffect(t, "b", all...)
			readsLike(t, share, "b", export)
			indexes, _ := filepath.Glob(filepath.Join(share, "index", "*"))
			t.Logf("%d bytes from %d indexes", len(export), len(indexes))
			if len(indexes) < 3 {
				t.Error("hardly any index was written")
			}
		})
	}
}

// TestReaderKnowsTheVectors folds each vector of the form fold with that reader.
func TestReaderKnowsTheVectors(t *testing.T) {
	out, err := runPython(t, "vectors.py", "../vectors")
	if err != nil || !bytes.Contains(out, []byte(", 0 failed")) {
		t.Errorf("%v\n%s", err, out)
	}
	t.Logf("%s", bytes.TrimSpace(out))
}

// readsLike checks that a share on this disk reads like an export for whoever has docs/format.md alone.
func readsLike(t *testing.T, share, bucket string, export []byte) {
	t.Helper()
	begin := time.Now()
	out, err := runPython(t, "read.py", share, bucket)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out, export) {
		t.Errorf("the reader of the text alone reads something else: %s", difference(export, out))
	}
	t.Logf("read from the files alone in %v", time.Since(begin).Round(time.Millisecond))
}

func runPython(t *testing.T, args ...string) ([]byte, error) {
	t.Helper()
	needProgram(t, "python3")
	cmd := exec.Command("python3", append([]string{"-B"}, args...)...)
	cmd.Dir = "../testdata/reader"
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil || complaints.Len() > 0 {
		return out, errors.Join(err, errors.New(complaints.String()))
	}
	return out, nil
}

func newWriters(t *testing.T, share, keep string) []*device {
	t.Helper()
	var all []*device
	for i := range 3 {
		all = append(all, newStarted(t, fmt.Sprint("w", i), share))
	}
	all[0].run(t, "bucket", "create", "b", "--remote", "share")
	schema := fmt.Sprintf(`{"type":"SET_SCHEMA","schema":{"x-setlogger":{"keepHistory":%q,"logLimit":60,"chunkLimit":10,"order":["n","id"]}}}`, keep)
	if _, err := all[0].appendOne(t.Context(), "b", schema); err != nil {
		t.Fatal(err)
	}
	settle(t, "b", all[0])
	for _, d := range all[1:] {
		d.run(t, "bucket", "join", "b", "--remote", "share")
	}
	settle(t, "b", all...)
	return all
}

// writeAnything appends whatever there is; what does not fit the state is refused, which is fine.
func (d *device) writeAnything(t *testing.T, chance *rand.Rand, n int) {
	refused := 0
	for i := range n {
		_, err := d.appendOne(t.Context(), "b", anything(chance, i, d.name))
		switch {
		case errors.Is(err, errRefused):
			refused++
		case err != nil:
			t.Error(err)
			return
		}
		if i%20 == 19 {
			d.run(t, "sync")
		}
		if i%75 == 74 {
			d.run(t, "compact", "b")
		}
	}
	if refused > n*3/4 {
		t.Errorf("%s: %d of %d were refused", d.name, refused, n)
	}
}

// anything is an action of chance on a few nodes, with what JSON has to offer.
func anything(chance *rand.Rand, i int, by string) string {
	id, path := fmt.Sprintf(`"n%d"`, chance.IntN(25)), fmt.Sprintf(`"path":["o","p%d"]`, chance.IntN(3))
	value := []string{`1e-7`, `"ü\u2028\u0007\"\\"`, `{"x":{"y":[1,{"z":null}]},"é":-0.5}`, `[]`, `{}`, `null`, `true`, `123456789012345`, `1.5e300`}[chance.IntN(9)]
	if chance.IntN(2) == 0 {
		path = `"property":"l"`
	}
	at := chance.IntN(4)
	switch chance.IntN(12) {
	case 0:
		if chance.IntN(4) == 0 {
			return `{"type":"DELETE_NODE","id":` + id + `}`
		}
	case 1, 2:
		return fmt.Sprintf(`{"type":"CREATE_NODE","id":%s,"properties":{"n":%d,"by":%q,"l":["a",%s]}}`, id, i, by, value)
	case 3, 4:
		return fmt.Sprintf(`{"type":"SET_PROPERTY","id":%s,%s,"value":%s}`, id, path, value)
	case 5:
		return fmt.Sprintf(`{"type":"REMOVE_PROPERTY","id":%s,%s}`, id, path)
	case 6:
		return fmt.Sprintf(`{"type":"INCREMENT","id":%s,"path":["o","count"],"by":%d}`, id, i-3)
	case 7:
		return fmt.Sprintf(`{"type":"ARRAY_REMOVE","id":%s,"property":"l","index":%d}`, id, at)
	case 8:
		return fmt.Sprintf(`{"type":"ARRAY_MOVE","id":%s,"property":"l","index":%d,"to":0}`, id, at)
	case 9:
		return fmt.Sprintf(`{"type":"ARRAY_SET","id":%s,"property":"l","index":%d,"value":%s}`, id, at, value)
	}
	return fmt.Sprintf(`{"type":"ARRAY_INSERT","id":%s,"property":"l","index":%d,"values":["%s%d",%s]}`, id, at, by, i, value)
}
