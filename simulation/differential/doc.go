// Package differential plays random histories through the model of client/, which was written from docs/format.md and
// docs/semantics.md in another language, and compares what it makes of them with the model and the oracle.
package differential
