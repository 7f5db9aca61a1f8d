// Package setting reads from the environment how much a test plays.
package setting

import (
	"os"
	"strconv"
	"testing"
)

// Number is that in an environment variable, or another where it is empty or not set. One that is none fails the test.
func Number(t testing.TB, name string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}
