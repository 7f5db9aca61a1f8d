package exhaustive

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/bits"
	"time"

	"github.com/setlogger/setlogger/setlog"
	"github.com/setlogger/setlogger/simulation/judge"
	"github.com/setlogger/setlogger/simulation/oracle"
)

// most is how many actions a history has at most.
const most = 4

// Count is what was played.
type Count struct {
	Histories int // sets of entries
	Orders    int // of delivery, of all histories
	Folds     int // states compared with another order's
	Merges    int // states compared that two parts were merged to
	Judged    int // states compared with the oracle
}

// Add adds another count.
func (c *Count) Add(o Count) {
	c.Histories += o.Histories
	c.Orders += o.Orders
	c.Folds += o.Folds
	c.Merges += o.Merges
	c.Judged += o.Judged
}

// single is the state of a bucket with one node.
type single struct{ node *setlog.Node }

func (s single) Node(string) (*setlog.Node, error) { return s.node, nil }

// player plays all histories of a shape. The genesis has bit 0 in sets of entries, event i of the shape bit i+1.
type player struct {
	Count
	words   words
	shape   shape
	judging bool // every part of a history, not only the whole

	records [most + 1]judge.Record
	states  [1 << (most + 1)]*setlog.Node // by the set of entries folded
	forms   [1 << (most + 1)][]byte       // the states' binary forms
	values  [1 << (most + 1)][]byte
	form    []byte // of the state that was compared last
}

func newPlayer(w words) (*player, error) {
	p := &player{words: w}
	action, err := setlog.ParseAction([]byte(genesis))
	if err != nil {
		return nil, err
	}
	r, err := compose(single{}, 0, 1, setlog.Clock{}, action)
	if err != nil {
		return nil, err
	}
	return p, p.deliver(0, *r)
}

// play plays the histories of a shape; those whose first action is not the given one are left out.
func (p *player) play(s shape, first int) error {
	p.shape = s
	return p.from(0, first, first+1)
}

// from tries the letters for the i-th event, given those before it.
func (p *player) from(i, low, high int) error {
	if i == len(p.shape) {
		return p.end()
	}
	e := p.shape[i]
	past := p.shape.past(i)<<1 | 1
	number := uint64(e.saw[e.writer] + 1)
	if e.writer == 0 {
		number++ // behind the genesis
	}
	seen, clock, length := single{p.states[past]}, p.clock(e.writer, past), lengthOf(p.values[past])
	for letter := low; letter < high; letter++ {
		r, err := compose(seen, e.writer, number, clock, p.words[letter][length])
		if _, refused := errors.AsType[*setlog.Refusal](err); refused || errors.Is(err, setlog.ErrUnchanged) {
			continue
		}
		if err == nil {
			err = p.deliver(i+1, *r)
		}
		if err == nil {
			err = p.from(i+1, 0, len(p.words))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// clock is that of a writer who has folded the entries of a set. The third writer's is a minute fast.
func (p *player) clock(writer int, past uint) setlog.Clock {
	var c setlog.Clock
	for i := range most + 1 {
		if past>>i&1 == 1 {
			c.Observe(wall(writer), p.records[i].Stamp)
		}
	}
	return c
}

func wall(writer int) time.Time { return time.UnixMilli(1_700_000_000_000 + int64(writer/2*60_000)) }

func compose(s setlog.State, writer int, number uint64, c setlog.Clock, a setlog.Action) (*judge.Record, error) {
	names := [writers]setlog.Writer{{0x10, 1}, {0x20, 2}, {0xF0, 3}}
	salt := setlog.Salt(0x9E3779B97F4A7C15 * (number + 16*uint64(writer+1)))
	draft := setlog.Draft{Writer: names[writer], Number: number, Salt: salt, Now: wall(writer), Clock: &c}
	e, _, err := setlog.Compose(s, draft, []setlog.Action{a})
	if err != nil {
		return nil, err
	}
	r := judge.NewRecord(e.Writer, e.Number, e.Line)
	return &r, nil
}

// lengthOf is how long the array l of a node is; 0 if there is none.
func lengthOf(value []byte) int {
	var node struct{ L json.RawMessage }
	var array []json.RawMessage
	if json.Unmarshal(value, &node) != nil || json.Unmarshal(node.L, &array) != nil {
		return 0
	}
	return len(array)
}

// deliver adds the i-th entry, and works out the state of each set with it in every order: of each set, any entry can
// be the last, and what was before it is one state whatever its order.
func (p *player) deliver(i int, r judge.Record) error {
	p.records[i] = r
	for rest := range uint(1) << i {
		set := rest | 1<<i
		p.states[set] = nil
		for last := range i + 1 {
			if set>>last&1 == 0 {
				continue
			}
			change, err := setlog.Fold(single{p.states[set&^(1<<last)]}, p.records[last].Entry)
			if err != nil {
				return err
			}
			if err := p.compare(set, change.Nodes[0].Node); err != nil {
				return p.fail(set, fmt.Sprintf("with entry %d last", last), err)
			}
			p.Folds++
		}
		if p.judging {
			if err := p.judge(set); err != nil {
				return err
			}
		}
	}
	return nil
}

// compare compares a state of a set of entries with the one that is known; the first one becomes that.
func (p *player) compare(set uint, n *setlog.Node) error {
	value := n.Value()
	p.form = n.AppendBinary(p.form[:0])
	if p.states[set] == nil {
		p.states[set], p.forms[set], p.values[set] = n, append(p.forms[set][:0], p.form...), value
		return nil
	}
	if !bytes.Equal(value, p.values[set]) || !bytes.Equal(p.form, p.forms[set]) {
		return p.differs(set, value, p.form)
	}
	return nil
}

func (p *player) differs(set uint, value, form []byte) error {
	return fmt.Errorf("%s\n%q differs from another order's %s\n%q", value, form, p.values[set], p.forms[set])
}

// end checks a whole history: with the oracle, and split in two parts every way.
func (p *player) end() error {
	whole := uint(1)<<(len(p.shape)+1) - 1
	p.Histories++
	orders := 1
	for i := range len(p.shape) + 1 {
		orders *= i + 1
	}
	p.Orders += orders
	if !p.judging {
		if err := p.judge(whole); err != nil {
			return err
		}
	}
	for part := uint(1); part < whole; part++ {
		merged := setlog.Merge(p.states[part], p.states[whole&^part])
		if form := merged.AppendBinary(p.form[:0]); !bytes.Equal(form, p.forms[whole]) {
			return p.fail(whole, fmt.Sprintf("merged from sets %b and %b", part, whole&^part), p.differs(whole, merged.Value(), form))
		}
		p.Merges++
	}
	return nil
}

// judge compares the state of a set with what the oracle says.
func (p *player) judge(set uint) error {
	said := make([]oracle.Entry, 0, most+1)
	for i := range most + 1 {
		if set>>i&1 == 1 {
			said = append(said, p.records[i].Said)
		}
	}
	p.Judged++
	want := oracle.Fold(said...).Nodes["n"]
	if rev := p.states[set].Rev(); !bytes.Equal(want.Value, p.values[set]) || rev != want.Rev {
		return p.fail(set, "in one order", fmt.Errorf("got %s %s, want %s %s", rev, p.values[set], want.Rev, want.Value))
	}
	return nil
}

func (p *player) fail(set uint, way string, err error) error {
	records := make([]judge.Record, 0, bits.OnesCount(set))
	for i := range most + 1 {
		if set>>i&1 == 1 {
			records = append(records, p.records[i])
		}
	}
	return &judge.Disagreement{Way: way, Records: records, Err: err}
}
