package endtoend

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

const page = 4096 // what a disk is taken to write whole

// TestLostFsync cuts the power of a disk: at a moment of a traced run the bucket's file is made again with what was
// made durable before it, and a part left to chance of what was only written. A real daemon then opens it and must have
// all that was acknowledged before the cut.
func TestLostFsync(t *testing.T) {
	cuts := 50
	if soak() {
		cuts = 1000
	}
	lost, damaged, acked := loseFsyncs(t, cuts)
	t.Logf("lost fsyncs: %d cuts, %d acknowledged entries looked for, %d lost, %d stores damaged", cuts, acked, lost, damaged)
	if lost != 0 || damaged != 0 || acked < cuts {
		t.Errorf("%d entries lost, %d stores damaged", lost, damaged)
	}
	t.Run("NoSync is caught", func(t *testing.T) {
		lost, damaged, acked := loseFsyncs(t, 10, "SETLOGGER_TEST_NOSYNC=1")
		t.Logf("lost fsyncs with NoSync: 10 cuts, %d acknowledged entries looked for, %d lost, %d stores damaged", acked, lost, damaged)
		if lost+damaged == 0 {
			t.Error("the cuts do not see that nothing is synced")
		}
	})
}

// recording is a traced run: the bucket's file before it, and what was done to it.
type recording struct {
	device  *device
	base    []byte
	file    string
	calls   []systemCall // in order of begin
	answers []answer
}

func loseFsyncs(t *testing.T, cuts int, env ...string) (lost, damaged, acked int) {
	seed := uint64(setting(t, "SETLOGGER_SEED", int(time.Now().UnixNano()&0xffffff)))
	t.Logf("seed %d", seed)
	chance := rand.New(rand.NewPCG(seed, 2))
	r := record(t, env...)
	for range cuts {
		at := r.answers[chance.IntN(len(r.answers))].answered + 1 + chance.IntN(20)
		want := r.ackedBefore(at)
		acked += len(want)
		have, err := r.openAt(t, at, chance)
		if err != nil {
			damaged++
			t.Logf("cut at line %d: %v", at, err)
			continue
		}
		for _, id := range want {
			if !have[id] {
				lost++
			}
		}
	}
	return lost, damaged, acked
}

// record makes a bucket and traces a daemon that appends to it.
func record(t *testing.T, env ...string) *recording {
	t.Helper()
	d := newDevice(t, "f")
	d.env = append(d.env, env...)
	d.start(t)
	d.run(t, "bucket", "create", "b")
	appendSome(t, d, "before", 3)
	d.stop(t)
	r := &recording{device: d, file: d.bucketFile(t)}
	var err error
	if r.base, err = os.ReadFile(r.file); err != nil {
		t.Fatal(err)
	}
	read := d.traced(t, 8<<20)
	var clients sync.WaitGroup
	for c := range 4 {
		clients.Go(func() { appendSome(t, d, fmt.Sprint(c), 50) })
	}
	clients.Wait()
	d.terminate(t)
	r.calls = inOrderOfBegin(read())
	r.answers = answersIn(r.calls)
	if len(r.answers) < 100 {
		t.Fatalf("only %d answers in the trace", len(r.answers))
	}
	return r
}

// inOrderOfBegin sorts calls as the kernel was entered.
func inOrderOfBegin(calls []systemCall) []systemCall {
	return slices.SortedFunc(slices.Values(calls), func(a, b systemCall) int { return cmp.Compare(a.begin, b.begin) })
}

var (
	numberInBody = regexp.MustCompile(`"number": ?(\d+)`)
	writerInBody = regexp.MustCompile(`"writer": ?"([a-z2-7]+)"`)
)

// ackedBefore lists the entries whose answers began before a line of the trace.
func (r *recording) ackedBefore(at int) []entryID {
	var all []entryID
	for _, a := range r.answers {
		number := numberInBody.FindStringSubmatch(a.body)
		writer := writerInBody.FindStringSubmatch(a.body)
		if a.answered < at && number != nil && writer != nil {
			n, _ := strconv.ParseUint(number[1], 10, 64)
			all = append(all, entryID{writer[1], n})
		}
	}
	return all
}

// fileAt is the bucket's file as a power cut at a line of the trace may leave it.
func (r *recording) fileAt(at int, chance *rand.Rand) []byte {
	synced := 0 // begin of the last sync that was through before the cut: what was written by then is durable
	for _, c := range r.calls {
		if c.end < at && c.finishedSync(r.file) {
			synced = max(synced, c.begin)
		}
	}
	content := slices.Clone(r.base)
	for _, c := range r.calls {
		if c.file != r.file || c.begin >= at || c.result < 0 {
			continue
		}
		durable := c.end < synced
		switch c.name {
		case "ftruncate":
			if durable || chance.IntN(2) == 0 {
				content = resized(content, int(c.offset))
			}
		case "pwrite64":
			content = r.write(content, c, durable, chance)
		}
	}
	return content
}

// write applies a write, page by page; each page of one that is not durable is left to chance.
func (r *recording) write(content []byte, c systemCall, durable bool, chance *rand.Rand) []byte {
	for from := 0; from < len(c.data); from += page {
		if !durable && chance.IntN(2) == 0 {
			continue
		}
		part := c.data[from:min(from+page, len(c.data))]
		place := int(c.offset) + from
		content = resized(content, max(len(content), place+len(part)))
		copy(content[place:], part)
	}
	return content
}

func resized(content []byte, size int) []byte {
	if size <= len(content) {
		return content[:size]
	}
	return append(content, make([]byte, size-len(content))...)
}

// openAt starts a daemon on the folder as the cut leaves it, and answers which entries it has.
func (r *recording) openAt(t *testing.T, at int, chance *rand.Rand) (map[entryID]bool, error) {
	t.Helper()
	d := newDevice(t, "cut")
	if err := os.CopyFS(d.data, os.DirFS(r.device.data)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(d.data, "buckets", filepath.Base(r.file))
	if err := os.WriteFile(file, r.fileAt(at, chance), 0o600); err != nil {
		t.Fatal(err)
	}
	d.launch(t)
	defer d.kill(t)
	if err := d.ready(); err != nil {
		return nil, err
	}
	if _, err := d.tryStatus(t.Context(), "b"); err != nil {
		return nil, err
	}
	entries, _, err := d.tryLog(t.Context(), "b", "")
	if err != nil {
		return nil, err
	}
	have := map[entryID]bool{}
	for _, e := range entries {
		have[entryID{e.Writer, e.Entry.Number}] = true
	}
	_, err = d.try(t, "verify")
	return have, err
}
