// Package fleet plays histories of several devices that share a bucket over a remote that fails, each with a store and a
// replica as a daemon has them. Time is its own and one seed makes one plan, step by step, so that a history can be
// played again and shrunk. The outcome is compared with a naive fold of all entries that were acknowledged.
package fleet
