package localstore

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/setlogger/setlogger/setlog"
)

// pair is two devices with a bucket of one birth; the second one's clock is ahead by so much. Both go on by a minute
// each time that they are looked at.
func pair(t *testing.T, ahead time.Duration) (a, b *Bucket) {
	t.Helper()
	clock := func(seed byte, ahead time.Duration) Options {
		o := testOptions(seed)
		now := o.Now().Add(ahead)
		o.Now = func() time.Time { now = now.Add(time.Minute); return now }
		return o
	}
	return create(t, "todos", nil, clock(1, 0)), create(t, "todos", []string{}, clock(2, ahead))
}

// exchange brings two devices to the same entries.
func exchange(t *testing.T, a, b *Bucket) {
	t.Helper()
	fromA, fromB := sealed(t, a), sealed(t, b)
	foldIn(t, b, fromA...)
	foldIn(t, a, fromB...)
}

// story is the history of a node as "TYPE" or "TYPE-" for what is overridden, the first first.
func story(t *testing.T, b *Bucket, id string) string {
	t.Helper()
	touches, whole, err := b.History(t.Context(), id, setlog.Mark{}, 100)
	if err != nil || !whole {
		t.Fatal(whole, err)
	}
	var all []string
	for _, touch := range slices.Backward(touches) {
		var types []string
		for _, action := range touch.Entry.Actions {
			types = append(types, map[string]string{"CREATE_NODE": "C", "SET_PROPERTY": "S", "DELETE_NODE": "D", "INCREMENT": "I"}[action.Type])
		}
		text := strings.Join(types, "")
		if touch.Overridden != (setlog.EntryID{}) {
			text += "-"
		}
		all = append(all, text)
	}
	return strings.Join(all, " ")
}

const (
	makeN   = `{"type":"CREATE_NODE","id":"n","properties":{"x":1}}`
	setN    = `{"type":"SET_PROPERTY","id":"n","property":"x","value":%d}`
	deleteN = `{"type":"DELETE_NODE","id":"n"}`
)

// TestOverridden: what came to nothing by a delete that did not see it says so, whoever's clock is ahead, on both devices.
func TestOverridden(t *testing.T) {
	tests := map[string]struct {
		do   func(a, b *Bucket)
		want [2]string // b's clock behind, and ahead
	}{
		"seen by the delete": {func(a, b *Bucket) {
			dispatch(t, a, setN, 2)
			exchange(t, a, b)
			dispatch(t, b, deleteN)
		}, [2]string{"C S D", "C S D"}},
		"concurrent": {func(a, b *Bucket) {
			dispatch(t, a, setN, 2)
			dispatch(t, b, deleteN)
		}, [2]string{"C D S-", "C S- D"}},
		"some of it seen": {func(a, b *Bucket) {
			dispatch(t, a, setN, 2)
			exchange(t, a, b)
			dispatch(t, a, setN, 3)
			dispatch(t, b, setN, 4)
			dispatch(t, b, deleteN)
			dispatch(t, a, `{"type":"INCREMENT","id":"n","property":"count"}`)
		}, [2]string{"C S S D S- I-", "C S S- I- S D"}},
		"own": {func(a, _ *Bucket) {
			dispatch(t, a, setN, 2)
			dispatch(t, a, deleteN)
			dispatch(t, a, makeN)
		}, [2]string{"C S D C", "C S D C"}},
		"made anew by who saw it": {func(a, b *Bucket) {
			dispatch(t, b, deleteN)
			exchange(t, a, b)
			dispatch(t, a, makeN)
			dispatch(t, a, setN, 2)
		}, [2]string{"C D C S", "C D C S"}},
		"made anew by the other": {func(a, b *Bucket) {
			dispatch(t, a, setN, 2)
			dispatch(t, b, deleteN)
			dispatch(t, b, makeN)
		}, [2]string{"C D C S", "C S- D C"}},
		"in one entry": {func(a, b *Bucket) {
			dispatch(t, a, `{"actions":[%s,%s,{"type":"CREATE_NODE","id":"m"}]}`, fmt.Sprintf(setN, 2), fmt.Sprintf(setN, 3))
			dispatch(t, b, `{"actions":[{"type":"CREATE_NODE","id":"k"},%s]}`, deleteN)
		}, [2]string{"C D SS-", "C SS- D"}},
	}
	for name, test := range tests {
		for i, ahead := range []time.Duration{-24 * time.Hour, 24 * time.Hour} {
			t.Run(fmt.Sprint(name, i), func(t *testing.T) {
				a, b := pair(t, ahead)
				dispatch(t, a, makeN)
				exchange(t, a, b)
				test.do(a, b)
				exchange(t, a, b)
				sameState(t, a, b)
				for _, device := range []*Bucket{a, b} {
					if got := story(t, device, "n"); got != test.want[i] {
						t.Errorf("%s, want %s", got, test.want[i])
					}
				}
			})
		}
	}
}

// TestHistoryPages: pages of any size are the whole, the last first, of the node alone, and from segments of others too.
func TestHistoryPages(t *testing.T) {
	a, b := pair(t, time.Hour)
	for i := range 2 * logPage / 8 {
		putNode(t, a, fmt.Sprint(i%7), i)
		if i%3 == 0 {
			dispatch(t, a, `{"type":"ANY","text":"\"id\":\"3\"","sub":{"id":"3"}}`)
		}
	}
	exchange(t, a, b)
	dispatch(t, b, `{"type":"DELETE_NODE","id":"3"}`)
	exchange(t, a, b)
	whole, _, err := a.History(t.Context(), "3", setlog.Mark{}, 1<<20)
	if err != nil || len(whole) != 2*logPage/8/7+1 || whole[0].Entry.Actions[0].Type != setlog.DeleteNode {
		t.Fatalf("%d entries, %v", len(whole), err)
	}
	for _, limit := range []int{1, 10, len(whole)} {
		var all []setlog.EntryID
		for before := (setlog.Mark{}); ; {
			page, _, err := a.History(t.Context(), "3", before, limit)
			if err != nil || len(page) > limit {
				t.Fatal(len(page), err)
			}
			for _, touch := range page {
				all = append(all, touch.Entry.ID())
				before = setlog.Mark{Stamp: touch.Entry.Stamp, Writer: touch.Entry.Writer, Number: touch.Entry.Number}
			}
			if len(page) < limit || limit == 1 && len(all) > 20 {
				break
			}
		}
		for i, id := range all {
			if whole[i].Entry.ID() != id {
				t.Fatalf("pages of %d: %v at %d, want %v", limit, id, i, whole[i].Entry.ID())
			}
		}
	}
	if none, _, err := a.History(t.Context(), "none", setlog.Mark{}, 9); err != nil || len(none) != 0 {
		t.Error(none, err)
	}
}

// TestAt: the state at a stamp is what was there when it was written, whatever came since, in all orders.
func TestAt(t *testing.T) {
	a, b := pair(t, 24*time.Hour)
	type then struct {
		stamp setlog.Stamp
		items []Item
	}
	var all []then
	for i := range unlessShort(60, 27) {
		r := putNode(t, a, fmt.Sprint(i%11), i)
		if i%13 == 12 {
			r = dispatch(t, a, `{"type":"DELETE_NODE","id":"%d"}`, i%11)
		}
		items, err := a.Nodes("", "", 100)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, then{r.Stamp, items})
	}
	exchange(t, a, b)
	dispatch(t, b, `{"type":"DELETE_NODE","id":"1"}`)
	exchange(t, a, b)
	for _, was := range all {
		for _, device := range []*Bucket{a, b} {
			wantAt(t, device, was.stamp, was.items)
		}
	}
	last := all[len(all)-1].stamp
	m, err := a.At(t.Context(), last)
	if err != nil {
		t.Fatal(err)
	}
	putNode(t, a, "later", 1)
	if still, err := a.StillAt(t.Context(), m); !still || err != nil {
		t.Errorf("a later entry changes a moment: %v", err)
	}
	putNode(t, b, "late", 1)
	if m, err = b.At(t.Context(), setlog.MaxStamp); err != nil {
		t.Fatal(err)
	}
	exchange(t, a, b)
	if still, err := b.StillAt(t.Context(), m); still || err != nil {
		t.Errorf("an entry up to then changes nothing: %v", err)
	}
	if m, err := a.At(t.Context(), 0); err != nil || len(m.byID) != 0 {
		t.Errorf("before all: %v, %v", m, err)
	}
}

// wantAt compares a moment with what was there then.
func wantAt(t *testing.T, b *Bucket, stamp setlog.Stamp, want []Item) {
	t.Helper()
	m, err := b.At(t.Context(), stamp)
	if err != nil {
		t.Fatal(err)
	}
	got, err := m.Nodes("", "", 100)
	if err != nil || !slices.Equal(ids(got), ids(want)) {
		t.Fatalf("at %v: %v, want %v; %v", stamp, ids(got), ids(want), err)
	}
	for i, item := range want {
		n, err := b.NodeAt(t.Context(), item.ID, stamp)
		if err != nil || n.Rev() != item.Node.Rev() || got[i].Node.Rev() != item.Node.Rev() {
			t.Fatalf("at %v node %s is %s, want %s; %v", stamp, item.ID, n.Value(), item.Node.Value(), err)
		}
	}
	for _, o := range []setlog.Order{b.Order(), parseOrder(t, "-n")} {
		sorted, scanned, err := m.Ordered(o, nil, nil, 100)
		if err != nil || !scanned || !slices.IsSortedFunc(sorted, func(x, y Item) int {
			return strings.Compare(string(o.Key(x.ID, x.Node)), string(o.Key(y.ID, y.Node)))
		}) || len(sorted) != len(want) {
			t.Fatalf("in order %v: %v, %v", o, ids(sorted), err)
		}
		if len(sorted) < 3 {
			continue
		}
		first, last := o.Key(sorted[0].ID, sorted[0].Node), o.Key(sorted[len(sorted)-1].ID, sorted[len(sorted)-1].Node)
		if some, _, err := m.Ordered(o, first, last, 1); err != nil || len(some) != 1 || some[0].ID != sorted[1].ID {
			t.Fatalf("after the first: %v, %v", ids(some), err)
		}
	}
	if some, err := m.Nodes("", "1", 100); err != nil || slices.ContainsFunc(some, func(i Item) bool { return i.ID[0] != '1' }) {
		t.Fatalf("with a prefix: %v, %v", ids(some), err)
	}
}
