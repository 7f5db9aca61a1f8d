package endtoend

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// killInPush kills b while what it acknowledged goes up.
func (w *world) killInPush(t *testing.T) {
	acks := &acknowledged{device: w.b, bucket: "more", prefix: ack + "push-"}
	for killed := 0; killed < w.kills; {
		var lines bytes.Buffer
		for i := range 10_000 {
			fmt.Fprintf(&lines, `{"type":"CREATE_NODE","id":"%snoise-%d-%d","properties":{"noise":"%s"}}`+"\n", ack, killed, i, noise(killed, i))
		}
		before := len(w.files(t))
		if _, err := w.b.appendLines(t.Context(), "more", lines.Bytes()); err != nil {
			t.Fatal(err)
		}
		if err := acks.add(t); err != nil {
			t.Fatal(err)
		}
		ended := time.Now().Add(patience)
		for len(w.files(t)) <= before && time.Now().Before(ended) {
			w.b.status(t, "more")
		}
		pending := w.b.status(t, "more").Pending
		w.b.kill(t)
		files := len(w.files(t)) - before
		w.b.start(t)
		acks.check(t, w.b)
		t.Logf("b killed in push: %d files were up, %d entries pending", files, pending)
		if pending > 0 {
			killed++
		}
	}
	acks.check(t, w.b)
}

// files lists what lies on the share, of whatever name.
func (w *world) files(t *testing.T) []string {
	t.Helper()
	return filesBelow(t, w.server.Folder)
}

// joinMore has a and c join what b imported through its kills.
func (w *world) joinMore(t *testing.T) {
	for _, d := range []*device{w.a, w.c} {
		d.run(t, "bucket", "join", "more", "--remote", "share")
	}
	w.sameAsExpected(t, "more", w.a, w.b, w.c)
}

const edited = 5_000

// editApart has all three edit the same nodes while the share is out of reach, and come back.
func (w *world) editApart(t *testing.T) {
	devices := []*device{w.a, w.b, w.c}
	w.server.Stop(t)
	for _, d := range devices {
		answer, err := d.appendLines(t.Context(), "cities", edits(d.name))
		if err != nil || answer.Committed != edited {
			t.Fatalf("%s: %d of %d edits without the share: %v", d.name, answer.Committed, edited, err)
		}
	}
	for _, d := range devices { // each goes on reading its own writes
		value := nodeValue(t, d, "2")
		if value["from_"+d.name] != d.name {
			t.Errorf("%s does not read what it wrote: %v", d.name, value)
		}
	}
	w.server.Restart(t)
	export := agree(t, "cities", devices...)
	w.judgeEdits(t, export)
	t.Logf("three devices edited %d nodes apart and agree on %s", edited, digest(export, `"id":"`+ack))
}

// edits are one action a node, of a kind that the node's id decides.
func edits(device string) []byte {
	var lines bytes.Buffer
	for i := 1; i <= edited; i++ {
		switch i % 5 {
		case 0:
			fmt.Fprintf(&lines, `{"type":"SET_PROPERTY","id":"%d","properties":{"population":"%s"}}`+"\n", i, device)
		case 1:
			fmt.Fprintf(&lines, `{"type":"INCREMENT","id":"%d","property":"population","by":7}`+"\n", i)
		case 2:
			fmt.Fprintf(&lines, `{"type":"SET_PROPERTY","id":"%d","path":["from_%s"],"value":"%s"}`+"\n", i, device, device)
		case 3:
			if device == "b" {
				fmt.Fprintf(&lines, `{"type":"DELETE_NODE","id":"%d"}`+"\n", i)
			} else {
				fmt.Fprintf(&lines, `{"type":"SET_PROPERTY","id":"%d","properties":{"name":"%s"}}`+"\n", i, device)
			}
		case 4:
			fmt.Fprintf(&lines, `{"type":"REMOVE_PROPERTY","id":"%d","property":"country"}`+"\n", i)
		}
	}
	return lines.Bytes()
}

// judgeEdits checks what docs/semantics.md says about each kind of edit.
func (w *world) judgeEdits(t *testing.T, export []byte) {
	t.Helper()
	before := map[string]map[string]any{}
	input, err := os.ReadFile(w.file)
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(string(input), "\n")[:edited] {
		var value map[string]any
		if err := json.Unmarshal([]byte(line), &value); err != nil {
			t.Fatal(err)
		}
		before[fmt.Sprint(i+1)] = value
	}
	after := map[string]map[string]any{}
	for line := range bytes.Lines(export) {
		var value map[string]any
		if err := json.Unmarshal(line, &value); err != nil {
			t.Fatal(err)
		}
		id, _ := value["id"].(string)
		after[id] = value
	}
	wrong := 0
	for i := 1; i <= edited; i++ {
		id := fmt.Sprint(i)
		if is := after[id]; !rightAfterEdits(i, before[id], is) {
			wrong++
			t.Logf("node %s was %v and is %v", id, before[id], is)
		}
		if wrong > 5 {
			break
		}
	}
	if wrong > 0 {
		t.Error("the merge is not what docs/semantics.md says")
	}
}

func rightAfterEdits(i int, was, is map[string]any) bool {
	switch i % 5 {
	case 0: // the last writer wins
		return is["population"] == "a" || is["population"] == "b" || is["population"] == "c"
	case 1: // all increments count
		base, _ := was["population"].(float64)
		return is["population"] == base+21
	case 2: // different properties merge
		return is["from_a"] == "a" && is["from_b"] == "b" && is["from_c"] == "c"
	case 3: // a delete beats concurrent sets
		return is == nil
	default:
		_, there := is["country"]
		return is != nil && !there
	}
}

func nodeValue(t *testing.T, d *device, id string) map[string]any {
	t.Helper()
	var n struct{ Value map[string]any }
	d.get(t, "/v1/buckets/cities/nodes/"+id, &n)
	return n.Value
}

// noise is text that gzip cannot make much smaller.
func noise(a, b int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%d %d", a, b))
	text := hex.EncodeToString(sum[:])
	for range 3 {
		sum = sha256.Sum256(sum[:])
		text += hex.EncodeToString(sum[:])
	}
	return text
}
