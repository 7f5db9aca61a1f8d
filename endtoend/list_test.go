package endtoend

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const editors = 5

// TestOneListEditedAtOnce: five devices insert into one list, remove, move and set, all at once and by index, while the
// entries of the others come in; at the end they export the same.
func TestOneListEditedAtOnce(t *testing.T) {
	rounds := setting(t, "SETLOGGER_ROUNDS", 1000)
	if soak() {
		rounds = max(rounds, 20_000)
	}
	seed := uint64(setting(t, "SETLOGGER_SEED", int(time.Now().UnixNano()&0xffffff)))
	share := t.TempDir()
	all := newEditors(t, share, editors, seed)
	devices := devicesOf(all)
	begin := time.Now()
	editAll(t, all, rounds)
	edited := time.Since(begin)
	export := agree(t, "list", devices...)
	judgeList(t, all, export, rounds)
	readsLike(t, share, "list", export)
	t.Logf("%d devices, %d rounds each, seed %d: edited in %v, agreed %v later on %d bytes, %s", editors, rounds, seed,
		edited.Round(time.Second), (time.Since(begin) - edited).Round(time.Second), len(export), digest(export, ""))
	for _, e := range all {
		e.run(t, "verify")
	}
}

// newEditors are devices that share a list. Another one made it: an undo of all that an editor did leaves it there.
func newEditors(t *testing.T, share string, n int, seed uint64) []*editor {
	t.Helper()
	maker := newStarted(t, "maker", share)
	maker.run(t, "bucket", "create", "list", "--remote", "share")
	if _, err := maker.appendOne(t.Context(), "list", `{"type":"CREATE_NODE","id":"l","properties":{"items":[]}}`); err != nil {
		t.Fatal(err)
	}
	settle(t, "list", maker)
	var all []*editor
	for i := range n {
		d := newStarted(t, fmt.Sprint("d", i), share)
		d.run(t, "bucket", "join", "list", "--remote", "share")
		all = append(all, &editor{device: d, chance: rand.New(rand.NewPCG(seed, uint64(i))), counts: map[string]int{}, wrote: map[string]bool{}})
	}
	settle(t, "list", append(devicesOf(all), maker)...)
	maker.stop(t)
	return all
}

// editAll has all edit at once.
func editAll(t *testing.T, all []*editor, rounds int) {
	t.Helper()
	var editing sync.WaitGroup
	for _, e := range all {
		editing.Go(func() { e.err = e.edit(t.Context(), rounds) })
	}
	editing.Wait()
	for _, e := range all {
		if e.err != nil {
			t.Fatalf("%s: %v", e.name, e.err)
		}
	}
}

// TestUndoAmongOthers: three devices edit one list at once and undo their own edits now and then; what others did
// since stays, and all export the same.
func TestUndoAmongOthers(t *testing.T) {
	seed := uint64(setting(t, "SETLOGGER_SEED", int(time.Now().UnixNano()&0xffffff)))
	all := newEditors(t, t.TempDir(), 3, seed)
	for _, e := range all {
		e.undoes = true
	}
	editAll(t, all, 150)
	export := agree(t, "list", devicesOf(all)...)
	undone, left := 0, 0
	for _, e := range all {
		undone, left = undone+e.counts["undone"], left+e.counts["left alone"]
	}
	t.Logf("seed %d: %d undos put back what the last entry changed, %d left some of it alone; %d bytes", seed, undone, left, len(export))
	if undone < 30 {
		t.Errorf("only %d undos", undone)
	}

	e := all[0] // alone now: what it does and undoes is as it never was
	for range 20 {
		items, err := e.items(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, action, _ := e.draw(len(items))
		if _, err := e.appendOne(t.Context(), "list", action); err != nil {
			t.Fatal(err)
		}
		if err := e.undoLast(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if after := e.export(t, "list"); string(after) != string(export) {
		t.Errorf("after 20 edits and their undos the list is not as before: %s", difference(export, after))
	}
}

func devicesOf(all []*editor) []*device {
	var devices []*device
	for _, e := range all {
		devices = append(devices, e.device)
	}
	return devices
}

// judgeList checks what holds for a list of values that are all different, whoever edits it: none of them is there
// twice, and each was written by someone. It prints how often each action was taken and refused.
func judgeList(t *testing.T, all []*editor, export []byte, rounds int) {
	t.Helper()
	var node struct{ Items []string }
	if err := json.Unmarshal(export, &node); err != nil {
		t.Fatal(err)
	}
	counts, wrote := map[string]int{}, map[string]bool{}
	for _, e := range all {
		for what, n := range e.counts {
			counts[what] += n
		}
		maps.Copy(wrote, e.wrote)
	}
	seen := map[string]bool{}
	for _, item := range node.Items {
		if seen[item] || !wrote[item] {
			t.Errorf("%s: twice %v, written by someone %v", item, seen[item], wrote[item])
		}
		seen[item] = true
	}
	var text []string
	for _, what := range slices.Sorted(maps.Keys(counts)) {
		text = append(text, fmt.Sprintf("%s %d", what, counts[what]))
	}
	t.Logf("one list: %s; it has %d elements at the end", strings.Join(text, ", "), len(node.Items))
	for _, kind := range editKinds() {
		if counts[kind] < rounds/4 {
			t.Errorf("only %d times %s in %d rounds", counts[kind], kind, rounds)
		}
	}
	if counts["saw the others"] == 0 {
		t.Error("no device saw what another one wrote before it edited the list")
	}
}

// editor edits the list on one device.
type editor struct {
	*device
	chance *rand.Rand
	counts map[string]int
	wrote  map[string]bool
	unique int
	undoes bool
	err    error
}

func editKinds() []string { return []string{"insert", "remove", "move", "set"} }

// edit takes some actions a round, at indexes of the list as it was when last read, and syncs now and then.
func (e *editor) edit(ctx context.Context, rounds int) error {
	n := 0
	for round := range rounds {
		if round == 0 || e.chance.IntN(3) == 0 {
			items, err := e.items(ctx)
			if err != nil {
				return err
			}
			if slices.ContainsFunc(items, func(item string) bool { return !e.wrote[item] }) {
				e.counts["saw the others"]++
			}
			n = len(items)
		}
		for range 1 + e.chance.IntN(3) {
			kind, action, grows := e.draw(n)
			_, err := e.appendOne(ctx, "list", action)
			switch {
			case errors.Is(err, errRefused) && strings.Contains(err.Error(), "422"):
				e.counts["refused "+kind]++ // what came in meanwhile made the list shorter
				continue
			case err != nil:
				return err
			}
			e.counts[kind]++
			n += grows
		}
		if e.chance.IntN(10) == 0 || e.undoes {
			e.counts["sync"]++
			if err := e.sync(ctx); err != nil {
				return err
			}
		}
		for e.undoes && e.chance.IntN(2) == 0 {
			if err := e.undoLast(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// undoLast undoes the device's last entry, if nobody changed what it did.
func (e *editor) undoLast(ctx context.Context) error {
	answer, err := e.call(ctx, "POST", "/v1/buckets/list/undo", "application/json", strings.NewReader(`{"last":true}`))
	if errors.Is(err, errRefused) && strings.Contains(err.Error(), "404") {
		e.counts["none left to undo"]++
		return nil
	}
	if err != nil {
		return err
	}
	var done struct {
		Number *uint64
		Left   []struct{ Reason string }
	}
	if err := json.Unmarshal(answer, &done); err != nil {
		return err
	}
	if done.Number != nil {
		e.counts["undone"]++
	}
	if len(done.Left) > 0 {
		e.counts["left alone"]++
	}
	return nil
}

func (e *editor) items(ctx context.Context) ([]string, error) {
	answer, err := e.call(ctx, "GET", "/v1/buckets/list/nodes/l", "", nil)
	if err != nil {
		return nil, err
	}
	var node struct{ Value struct{ Items []string } }
	err = json.Unmarshal(answer, &node)
	return node.Value.Items, err
}

// fewest is the length below which nothing is removed: undo is to meet others often.
func (e *editor) fewest() int {
	if e.undoes {
		return 20
	}
	return 100
}

// draw makes an action for a list of n elements that keeps it from running empty.
func (e *editor) draw(n int) (kind, action string, grows int) {
	kind = editKinds()[e.chance.IntN(4)]
	if n < 20 || kind == "remove" && n < e.fewest() {
		kind = "insert"
	}
	at := func() int { return e.chance.IntN(max(n, 1)) }
	switch kind {
	case "remove":
		count := 1 + e.chance.IntN(3)
		index := e.chance.IntN(n - count)
		return kind, fmt.Sprintf(`{"type":"ARRAY_REMOVE","id":"l","property":"items","index":%d,"count":%d}`, index, count), -count
	case "move":
		return kind, fmt.Sprintf(`{"type":"ARRAY_MOVE","id":"l","property":"items","index":%d,"to":%d}`, at(), at()), 0
	case "set":
		return kind, fmt.Sprintf(`{"type":"ARRAY_SET","id":"l","property":"items","index":%d,"value":%s}`, at(), e.value()), 0
	}
	values := []string{e.value()}
	for range e.chance.IntN(3) {
		values = append(values, e.value())
	}
	index := e.chance.IntN(n + 1)
	if e.chance.IntN(3) == 0 {
		index = n // where others add as well
	}
	return kind, fmt.Sprintf(`{"type":"ARRAY_INSERT","id":"l","property":"items","index":%d,"values":[%s]}`, index, strings.Join(values, ",")), len(values)
}

// value is one that nobody else writes.
func (e *editor) value() string {
	e.unique++
	value := fmt.Sprintf("%s-%d", e.name, e.unique)
	e.wrote[value] = true
	return fmt.Sprintf("%q", value)
}
