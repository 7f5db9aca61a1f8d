package localstore

import (
	"sync"
	"testing"
)

// TestCommittedTellsWhatWasWritten: what was refused, changed nothing or was answered before is in no commit.
func TestCommittedTellsWhatWasWritten(t *testing.T) {
	var mu sync.Mutex
	var told Commit
	o := testOptions(1)
	o.Committed = func(c Commit) {
		mu.Lock()
		defer mu.Unlock()
		if c.Took <= 0 || c.Entries < c.Own {
			t.Errorf("commit %+v", c)
		}
		told.Own += c.Own
		told.Actions += c.Actions
		told.Entries += c.Entries
		told.Bytes += c.Bytes
	}
	b := create(t, "b", nil, o)
	create := Request{Actions: actions(t, `{"actions":[{"type":"CREATE_NODE","id":"a"},{"type":"CREATE_NODE","id":"b"}]}`), Key: "k"}
	set := Request{Actions: actions(t, `{"type":"SET_PROPERTY","id":"a","property":"n","value":1}`)}
	for i, request := range []Request{create, create, set, set} {
		if _, err := b.Append(t.Context(), request); err != nil {
			t.Fatal(i, err)
		}
	}
	if _, err := b.Append(t.Context(), Request{Actions: actions(t, `{"type":"SET_PROPERTY","id":"none","property":"n","value":1}`)}); err == nil {
		t.Error("an action on no node was taken")
	}
	mu.Lock()
	defer mu.Unlock()
	if told.Own != 2 || told.Entries != 2 || told.Actions != 3 || told.Bytes < int(b.Stats().Bytes) {
		t.Errorf("told %+v", told)
	}
}
