//go:build race

package fleet

// raced tells whether the race detector watches, which takes ten times as long: then less is tried.
const raced = true
