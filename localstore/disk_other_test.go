//go:build !linux

package localstore

import (
	"testing"
	"time"
)

func smallDisk(t *testing.T, _ int) string {
	t.Skip("SKIPPED: a small disk is made on Linux only")
	return ""
}

func growDisk(string, int) error { return nil }

func cpuTime() time.Duration { return 0 }
