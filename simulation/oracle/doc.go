// Package oracle folds a set of entries the naive way, straight from docs/format.md and docs/semantics.md, so that the
// model can be compared with it. It shares no code with the model, keeps everything it was ever told, and is slow.
package oracle
