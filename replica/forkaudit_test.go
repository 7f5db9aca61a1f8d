package replica_test

import (
	"os"
	"testing"
	"time"

	"github.com/setlogger/setlogger/remote/memory"
)

// TestBranchThatAnotherSeemsToHold has a log fork: when the indexes that held one branch are lost, the other's file in past/ does not
// go for it, though it has the same numbers.
func TestBranchThatAnotherSeemsToHold(t *testing.T) {
	share := memory.New()
	a := newDevice(t, share, false)
	a.forgetful()
	a.witness(share, 1)
	rounds(3, a)
	if err := a.bucket.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(a.path)
	if err != nil {
		t.Fatal(err)
	}
	a.act(`{"type":"todos/filter","id":"x"}`, `{"type":"CREATE_NODE","id":"first"}`)
	a.now = a.now.Add(time.Hour)
	rounds(3, a)
	a.now = a.now.Add(time.Hour)
	rounds(9, a)
	if n := inLog(t, share); n > 0 {
		t.Fatalf("%d files are in log/", n)
	}
	a.setBack(share, data)
	b := a
	b.collector(share, 2, 1_000_000)
	b.act(`{"type":"CREATE_NODE","id":"other"}`, `{"type":"CREATE_NODE","id":"more"}`)
	rounds(8, b)
	b.expect("first", `{}`)
	b.expect("other", `{}`)
	for range 24 {
		for _, id := range []string{"first", "other", "more"} {
			b.act(`{"type":"INCREMENT","id":"` + id + `","property":"n"}`)
		}
		b.share.Compact("todos")
		b.now = b.now.Add(25 * time.Hour)
		rounds(4, b)
	}
	if n := len(names(t, share, "past")); n != 1 {
		t.Fatalf("%d files are in past/", n)
	}
	forget(t, share, "index")
	forget(t, share, "chunk")
	for range 6 {
		b.now = b.now.Add(25 * time.Hour)
		rounds(4, b)
	}
	c := newDevice(t, share, true)
	rounds(8, c)
	c.expect("first", b.value("first"))
	c.expect("more", b.value("more"))
	agree(t, b, c)
}
