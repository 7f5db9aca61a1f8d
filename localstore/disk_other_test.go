//go:build !linux

package localstore

import "testing"

func smallDisk(t *testing.T, _ int) string {
	t.Skip("SKIPPED: a small disk is made on Linux only")
	return ""
}

func growDisk(string, int) error { return nil }
