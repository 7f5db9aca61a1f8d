package setlog_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/setlogger/setlogger/setlog"
)

// TestMergeOfParts folds overlapping parts of a history apart from each other and merges them in any grouping.
func TestMergeOfParts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		all := drawHistory(t, arrayKinds)
		whole := memory{}
		parts := make([]memory, rapid.IntRange(2, 4).Draw(t, "parts"))
		for i := range parts {
			parts[i] = memory{}
		}
		for _, e := range all {
			whole.fold(t, e)
			first := rapid.IntRange(0, len(parts)-1).Draw(t, "part")
			parts[first].fold(t, e)
			parts[rapid.IntRange(first, len(parts)-1).Draw(t, "part, too")].fold(t, e)
		}
		for _, p := range parts {
			for id, n := range p {
				sameThroughDelta(t, id, n)
			}
		}
		if rapid.Bool().Draw(t, "read") { // orders worked out before must not matter
			for _, p := range parts {
				for _, n := range p {
					n.Value()
				}
			}
		}
		merged := memory{}
		for _, id := range ids {
			if n := mergeInAnyGrouping(t, id, parts); n != nil {
				merged[id] = n
			}
		}
		same(t, whole, merged, "merged parts")
		for id, n := range merged {
			if n.Rev() != whole[id].Rev() {
				t.Fatalf("merged %s is %s, whole %s", id, n.Value(), whole[id].Value())
			}
		}
	})
}

func mergeInAnyGrouping(t *rapid.T, id string, parts []memory) *setlog.Node {
	left := make([]*setlog.Node, len(parts))
	for i := range parts {
		left[i] = parts[i][id]
	}
	for len(left) > 1 {
		i := rapid.IntRange(0, len(left)-1).Draw(t, "left")
		a := left[i]
		left = append(left[:i:i], left[i+1:]...)
		i = rapid.IntRange(0, len(left)-1).Draw(t, "right")
		left[i] = setlog.Merge(a, left[i])
		if rapid.Bool().Draw(t, "again") {
			left[i] = setlog.Merge(left[i], a)
		}
	}
	return left[0]
}
