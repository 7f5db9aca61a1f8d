package setlog

import (
	"bytes"
	"fmt"
	"slices"
)

// The types of action that a bucket's state knows.
const (
	CreateNode     = "CREATE_NODE"
	DeleteNode     = "DELETE_NODE"
	SetProperty    = "SET_PROPERTY"
	RemoveProperty = "REMOVE_PROPERTY"
	Increment      = "INCREMENT"
	ArrayInsert    = "ARRAY_INSERT"
	ArrayRemove    = "ARRAY_REMOVE"
	ArraySet       = "ARRAY_SET"
	ArrayMove      = "ARRAY_MOVE"
	SetSchema      = "SET_SCHEMA"
	Close          = "CLOSE"
)

// Action is a Redux action: a JSON object with a type. Types that the state does not know are kept as they are.
type Action struct {
	Type string
	JSON []byte // canonical form (RFC 8785) of the whole action
	ID   string // of the node; empty for types that name none

	writes  []write // CREATE_NODE, SET_PROPERTY, REMOVE_PROPERTY
	path    []string
	by      int64
	run     *run     // INCREMENT in a log
	revive  bool     // CREATE_NODE in a log, on a node its writer saw dead
	values  [][]byte // ARRAY_INSERT, ARRAY_SET
	indexes indexes  // array actions of a caller
	slots   *slots   // array actions in a log
	schema  []byte   // SET_SCHEMA; nil is null
	stray   bool     // CREATE_NODE with members that would give it another meaning as SET_PROPERTY
}

// write is one value at one path; a nil value is "absent".
type write struct {
	path  []string
	value []byte
}

// members of an action that Compose sets and a caller may not.
const (
	reviveMember = "revive"
	runMember    = "run"
)

// ParseActions reads the body of an append: one action, or {"actions":[…]}, a transaction. It overwrites data.
func ParseActions(data []byte) ([]Action, error) {
	canonical, err := canonical(data, MaxDepth+listDepth)
	if err != nil {
		return nil, err
	}
	if !isKind(canonical, '{') {
		return nil, invalid("an action is a JSON object", `send {"type":…} or {"actions":[…]}`)
	}
	list, ok := soleActions(canonical)
	if !ok {
		a, err := newAction(canonical)
		return []Action{a}, err
	}
	var actions []Action
	for element := range elements(list) {
		a, err := newAction(element)
		if err != nil {
			return nil, at(len(actions), err)
		}
		actions = append(actions, a)
	}
	if len(actions) == 0 {
		return nil, invalid("a transaction holds at least one action", `send {"actions":[…]}`)
	}
	return actions, nil
}

// ParseAction reads one action as a caller sends it. It overwrites data.
func ParseAction(data []byte) (Action, error) {
	canonical, err := Canonical(data)
	if err != nil {
		return Action{}, err
	}
	return newAction(canonical)
}

// soleActions finds the list of an object whose only member is "actions".
func soleActions(object []byte) ([]byte, bool) {
	const prefix = `{"actions":[`
	if !bytes.HasPrefix(object, []byte(prefix)) {
		return nil, false
	}
	list := object[len(prefix)-1 : len(object)-1]
	return list, skipValue(list, 0) == len(list)
}

// newAction reads an action that a caller sends, in canonical form.
func newAction(canonical []byte) (Action, error) {
	a, err := readAction(canonical)
	switch {
	case err != nil:
		return a, err
	case depth(canonical) > MaxDepth:
		return a, invalid(fmt.Sprintf("nested deeper than %d", MaxDepth), "flatten the value")
	case a.run != nil || a.revive || a.slots != nil:
		return a, invalid("the members run, revive and slots of "+a.Type+" are set by SetLogger", "leave them out")
	case a.stray:
		return a, invalid("CREATE_NODE takes properties, not property, path or value", `"properties":{"title":"x"}`)
	}
	return a, nil
}

// readAction reads an action as it stands in a log, in canonical form.
func readAction(canonical []byte) (Action, error) {
	a := Action{JSON: canonical}
	if !isKind(canonical, '{') {
		return a, invalid("an action is a JSON object", `{"type":…}`)
	}
	var f fields
	for m := range members(canonical) {
		f.take(m)
	}
	if !isKind(f.kind, '"') {
		return a, invalid("an action has a type, a string", `{"type":"SET_PROPERTY",…}`)
	}
	a.Type = unquote(f.kind)
	switch a.Type {
	case CreateNode, DeleteNode, SetProperty, RemoveProperty, Increment, ArrayInsert, ArrayRemove, ArraySet, ArrayMove:
		if err := a.read(&f); err != nil {
			return a, err
		}
	case SetSchema:
		return a, a.readSchema(f.schema)
	}
	return a, a.checkNames()
}

// checkNames refuses a property named id: where a node is one object, its id has that name.
func (a *Action) checkNames() error {
	named := len(a.path) > 0 && a.path[0] == "id"
	for _, w := range a.writes {
		named = named || w.path[0] == "id"
	}
	if named {
		return invalid("a property named id would hide the node's id", "give it another name")
	}
	return nil
}

// fields are the members of an action that its type may need, nil where there are none.
type fields struct {
	kind, id, properties, property, path, value, by, run, revive, schema []byte
	values, index, to, count, slots                                      []byte
}

func (f *fields) take(m member) {
	switch string(m.name) {
	case `"type"`:
		f.kind = m.value
	case `"id"`:
		f.id = m.value
	case `"properties"`:
		f.properties = m.value
	case `"property"`:
		f.property = m.value
	case `"path"`:
		f.path = m.value
	case `"value"`:
		f.value = m.value
	case `"by"`:
		f.by = m.value
	case `"run"`:
		f.run = m.value
	case `"revive"`:
		f.revive = m.value
	case `"schema"`:
		f.schema = m.value
	case `"values"`:
		f.values = m.value
	case `"index"`:
		f.index = m.value
	case `"to"`:
		f.to = m.value
	case `"count"`:
		f.count = m.value
	case `"slots"`:
		f.slots = m.value
	}
}

// isArray tells whether the action is one on an array.
func (a *Action) isArray() bool {
	return a.Type == ArrayInsert || a.Type == ArrayRemove || a.Type == ArraySet || a.Type == ArrayMove
}

func (a *Action) read(f *fields) error {
	if !isKind(f.id, '"') {
		return invalid(a.Type+" needs an id, a string", `{"type":"`+a.Type+`","id":"a",…}`)
	}
	if a.ID = unquote(f.id); !validID(a.ID) {
		return invalid(fmt.Sprintf("an id has 1 to %d bytes, this one has %d", MaxID, len(a.ID)), "shorten the id")
	}
	switch a.Type {
	case CreateNode:
		a.revive = string(f.revive) == "true"
		if f.revive != nil && !a.revive && string(f.revive) != "false" {
			return invalid("revive of CREATE_NODE is true or false", "leave it out")
		}
		a.stray = f.property != nil || f.path != nil || f.value != nil
		return a.readProperties(f.properties)
	case SetProperty:
		return a.readSet(f)
	case RemoveProperty:
		path, err := f.readPath(a.Type)
		a.writes = []write{{path: path}}
		return err
	case Increment:
		return a.readIncrement(f)
	case ArrayInsert, ArrayRemove, ArraySet, ArrayMove:
		return a.readArray(f)
	}
	return nil
}

func (a *Action) readProperties(properties []byte) error {
	if properties == nil && a.Type == CreateNode {
		return nil
	}
	if !isKind(properties, '{') {
		return invalid("properties of "+a.Type+" is an object", `"properties":{"title":"x"}`)
	}
	count := 0
	for range members(properties) {
		count++
	}
	names := make([]string, 0, count)
	a.writes = make([]write, 0, count)
	for m := range members(properties) {
		names = append(names, unquote(m.name))
		a.writes = append(a.writes, write{path: names[len(names)-1 : len(names) : len(names)], value: m.value})
	}
	return nil
}

func (a *Action) readSet(f *fields) error {
	if f.properties != nil {
		if f.path != nil || f.property != nil || f.value != nil {
			return invalid("SET_PROPERTY has either properties, or path and value", "send two actions")
		}
		return a.readProperties(f.properties)
	}
	path, err := f.readPath(a.Type)
	if err != nil {
		return err
	}
	if f.value == nil {
		return invalid("SET_PROPERTY with a path needs a value", "REMOVE_PROPERTY takes a value away")
	}
	a.writes = []write{{path: path, value: f.value}}
	return nil
}

func (a *Action) readIncrement(f *fields) error {
	path, err := f.readPath(a.Type)
	if err != nil {
		return err
	}
	a.path, a.by = path, 1
	if f.by != nil {
		by, ok := parseInteger(f.by)
		if !ok {
			return invalid("by of INCREMENT is an integer within ±2^53", `"by":1`)
		}
		a.by = by
	}
	if f.run != nil {
		a.run, err = readRun(f.run)
	}
	return err
}

// readPath reads "property", a name, or "path", a list of names.
func (f *fields) readPath(kind string) ([]string, error) {
	switch {
	case f.property != nil && f.path == nil && isKind(f.property, '"'):
		return []string{unquote(f.property)}, nil
	case f.path == nil || f.property != nil || !isKind(f.path, '['):
		return nil, invalid(kind+" needs either property, a string, or path, an array", `"path":["data","foo"]`)
	}
	var path []string
	for step := range elements(f.path) {
		if !isKind(step, '"') {
			return nil, invalid("the steps of a path are strings: paths step through objects only", `"path":["data","foo"]`)
		}
		path = append(path, unquote(step))
	}
	if len(path) == 0 || len(path) > MaxDepth {
		return nil, invalid(fmt.Sprintf("a path has 1 to %d steps, this one has %d", MaxDepth, len(path)), `"path":["data","foo"]`)
	}
	return slices.Clip(path), nil
}
