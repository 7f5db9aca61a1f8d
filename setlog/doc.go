// Package setlog is the model: what an entry is, what its actions do to the nodes of a bucket, and how
// entries are written to files.
//
// It is pure: time and chance are given to it, and it reads state through an interface. State is a function of the
// set of entries; [Fold] is commutative, associative and idempotent. docs/semantics.md has the rules, docs/format.md
// the bytes.
package setlog
