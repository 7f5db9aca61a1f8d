package localstore

import (
	"errors"
	"strings"
	"testing"

	bolt "go.etcd.io/bbolt"

	"github.com/setlogger/setlogger/setlog"
)

const strict = `{"type":"SET_SCHEMA","schema":{"properties":{"title":{"type":"string"},"n":{"maximum":5}},"required":["title"]}}`

func TestSchemaIsCheckedAtAppend(t *testing.T) {
	b := create(t, "todos", nil, testOptions(1))
	dispatch(t, b, `{"type":"CREATE_NODE","id":"old","properties":{"n":9}}`)
	dispatch(t, b, strict)
	tests := []struct{ name, body, want string }{
		{"a good node", `{"type":"CREATE_NODE","id":"a","properties":{"title":"x"}}`, ""},
		{"a wrong type", `{"type":"SET_PROPERTY","id":"a","properties":{"title":1}}`, "/title"},
		{"a missing member", `{"type":"REMOVE_PROPERTY","id":"a","property":"title"}`, "/title: it is missing"},
		{"a counter beyond", `{"type":"INCREMENT","id":"a","property":"n","by":6}`, "/n"},
		{"an old fault may stay", `{"type":"SET_PROPERTY","id":"old","properties":{"x":1}}`, ""},
		{"and be put right in steps", `{"type":"SET_PROPERTY","id":"old","properties":{"title":"x"}}`, ""},
		{"but no new one added", `{"type":"REMOVE_PROPERTY","id":"old","property":"title"}`, "/title"},
		{"a delete is always allowed", `{"type":"DELETE_NODE","id":"old"}`, ""},
		{"a schema that is none", `{"type":"SET_SCHEMA","schema":{"type":"strong"}}`, "not usable: /type"},
		{"a transaction with its own schema", `{"actions":[{"type":"SET_SCHEMA","schema":{"maxProperties":1}},{"type":"SET_PROPERTY","id":"a","properties":{"n":1}}]}`, "breaks"},
		{"no schema", `{"type":"SET_SCHEMA","schema":null}`, ""},
		{"then anything goes", `{"type":"SET_PROPERTY","id":"a","properties":{"title":1}}`, ""},
	}
	for _, test := range tests {
		before := b.now().offset
		_, err := b.Append(t.Context(), Request{Actions: actions(t, "%s", test.body)})
		var refusal *setlog.Refusal
		switch {
		case test.want == "" && err != nil:
			t.Errorf("%s: %v", test.name, err)
		case test.want != "" && (!errors.As(err, &refusal) || refusal.Kind != setlog.Invalid || !strings.Contains(err.Error(), test.want)):
			t.Errorf("%s: error is %v, want %q", test.name, err, test.want)
		case test.want != "" && b.now().offset != before:
			t.Errorf("%s: refused and appended", test.name)
		}
	}
}

func TestSchemaOfOthersFlagsNodes(t *testing.T) {
	a := create(t, "todos", nil, testOptions(1))
	b := create(t, "todos", a.Births(), testOptions(2))
	dispatch(t, a, strict)
	dispatch(t, b, `{"type":"CREATE_NODE","id":"n","properties":{"title":1}}`)
	foldIn(t, b, sealed(t, a)...)
	foldIn(t, a, sealed(t, b)...)
	n, err := a.Node("n")
	if err != nil || !n.Alive() {
		t.Fatal("a node that breaks the schema did not arrive", err)
	}
	if found := a.Violations(n); len(found) != 1 || found[0].Path != "/title" {
		t.Error("violations are", found)
	}
	if string(b.Schema()) != string(a.Schema()) || b.Schema() == nil {
		t.Errorf("schemas are %s and %s", a.Schema(), b.Schema())
	}
	if again := reopen(t, b); string(again.Schema()) != string(a.Schema()) {
		t.Errorf("after a restart the schema is %s", again.Schema())
	}
}

func TestMigrationFoldsArraysOfBefore(t *testing.T) {
	b := create(t, "todos", nil, testOptions(1))
	dispatch(t, b, `{"type":"CREATE_NODE","id":"a"}`)
	dispatch(t, b, `{"type":"ARRAY_INSERT","id":"a","property":"l","index":0,"values":["x","y"]}`)
	dispatch(t, b, strict)
	want, err := b.Node("a")
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(b.Flush(t.Context()), b.Close()); err != nil {
		t.Fatal(err)
	}
	forgetArrays(t, b.path)
	b = open(t, b.path, b.o)
	got, err := b.Node("a")
	if err != nil || got.Rev() != want.Rev() || b.Schema() == nil {
		t.Errorf("node is %s, want %s; schema %s; %v", got.Value(), want.Value(), b.Schema(), err)
	}
}

// forgetArrays makes a file what version 1 would have made of the same log.
func forgetArrays(t *testing.T, path string) {
	t.Helper()
	db, err := bolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		meta := tx.Bucket([]byte(bucketMeta))
		return errors.Join(tx.DeleteBucket([]byte(bucketOrders)),
			tx.Bucket([]byte(bucketNodes)).Delete([]byte("a")), meta.Delete([]byte(metaRules)), meta.Put([]byte(metaSchema), uint32Key(1)))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
}
