package setlog

import (
	"bytes"
	"cmp"
)

// Schema is what a SET_SCHEMA says: a register of the bucket, of which a store keeps the greatest. The zero Schema says
// that none was ever set.
type Schema struct {
	Mark Mark
	JSON []byte // a canonical JSON object; nil for null, which takes the schema away
}

// Compare orders schemas by mark, those of equal marks (of a forked writer) by canonical bytes.
func (s Schema) Compare(o Schema) int {
	return cmp.Or(s.Mark.Compare(o.Mark), bytes.Compare(s.text(), o.text()))
}

func (s Schema) text() []byte {
	if s.JSON == nil {
		return []byte("null")
	}
	return s.JSON
}

// readSchema reads the member "schema" of SET_SCHEMA.
func (a *Action) readSchema(value []byte) error {
	if !isKind(value, '{') && string(value) != "null" {
		return invalid("schema of SET_SCHEMA is an object, or null", `"schema":{"properties":{"title":{"type":"string"}}}`)
	}
	if isKind(value, '{') {
		a.schema = value
	}
	return nil
}
