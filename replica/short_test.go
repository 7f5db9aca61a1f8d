package replica_test

import "testing"

// unlessShort is a count or a size of a test: the whole one, or under -short, as the race detector runs it, the short one.
func unlessShort(whole, short int) int {
	if testing.Short() {
		return short
	}
	return whole
}
