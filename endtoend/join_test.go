package endtoend

import (
	"testing"
)

// TestJoinAndAppendAtOnce: who joins a bucket that is within reach takes part in it, and does not begin another of the
// same name, even if the first append comes before the first node.
func TestJoinAndAppendAtOnce(t *testing.T) {
	share := t.TempDir()
	a := newStarted(t, "a", share)
	a.run(t, "bucket", "create", "x", "--remote", "share")
	first := &acknowledged{device: a, bucket: "x", prefix: "a-"}
	if err := first.add(t); err != nil {
		t.Fatal(err)
	}
	settle(t, "x", a)

	b := newStarted(t, "b", share)
	b.run(t, "bucket", "join", "x", "--remote", "share")
	second := &acknowledged{device: b, bucket: "x", prefix: "b-"}
	if err := second.add(t); err != nil {
		t.Fatal(err)
	}
	agree(t, "x", a, b)
	for _, d := range []*device{a, b} {
		first.check(t, d)
		second.check(t, d)
	}
}
