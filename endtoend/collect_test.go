package endtoend

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// counting is a device that writes 1, 2, 3 … to a node of its own, and to some that it shares with others.
type counting struct {
	*device
	node       string
	sent       int // the last of the numbers that it wrote
	acked      int // the last that was acknowledged
	unanswered int
}

// TestCompactAndCollectUnderKills: two devices write, index and remove at once over one folder, and in each round one is
// killed at a moment of chance. Nothing that was acknowledged is lost, and the share does not grow, since its bucket
// keeps no history. A day of uptime lasts a second.
func TestCompactAndCollectUnderKills(t *testing.T) {
	rounds := setting(t, "SETLOGGER_COLLECT_ROUNDS", 500)
	seed := uint64(setting(t, "SETLOGGER_SEED", int(time.Now().UnixNano()&0xffffff)))
	t.Logf("seed %d", seed)
	chance := rand.New(rand.NewPCG(seed, 9))
	share := t.TempDir()
	all := newCounting(t, share, 2)
	var sizes []int64
	removed, seenBefore := 0, map[string]bool{}
	for round := range rounds {
		victim := all[chance.IntN(len(all))]
		killAfter := time.Duration(chance.IntN(120)) * time.Millisecond
		var writing sync.WaitGroup
		for _, c := range all {
			writing.Go(func() { c.write(t.Context(), 40) })
		}
		time.Sleep(killAfter) // the chance is the point, nothing is waited for
		victim.kill(t)
		writing.Wait()
		victim.start(t)
		size, files := measure(t, share)
		for name := range seenBefore {
			if !files[name] {
				removed++
			}
		}
		seenBefore = files
		if round%10 == 9 {
			sizes = append(sizes, size)
		}
	}
	newcomer := newStarted(t, "newcomer", share)
	newcomer.run(t, "bucket", "join", "b", "--remote", "share")
	export := agreeInEffect(t, "b", all[0].device, all[1].device, newcomer)
	for _, c := range all {
		if n := c.count(t, export); n < c.acked || n > c.sent {
			t.Errorf("LOST: %s is at %d, %d was acknowledged and %d sent", c.name, n, c.acked, c.sent)
		}
	}
	t.Logf("%d rounds: acknowledged %d, unanswered %d; %d files were removed; size of the share in kB, every 10 rounds: %s", rounds,
		all[0].acked+all[1].acked, all[0].unanswered+all[1].unanswered, removed, kilobytes(sizes))
	newcomer.run(t, "verify")
	readsLike(t, share, "b", export)
	if len(sizes) >= 20 && largest(sizes[len(sizes)/2:]) > 2*largest(sizes[:len(sizes)/2]) {
		t.Error("the share grows and grows")
	}
}

func newCounting(t *testing.T, share string, n int) []*counting {
	t.Helper()
	var all []*counting
	for i := range n {
		d := newDevice(t, fmt.Sprint("c", i))
		d.env = append(d.env, "SETLOGGER_TEST_DAY=1s")
		d.start(t)
		d.run(t, "remote", "add", "share", share)
		all = append(all, &counting{device: d, node: fmt.Sprint("count", i)})
	}
	all[0].run(t, "bucket", "create", "b", "--remote", "share")
	actions := []string{`{"type":"SET_SCHEMA","schema":{"x-setlogger":{"keepHistory":"none","logLimit":100}}}`}
	for _, c := range all {
		actions = append(actions, fmt.Sprintf(`{"type":"CREATE_NODE","id":%q,"properties":{"n":0}}`, c.node))
	}
	for i := range setNodes {
		actions = append(actions, fmt.Sprintf(`{"type":"CREATE_NODE","id":"n%d"}`, i))
	}
	for _, action := range actions {
		if _, err := all[0].appendOne(t.Context(), "b", action); err != nil {
			t.Fatal(err)
		}
	}
	settle(t, "b", all[0].device)
	for _, c := range all[1:] {
		c.run(t, "bucket", "join", "b", "--remote", "share")
		settle(t, "b", c.device)
	}
	return all
}

// setNodes is how many nodes are written again and again.
const setNodes = 50

// write appends until the daemon is gone, or enough.
func (c *counting) write(ctx context.Context, n int) {
	for i := range n {
		_, err := c.appendOne(ctx, "b", fmt.Sprintf(`{"actions":[{"type":"SET_PROPERTY","id":%q,"properties":{"n":%d}},{"type":"SET_PROPERTY","id":"n%d","properties":{"by":%q,"i":%d}}]}`,
			c.node, c.sent+1, (c.sent+i)%setNodes, c.name, c.sent+1))
		c.sent++
		if err != nil {
			c.unanswered++
			return
		}
		c.acked = c.sent
	}
}

// agreeInEffect syncs devices until they export the same and nothing waits, however many entries each had to read.
func agreeInEffect(t *testing.T, bucket string, devices ...*device) []byte {
	t.Helper()
	for ended := time.Now().Add(patience); ; {
		pending, exports := uint64(0), map[string][]byte{}
		for _, d := range devices {
			if err := d.sync(t.Context()); err != nil {
				t.Fatalf("%s: %v", d.name, err)
			}
			pending += d.status(t, bucket).Pending
			export := d.export(t, bucket)
			exports[digest(export, "")] = export
		}
		if pending == 0 && len(exports) == 1 {
			for _, export := range exports {
				return export
			}
		}
		if time.Now().After(ended) {
			t.Fatalf("no agreement in %v: %d entries wait, %d different exports", patience, pending, len(exports))
		}
	}
}

// count reads the device's number from an export.
func (c *counting) count(t *testing.T, export []byte) int {
	t.Helper()
	for line := range strings.Lines(string(export)) {
		var node struct {
			ID string
			N  int
		}
		if err := json.Unmarshal([]byte(line), &node); err != nil {
			t.Fatal(err)
		}
		if node.ID == c.node {
			return node.N
		}
	}
	return -1
}

// measure answers the size of a share and its files.
func measure(t *testing.T, share string) (size int64, files map[string]bool) {
	t.Helper()
	files = map[string]bool{}
	err := filepath.WalkDir(share, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return nil //nolint:nilerr // it was removed meanwhile
		}
		if info, err := entry.Info(); err == nil {
			size += info.Size()
			files[path] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return size, files
}

func kilobytes(sizes []int64) string {
	var b strings.Builder
	for _, size := range sizes {
		fmt.Fprintf(&b, " %d", (size+512)/1024)
	}
	return b.String()
}

func largest(sizes []int64) int64 {
	most := int64(0)
	for _, size := range sizes {
		most = max(most, size)
	}
	return most
}
