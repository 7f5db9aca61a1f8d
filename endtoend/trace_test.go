package endtoend

import (
	"bufio"
	"cmp"
	"context"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// systemCall is one call of a traced daemon. Its begin and end are line numbers of the trace: the order in which the
// kernel was entered and left.
type systemCall struct {
	name       string
	begin, end int
	file       string // path of the first argument's descriptor; socket:[…] of a connection
	data       []byte // read or written
	offset     int64  // of pwrite64; the size of ftruncate
	result     int64
}

// traced starts the device's daemon under strace with calls that matter for durability; ended with the daemon, the
// returned function reads the trace. size bounds the bytes of data kept a call.
func (d *device) traced(t *testing.T, size int) func() []systemCall {
	t.Helper()
	needProgram(t, "strace")
	trace := filepath.Join(filepath.Dir(d.data), "trace")
	d.wrap = []string{
		"strace", "-f", "-q", "-y", "-xx", "-s", strconv.Itoa(size), "-o", trace,
		"-e", "trace=read,write,pwrite64,ftruncate,fsync,fdatasync", "-e", "signal=none",
	}
	d.start(t)
	return func() []systemCall {
		d.wrap = nil
		return parseTrace(t, trace)
	}
}

var (
	callLine    = regexp.MustCompile(`^(\d+) +(\w+)\((.*)$`)
	resumedLine = regexp.MustCompile(`^(\d+) +<\.\.\. (\w+) resumed>(.*)$`)
	callEnd     = regexp.MustCompile(`^(.*)\) += (-?\d+)`)
	callFile    = regexp.MustCompile(`^\d+<([^>]*)>`)
	callText    = regexp.MustCompile(`"((?:\\x[0-9a-f]{2})*)"`)
	callLast    = regexp.MustCompile(`, (\d+)$`)
)

// parseTrace reads what strace -f -y -xx wrote.
func parseTrace(t *testing.T, path string) []systemCall {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	type open struct {
		name, arguments string
		begin           int
	}
	begun := map[string]open{} // by thread
	var calls []systemCall
	lines := bufio.NewReaderSize(f, 1<<20)
	for number := 0; ; number++ {
		line, err := lines.ReadString('\n')
		if err != nil {
			return calls
		}
		line = strings.TrimSuffix(line, "\n")
		var thread string
		var call open
		if m := callLine.FindStringSubmatch(line); m != nil {
			thread, call = m[1], open{m[2], m[3], number}
			if arguments, unfinished := strings.CutSuffix(call.arguments, " <unfinished ...>"); unfinished {
				begun[thread] = open{call.name, arguments, number}
				continue
			}
		} else if m := resumedLine.FindStringSubmatch(line); m != nil {
			call = begun[m[1]]
			call.arguments += m[3]
			delete(begun, m[1])
		} else {
			continue
		}
		if m := callEnd.FindStringSubmatch(call.arguments); m != nil {
			calls = append(calls, newCall(call.name, m[1], m[2], call.begin, number))
		}
	}
}

func newCall(name, arguments, result string, begin, end int) systemCall {
	c := systemCall{name: name, begin: begin, end: end}
	c.result, _ = strconv.ParseInt(result, 10, 64)
	if m := callFile.FindStringSubmatch(arguments); m != nil {
		c.file = unescape(m[1])
	}
	if m := callText.FindStringSubmatch(arguments); m != nil {
		c.data = []byte(unescape(m[1]))
	}
	if m := callLast.FindStringSubmatch(arguments); m != nil {
		c.offset, _ = strconv.ParseInt(m[1], 10, 64)
	}
	return c
}

// unescape undoes strace's -xx.
func unescape(text string) string {
	if !strings.HasPrefix(text, `\x`) {
		return text
	}
	raw, err := hex.DecodeString(strings.ReplaceAll(text, `\x`, ""))
	if err != nil {
		return text
	}
	return string(raw)
}

// finishedSync tells whether a call made a file durable.
func (c systemCall) finishedSync(file string) bool {
	return (c.name == "fdatasync" || c.name == "fsync") && c.result == 0 && c.file == file
}

// answers are the 200 answers to appends, each with the trace lines of the last byte of its request and of its own
// first byte.
type answer struct {
	asked, answered int
	body            string
}

// known is from when on others may know of a call: what is written may be read as it begins; what a call reads may have come long after
// that has begun, and is here when it ends.
func (c systemCall) known() int {
	if c.name == "read" {
		return c.end
	}
	return c.begin
}

func answersIn(calls []systemCall) []answer {
	type request struct {
		head string // first bytes; they may come in two reads
		end  int
	}
	asked := map[string]request{} // by connection
	var all []answer
	for _, c := range slices.SortedFunc(slices.Values(calls), func(a, b systemCall) int { return cmp.Compare(a.known(), b.known()) }) {
		if !strings.HasPrefix(c.file, "socket:") || c.result <= 0 {
			continue
		}
		switch text := string(c.data); {
		case c.name == "read":
			r := asked[c.file]
			asked[c.file] = request{r.head + text[:min(len(text), 32)], c.end}
		case c.name == "write" && strings.HasPrefix(text, "HTTP/1.1 "):
			r := asked[c.file]
			delete(asked, c.file)
			if strings.HasPrefix(r.head, "POST /v1/buckets/") && strings.HasPrefix(text, "HTTP/1.1 200") {
				all = append(all, answer{r.end, c.begin, text})
			}
		}
	}
	return all
}

// TestFsyncBeforeAnswer shows that between each request and its answer the bucket's file was made durable, and that
// the test fails a daemon that does not do so.
func TestFsyncBeforeAnswer(t *testing.T) {
	answers, violations := fsyncViolations(t)
	t.Logf("strace: %d acknowledged requests, %d without a finished fsync of the bucket's file before the answer", answers, violations)
	if violations != 0 || answers < 500 {
		t.Errorf("%d of %d answers came before their fsync", violations, answers)
	}
	t.Run("NoSync is caught", func(t *testing.T) {
		answers, violations := fsyncViolations(t, "SETLOGGER_TEST_NOSYNC=1")
		t.Logf("strace with NoSync: %d acknowledged requests, %d without a finished fsync", answers, violations)
		if violations == 0 {
			t.Error("the check does not see that nothing is synced")
		}
	})
}

func fsyncViolations(t *testing.T, env ...string) (answers, violations int) {
	d := newDevice(t, "s")
	d.env = append(d.env, env...)
	d.start(t)
	d.run(t, "bucket", "create", "b")
	file := d.bucketFile(t)
	d.stop(t)
	read := d.traced(t, 512)
	var clients sync.WaitGroup
	for c := range 16 {
		clients.Go(func() { appendSome(t, d, fmt.Sprint(c), 40) })
	}
	clients.Wait()
	d.terminate(t)
	calls := read()
	for _, a := range answersIn(calls) {
		answers++
		if !syncedBetween(calls, file, a.asked, a.answered) {
			violations++
		}
	}
	return answers, violations
}

func syncedBetween(calls []systemCall, file string, from, to int) bool {
	for _, c := range calls {
		if c.begin > from && c.end < to && c.finishedSync(file) {
			return true
		}
	}
	return false
}

func appendSome(t *testing.T, d *device, name string, count int) {
	for i := range count {
		_, err := d.appendOne(context.WithoutCancel(t.Context()), "b", fmt.Sprintf(`{"type":"CREATE_NODE","id":"%s-%d","properties":{"n":%d}}`, name, i, i))
		if err != nil {
			t.Error(err)
			return
		}
	}
}
