package differential

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/setlogger/setlogger/setlog"
	"github.com/setlogger/setlogger/simulation/history"
	"github.com/setlogger/setlogger/simulation/judge"
	"github.com/setlogger/setlogger/simulation/setting"
)

// program folds histories; `npm ci --ignore-scripts && npm run pretest` in client/ makes it.
const program = "../../client/.test/test/model/fold.js"

// request is a history as the program reads it.
type request struct {
	Entries []said `json:"entries"`
	Apart   bool   `json:"apart"`
}

type said struct {
	Writer string `json:"writer"`
	Number uint64 `json:"number"`
	Line   string `json:"line"`
}

// answer is what the program prints of a history.
type answer struct {
	Closed bool
	Lines  map[string]json.RawMessage
	Nodes  map[string]struct {
		Rev   string
		Value json.RawMessage
	}
	Schema json.RawMessage
}

// played is a history that was sent, in the order in which its entries were.
type played struct {
	seed    uint64
	records []judge.Record
}

// TestHistories compares as many histories as SETLOGGER_HISTORIES says, from SETLOGGER_SEED on.
func TestHistories(t *testing.T) {
	if _, err := os.Stat(program); err != nil {
		if os.Getenv("SETLOGGER_TEST_REQUIRED") == "1" {
			t.Fatal(err)
		}
		t.Skipf("the client is not built: %v", err)
	}
	first, count := setting.Number(t, "SETLOGGER_SEED", 1), setting.Number(t, "SETLOGGER_HISTORIES", 300)
	command := exec.CommandContext(t.Context(), "node", program)
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	sent := make(chan played, 64)
	go send(t, in, sent, first, count)
	compareAll(t, bufio.NewReaderSize(out, 1<<20), sent)
	if err := command.Wait(); err != nil {
		t.Fatal(err)
	}
}

// send makes the histories, and writes each with its entries in a random order, some of them twice.
func send(t *testing.T, in io.WriteCloser, sent chan<- played, first, count uint64) {
	defer close(sent)
	buffered := bufio.NewWriter(in)
	encoder := json.NewEncoder(buffered)
	encoder.SetEscapeHTML(false)
	for seed := first; seed < first+count; seed++ {
		h, err := history.Make(seed, false)
		if err != nil {
			t.Errorf("seed %d: %v", seed, err)
			break
		}
		p := played{seed: seed}
		random := rand.New(rand.NewPCG(seed, 2))
		r := request{Apart: random.IntN(2) == 0}
		for _, i := range random.Perm(len(h.Records)) {
			p.records = append(p.records, h.Records[i])
		}
		for random.IntN(2) == 0 {
			p.records = append(p.records, h.Records[random.IntN(len(h.Records))])
		}
		for _, record := range p.records {
			r.Entries = append(r.Entries, said{record.Writer.String(), record.Number, string(record.Line)})
		}
		if err := errors.Join(encoder.Encode(r), buffered.Flush()); err != nil { // an answer is waited for
			t.Errorf("seed %d: %v", seed, err)
			break
		}
		sent <- p
	}
	if err := in.Close(); err != nil {
		t.Error(err)
	}
}

func compareAll(t *testing.T, out *bufio.Reader, sent <-chan played) {
	t.Helper()
	histories, nodes, wrong := 0, 0, 0
	for p := range sent {
		line, err := out.ReadBytes('\n')
		var got answer
		if err == nil {
			err = json.Unmarshal(line, &got)
		}
		if err != nil {
			t.Errorf("seed %d: %v", p.seed, err)
			break
		}
		histories, nodes = histories+1, nodes+len(got.Nodes)
		if differs(t, p, got) {
			wrong++
		}
	}
	t.Logf("%d histories with %d nodes, %d differ", histories, nodes, wrong)
	if nodes == 0 {
		t.Error("no history has a node")
	}
	for range sent { // so that the sender ends
	}
}

// differs compares the state with the oracle's, and the nodes' lines with the model's.
func differs(t *testing.T, p played, got answer) bool {
	t.Helper()
	want := judge.Want(p.records)
	state := judge.State{}
	for _, r := range p.records {
		if err := state.Fold(r); err != nil {
			t.Fatal(err)
		}
	}
	before := t.Failed()
	failed := false
	report := func(what string, got, want any) {
		failed = true
		t.Errorf("seed %d: %s is %s, want %s", p.seed, what, got, want)
	}
	if got.Closed != want.Closed || !bytes.Equal(got.Schema, want.Schema) || len(got.Nodes) != len(want.Nodes) {
		report("the bucket", got.Schema, want.Schema)
	}
	for id, w := range want.Nodes {
		value := w.Value
		if value == nil {
			value = []byte("null")
		}
		if n := got.Nodes[id]; !bytes.Equal(n.Value, value) || n.Rev != w.Rev {
			report(strconv.Quote(id), n.Value, value)
		}
		if line := lineOf(state.Nodes[id], id); !bytes.Equal(got.Lines[id], line) {
			report("the line of "+strconv.Quote(id), got.Lines[id], line)
		}
	}
	if failed && !before {
		for _, r := range p.records {
			t.Log(r)
		}
	}
	return failed
}

func lineOf(n *setlog.Node, id string) []byte { return n.AppendDelta(nil, id) }
