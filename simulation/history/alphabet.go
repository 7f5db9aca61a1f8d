package history

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/setlogger/setlogger/setlog"
)

// profile weighs the types of action against each other.
type profile []weight

type weight struct {
	weight int
	make   func(*author) string
}

// author makes the actions of one history.
type author struct {
	random  *rand.Rand
	profile profile
	ids     []string
	paths   []string // JSON arrays of steps
	long    bool     // arrays grow beyond what one block of slots holds
	seen    func(id string) []byte
}

func profiles() []profile {
	return []profile{
		{{4, create}, {2, deletion}, {10, set}, {4, removal}, {6, increment}, {6, insertion}, {3, arrayRemoval}, {2, arraySet}, {2, arrayMove}, {1, schema}, {1, unknown}},
		{{1, create}, {1, set}, {10, insertion}, {5, arrayRemoval}, {4, arraySet}, {6, arrayMove}},
		{{1, set}, {4, insertion}, {3, arrayRemoval}, {3, arraySet}, {6, arrayMove}},
		{{6, create}, {6, deletion}, {5, set}, {1, removal}, {3, increment}, {3, insertion}, {1, closing}},
		{{1, create}, {12, set}, {5, removal}, {2, increment}, {2, insertion}},
		{{1, create}, {1, deletion}, {3, set}, {1, removal}, {12, increment}},
	}
}

func newAuthor(random *rand.Rand, seen func(id string) []byte) *author {
	all := profiles()
	a := &author{random: random, profile: all[random.IntN(len(all))], seen: seen}
	a.long = random.IntN(16) == 0
	a.ids = []string{"a", "b"}[:1+random.IntN(2)]
	a.paths = []string{`["x"]`, `["y"]`, `["x","y"]`, `["x","y","z"]`, `["x","z"]`, `["y","é"]`}[:1+random.IntN(6)]
	return a
}

// body makes what a caller sends: an action, or now and then a transaction.
func (a *author) body() string {
	if a.random.IntN(7) > 0 {
		return a.action()
	}
	var actions []string
	for range 2 + a.random.IntN(2) {
		actions = append(actions, a.action())
	}
	return `{"actions":[` + strings.Join(actions, ",") + `]}`
}

// first makes the nodes.
func (a *author) first() string {
	actions := make([]string, len(a.ids))
	for i, id := range a.ids {
		actions[i] = fmt.Sprintf(`{"type":%q,"id":%q}`, setlog.CreateNode, id)
	}
	return `{"actions":[` + strings.Join(actions, ",") + `]}`
}

func (a *author) action() string {
	sum := 0
	for _, w := range a.profile {
		sum += w.weight
	}
	at := a.random.IntN(sum)
	for _, w := range a.profile {
		if at -= w.weight; at < 0 {
			return w.make(a)
		}
	}
	return unknown(a)
}

func pick[T any](a *author, from ...T) T { return from[a.random.IntN(len(from))] }

// id is mostly that of a node that the device sees.
func (a *author) id() string {
	id := pick(a, a.ids...)
	for range 2 {
		if a.seen(id) != nil {
			break
		}
		id = pick(a, a.ids...)
	}
	return id
}

func (a *author) path() string { return pick(a, a.paths...) }

// list is a long array.
func (a *author) list() string {
	var text strings.Builder
	for i := range 20 + a.random.IntN(120) {
		fmt.Fprintf(&text, ",%d", i)
	}
	return "[" + text.String()[1:] + "]"
}

func (a *author) value() string {
	if a.long && a.random.IntN(4) == 0 {
		return a.list()
	}
	return pick(a, "1", "2", "0.5", "-7", "9007199254740990", `"s"`, `"é\n"`, "true", "null", "{}", "[]", `[1,2,3]`, `[[]]`,
		`{"y":1}`, `{"y":{"z":[4,5]}}`, `{"y":[],"z":3}`, `{"é":1,"y":{}}`)
}

func create(a *author) string {
	if a.random.IntN(3) == 0 {
		return fmt.Sprintf(`{"type":%q,"id":%q}`, setlog.CreateNode, a.id())
	}
	return fmt.Sprintf(`{"type":%q,"id":%q,"properties":{"x":%s,"y":%s}}`, setlog.CreateNode, a.id(), a.value(), a.value())
}

func deletion(a *author) string { return fmt.Sprintf(`{"type":%q,"id":%q}`, setlog.DeleteNode, a.id()) }

func set(a *author) string {
	if a.random.IntN(4) == 0 {
		return fmt.Sprintf(`{"type":%q,"id":%q,"properties":{"x":%s,"y":%s}}`, setlog.SetProperty, a.id(), a.value(), a.value())
	}
	return fmt.Sprintf(`{"type":%q,"id":%q,"path":%s,"value":%s}`, setlog.SetProperty, a.id(), a.path(), a.value())
}

func removal(a *author) string {
	return fmt.Sprintf(`{"type":%q,"id":%q,"path":%s}`, setlog.RemoveProperty, a.id(), a.path())
}

func increment(a *author) string {
	id := a.id()
	path, _ := a.pathTo(id, "0-")
	return fmt.Sprintf(`{"type":%q,"id":%q,"path":%s,"by":%d}`, setlog.Increment, id, path, pick(a, 1, 1, 5, -3, 0))
}

func insertion(a *author) string {
	id := a.id()
	path, length := a.pathTo(id, "[-")
	values := pick(a, `[1]`, `["a","b"]`, `[7,8,9]`, `[{}]`, `[[1],null]`)
	if a.long && a.random.IntN(2) == 0 {
		values = a.list()
	}
	return fmt.Sprintf(`{"type":%q,"id":%q,"path":%s,"index":%d,"values":%s}`, setlog.ArrayInsert, id, path, a.upTo(length), values)
}

func arrayRemoval(a *author) string {
	id, path, last := a.array()
	if last < 0 {
		return insertion(a)
	}
	index := a.upTo(last)
	count := 1
	if a.random.IntN(3) == 0 {
		count = 1 + a.upTo((last-index)/2)
	}
	return fmt.Sprintf(`{"type":%q,"id":%q,"path":%s,"index":%d,"count":%d}`, setlog.ArrayRemove, id, path, index, count)
}

func arraySet(a *author) string {
	id, path, last := a.array()
	if last < 0 {
		return insertion(a)
	}
	index := a.upTo(last)
	return fmt.Sprintf(`{"type":%q,"id":%q,"path":%s,"index":%d,"value":%s}`, setlog.ArraySet, id, path, index, a.value())
}

func arrayMove(a *author) string {
	id, path, last := a.array()
	if last < 0 {
		return insertion(a)
	}
	return fmt.Sprintf(`{"type":%q,"id":%q,"path":%s,"index":%d,"to":%d}`, setlog.ArrayMove, id, path, a.upTo(last), a.upTo(last))
}

func schema(a *author) string {
	return fmt.Sprintf(`{"type":%q,"schema":%s}`, setlog.SetSchema, pick(a, "null", "{}", `{"title":"x"}`))
}

func closing(*author) string { return fmt.Sprintf(`{"type":%q}`, setlog.Close) }

// unknownType is one that the model does not know.
const unknownType = "todos/filter"

func unknown(a *author) string { return fmt.Sprintf(`{"type":%q,"id":%q}`, unknownType, a.id()) }

// upTo is a whole number from 0 to n.
func (a *author) upTo(n int) int { return a.random.IntN(n + 1) }

// array is a path and the last index of what is mostly an array; now and then there is none, and the index is 0.
func (a *author) array() (id, path string, last int) {
	id = a.id()
	path, length := a.pathTo(id, "[")
	if a.random.IntN(16) == 0 {
		return id, path, max(0, length-1)
	}
	return id, path, length - 1
}

// pathTo is a path where the author's device mostly sees one of the kinds: '[' an array, '0' a number, '-' nothing; and
// how long the array is.
func (a *author) pathTo(id, kinds string) (path string, length int) {
	var value any
	_ = json.Unmarshal(a.seen(id), &value) // none of a node that is not alive
	for range 3 {
		path = a.path()
		kind := byte('-')
		switch seen := lookUp(value, path).(type) {
		case []any:
			kind, length = '[', len(seen)
		case float64:
			kind, length = '0', 0
		case nil:
			length = 0
		default:
			kind, length = 'x', 0
		}
		if strings.IndexByte(kinds, kind) >= 0 {
			break
		}
	}
	return path, length
}

func lookUp(value any, path string) any {
	for step := range strings.SplitSeq(strings.Trim(path, `[]"`), `","`) {
		object, _ := value.(map[string]any)
		value = object[step]
	}
	return value
}
