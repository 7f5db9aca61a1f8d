package localstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/setlogger/setlogger/localstore/schema"
	"github.com/setlogger/setlogger/setlog"
)

// Schema is the bucket's JSON Schema as SET_SCHEMA set it last: a canonical object, nil when there is none.
func (b *Bucket) Schema() []byte { return b.now().schema.JSON }

// Settings are those that the bucket's schema holds; zero values stand for the defaults.
func (b *Bucket) Settings() schema.Settings {
	r := b.rulesOf(b.now().schema)
	if r.compiled == nil {
		return schema.Settings{}
	}
	return *r.compiled.Settings
}

// Violations answers what the bucket's schema does not allow in a node, sorted by path; nil for a node that is not
// alive. Nodes that break it arrive from other devices, or were there before it.
func (b *Bucket) Violations(n *setlog.Node) []schema.Violation {
	return b.rulesOf(b.now().schema).violations(n)
}

// rules is a schema that is in force, ready to be asked.
type rules struct {
	setlog.Schema
	compiled *schema.Schema // nil: there is none, or none that can be used
}

// rulesOf compiles a schema, unless it was the last one asked for.
func (b *Bucket) rulesOf(s setlog.Schema) *rules {
	if last := b.rules.Load(); last != nil && last.Compare(s) == 0 {
		return last
	}
	r := &rules{Schema: s}
	if s.JSON != nil {
		var err error
		if r.compiled, err = schema.Compile(s.JSON); err != nil {
			b.o.Logger.Warn("a schema of another device can't be used: nodes go unchecked", "bucket", b.name, "error", err)
		}
	}
	b.rules.Store(r)
	return r
}

func (r *rules) violations(n *setlog.Node) []schema.Violation {
	if r.compiled == nil || !n.Alive() {
		return nil
	}
	return r.compiled.Check(n.Value())
}

// check refuses an entry by which a node comes to break the schema in a way that it did not before, and a schema that
// can't be used. What breaks it already may be put right step by step.
func (b *batch) check(change setlog.Change) error {
	r := b.c.b.rulesOf(b.ledger.schema)
	if change.Schema != nil {
		r = &rules{Schema: *change.Schema}
		if r.JSON != nil {
			compiled, err := schema.Compile(r.JSON)
			if err != nil {
				return unusable(err)
			}
			r.compiled = compiled
		}
	}
	if r.compiled == nil {
		return nil
	}
	for _, c := range change.Nodes {
		found := r.violations(c.Node)
		if len(found) == 0 {
			continue
		}
		before, err := b.Node(c.ID)
		if err != nil {
			return err
		}
		if added := without(found, r.violations(before)); len(added) > 0 {
			return &SchemaError{Node: c.ID, Violations: added}
		}
	}
	return nil
}

// SchemaError refuses an entry after which a node, or the schema that it sets, would not be as it must.
type SchemaError struct {
	Node       string // id; empty: the schema itself
	Violations []schema.Violation
}

func unusable(err error) error {
	if known, ok := errors.AsType[*schema.Error](err); ok {
		return &SchemaError{Violations: known.Problems}
	}
	return err
}

// Error names each path with its reason.
func (e *SchemaError) Error() string {
	if e.Node == "" {
		return "the schema is not usable: " + schema.Join(e.Violations)
	}
	return fmt.Sprintf("the node %q breaks the bucket's schema: %s", e.Node, schema.Join(e.Violations))
}

// Unwrap answers a *setlog.Refusal: nothing was appended.
func (e *SchemaError) Unwrap() error {
	hint := "see what is allowed: setlogger bucket schema BUCKET, or GET /v1/buckets/{bucket}/schema"
	if e.Node == "" {
		hint = "a schema is JSON Schema 2020-12: see docs/schema.md"
	}
	return &setlog.Refusal{Kind: setlog.Invalid, Reason: e.Error(), Hint: hint}
}

func without(found, known []schema.Violation) []schema.Violation {
	had := make(map[schema.Violation]bool, len(known))
	for _, v := range known {
		had[v] = true
	}
	var added []schema.Violation
	for _, v := range found {
		if !had[v] {
			added = append(added, v)
		}
	}
	return added
}

// setSchema takes over the greater of two schemas.
func (l *ledger) setSchema(s *setlog.Schema) {
	if s != nil && s.Compare(l.schema) > 0 {
		l.schema = *s
	}
}

// encodeSchema is stamp u64, writer, number u64, position u32, and the text, which is null for none.
func encodeSchema(s setlog.Schema) []byte {
	dst := binary.BigEndian.AppendUint64(nil, uint64(s.Mark.Stamp))
	dst = append(dst, s.Mark.Writer[:]...)
	dst = binary.BigEndian.AppendUint64(dst, s.Mark.Number)
	dst = binary.BigEndian.AppendUint32(dst, s.Mark.Position)
	if s.JSON == nil {
		return append(dst, "null"...)
	}
	return append(dst, s.JSON...)
}

func decodeSchema(v []byte) (setlog.Schema, error) {
	var s setlog.Schema
	if len(v) == 0 {
		return s, nil
	}
	const fixed = 8 + len(s.Mark.Writer) + 8 + 4
	if len(v) < fixed+len("{}") {
		return s, fmt.Errorf("schema: %w", errRecord)
	}
	s.Mark.Stamp, v = setlog.Stamp(binary.BigEndian.Uint64(v)), v[8:]
	v = v[copy(s.Mark.Writer[:], v):]
	s.Mark.Number, v = binary.BigEndian.Uint64(v), v[8:]
	s.Mark.Position, v = binary.BigEndian.Uint32(v), v[4:]
	if string(v) != "null" {
		s.JSON = bytes.Clone(v)
	}
	return s, nil
}
