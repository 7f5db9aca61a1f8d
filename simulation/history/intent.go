package history

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"time"

	"github.com/setlogger/setlogger/setlog"
	"github.com/setlogger/setlogger/simulation/judge"
)

// sent is an action as its caller sent it.
type sent struct {
	Type       string
	ID         string
	Path       []string
	Properties map[string]any
	Value      any
	Values     []any
	By         float64
	Index, To  int
	Count      int
}

// checkIntent tells in an error when a node is not what the caller of a single action meant to make of it: whoever else
// wrote what, and however wrong the clocks are, a device's own action wins over all that it saw.
func checkIntent(before moment, d *device, body, line string) error {
	var a sent
	if err := json.Unmarshal([]byte(body), &a); err != nil || a.Type == "" {
		return err // a transaction
	}
	after := d.see(a.ID)
	var was, is any
	_, _ = json.Unmarshal([]byte(before[a.ID]), &was), json.Unmarshal(after, &is) // nothing of a node that is not alive
	if want, ok := a.intend(was, is, line); !ok {
		return fmt.Errorf("%s made %s of %s, meant was %v", body, after, before[a.ID], want)
	}
	return nil
}

// intend answers what is to be seen where the action acts, and whether it is.
func (a *sent) intend(was, is any, line string) (want any, ok bool) {
	there, got := at(was, a.Path), at(is, a.Path)
	switch a.Type {
	case setlog.CreateNode, setlog.SetProperty:
		return a.intendWrite(is, line)
	case setlog.DeleteNode:
		return nil, is == nil
	case setlog.RemoveProperty:
		return nil, got == nil
	case setlog.Increment:
		sum, _ := there.(float64)
		rounded := math.Abs(sum) >= 1<<53 // what is shown of the exact sum
		return sum + a.By, is != nil && (got == sum+a.By || rounded)
	case setlog.ArrayInsert, setlog.ArrayRemove, setlog.ArraySet, setlog.ArrayMove:
		array, _ := there.([]any)
		array = a.edit(slices.Clone(array))
		list, isList := got.([]any)
		if len(array) == 0 { // what it hid shows again
			return array, len(list) == 0
		}
		return array, isList && reflect.DeepEqual(list, array)
	}
	return was, reflect.DeepEqual(is, was)
}

func (a *sent) intendWrite(is any, line string) (want any, ok bool) {
	if a.Path != nil {
		return a.Value, reflect.DeepEqual(at(is, a.Path), a.Value)
	}
	object, ok := is.(map[string]any)
	for name, value := range a.Properties {
		ok = ok && reflect.DeepEqual(object[name], value)
	}
	if bytes.Contains([]byte(line), []byte(`"revive":true`)) {
		ok = ok && len(object) == len(a.Properties)
	}
	return a.Properties, ok
}

// edit does to a list what the action is to do to the array.
func (a *sent) edit(list []any) []any {
	switch a.Type {
	case setlog.ArrayInsert:
		return slices.Insert(list, a.Index, a.Values...)
	case setlog.ArrayRemove:
		return slices.Delete(list, a.Index, a.Index+max(a.Count, 1))
	case setlog.ArraySet:
		list[a.Index] = a.Value
		return list
	}
	moved := list[a.Index]
	return slices.Insert(slices.Delete(list, a.Index, a.Index+1), a.To, moved)
}

// at is what stands at a path.
func at(value any, path []string) any {
	for _, step := range path {
		object, _ := value.(map[string]any)
		value = object[step]
	}
	return value
}

// checkTaken tells in an error when an action is refused that never is.
func checkTaken(body string, refusal error) error {
	var a sent
	if err := json.Unmarshal([]byte(body), &a); err != nil {
		return err
	}
	switch a.Type {
	case setlog.CreateNode, setlog.SetSchema, setlog.Close, unknownType:
		return fmt.Errorf("%s is refused: %w", body, refusal)
	}
	return nil
}

// lead is how far a foreign stamp may pull a device's clock ahead of its wall clock.
const lead = 5 * time.Minute

// checkStamp tells in an error when an entry is stamped further ahead of the wall clock than its writer must: a stamp
// is at most five minutes ahead of what the wall clock ever was, or just above one that it had to exceed.
func (h *History) checkStamp(d *device, r judge.Record) error {
	if r.Stamp <= setlog.Wall(d.latest.Add(lead))+setlog.Stamp(len(h.Records)) {
		return nil
	}
	for _, i := range d.held {
		held := h.Records[i]
		if gap := r.Stamp - held.Stamp; gap >= 1 && gap <= 2 && (held.Writer == d.writer || touches(held, r)) {
			return nil
		}
	}
	return fmt.Errorf("%s is stamped far ahead of %s for no reason", r, d.latest)
}

// touches tells whether two entries name a node both, or set a schema both.
func touches(a, b judge.Record) bool {
	return slices.ContainsFunc(a.Actions, func(x setlog.Action) bool {
		return slices.ContainsFunc(b.Actions, func(y setlog.Action) bool {
			return x.ID == y.ID && (x.ID != "" || x.Type == y.Type)
		})
	})
}
