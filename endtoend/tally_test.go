package endtoend

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const (
	soakWriters = 64
	hotNodes    = 8
	ring        = 128 // ids that a writer uses over and over, so that a bucket's data stay bounded
	window      = 16  // entries of a writer that a subscriber may not have yet

	lastNode = "end" // made when all else is written: who is told of it was told of all
)

// ringID is the node that a writer makes as its k-th.
func ringID(writer, k int) string { return fmt.Sprintf("w%02d-%03d", writer, k%ring) }

func hotID(i int) string { return fmt.Sprintf("hot-%d", i) }

// toldNode is a node as a stream tells of it.
type toldNode struct {
	ID      string
	Rev     string
	Deleted bool
	Value   struct{ K, N int }
}

// sequence is what was told of one writer's nodes, each of which it makes once and deletes once, in order: what is missing
// or comes again shows in the numbers.
type sequence struct {
	made, gone int // next ones to be told
	shown      int // those below came with a snapshot

	madeLoose, goneLoose bool // since a snapshot: the first change may tell again what that had
}

// hotNode is what was told last of a node that all writers count up.
type hotNode struct {
	count uint64 // of the rev
	rev   string
	n     int
}

// tally judges what one subscriber is told.
type tally struct {
	sequences [soakWriters]sequence
	hot       [hotNodes]hotNode
	ended     bool
	snapshot  map[int][]int // by writer: what the snapshot under way told of

	told, lost, doubled int // of nodes made and deleted
	again               int // told by a snapshot, and by the change that it was ahead of
	hotTold, backwards  int // of hot nodes
	complaint           string
}

func (t *tally) complain(format string, args ...any) {
	if t.complaint == "" {
		t.complaint = fmt.Sprintf(format, args...)
	}
}

// take judges the nodes of a message.
func (t *tally) take(nodes []toldNode) {
	for i := range nodes {
		n := &nodes[i]
		writer, k, ring := ringPlace(n.ID)
		switch {
		case n.ID == lastNode:
			t.ended = true
		case !ring:
			t.takeHot(n)
		case t.snapshot != nil:
			t.snapshot[writer] = append(t.snapshot[writer], n.Value.K)
			t.told++
		case n.Deleted:
			t.takeGone(writer, k)
		default:
			t.takeMade(writer, n.Value.K)
		}
	}
}

// ringPlace reads what ringID wrote.
func ringPlace(id string) (writer, k int, ok bool) {
	if len(id) != len("w00-000") || id[0] != 'w' {
		return 0, 0, false
	}
	writer, err := strconv.Atoi(id[1:3])
	k, err2 := strconv.Atoi(id[4:])
	return writer, k, err == nil && err2 == nil
}

func (t *tally) takeMade(writer, k int) {
	s := &t.sequences[writer]
	t.told++
	if k < s.shown {
		t.again++
	}
	if s.madeLoose && k <= s.made {
		s.made = k
	}
	s.madeLoose = false
	t.judge(writer, "made", k, &s.made)
}

func (t *tally) takeGone(writer, slot int) {
	s := &t.sequences[writer]
	t.told++
	k := s.gone + (slot-s.gone%ring+ring+ring/2)%ring - ring/2 // the nearest that has this id
	if s.goneLoose && k <= s.gone {
		s.gone = k
	}
	s.goneLoose = false
	t.judge(writer, "deleted", k, &s.gone)
}

// judge compares the number told with the one expected.
func (t *tally) judge(writer int, what string, k int, next *int) {
	switch {
	case k > *next:
		t.lost += k - *next
		t.complain("LOST: %s by writer %d: %d was told, %d was next", what, writer, k, *next)
	case k < *next:
		t.doubled++
		t.complain("DOUBLED: %s by writer %d: %d was told, %d was next", what, writer, k, *next)
		return
	}
	*next = k + 1
}

func (t *tally) takeHot(n *toldNode) {
	var i int
	if _, err := fmt.Sscanf(n.ID, "hot-%d", &i); err != nil || n.Deleted {
		t.complain("node %q was told, deleted %t", n.ID, n.Deleted)
		return
	}
	t.hotTold++
	text, _, _ := strings.Cut(n.Rev, "-")
	count, err := strconv.ParseUint(text, 10, 64)
	if last := t.hot[i]; err != nil || count < last.count || n.Value.N < last.n {
		t.backwards++
		t.complain("BACKWARDS: %s went from %s to %s", n.ID, last.rev, n.Rev)
	}
	t.hot[i] = hotNode{count: count, rev: n.Rev, n: n.Value.N}
}

// reset begins a snapshot.
func (t *tally) reset() { t.snapshot = map[int][]int{} }

// broke takes back what was told since the last ready: it may come again.
func (t *tally) broke(sure [soakWriters]sequence) {
	t.sequences, t.snapshot, t.ended = sure, nil, false
}

// ready ends a snapshot: of each writer it told a run of nodes. Some behind the run may be there too, made while it was read
// where it had not come to yet; changes tell of all behind the run.
func (t *tally) ready() {
	for writer, told := range t.snapshot {
		slices.SortFunc(told, cmp.Compare[int])
		end := told[0]
		for _, k := range told {
			if k == end {
				end++
			}
		}
		t.sequences[writer] = sequence{made: end, shown: told[len(told)-1] + 1, gone: told[0], madeLoose: true, goneLoose: true}
	}
	t.snapshot = nil
}

// finish compares what was told with all that was written.
func (t *tally) finish(made, gone []int, hot [hotNodes]hotNode) {
	for writer := range t.sequences {
		s := &t.sequences[writer]
		if s.made != made[writer] || s.gone != gone[writer] {
			t.lost += max(0, made[writer]-s.made) + max(0, gone[writer]-s.gone)
			t.complain("LOST: at the end writer %d has made %d and deleted %d, told were %d and %d", writer, made[writer], gone[writer], s.made, s.gone)
		}
	}
	for i, want := range hot {
		if t.hot[i] != want {
			t.lost++
			t.complain("LOST: %s is %+v at the end, told was %+v", hotID(i), want, t.hot[i])
		}
	}
}
