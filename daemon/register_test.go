package daemon

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"
)

// register is a node by the rules of docs/semantics.md alone: what porcupine compares a history with.
type register struct {
	count uint64 // of writes, in all its lives
	alive bool
	value int
}

// rev is the count, and a hash of the canonical value.
func (r register) rev() string {
	value := "null"
	if r.alive {
		value = jsonOf(r.value)
	}
	sum := sha256.Sum256([]byte(value))
	return strconv.FormatUint(r.count, 10) + "-" + hex.EncodeToString(sum[:10])
}

func jsonOf(v int) string { return fmt.Sprintf(`{"v":%d}`, v) }

// The kinds of wishes.
const (
	get    = "get"
	set    = "set"
	add    = "add"
	create = "create"
	remove = "delete"
)

// wish is what a client asks of a node. No two of a history set one value, so that none changes nothing.
type wish struct {
	node, kind string
	name       string // of its own, that the log keeps
	value      int    // that set and create give, and by how much add adds
	match      string // If-Match, of get If-None-Match
	key        string
}

func (w wish) body() []byte {
	rest := ""
	switch w.kind {
	case set:
		rest = fmt.Sprintf(`,"type":"SET_PROPERTY","properties":{"v":%d}`, w.value)
	case add:
		rest = fmt.Sprintf(`,"type":"INCREMENT","property":"v","by":%d`, w.value)
	case create:
		rest = fmt.Sprintf(`,"type":"CREATE_NODE","properties":{"v":%d}`, w.value)
	case remove:
		rest = `,"type":"DELETE_NODE"`
	}
	return fmt.Appendf(nil, `{"id":%q,"name":%q%s}`, w.node, w.name, rest)
}

// What a client may hear besides a status of HTTP.
const (
	nothing      = 0  // the wish may come true at any time after, or never
	contradicted = -1 // one answer says this, another that
	logged       = -2 // nothing was heard, and later the log was found to have it, as the write of the node that count says
)

// heard is the outcome of a wish, as the client heard of it.
type heard struct {
	status     int
	rev, value string
	count      uint64
}

// apply is what the rules say of a wish: the status, and the register after it.
func (r register) apply(w wish) (int, register) {
	switch {
	case w.kind == get && !r.alive:
		return http.StatusNotFound, r
	case w.kind == get && w.match == r.rev():
		return http.StatusNotModified, r
	case w.kind == get:
		return http.StatusOK, r
	case w.match != "" && w.match != r.rev():
		return http.StatusPreconditionFailed, r
	case !r.alive && w.kind != create:
		return http.StatusConflict, r
	}
	after := register{count: r.count + 1, alive: w.kind != remove, value: w.value}
	if w.kind == add {
		after.value += r.value
	}
	if !after.alive {
		after.value = 0
	}
	return http.StatusOK, after
}

// explains tells whether the rules allow what was heard of a wish, and how the register is then.
func (r register) explains(w wish, h heard) (bool, register) {
	status, after := r.apply(w)
	switch {
	case h.status == logged:
		return status == http.StatusOK && after.count == h.count, after
	case h.status != status:
		return false, r
	case status == http.StatusOK && w.kind == get:
		return h.rev == after.rev() && h.value == jsonOf(after.value), after
	case status == http.StatusOK || status == http.StatusNotModified:
		return h.rev == after.rev(), after
	}
	return true, after
}

// registers is the model for porcupine: each node is one register of its own.
func registers() porcupine.Model {
	return porcupine.Model{
		Partition: byNode,
		Init:      func() any { return register{} },
		Step: func(state, input, output any) (bool, any) {
			return state.(register).explains(input.(wish), output.(heard)) //nolint:errcheck // they are no others
		},
		DescribeOperation: func(input, output any) string {
			return fmt.Sprintf("%+v → %+v", input, output)
		},
		DescribeState: func(state any) string {
			r := state.(register) //nolint:errcheck // it is no other
			return fmt.Sprintf("%s %d", r.rev(), r.value)
		},
	}
}

func byNode(history []porcupine.Operation) [][]porcupine.Operation {
	nodes := map[string][]porcupine.Operation{}
	for _, o := range history {
		node := o.Input.(wish).node //nolint:errcheck // it is no other
		nodes[node] = append(nodes[node], o)
	}
	var parts [][]porcupine.Operation
	for _, node := range slices.Sorted(maps.Keys(nodes)) {
		parts = append(parts, nodes[node])
	}
	return parts
}

// checkTime bounds the search for an order that explains a history.
const checkTime = 2 * time.Minute

// linearizable fails the test when no order of a history's calls explains it, and draws the history into a file that stays.
func linearizable(t *testing.T, history []porcupine.Operation) {
	t.Helper()
	begin := time.Now()
	result, info := porcupine.CheckOperationsVerbose(registers(), history, checkTime)
	t.Logf("%d calls judged in %v: %s", len(history), time.Since(begin).Round(time.Millisecond), result)
	if result == porcupine.Ok {
		return
	}
	file, err := os.CreateTemp("", "setlogger-history-*.html")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	if err := porcupine.Visualize(registers(), info, file); err != nil {
		t.Error(err)
	}
	t.Errorf("the history is not linearizable (%s): see %s", result, file.Name())
}
